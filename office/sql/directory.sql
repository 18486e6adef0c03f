-- name: office_briefs
SELECT office.id, short_key, name, name_en, kind, parent_id, address, valid_from, valid_to, replaced_by,
       coalesce(array_agg(agency_code ORDER BY agency_code) FILTER (WHERE agency_code IS NOT NULL), '{}') AS agencies
  FROM office LEFT JOIN office_agency ON office_agency.office_id = office.id
 GROUP BY office.id
 ORDER BY office.id;

-- name: office_calendar
SELECT calendar FROM office WHERE id = :office_id;

-- name: office_rules
-- The rules of an office and of those above it, the root first; one row per dated change, or one without. Ten levels
-- are more than any province has: a ring of parents ends there too.
WITH RECURSIVE line AS (
    SELECT id, parent_id, policy, 1 AS height FROM office WHERE id = :office_id
    UNION ALL
    SELECT above.id, above.parent_id, above.policy, height + 1
      FROM line JOIN office AS above ON above.id = line.parent_id
     WHERE height < 10)
SELECT height, policy, valid_from, rules
  FROM line LEFT JOIN office_policy ON office_policy.office_id = line.id
 ORDER BY height DESC, valid_from;

-- name: office_services
SELECT service.id, name, name_en, prefix, expected_minutes,
       coalesce(array_agg(procedure_code ORDER BY procedure_code) FILTER (WHERE procedure_code IS NOT NULL), '{}')
           AS procedures
  FROM service
  LEFT JOIN service_procedure ON service_procedure.office_id = service.office_id
                             AND service_procedure.service_id = service.id
 WHERE service.office_id = :office_id
 GROUP BY service.office_id, service.id
 ORDER BY position;

-- name: office_counters
SELECT id, name, skills FROM counter WHERE office_id = :office_id ORDER BY position;

-- name: office_procedures
SELECT code, name, name_en, field, field_en, papers, letter, four_steps, max(agency_code) AS agency
  FROM service_procedure JOIN procedure ON procedure.code = procedure_code
 WHERE office_id = :office_id
 GROUP BY procedure.code;

-- name: office_procedure_limits
SELECT procedure_code, valid_from, time_limit, fee
  FROM procedure_limit
 WHERE procedure_code IN (SELECT service_procedure.procedure_code FROM service_procedure WHERE office_id = :office_id)
 ORDER BY procedure_code, valid_from;

-- name: agencies_read
SELECT code, name, name_en FROM agency ORDER BY code;

-- name: group_kinds_read
SELECT id, name, name_en, parts FROM group_kind ORDER BY id;
