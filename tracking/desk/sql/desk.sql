-- name: desk_counts
-- How many dossiers wait for a clerk: received at the office, or decided by its agencies. A part of a group that waits
-- for another opens by itself. A clock that stands is not late (see tracking.status.late).
WITH open AS (
    SELECT code, status, due_at, clock_stopped_at, case_group
      FROM dossier
     WHERE (receiving_office = :office_id OR competent_agency = ANY (:agencies))
       AND finished_at IS NULL AND status IN (1, 2, 4, 5, 6, 7))
SELECT count(*) FILTER (WHERE status = 1 AND (case_group IS NULL OR NOT EXISTS (
           SELECT FROM case_part WHERE case_part.code = open.code AND after <> '{}'))) AS new,
       count(*) FILTER (WHERE status = 2) AS hand_over,
       count(*) FILTER (WHERE status IN (4, 6, 7)) AS in_work,
       count(*) FILTER (WHERE status = 5) AS supplement,
       (SELECT count(*) FROM dossier
         WHERE receiving_office = :office_id AND finished_at IS NOT NULL AND status = 9) AS ready,
       count(*) FILTER (WHERE CASE WHEN status <> 5 AND clock_stopped_at IS NULL THEN due_at < :now
                                   ELSE clock_stopped_at > due_at END) AS late
  FROM open;

-- name: desk_open
-- One of the lists that desk_counts counts, the most urgent first.
WITH found AS (
    SELECT code, code_year, procedure_code, status, received_at, due_at, appointment_on, finished_at, clock_stopped_at
      FROM dossier
     WHERE (receiving_office = :office_id OR competent_agency = ANY (:agencies))
       AND finished_at IS NULL AND status IN (1, 2, 4, 5, 6, 7)
       AND CASE :list
           WHEN 'new' THEN status = 1 AND (case_group IS NULL OR NOT EXISTS (
               SELECT FROM case_part WHERE case_part.code = dossier.code AND after <> '{}'))
           WHEN 'hand-over' THEN status = 2
           WHEN 'in-work' THEN status IN (4, 6, 7)
           WHEN 'supplement' THEN status = 5
           WHEN 'late' THEN CASE WHEN status <> 5 AND clock_stopped_at IS NULL THEN due_at < :now
                                 ELSE clock_stopped_at > due_at END
           END
     ORDER BY due_at, code
    OFFSET :skip LIMIT :most)
SELECT found.code, procedure.name AS procedure, applicant.name AS applicant, status, received_at, due_at,
       appointment_on, finished_at, clock_stopped_at
  FROM found
  JOIN procedure ON procedure.code = procedure_code
  LEFT JOIN applicant ON applicant.code_year = found.code_year AND applicant.code = found.code
 ORDER BY due_at, found.code;

-- name: desk_ready
-- Results that nobody has fetched yet, the oldest first.
WITH found AS (
    SELECT code, code_year, procedure_code, status, received_at, due_at, appointment_on, finished_at, clock_stopped_at
      FROM dossier
     WHERE receiving_office = :office_id AND finished_at IS NOT NULL AND status = 9
     ORDER BY finished_at, code
    OFFSET :skip LIMIT :most)
SELECT found.code, procedure.name AS procedure, applicant.name AS applicant, status, received_at, due_at,
       appointment_on, finished_at, clock_stopped_at
  FROM found
  JOIN procedure ON procedure.code = procedure_code
  LEFT JOIN applicant ON applicant.code_year = found.code_year AND applicant.code = found.code
 ORDER BY finished_at, found.code;

-- name: desk_of_visit
-- What one visit handed in; a visit is of these days, and :since lets the index find it.
SELECT dossier.code, procedure.name AS procedure, applicant.name AS applicant, status, received_at, due_at,
       appointment_on, finished_at, clock_stopped_at
  FROM dossier
  JOIN procedure ON procedure.code = procedure_code
  LEFT JOIN applicant ON applicant.code_year = dossier.code_year AND applicant.code = dossier.code
 WHERE receiving_office = :office_id AND received_at >= :since AND ticket = :ticket
 ORDER BY received_at, dossier.code LIMIT :most;

-- name: desk_parts
-- The parts of an interlinked group, in order.
SELECT part.code, part.after, dossier.status, dossier.receiving_office, dossier.competent_agency,
       procedure.name AS procedure, agency.name AS agency
  FROM case_part AS part
  JOIN dossier ON dossier.code_year = part.code_year AND dossier.code = part.code
  JOIN procedure ON procedure.code = dossier.procedure_code
  JOIN agency ON agency.code = dossier.competent_agency
 WHERE part.group_code = :group_code
 ORDER BY part.position;

-- name: desk_post
-- Where the result is posted to. Personal data.
SELECT recipient, address, phone, tracking_number, sent_at FROM result_post
 WHERE code_year = :year AND code = :code;

-- name: desk_post_sent
-- The same number again changes nothing. The audit row has no number: who holds one can follow the parcel.
WITH sent AS (
    UPDATE result_post SET tracking_number = :tracking_number, sent_at = coalesce(sent_at, now())
     WHERE code_year = :year AND code = :code AND tracking_number IS DISTINCT FROM :tracking_number
    RETURNING code)
INSERT INTO audit (staff_id, office_id, action, subject, request_id)
SELECT :staff_id, :office_id, 'post-sent', 'dossier:' || code, :request_id FROM sent;

-- name: desk_messages
-- What the applicant was told, and how far that has come.
SELECT trigger, channel, state FROM message WHERE code = :code ORDER BY id;

-- name: desk_letters
-- The letters that go with the dossier, and how and when each went out.
SELECT wanted.kind, letter.channel, letter.at
  FROM (SELECT procedure.letter AS kind
          FROM dossier JOIN procedure ON procedure.code = dossier.procedure_code
         WHERE code_year = :year AND dossier.code = :code AND outcome = 'granted' AND status IN (9, 10)
           AND procedure.letter IS NOT NULL
        UNION
        SELECT 'apology' FROM apology WHERE code_year = :year AND code = :code) AS wanted
  LEFT JOIN letter ON letter.code = :code AND letter.kind = wanted.kind
 ORDER BY wanted.kind, letter.at;
