-- name: case_read
-- One dossier whole, but for the applicant.
SELECT dossier.code, procedure.code AS procedure_code, procedure.name AS procedure_name,
       office.id AS office_id, office.name AS office_name, agency.code AS agency_code, agency.name AS agency_name,
       channel, status, received_at, version, handed_over_at, dossier.time_limit, due_at, appointment_on,
       appointment_changes, clock_stopped_at, stopped_minutes, processing_minutes, outcome, finished_at, returned_at,
       supplements, extensions, originals_held, amount_due, case_group, ticket, origin, public
  FROM dossier
  JOIN procedure ON procedure.code = dossier.procedure_code
  JOIN office ON office.id = dossier.receiving_office
  JOIN agency ON agency.code = dossier.competent_agency
 WHERE dossier.code_year = :year AND dossier.code = :code;

-- name: case_lock
-- Only one action at a time on a dossier.
SELECT version FROM dossier WHERE code_year = :year AND code = :code FOR UPDATE;

-- name: case_events
SELECT id, at, action, from_status, to_status, version, staff_id, reason, details
  FROM dossier_event WHERE code = :code ORDER BY at, id;

-- name: case_applicant
SELECT name, id_number, phone, email, address, channels, language
  FROM applicant WHERE code_year = :year AND code = :code;

-- name: case_papers
SELECT name, original, returned_at FROM dossier_paper WHERE code_year = :year AND code = :code ORDER BY position;

-- name: case_change
-- One action written down: the row, the event, the audit row, and the outbox rows that make it public.
WITH changed AS (
    UPDATE dossier
       SET status = :status, version = :version, received_at = :received_at, handed_over_at = :handed_over_at,
           time_limit = :time_limit, due_at = :due_at, appointment_on = :appointment_on,
           appointment_changes = :appointment_changes, clock_stopped_at = :clock_stopped_at,
           stopped_minutes = :stopped_minutes, processing_minutes = :processing_minutes, outcome = :outcome,
           finished_at = :finished_at, returned_at = :returned_at, supplements = :supplements,
           extensions = :extensions, originals_held = :originals_held, amount_due = :amount_due, origin = NULL
     WHERE code_year = :year AND code = :code
    RETURNING code, case_group),
event AS (
    INSERT INTO dossier_event (at, code, version, action, from_status, to_status, staff_id, reason, details, office_id)
    SELECT :at, code, :version, :action, :from_status, :status, :staff_id, :reason, :details::jsonb, :office_id
      FROM changed
    RETURNING id),
audited AS (
    INSERT INTO audit (staff_id, office_id, action, subject, version, request_id)
    SELECT :staff_id, :office_id, :action, 'dossier:' || code, :version, :request_id FROM changed),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'dossier', code, clock_timestamp() + interval '0.3 seconds' FROM changed
    UNION ALL
    SELECT 'group', case_group, clock_timestamp() + interval '0.3 seconds' FROM changed WHERE case_group IS NOT NULL)
SELECT id FROM event;

-- name: case_add
-- A new dossier with its event and audit row; no row comes back when its code is taken (by an import).
WITH added AS (
    INSERT INTO dossier (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                         received_at, handed_over_at, time_limit, due_at, appointment_on, originals_held, amount_due,
                         case_group, ticket)
    VALUES (:year, :code, :procedure_code, :receiving_office, :competent_agency, :channel, :status,
            :received_at, :handed_over_at, :time_limit, :due_at, :appointment_on, :originals_held, :amount_due,
            :case_group, :ticket)
    ON CONFLICT DO NOTHING
    RETURNING code),
event AS (
    INSERT INTO dossier_event (at, code, version, action, to_status, staff_id, details, office_id)
    SELECT :received_at, code, 1, 'register', :status, :staff_id, :details::jsonb, :receiving_office FROM added
    RETURNING id),
audited AS (
    INSERT INTO audit (staff_id, office_id, action, subject, version, request_id)
    SELECT :staff_id, :receiving_office, 'register', 'dossier:' || code, 1, :request_id FROM added),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'dossier', code, clock_timestamp() + interval '0.3 seconds' FROM added)
SELECT id FROM event;

-- name: serial_draw
-- The next serial of an agency and day, under the row's lock: codes of a day have no gaps but those of undone intakes.
INSERT INTO dossier_serial AS serial (agency_code, day, last) VALUES (:agency_code, :day, 1)
ON CONFLICT (agency_code, day) DO UPDATE SET last = serial.last + 1
RETURNING last;

-- name: serial_catch_up
-- Another system numbers dossiers of this agency too: go on behind the greatest number that it has used that day.
UPDATE dossier_serial
   SET last = greatest(last, (SELECT max(substr(code, length(:prefix) + 1)::int) FROM dossier
                               WHERE code_year = :year AND starts_with(code, :prefix)))
 WHERE agency_code = :agency_code AND day = :day;

-- name: applicant_add
INSERT INTO applicant (code_year, code, name, id_number, phone, email, address, channels, language)
VALUES (:year, :code, :name, :id_number, :phone, :email, :address, :channels, :language);

-- name: papers_add
INSERT INTO dossier_paper (code_year, code, position, name, original)
SELECT :year, :code, position, name, original
  FROM unnest(:names::text[], :originals::boolean[]) WITH ORDINALITY AS paper (name, original, position);

-- name: originals_given_back
UPDATE dossier_paper SET returned_at = :at
 WHERE code_year = :year AND code = :code AND original AND returned_at IS NULL;

-- name: post_add
INSERT INTO result_post (code_year, code, recipient, address, phone)
VALUES (:year, :code, :recipient, :address, :phone);

-- name: payment_ask
INSERT INTO payment (code_year, code, amount, purpose, asked_at) VALUES (:year, :code, :amount, :purpose, :at);

-- name: payments_settle
-- All that was asked is paid at once; the bank's reference stands on the first of them.
UPDATE payment SET paid_at = :at, method = :method,
                   reference = CASE WHEN payment.id = first.id THEN :reference::text END
  FROM (SELECT min(id) AS id FROM payment WHERE code = :code AND paid_at IS NULL) AS first
 WHERE payment.code = :code AND payment.paid_at IS NULL;

-- name: apology_owe
INSERT INTO apology (code_year, code, kind, office_id, owed_at, reason)
VALUES (:year, :code, :kind, :office_id, :at, :reason)
ON CONFLICT DO NOTHING;

-- name: notice_add
WITH added AS (
    INSERT INTO intake_notice (office_id, procedure_code, at, staff_id, applicant_name, missing, reason, guidance,
                               earlier)
    VALUES (:office_id, :procedure_code, :at, :staff_id, :applicant_name, :missing, :reason, :guidance, :earlier)
    RETURNING id),
audited AS (
    INSERT INTO audit (staff_id, office_id, action, subject, request_id)
    SELECT :staff_id, :office_id, 'intake-notice', 'notice:' || id, :request_id FROM added)
SELECT id FROM added;

-- name: notice_read
-- A notice with how many there were before it.
WITH RECURSIVE chain AS (
    SELECT id, earlier, 1 AS depth FROM intake_notice WHERE id = :id AND office_id = :office_id
    UNION ALL
    SELECT before.id, before.earlier, depth + 1
      FROM chain JOIN intake_notice AS before ON before.id = chain.earlier WHERE depth < 10)
SELECT notice.id, notice.procedure_code, notice.applicant_name, notice.missing, notice.code,
       (SELECT max(depth) FROM chain) AS given
  FROM intake_notice AS notice WHERE notice.id = :id AND notice.office_id = :office_id;

-- name: notice_close
UPDATE intake_notice SET code = :code WHERE id = :id AND code IS NULL;
