-- name: key_claim
INSERT INTO idempotency_key (scope, key, body_sha256, made) VALUES (:scope, :key, :body_sha256, '')
ON CONFLICT DO NOTHING
RETURNING key;

-- name: key_read
SELECT body_sha256, made FROM idempotency_key WHERE scope = :scope AND key = :key;

-- name: key_made
UPDATE idempotency_key SET made = :made WHERE scope = :scope AND key = :key;
