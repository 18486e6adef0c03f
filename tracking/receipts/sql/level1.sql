-- name: level1_contact
-- Neither name nor ID number nor address: level 1 has no use for them.
SELECT phone, email, channels, language FROM applicant WHERE code_year = :year AND code = :code;

-- name: level1_originals
-- The originals that are still at the office.
SELECT name FROM dossier_paper
 WHERE code_year = :year AND code = :code AND original AND returned_at IS NULL ORDER BY position;

-- name: level1_payments
SELECT amount, purpose, asked_at, paid_at, method FROM payment WHERE code = :code ORDER BY asked_at, id;

-- name: level1_rest
-- Where the result is in the post, and whether the dossier has been rated.
SELECT (SELECT tracking_number FROM result_post WHERE code_year = :year AND code = :code) AS tracking_number,
       EXISTS (SELECT FROM rating WHERE code_year = :year AND code = :code) AS rated;

-- name: level1_feedback
-- What was asked stays out: only its kind, its days and the answer.
SELECT id, kind, at, due_at, answer, answered_at FROM feedback WHERE code = :code ORDER BY at, id;
