-- name: exchange_references
-- What a file may refer to.
SELECT (SELECT coalesce(array_agg(code), '{}') FROM procedure) AS procedures,
       (SELECT coalesce(array_agg(id), '{}') FROM office) AS offices,
       (SELECT coalesce(array_agg(code), '{}') FROM agency) AS agencies;

-- name: exchange_offices
SELECT id, parent_id, calendar, policy FROM office;

-- name: exchange_policy_changes
SELECT office_id, valid_from, rules FROM office_policy ORDER BY office_id, valid_from;

-- name: exchange_limits
SELECT procedure_code, valid_from, time_limit FROM procedure_limit ORDER BY procedure_code, valid_from;

-- name: dossier_staging
CREATE TEMPORARY TABLE staged (
    line int, code_year smallint, code text, procedure_code text, receiving_office text, competent_agency text,
    channel text, status smallint, received_at timestamptz, handed_over_at timestamptz, time_limit text,
    due_at timestamptz, appointment_on date, appointment_changes smallint, clock_stopped_at timestamptz,
    stopped_minutes int, supplements smallint, processing_minutes int, outcome text, finished_at timestamptz,
    returned_at timestamptz, public boolean, version bigint, origin text, steps text
) ON COMMIT DROP;

-- name: dossier_staging_clear
TRUNCATE staged;

-- name: dossier_staging_end
DROP TABLE staged;

-- name: dossiers_merge
-- New dossiers are added, changed ones updated with the next version, unchanged and outdated ones left alone; those that
-- are worked on here are refused, the answer has their lines. Only what may already lie in a cache (an update) needs the
-- outbox; a new dossier is nowhere yet.
WITH latest AS (
    SELECT DISTINCT ON (code_year, code) * FROM staged ORDER BY code_year, code, version DESC NULLS LAST, line DESC),
known AS (
    SELECT latest.code_year, latest.code, dossier.status, dossier.version,
           CASE WHEN dossier.origin IS NULL
                THEN EXISTS (SELECT FROM dossier_event
                              WHERE dossier_event.code = latest.code AND action NOT IN ('import', 'push', 'step', 'late'))
                ELSE false END AS ours
      FROM latest JOIN dossier USING (code_year, code)),
fresh AS (
    SELECT latest.*, known.code IS NULL AS is_new, known.status AS from_status,
           coalesce(latest.version, known.version + 1, 1) AS next_version
      FROM latest LEFT JOIN known USING (code_year, code)
     WHERE known.code IS NULL OR (NOT known.ours AND coalesce(latest.version > known.version, true))),
merged AS (
    INSERT INTO dossier AS old (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                                received_at, handed_over_at, time_limit, due_at, appointment_on, appointment_changes,
                                clock_stopped_at, stopped_minutes, supplements, processing_minutes, outcome,
                                finished_at, returned_at, public, version, origin)
    SELECT code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
           received_at, handed_over_at, time_limit, due_at, appointment_on, appointment_changes,
           clock_stopped_at, stopped_minutes, supplements, processing_minutes, outcome,
           finished_at, returned_at, public, next_version, origin
      FROM fresh
    ON CONFLICT (code_year, code) DO UPDATE
       SET procedure_code = excluded.procedure_code, receiving_office = excluded.receiving_office,
           competent_agency = excluded.competent_agency, channel = excluded.channel, status = excluded.status,
           received_at = excluded.received_at, handed_over_at = excluded.handed_over_at,
           time_limit = excluded.time_limit, due_at = excluded.due_at, appointment_on = excluded.appointment_on,
           appointment_changes = excluded.appointment_changes, clock_stopped_at = excluded.clock_stopped_at,
           stopped_minutes = excluded.stopped_minutes, supplements = excluded.supplements,
           processing_minutes = excluded.processing_minutes, outcome = excluded.outcome,
           finished_at = excluded.finished_at, returned_at = excluded.returned_at, public = excluded.public,
           version = excluded.version, origin = excluded.origin
     WHERE old.version < excluded.version
       AND (old.procedure_code, old.receiving_office, old.competent_agency, old.channel, old.status, old.received_at,
            old.handed_over_at, old.time_limit, old.due_at, old.appointment_on, old.appointment_changes,
            old.clock_stopped_at, old.stopped_minutes, old.supplements, old.processing_minutes, old.outcome,
            old.finished_at, old.returned_at, old.public)
           IS DISTINCT FROM
           (excluded.procedure_code, excluded.receiving_office, excluded.competent_agency, excluded.channel,
            excluded.status, excluded.received_at, excluded.handed_over_at, excluded.time_limit, excluded.due_at,
            excluded.appointment_on, excluded.appointment_changes, excluded.clock_stopped_at,
            excluded.stopped_minutes, excluded.supplements, excluded.processing_minutes, excluded.outcome,
            excluded.finished_at, excluded.returned_at, excluded.public)
    RETURNING code_year, code, version, status, receiving_office),
events AS (
    INSERT INTO dossier_event (code, version, action, from_status, to_status, office_id)
    SELECT code, merged.version, 'import', from_status, merged.status, merged.receiving_office
      FROM merged JOIN fresh USING (code_year, code)),
steps AS (
    INSERT INTO dossier_event (at, code, version, action, to_status, details, office_id)
    SELECT DISTINCT step.at, fresh.code, next_version, 'step', coalesce(step.status, fresh.status),
           jsonb_strip_nulls(jsonb_build_object('name', step.name, 'agency', step.agency)), receiving_office
      FROM fresh CROSS JOIN LATERAL jsonb_to_recordset(steps::jsonb)
                      AS step (at timestamptz, name text, status smallint, agency text)
     WHERE steps IS NOT NULL
       AND NOT EXISTS (SELECT FROM dossier_event AS seen
                        WHERE seen.code = fresh.code AND seen.at = step.at AND seen.action = 'step'
                          AND seen.details ->> 'name' = step.name)),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'dossier', code, clock_timestamp() FROM merged JOIN known USING (code_year, code))
SELECT count(*) FILTER (WHERE is_new) AS added, count(*) FILTER (WHERE NOT is_new) AS changed,
       (SELECT coalesce(array_agg(line ORDER BY line), '{}') FROM latest JOIN known USING (code_year, code)
         WHERE ours) AS refused
  FROM merged JOIN fresh USING (code_year, code);

-- name: exchange_audit
INSERT INTO audit (staff_id, office_id, action, subject, version, request_id)
VALUES (:staff_id, :office_id, :action, :subject, :version, :request_id);
