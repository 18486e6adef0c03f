-- name: housekeeping_turn
SELECT pg_try_advisory_xact_lock(hashtextextended('housekeeping', 0));

-- name: partitions_ahead
SELECT ensure_partitions((now() + interval '3 months')::date);

-- name: sessions_expired
DELETE FROM staff_session WHERE expires_at < now();

-- name: keys_expired
DELETE FROM idempotency_key WHERE at < now() - interval '2 days';
