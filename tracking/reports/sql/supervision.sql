-- name: work_counts
-- The open dossiers of an office: received there, or decided by its agencies. A clock that stands is not late (see
-- tracking.status.late).
SELECT count(*) AS open,
       count(*) FILTER (WHERE runs AND due_at >= :now AND due_at <= :today_ends) AS due_today,
       count(*) FILTER (WHERE runs AND due_at > :today_ends AND due_at <= :notice_ends) AS due_tomorrow,
       count(*) FILTER (WHERE CASE WHEN runs THEN due_at < :now ELSE clock_stopped_at > due_at END) AS late,
       count(*) FILTER (WHERE status = 5) AS supplement,
       count(*) FILTER (WHERE status = 6) AS payment
  FROM dossier
 CROSS JOIN LATERAL (SELECT status <> 5 AND clock_stopped_at IS NULL AS runs) AS clock
 WHERE (receiving_office = :office_id OR competent_agency = ANY(:agencies))
   AND finished_at IS NULL AND status IN (1, 2, 4, 5, 6, 7);

-- name: work_dossiers
-- One of the lists that work_counts counts, the most urgent first, at most :most. NULL: whatever it is.
WITH found AS (
    SELECT code, procedure_code, receiving_office, competent_agency, channel, status, received_at, due_at, finished_at,
           returned_at, clock_stopped_at
      FROM dossier
     CROSS JOIN LATERAL (SELECT status <> 5 AND clock_stopped_at IS NULL AS runs) AS clock
     WHERE (receiving_office = :office_id OR competent_agency = ANY(:agencies))
       AND finished_at IS NULL AND status IN (1, 2, 4, 5, 6, 7)
       AND CASE :list
           WHEN 'due-today' THEN runs AND due_at >= :now AND due_at <= :today_ends
           WHEN 'due-tomorrow' THEN runs AND due_at > :today_ends AND due_at <= :notice_ends
           WHEN 'late' THEN CASE WHEN runs THEN due_at < :now ELSE clock_stopped_at > due_at END
           WHEN 'supplement' THEN status = 5
           WHEN 'payment' THEN status = 6
           ELSE true END
       AND (:elsewhere::boolean IS NULL OR (receiving_office <> :office_id) = :elsewhere)
       AND (:procedures::text[] IS NULL OR procedure_code = ANY(:procedures))
       AND (:agency::text IS NULL OR competent_agency = :agency)
       AND (:channel::text IS NULL OR channel = :channel)
       AND (:q::text IS NULL OR starts_with(code, :q))
     ORDER BY due_at, code
     LIMIT :most)
SELECT found.code, procedure_code, procedure.name, procedure.name_en, receiving_office,
       competent_agency, channel, status, received_at, due_at, finished_at, returned_at, clock_stopped_at,
       count(*) OVER () AS total
  FROM found JOIN procedure ON procedure.code = procedure_code
 ORDER BY due_at, found.code
OFFSET :skip LIMIT :page_size;

-- name: work_applicants
-- Names for the staff's own pages. Personal data.
SELECT code, name FROM applicant WHERE code_year = ANY(:years) AND code = ANY(:codes);

-- name: work_others
-- What else waits for somebody at an office.
SELECT (SELECT count(*) FROM apology WHERE office_id = :office_id AND sent_at IS NULL) AS apologies,
       (SELECT count(*) FROM message
         WHERE office_id = :office_id AND state = 'dead' AND ended_by IS NULL) AS dead_messages,
       (SELECT count(*) FROM message
         WHERE office_id = :office_id AND channel = 'phone' AND state = 'waiting') AS phone_calls,
       (SELECT count(*) FROM feedback WHERE office_id = :office_id AND answered_at IS NULL) AS feedback_open,
       (SELECT count(*) FROM feedback
         WHERE office_id = :office_id AND answered_at IS NULL AND due_at < :now) AS feedback_overdue;

-- name: apologies_owed
SELECT code, kind, owed_at, reason, sent_at, count(*) OVER () AS total FROM apology
 WHERE office_id = :office_id AND sent_at IS NULL
 ORDER BY owed_at, code OFFSET :skip LIMIT :page_size;

-- name: apologies_register
SELECT code, kind, owed_at, reason, sent_at, count(*) OVER () AS total FROM apology
 WHERE office_id = ANY(:offices) AND owed_at >= :first AND owed_at < :past
 ORDER BY owed_at, code OFFSET :skip LIMIT :page_size;

-- name: messages_dead
SELECT id, code, trigger, channel, attempts, error, made_at, count(*) OVER () AS total FROM message
 WHERE office_id = :office_id AND state = 'dead' AND ended_by IS NULL
 ORDER BY made_at, id LIMIT :page_size;

-- name: message_there
SELECT true FROM message WHERE id = :id AND office_id = :office_id;

-- name: message_retry
WITH changed AS (
    UPDATE message SET state = 'waiting', attempts = 0, error = NULL, next_at = now(), ended_at = NULL
     WHERE id = :id AND office_id = :office_id AND state = 'dead' AND ended_by IS NULL
    RETURNING id)
INSERT INTO audit (staff_id, office_id, action, subject, request_id)
SELECT :staff_id, :office_id, 'message-retry', 'message:' || id, :request_id FROM changed;

-- name: message_drop
WITH changed AS (
    UPDATE message SET ended_at = now(), ended_by = :staff_id
     WHERE id = :id AND office_id = :office_id AND state = 'dead' AND ended_by IS NULL
    RETURNING id)
INSERT INTO audit (staff_id, office_id, action, subject, request_id)
SELECT :staff_id, :office_id, 'message-drop', 'message:' || id, :request_id FROM changed;

-- name: message_called
WITH changed AS (
    UPDATE message SET state = 'sent', attempts = attempts + 1, ended_at = now(), ended_by = :staff_id
     WHERE id = :id AND office_id = :office_id AND channel = 'phone' AND state = 'waiting'
    RETURNING id)
INSERT INTO audit (staff_id, office_id, action, subject, request_id)
SELECT :staff_id, :office_id, 'message-called', 'message:' || id, :request_id FROM changed;

-- name: feedback_list
-- Open first, the most urgent of them on top; then the newest answers.
SELECT feedback.id, code, kind, text, at, due_at, assigned_to, staff.name AS assigned_name, answer, answered_at,
       count(*) OVER () AS total
  FROM feedback LEFT JOIN staff ON staff.id = assigned_to
 WHERE feedback.office_id = :office_id AND (answered_at IS NULL) = :open
 ORDER BY CASE WHEN :open THEN due_at END, answered_at DESC, feedback.id
OFFSET :skip LIMIT :page_size;

-- name: feedback_staff
SELECT id, name FROM staff WHERE office_id = :office_id AND NOT disabled AND role IN ('supervisor', 'admin') ORDER BY name;

-- name: feedback_there
SELECT answer FROM feedback WHERE id = :id AND office_id = :office_id;

-- name: feedback_assign
WITH changed AS (
    UPDATE feedback SET assigned_to = staff.id
      FROM staff
     WHERE feedback.id = :id AND feedback.office_id = :office_id AND answered_at IS NULL
       AND staff.id = :assigned_to AND staff.office_id = :office_id AND NOT staff.disabled
       AND assigned_to IS DISTINCT FROM staff.id
    RETURNING feedback.id)
INSERT INTO audit (staff_id, office_id, action, subject, request_id)
SELECT :staff_id, :office_id, 'feedback-assign', 'feedback:' || id, :request_id FROM changed;

-- name: feedback_answer
-- Answered once.
WITH changed AS (
    UPDATE feedback SET answer = :answer, answered_at = clock_timestamp(), answered_by = :staff_id
     WHERE id = :id AND office_id = :office_id AND answered_at IS NULL
    RETURNING id, code, office_id, answered_at),
audited AS (
    INSERT INTO audit (staff_id, office_id, action, subject, request_id)
    SELECT :staff_id, :office_id, 'feedback-answer', 'feedback:' || id, :request_id FROM changed)
SELECT code, office_id, answered_at FROM changed;
