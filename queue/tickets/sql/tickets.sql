-- name: ticket_issue
-- One statement, one lock: claims the idempotency key, draws the number under the serial row's lock, writes the ticket,
-- its event and the outbox row. No row comes back when the key was claimed before. issued_at is drawn under the same
-- lock and never steps back, so the order of issue is the order of numbers whatever the clock does.
WITH claim AS (
    INSERT INTO idempotency_key (scope, key, body_sha256, made)
    VALUES (:scope, :key, :body_sha256, :token)
    ON CONFLICT DO NOTHING
    RETURNING made),
serial AS (
    INSERT INTO ticket_serial AS serial (office_id, service_id, day, last, last_issued_at)
    SELECT :office_id, :service_id, :day, 1, clock_timestamp() FROM claim
    ON CONFLICT (office_id, service_id, day) DO UPDATE
       SET last = serial.last + 1,
           last_issued_at = greatest(clock_timestamp(), serial.last_issued_at + interval '1 microsecond')
    RETURNING last, last_issued_at),
issued AS (
    INSERT INTO ticket (day, token, office_id, service_id, serial, number, priority, rank, state,
                        phone, dossier_code, issued_at)
    SELECT :day, :token, :office_id, :service_id, last,
           :prefix || lpad(last::text, greatest(3, length(last::text)), '0'), :priority, :rank, 'waiting',
           :phone, :dossier_code, last_issued_at
      FROM serial
    RETURNING token, number, issued_at),
event AS (
    INSERT INTO ticket_event (day, token, event, to_state) SELECT :day, token, 'issue', 'waiting' FROM issued),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'hall', :office_id, clock_timestamp() + interval '0.3 seconds' FROM issued)
SELECT token, number, issued_at FROM issued;

-- name: idempotency_read
SELECT body_sha256, made, answer FROM idempotency_key WHERE scope = :scope AND key = :key;

-- name: call_key_probe
INSERT INTO idempotency_key (scope, key, body_sha256, made) VALUES (:scope, :key, '', '') ON CONFLICT DO NOTHING;

-- name: idempotency_answer
-- The first answer stays: whoever comes second is given what the first was given.
UPDATE idempotency_key SET answer = coalesce(answer, :answer)
 WHERE scope = :scope AND key = :key
RETURNING answer;

-- name: ticket_call_next
-- Race-free whatever the policy; see the function. With a key that was used before, nothing is called.
SELECT call_next(:counter_id, :day, :key, :staff_id, :priority_bound, :escape, :listed);

-- name: ticket_move
-- One state change if the ticket is in a state it may leave; no row comes back otherwise.
WITH moved AS (
    UPDATE ticket AS new
       SET state = :to_state,
           started_at = CASE WHEN :to_state = 'serving' THEN clock_timestamp() ELSE new.started_at END,
           ended_at = CASE WHEN :ends THEN clock_timestamp() ELSE new.ended_at END
      FROM ticket AS old
     WHERE new.day = :day AND new.token = :token AND new.state = ANY (:from_states::text[])
       AND old.day = new.day AND old.token = new.token
    RETURNING new.office_id, new.counter_id, old.state AS from_state),
event AS (
    INSERT INTO ticket_event (day, token, event, from_state, to_state, counter_id, staff_id)
    SELECT :day, :token, :event, from_state, :to_state, counter_id, :staff_id FROM moved),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'hall', office_id, clock_timestamp() + interval '0.3 seconds' FROM moved)
SELECT office_id FROM moved;

-- name: ticket_read
SELECT ticket.token, ticket.number, ticket.office_id, ticket.service_id, ticket.state, ticket.day,
       ticket.issued_at, counter.name AS counter
  FROM ticket LEFT JOIN counter ON counter.id = ticket.counter_id
 WHERE ticket.day = :day AND ticket.token = :token;

-- name: counter_open
WITH opened AS (
    UPDATE counter SET services = :services::text[], staff_id = :staff_id, opened_at = coalesce(opened_at, now())
     WHERE id = :counter_id AND :services::text[] <@ skills
    RETURNING office_id),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'hall', office_id, clock_timestamp() + interval '0.3 seconds' FROM opened)
SELECT office_id FROM opened;

-- name: counter_close
WITH closed AS (
    UPDATE counter SET services = '{}', staff_id = NULL, opened_at = NULL
     WHERE id = :counter_id
    RETURNING office_id),
announced AS (
    INSERT INTO outbox (topic, name, ready_at)
    SELECT 'hall', office_id, clock_timestamp() + interval '0.3 seconds' FROM closed)
SELECT office_id FROM closed;

-- name: counter_read
SELECT counter.id, counter.office_id, counter.name, counter.skills, counter.services, counter.opened_at,
       staff.name AS staff
  FROM counter LEFT JOIN staff ON staff.id = counter.staff_id
 WHERE counter.id = :counter_id;

-- name: counter_tickets
-- What a counter has called and not ended, oldest first.
SELECT token, number, service_id, state, called_at, started_at FROM ticket
 WHERE office_id = :office_id AND day = :day AND state IN ('called', 'serving') AND counter_id = :counter_id
 ORDER BY called_at;
