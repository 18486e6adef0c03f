-- name: calls_open
SELECT id FROM message WHERE office_id = :office_id AND channel = 'phone' AND state = 'waiting'
 ORDER BY made_at, id LIMIT :most;
