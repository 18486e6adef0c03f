-- name: staff_by_name
SELECT id, name, role, office_id, password_hash FROM staff WHERE lower(name) = lower(:name) AND NOT disabled;

-- name: session_open
INSERT INTO staff_session (token_sha256, staff_id, expires_at)
VALUES (:token_sha256, :staff_id, now() + :lifetime::interval);

-- name: session_read
-- One round trip: who it is, and the mark that the session was used (at most once a minute, to spare the disk).
WITH used AS (
    UPDATE staff_session SET seen_at = now()
     WHERE token_sha256 = :token_sha256 AND seen_at < now() - interval '1 minute'
       AND expires_at > now() AND seen_at > now() - :idle::interval)
SELECT staff.id, staff.name, staff.role, staff.office_id
  FROM staff_session JOIN staff ON staff.id = staff_session.staff_id AND NOT staff.disabled
 WHERE token_sha256 = :token_sha256 AND expires_at > now() AND seen_at > now() - :idle::interval;

-- name: session_close
DELETE FROM staff_session WHERE token_sha256 = :token_sha256;

-- name: staff_put
-- A new password ends the sessions that the old one opened.
WITH ended AS (
    DELETE FROM staff_session USING staff WHERE staff.id = staff_id AND lower(staff.name) = lower(:name))
INSERT INTO staff (name, role, office_id, password_hash) VALUES (:name, :role, :office_id, :password_hash)
ON CONFLICT (lower(name)) DO UPDATE
   SET role = excluded.role, office_id = excluded.office_id, password_hash = excluded.password_hash, disabled = false
RETURNING id;
