-- name: group_add
-- No row comes back when a dossier of another system has the code.
INSERT INTO case_group (code, kind, office_id, opened_at)
SELECT :code, :kind::text, :office_id::text, :opened_at::timestamptz
 WHERE NOT EXISTS (SELECT FROM dossier WHERE code_year = :year AND dossier.code = :code::text)
RETURNING code;

-- name: group_part_add
INSERT INTO case_part (group_code, position, code_year, code, after)
VALUES (:group_code, :position, :year, :code, :after);

-- name: group_parts
-- The parts of a group with what decides over those that wait for them.
SELECT part.position, part.code, part.after, dossier.status, dossier.outcome
  FROM case_part AS part
  JOIN dossier ON dossier.code_year = part.code_year AND dossier.code = part.code
 WHERE part.group_code = :group_code
 ORDER BY part.position;

-- name: groups_read
-- Groups with the codes of their parts, in order.
SELECT case_group.code, kind.id AS kind, kind.name, kind.name_en,
       array_agg(part.code ORDER BY part.position) AS parts
  FROM case_group
  JOIN group_kind AS kind ON kind.id = case_group.kind
  JOIN case_part AS part ON part.group_code = case_group.code
 WHERE case_group.code = ANY (:codes::text[])
 GROUP BY case_group.code, kind.id;

-- name: group_lock
SELECT case_group.code FROM case_part JOIN case_group ON case_group.code = case_part.group_code
 WHERE case_part.code = :code
   FOR UPDATE OF case_group;
