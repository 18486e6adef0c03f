-- Who is called next by the office's policy: the rules of tickets.policy, and a test holds the two together.

CREATE INDEX ticket_waiting ON ticket (office_id, day, rank, issued_at, token) WHERE state = 'waiting';
CREATE INDEX ticket_overtook ON ticket (office_id, day, issued_at, token) WHERE rank = 0 AND called_at IS NOT NULL;

CREATE FUNCTION next_in_line(office text, on_day date, lines text[], priority_bound int) RETURNS text
LANGUAGE plpgsql AS $$
-- The first waiting ticket of the services in lines, taken as one line; it comes back locked. Whoever somebody else has
-- locked is most likely leaving and is passed over, but goes on counting for the bound.
DECLARE
    first    record;
    normal   record;
    overtook int;
    chosen   text;
BEGIN
    SELECT token, issued_at, rank INTO first FROM ticket
     WHERE office_id = office AND day = on_day AND state = 'waiting' AND service_id = ANY (lines)
     ORDER BY rank, issued_at, token LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF first.rank > 0 THEN
        RETURN first.token;
    END IF;
    IF first.rank = 0 THEN
        SELECT token, issued_at INTO normal FROM ticket
         WHERE office_id = office AND day = on_day AND state = 'waiting' AND rank = 1 AND service_id = ANY (lines)
         ORDER BY issued_at, token LIMIT 1;
        IF normal.token IS NULL OR (first.issued_at, first.token) < (normal.issued_at, normal.token) THEN
            RETURN first.token;
        END IF;
        SELECT count(*) INTO overtook FROM (
            SELECT FROM ticket
             WHERE office_id = office AND day = on_day AND rank = 0 AND called_at IS NOT NULL
               AND service_id = ANY (lines) AND (issued_at, token) > (normal.issued_at, normal.token)
             LIMIT priority_bound) AS passed;
        IF overtook < priority_bound THEN
            RETURN first.token;
        END IF;
        SELECT token INTO chosen FROM ticket
         WHERE office_id = office AND day = on_day AND state = 'waiting' AND rank = 1 AND service_id = ANY (lines)
         ORDER BY issued_at, token LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
    IF chosen IS NULL THEN  -- beside first only those are left whom somebody else has locked: wait and see who stays
        SELECT token INTO chosen FROM ticket
         WHERE office_id = office AND day = on_day AND state = 'waiting' AND rank IN (0, 1) AND service_id = ANY (lines)
         ORDER BY rank DESC, issued_at, token LIMIT 1 FOR UPDATE;
    END IF;
    RETURN chosen;
END $$;

CREATE FUNCTION call_next(at_counter text, on_day date, with_key text, by_staff bigint, priority_bound int,
                          escape interval, listed boolean) RETURNS text LANGUAGE plpgsql AS $$
-- Calls the next ticket of an open counter; the answer is its token, NULL if nobody waits or with_key was used before.
--
-- The lock lets one call of an office happen at a time. Inside plpgsql each statement that follows it has a snapshot of
-- its own (READ COMMITTED), taken after the lock was granted, so it sees every earlier call: the bound on overtaking
-- holds exactly and nobody is called twice. A single statement would read from the snapshot of before the wait.
DECLARE
    office text;
    lines  text[];
    one    text;
    chosen text;
BEGIN
    SELECT office_id INTO office FROM counter WHERE id = at_counter;
    PERFORM pg_advisory_xact_lock(hashtextextended('call ' || office, 0));
    SELECT services INTO lines FROM counter WHERE id = at_counter AND office_id = office AND opened_at IS NOT NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    IF escape > interval '0' THEN
        SELECT token INTO chosen FROM ticket
         WHERE office_id = office AND day = on_day AND state = 'waiting' AND rank IN (0, 1)
           AND service_id = ANY (lines) AND issued_at < clock_timestamp() - escape
         ORDER BY issued_at, token LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
    IF chosen IS NULL AND listed THEN
        FOREACH one IN ARRAY lines LOOP
            chosen := next_in_line(office, on_day, ARRAY[one], priority_bound);
            EXIT WHEN chosen IS NOT NULL;
        END LOOP;
    ELSIF chosen IS NULL THEN
        chosen := next_in_line(office, on_day, lines, priority_bound);
    END IF;
    IF chosen IS NULL THEN
        RETURN NULL;
    END IF;

    IF with_key IS NOT NULL THEN
        INSERT INTO idempotency_key (scope, key, body_sha256, made) VALUES ('call ' || at_counter, with_key, '', chosen)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    WITH called AS (
        UPDATE ticket SET state = 'called', counter_id = at_counter, called_at = clock_timestamp()
         WHERE day = on_day AND token = chosen),
    event AS (
        INSERT INTO ticket_event (day, token, event, from_state, to_state, counter_id, staff_id)
        VALUES (on_day, chosen, 'call', 'waiting', 'called', at_counter, by_staff))
    INSERT INTO outbox (topic, name, ready_at) VALUES ('hall', office, clock_timestamp() + interval '0.3 seconds');
    RETURN chosen;
END $$;
