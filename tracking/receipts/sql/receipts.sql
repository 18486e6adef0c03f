-- name: receipt_issue
-- A dossier has one receipt at a time; no row comes back when it has one already.
INSERT INTO receipt (token, code_year, code, pin) VALUES (:token, :year, :code, :pin)
ON CONFLICT (code) WHERE revoked_at IS NULL DO NOTHING
RETURNING token, pin;

-- name: receipt_current
SELECT token, pin FROM receipt WHERE code = :code AND revoked_at IS NULL;

-- name: receipt_revoke
UPDATE receipt SET revoked_at = now() WHERE code = :code AND revoked_at IS NULL;

-- name: receipt_audit
INSERT INTO audit (staff_id, office_id, action, subject, request_id)
VALUES (:staff_id, :office_id, :action, 'receipt:' || :code::text, :request_id);

-- name: receipt_by_token
-- Revoked, hidden and unknown are all the same: no row.
SELECT receipt.code
  FROM receipt
  JOIN dossier ON dossier.code_year = receipt.code_year AND dossier.code = receipt.code
 WHERE receipt.token = :token AND receipt.revoked_at IS NULL AND dossier.public;

-- name: receipt_lock
-- The same for whoever changes something: one at a time.
SELECT receipt.code, dossier.receiving_office, dossier.status
  FROM receipt
  JOIN dossier ON dossier.code_year = receipt.code_year AND dossier.code = receipt.code
 WHERE receipt.token = :token AND receipt.revoked_at IS NULL AND dossier.public
   FOR UPDATE OF receipt;

-- name: receipt_pin_read
-- Locked, so that guesses sent all at once are counted one by one.
SELECT receipt.token, receipt.pin, receipt.pin_failures, receipt.locked_until,
       coalesce(receipt.locked_until > now(), false) AS locked, dossier.public
  FROM receipt
  JOIN dossier ON dossier.code_year = receipt.code_year AND dossier.code = receipt.code
 WHERE receipt.code_year = :year AND receipt.code = :code AND receipt.revoked_at IS NULL
   FOR UPDATE OF receipt;

-- name: receipt_pin_tried
-- The message makes the commit wait for the disk also where no row changes: a code without a receipt must not be told
-- by its faster answer.
WITH tried AS (
    UPDATE receipt
       SET pin_failures = :failures,
           locked_until = CASE WHEN :lock::boolean THEN now() + :lock_time::interval ELSE locked_until END
     WHERE code_year = :year AND code = :code AND revoked_at IS NULL)
SELECT pg_logical_emit_message(true, 'motcua', '') IS NOT NULL;
