-- name: dossiers_read
-- The public part of some dossiers, and which of them may not be shown. The year comes out of the code, so each look-up
-- touches one partition.
SELECT dossier.code, dossier.status, received_at, due_at, appointment_on, appointment_changes, finished_at, version,
       clock_stopped_at, dossier.public, procedure.code AS procedure_code, procedure.name AS procedure_name,
       office.id AS office_id, office.name AS office_name,
       agency.code AS agency_code, agency.name AS agency_name
  FROM unnest(:years::smallint[], :codes::text[]) AS wanted (code_year, code)
  JOIN dossier ON dossier.code_year = wanted.code_year AND dossier.code = wanted.code
  JOIN procedure ON procedure.code = dossier.procedure_code
  JOIN office ON office.id = dossier.receiving_office
  JOIN agency ON agency.code = dossier.competent_agency;

-- name: dossier_staging
CREATE TEMPORARY TABLE staged (
    line int, code_year smallint, code text, procedure_code text, receiving_office text, competent_agency text,
    channel text, status smallint, received_at timestamptz, due_at timestamptz, appointment_on date,
    appointment_changes smallint, finished_at timestamptz, returned_at timestamptz, public boolean, version bigint
) ON COMMIT DROP;

-- name: dossier_staging_end
DROP TABLE staged;

-- name: dossiers_merge
-- New dossiers are added, changed ones updated with the next version, unchanged and outdated ones left alone.
-- Only what may already lie in a cache (an update) needs the outbox; a new dossier is nowhere yet.
WITH latest AS (
    SELECT DISTINCT ON (code_year, code) * FROM staged ORDER BY code_year, code, version DESC NULLS LAST, line DESC),
known AS (
    SELECT dossier.code FROM latest JOIN dossier USING (code_year, code)),
merged AS (
    INSERT INTO dossier AS old (code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
                                received_at, due_at, appointment_on, appointment_changes, finished_at, returned_at,
                                public, version)
    SELECT code_year, code, procedure_code, receiving_office, competent_agency, channel, status,
           received_at, due_at, appointment_on, appointment_changes, finished_at, returned_at, public,
           coalesce(version, 1)
      FROM latest
    ON CONFLICT (code_year, code) DO UPDATE
       SET procedure_code = excluded.procedure_code, receiving_office = excluded.receiving_office,
           competent_agency = excluded.competent_agency, channel = excluded.channel, status = excluded.status,
           received_at = excluded.received_at, due_at = excluded.due_at, appointment_on = excluded.appointment_on,
           appointment_changes = excluded.appointment_changes, finished_at = excluded.finished_at,
           returned_at = excluded.returned_at, public = excluded.public,
           version = greatest(excluded.version, old.version + 1)
     WHERE (old.procedure_code, old.receiving_office, old.competent_agency, old.channel, old.status, old.received_at,
            old.due_at, old.appointment_on, old.appointment_changes, old.finished_at, old.returned_at, old.public)
           IS DISTINCT FROM
           (excluded.procedure_code, excluded.receiving_office, excluded.competent_agency, excluded.channel,
            excluded.status, excluded.received_at, excluded.due_at, excluded.appointment_on,
            excluded.appointment_changes, excluded.finished_at, excluded.returned_at, excluded.public)
       AND NOT EXISTS (SELECT FROM latest
                        WHERE latest.code_year = old.code_year AND latest.code = old.code
                          AND latest.version <= old.version)
    RETURNING code, version, status),
events AS (
    INSERT INTO dossier_event (code, version, action, to_status)
    SELECT code, version, 'import', status FROM merged),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'dossier', code, clock_timestamp() FROM merged JOIN known USING (code))
SELECT count(*) FILTER (WHERE known.code IS NULL) AS added, count(known.code) AS changed
  FROM merged LEFT JOIN known USING (code);

-- name: known_references
-- What an import may refer to.
SELECT (SELECT coalesce(array_agg(code), '{}') FROM procedure) AS procedures,
       (SELECT coalesce(array_agg(id), '{}') FROM office) AS offices,
       (SELECT coalesce(array_agg(code), '{}') FROM agency) AS agencies;

