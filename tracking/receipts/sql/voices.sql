-- name: rating_add
-- Once: no row comes back when the dossier has been rated.
INSERT INTO rating (code_year, code, office_id, score, comment, criteria)
VALUES (:year, :code, :office_id, :score, :comment, :criteria)
ON CONFLICT (code_year, code) DO NOTHING
RETURNING at;

-- name: feedback_add
-- No row comes back when too many wait for an answer. Callers hold the receipt's lock, so two cannot count the same.
INSERT INTO feedback (code_year, code, office_id, kind, text, due_at)
SELECT :year, :code, :office_id, :kind, :text, :due_at
 WHERE (SELECT count(*) FROM feedback WHERE code = :code AND answered_at IS NULL) < :most_open
RETURNING id, kind, at, due_at, answer, answered_at;

-- name: feedback_read
SELECT id, kind, at, due_at, answer, answered_at FROM feedback WHERE id = :id;

-- name: contact_change
-- A channel needs an address behind it.
UPDATE applicant
   SET channels = ARRAY(SELECT channel FROM unnest(:channels::text[]) AS channel
                         WHERE CASE channel WHEN 'email' THEN email ELSE phone END <> ''),
       language = :language
 WHERE code_year = :year AND code = :code
RETURNING channels;
