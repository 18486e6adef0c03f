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
