-- name: export_page
-- The next dossiers of an office by the moment of receipt. Page by page, so that nothing is held while a slow reader
-- reads.
SELECT code, procedure_code AS procedure, receiving_office, competent_agency, channel, status, received_at,
       handed_over_at, time_limit, due_at, appointment_on, appointment_changes, clock_stopped_at, stopped_minutes,
       supplements, processing_minutes, outcome, finished_at, returned_at, public, version
  FROM dossier
 WHERE receiving_office = :office_id AND received_at >= :since AND received_at < :until
   AND (received_at > :since OR code > :after)
 ORDER BY received_at, code
 LIMIT :most;

-- name: export_steps
-- What happened to them, without persons, reasons and details.
SELECT code, at, coalesce(details ->> 'name', action) AS name, to_status AS status, details ->> 'agency' AS agency,
       action = 'step' AS pushed
  FROM dossier_event
 WHERE code = ANY (:codes::text[]) AND action NOT IN ('import', 'push')
 ORDER BY code, at, id;

-- name: export_after
-- Where an export that broke off goes on: the last dossier that arrived.
SELECT received_at FROM dossier
 WHERE code_year = :year AND code = :code AND receiving_office = :office_id
   AND received_at >= :since AND received_at < :until;
