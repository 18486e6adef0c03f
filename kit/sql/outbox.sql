-- name: outbox_pending
-- What is still unpublished of one thing. Asked before the thing is read, so whatever is listed here is in what is read.
SELECT id FROM outbox WHERE topic = :topic AND name = :name;

-- name: outbox_claim
-- Changes that nobody published in time (with :ahead those too whose writers still have that long to do it); rows that
-- another worker is publishing right now are left to it. Only of the given topics: while workers are being renewed, a
-- newer one may write of topics that an older one cannot read, and these must not stand in the way of the others.
SELECT id, topic, name FROM outbox
 WHERE ready_at <= clock_timestamp() + :ahead::interval AND topic = ANY (:topics::text[])
 ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED;

-- name: outbox_done
DELETE FROM outbox WHERE id = ANY(:ids::bigint[]);
