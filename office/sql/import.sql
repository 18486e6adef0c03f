-- name: agency_put
INSERT INTO agency (code, name, name_en) VALUES (:code, :name, :name_en)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, name_en = excluded.name_en;

-- name: procedure_put
INSERT INTO procedure (code, name, name_en, field, field_en, papers, letter, four_steps)
VALUES (:code, :name, :name_en, :field, :field_en, :papers, :letter, :four_steps)
ON CONFLICT (code) DO UPDATE
   SET name = excluded.name, name_en = excluded.name_en, field = excluded.field, field_en = excluded.field_en,
       papers = excluded.papers, letter = excluded.letter, four_steps = excluded.four_steps;

-- name: procedure_limit_put
INSERT INTO procedure_limit (procedure_code, valid_from, time_limit, fee)
VALUES (:procedure_code, :valid_from, :time_limit, :fee)
ON CONFLICT (procedure_code, valid_from) DO UPDATE SET time_limit = excluded.time_limit, fee = excluded.fee;

-- name: group_kind_put
INSERT INTO group_kind (id, name, name_en, parts) VALUES (:id, :name, :name_en, :parts)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_en = excluded.name_en, parts = excluded.parts;

-- name: office_put
INSERT INTO office (id, short_key, name, name_en, kind, address, valid_from, valid_to, replaced_by, calendar, policy)
VALUES (:id, :short_key, :name, :name_en, :kind, :address, :valid_from, :valid_to, :replaced_by, :calendar, :policy)
ON CONFLICT (id) DO UPDATE
   SET short_key = excluded.short_key, name = excluded.name, name_en = excluded.name_en, kind = excluded.kind,
       address = excluded.address, valid_from = excluded.valid_from, valid_to = excluded.valid_to,
       replaced_by = excluded.replaced_by, calendar = excluded.calendar, policy = excluded.policy;

-- name: office_parent_put
UPDATE office SET parent_id = :parent_id WHERE id = :id;

-- name: office_agencies_clear
DELETE FROM office_agency WHERE office_id = :office_id;

-- name: office_agency_put
INSERT INTO office_agency (office_id, agency_code) VALUES (:office_id, :agency_code);

-- name: office_policies_clear
DELETE FROM office_policy WHERE office_id = :office_id;

-- name: office_policy_put
INSERT INTO office_policy (office_id, valid_from, rules) VALUES (:office_id, :valid_from, :rules);

-- name: office_wordings_clear
DELETE FROM letter_text WHERE office_id = :office_id;

-- name: office_wording_put
INSERT INTO letter_text (office_id, kind, language, body) VALUES (:office_id, :kind, :language, :body);

-- name: service_put
INSERT INTO service (office_id, id, name, name_en, prefix, expected_minutes, position)
VALUES (:office_id, :id, :name, :name_en, :prefix, :expected_minutes, :position)
ON CONFLICT (office_id, id) DO UPDATE
   SET name = excluded.name, name_en = excluded.name_en, prefix = excluded.prefix,
       expected_minutes = excluded.expected_minutes, position = excluded.position;

-- name: service_procedures_clear
DELETE FROM service_procedure WHERE office_id = :office_id;

-- name: service_procedure_put
INSERT INTO service_procedure (office_id, service_id, procedure_code, agency_code)
VALUES (:office_id, :service_id, :procedure_code, :agency_code);

-- name: counter_put
INSERT INTO counter (id, office_id, name, position, skills) VALUES (:id, :office_id, :name, :position, :skills)
ON CONFLICT (id) DO UPDATE
   SET name = excluded.name, position = excluded.position, skills = excluded.skills;

-- name: known
-- What the file may refer to beside itself.
SELECT (SELECT coalesce(array_agg(code), '{}') FROM agency) AS agencies,
       (SELECT coalesce(array_agg(id), '{}') FROM office) AS offices,
       (SELECT coalesce(array_agg(code), '{}') FROM procedure) AS procedures;

-- name: counter_owner
SELECT office_id FROM counter WHERE id = :id;
