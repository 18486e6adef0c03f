-- name: office_briefs
SELECT office.id, short_key, name, name_en, kind, parent_id, address, valid_from, valid_to, replaced_by,
       coalesce(array_agg(agency_code ORDER BY agency_code) FILTER (WHERE agency_code IS NOT NULL), '{}') AS agencies
  FROM office LEFT JOIN office_agency ON office_agency.office_id = office.id
 GROUP BY office.id
 ORDER BY office.id;

-- name: office_rules
SELECT calendar, policy FROM office WHERE id = :office_id;

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
SELECT procedure.code, name, name_en, field, field_en,
       (SELECT time_limit FROM procedure_limit
         WHERE procedure_code = procedure.code AND valid_from <= :today ORDER BY valid_from DESC LIMIT 1) AS time_limit
  FROM procedure
 WHERE EXISTS (SELECT FROM service_procedure
                WHERE service_procedure.office_id = :office_id AND procedure_code = procedure.code)
 ORDER BY field, name;
