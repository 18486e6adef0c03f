-- name: push_references
-- Whether a push names what is there.
SELECT EXISTS (SELECT FROM procedure WHERE code = :procedure) AS procedure,
       EXISTS (SELECT FROM agency WHERE code = :agency) AS agency;

-- name: push_limits
SELECT valid_from, time_limit FROM procedure_limit WHERE procedure_code = :procedure ORDER BY valid_from;

-- name: push_lock
-- How the dossier stands, and whether it is worked on here; nobody else changes it meanwhile.
SELECT status, version, receiving_office,
       (origin IS NULL AND EXISTS (SELECT FROM dossier_event
                                    WHERE dossier_event.code = dossier.code
                                      AND action NOT IN ('import', 'push', 'step', 'late'))) AS ours
  FROM dossier WHERE code_year = :year AND code = :code FOR UPDATE;

-- name: push_store
-- No row: somebody else has stored this version or a later one in the meantime.
INSERT INTO dossier AS old (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                            received_at, handed_over_at, time_limit, due_at, appointment_on, appointment_changes,
                            clock_stopped_at, stopped_minutes, supplements, processing_minutes, outcome,
                            finished_at, returned_at, version, origin)
VALUES (:year, :code, :procedure, :receiving_office, :competent_agency, :channel, :status,
        :received_at, :handed_over_at, :time_limit, :due_at, :appointment_on, :appointment_changes,
        :clock_stopped_at, :stopped_minutes, :supplements, :processing_minutes, :outcome,
        :finished_at, :returned_at, :version, :origin)
ON CONFLICT (code_year, code) DO UPDATE
   SET procedure_code = excluded.procedure_code, receiving_office = excluded.receiving_office,
       competent_agency = excluded.competent_agency, channel = excluded.channel, status = excluded.status,
       received_at = excluded.received_at, handed_over_at = excluded.handed_over_at,
       time_limit = excluded.time_limit, due_at = excluded.due_at, appointment_on = excluded.appointment_on,
       appointment_changes = excluded.appointment_changes, clock_stopped_at = excluded.clock_stopped_at,
       stopped_minutes = excluded.stopped_minutes, supplements = excluded.supplements,
       processing_minutes = excluded.processing_minutes, outcome = excluded.outcome,
       finished_at = excluded.finished_at, returned_at = excluded.returned_at,
       version = excluded.version, origin = excluded.origin
 WHERE old.version < excluded.version AND old.version IS NOT DISTINCT FROM :known::bigint
RETURNING version;

-- name: push_event
-- What comes with a stored push: its event, the steps that are not there yet, the audit row, the outbox row.
WITH steps AS (
    INSERT INTO dossier_event (at, code, version, action, to_status, details, office_id)
    SELECT DISTINCT step.at, :code, :version::bigint, 'step', coalesce(step.status, :status::smallint),
           jsonb_strip_nulls(jsonb_build_object('name', step.name, 'agency', step.agency)), :office_id
      FROM jsonb_to_recordset(:steps::jsonb) AS step (at timestamptz, name text, status smallint, agency text)
     WHERE NOT EXISTS (SELECT FROM dossier_event AS seen
                        WHERE seen.code = :code AND seen.at = step.at AND seen.action = 'step'
                          AND seen.details ->> 'name' = step.name)),
audited AS (
    INSERT INTO audit (staff_id, office_id, action, subject, version, request_id)
    VALUES (:staff_id, :office_id, 'push', 'dossier:' || :code, :version, :request_id)),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    VALUES ('dossier', :code, clock_timestamp() + interval '0.3 seconds'))
INSERT INTO dossier_event (code, version, action, from_status, to_status, staff_id, office_id)
VALUES (:code, :version, 'push', :from_status::smallint, :status, :staff_id, :office_id)
RETURNING id, at;
