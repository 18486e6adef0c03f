-- What offices are and do -------------------------------------------------------------------------------------------

CREATE TABLE agency (
    code    text PRIMARY KEY,
    name    text NOT NULL,
    name_en text NOT NULL
);
COMMENT ON TABLE agency IS 'The legal body that decides; an office is not an agency.';

CREATE TABLE office (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    short_key   text NOT NULL UNIQUE CHECK (short_key ~ '^[a-z0-9]{2,6}$'),
    name        text NOT NULL,
    name_en     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('province_centre', 'branch', 'commune', 'point', 'district')),
    parent_id   text REFERENCES office,
    address     text,
    valid_from  date NOT NULL,
    valid_to    date CHECK (valid_to >= valid_from),
    replaced_by text[] NOT NULL DEFAULT '{}',
    calendar    jsonb NOT NULL DEFAULT '{}',
    policy      jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN office.short_key IS 'Begins every ticket token of the office, so that a worker finds its line at once.';

CREATE TABLE office_agency (
    office_id   text NOT NULL REFERENCES office,
    agency_code text NOT NULL REFERENCES agency,
    PRIMARY KEY (office_id, agency_code)
);

CREATE TABLE procedure (
    code     text PRIMARY KEY,
    name     text NOT NULL,
    name_en  text NOT NULL,
    field    text NOT NULL,
    field_en text NOT NULL
);

CREATE TABLE procedure_limit (
    procedure_code text NOT NULL REFERENCES procedure,
    valid_from     date NOT NULL,
    time_limit     text NOT NULL CHECK (time_limit ~ '^[0-9]{1,3}[dh]$'),
    PRIMARY KEY (procedure_code, valid_from)
);
COMMENT ON COLUMN procedure_limit.time_limit IS 'Working days (3d) or working hours (4h).';

CREATE TABLE service (
    office_id        text NOT NULL REFERENCES office,
    id               text NOT NULL CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    name             text NOT NULL,
    name_en          text NOT NULL,
    prefix           text NOT NULL CHECK (prefix ~ '^[A-Z]{1,2}$'),
    expected_minutes real NOT NULL CHECK (expected_minutes > 0),
    position         int NOT NULL,
    PRIMARY KEY (office_id, id),
    UNIQUE (office_id, prefix) DEFERRABLE INITIALLY DEFERRED  -- two services may swap theirs
);
COMMENT ON TABLE service IS 'What a ticket is for at the counter; groups procedures.';

CREATE TABLE service_procedure (
    office_id      text NOT NULL,
    service_id     text NOT NULL,
    procedure_code text NOT NULL REFERENCES procedure,
    PRIMARY KEY (office_id, service_id, procedure_code),
    FOREIGN KEY (office_id, service_id) REFERENCES service
);

CREATE TABLE staff (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('clerk', 'supervisor', 'planner', 'admin')),
    office_id     text NOT NULL REFERENCES office,
    password_hash text NOT NULL,
    disabled      boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX staff_name ON staff (lower(name));

CREATE TABLE staff_session (
    token_sha256 bytea PRIMARY KEY,
    staff_id     bigint NOT NULL REFERENCES staff ON DELETE CASCADE,
    opened_at    timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);

CREATE TABLE counter (
    id        text PRIMARY KEY CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    office_id text NOT NULL REFERENCES office,
    name      text NOT NULL,
    position  int NOT NULL,
    skills    text[] NOT NULL,
    services  text[] NOT NULL DEFAULT '{}',
    staff_id  bigint REFERENCES staff,
    opened_at timestamptz
);
CREATE INDEX counter_office ON counter (office_id);
COMMENT ON COLUMN counter.skills IS 'Services it can serve; "services" are those it serves while it is open.';

-- Dossiers ----------------------------------------------------------------------------------------------------------

CREATE TABLE dossier (
    code_year           smallint NOT NULL,
    code                text NOT NULL,
    procedure_code      text NOT NULL REFERENCES procedure,
    receiving_office    text NOT NULL REFERENCES office,
    competent_agency    text NOT NULL REFERENCES agency,
    channel             text NOT NULL CHECK (channel IN ('counter', 'online', 'post')),
    status              smallint NOT NULL CHECK (status BETWEEN 1 AND 10),
    received_at         timestamptz NOT NULL,
    due_at              timestamptz,
    appointment_on      date,
    appointment_changes smallint NOT NULL DEFAULT 0 CHECK (appointment_changes >= 0),
    finished_at         timestamptz CHECK (finished_at >= received_at),
    returned_at         timestamptz CHECK (returned_at >= finished_at),
    public              boolean NOT NULL DEFAULT true,
    version             bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (code_year, code)
) PARTITION BY RANGE (code_year);
COMMENT ON COLUMN dossier.code_year IS 'The year inside the code: known from the code alone, so a look-up touches one partition.';

CREATE TABLE dossier_event (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    code        text NOT NULL,
    version     bigint NOT NULL,
    action      text NOT NULL,
    from_status smallint,
    to_status   smallint NOT NULL,
    staff_id    bigint,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX dossier_event_code ON dossier_event (code, at);

-- Tickets -----------------------------------------------------------------------------------------------------------

CREATE TABLE ticket (
    day          date NOT NULL,
    token        text NOT NULL,
    office_id    text NOT NULL REFERENCES office,
    service_id   text NOT NULL,
    serial       int NOT NULL,
    number       text NOT NULL,
    priority     text NOT NULL,
    rank         smallint NOT NULL,
    state        text NOT NULL CHECK (state IN
                 ('waiting', 'called', 'serving', 'served', 'no_show', 'parked', 'cancelled', 'expired')),
    counter_id   text REFERENCES counter,
    phone        text,
    dossier_code text,
    issued_at    timestamptz NOT NULL,
    called_at    timestamptz,
    started_at   timestamptz,
    ended_at     timestamptz,
    PRIMARY KEY (day, token),
    UNIQUE (day, office_id, service_id, serial),
    FOREIGN KEY (office_id, service_id) REFERENCES service
) PARTITION BY RANGE (day);
COMMENT ON COLUMN ticket.day IS 'The service day in the office''s own time zone; it stands inside the token.';
COMMENT ON COLUMN ticket.phone IS 'Personal data: never leaves this table but towards the SMS gateway.';
CREATE INDEX ticket_live ON ticket (office_id, day, rank, issued_at)
    WHERE state IN ('waiting', 'called', 'serving', 'parked');
CREATE INDEX ticket_ended ON ticket (office_id, day, ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE ticket_event (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    day        date NOT NULL,
    token      text NOT NULL,
    event      text NOT NULL,
    from_state text,
    to_state   text NOT NULL,
    counter_id text,
    staff_id   bigint,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX ticket_event_token ON ticket_event (token, at);

CREATE TABLE ticket_serial (
    office_id      text NOT NULL,
    service_id     text NOT NULL,
    day            date NOT NULL,
    last           int NOT NULL,
    last_issued_at timestamptz NOT NULL,
    PRIMARY KEY (office_id, service_id, day)
) WITH (fillfactor = 50);
COMMENT ON TABLE ticket_serial IS 'One row a service and day: its lock makes numbers contiguous and their order the order of issue.';

CREATE SEQUENCE hall_version;
COMMENT ON SEQUENCE hall_version IS 'Versions of the office snapshots.';

CREATE FUNCTION draw_hall_version(office text) RETURNS bigint LANGUAGE plpgsql AS $$
-- Held until the transaction ends, the lock lets one snapshot of an office be read at a time: whatever has the larger
-- version was read later, so a version that grows never shows older data. Writers don't wait for it.
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('hall ' || office, 0));
    RETURN nextval('hall_version');
END $$;

-- What joins a change to the outside --------------------------------------------------------------------------------

CREATE TABLE idempotency_key (
    scope       text NOT NULL,
    key         text NOT NULL,
    body_sha256 bytea NOT NULL,
    made        text NOT NULL,
    answer      text,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_key_at ON idempotency_key (at);
COMMENT ON COLUMN idempotency_key.made IS 'What the first request made (a ticket''s token).';
COMMENT ON COLUMN idempotency_key.answer IS 'The body that the first request was answered with; repeats get the same.';

CREATE TABLE outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic    text NOT NULL,
    name     text NOT NULL,
    ready_at timestamptz NOT NULL
);
CREATE INDEX outbox_thing ON outbox (topic, name);

-- Rules the tables keep by themselves -------------------------------------------------------------------------------

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER dossier_event_append_only BEFORE UPDATE OR DELETE ON dossier_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ticket_event_append_only BEFORE UPDATE OR DELETE ON ticket_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER dossier_event_kept BEFORE TRUNCATE ON dossier_event EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ticket_event_kept BEFORE TRUNCATE ON ticket_event EXECUTE FUNCTION refuse_change();

CREATE FUNCTION ensure_partition(name text, parent text, first text, past text) RETURNS int LANGUAGE plpgsql AS $$
-- One partition if it is missing; the answer is how many were made. Where rows came too early and already lie in the
-- default partition (a mistyped year, months of standstill) they stay there, and so do those that follow.
BEGIN
    IF to_regclass(name) IS NOT NULL THEN RETURN 0; END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent, first, past);
    RETURN 1;
EXCEPTION WHEN check_violation THEN
    RAISE WARNING '% is not made: its rows are in the default partition', name;
    RETURN 0;
END $$;

CREATE FUNCTION ensure_partitions(until date) RETURNS int LANGUAGE plpgsql AS $$
-- Makes the partitions up to a date that are still missing; the answer is how many. Rows that fall outside every one
-- (codes from other centuries) land in the default partition, so nothing is ever refused for its date.
DECLARE
    made int := 0;
    y int;
    month date;
    parent text;
BEGIN
    FOR y IN 2015 .. extract(year FROM until)::int LOOP
        made := made + ensure_partition(format('dossier_%s', y), 'dossier', y::text, (y + 1)::text);
    END LOOP;
    FOR month IN SELECT generate_series(date_trunc('month', now() - interval '1 month'), until, '1 month')::date LOOP
        FOREACH parent IN ARRAY ARRAY['dossier_event', 'ticket', 'ticket_event'] LOOP
            made := made + ensure_partition(format('%s_%s', parent, to_char(month, 'YYYYMM')), parent, month::text,
                                            (month + interval '1 month')::date::text);
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

SELECT ensure_partitions((now() + interval '3 months')::date);
CREATE TABLE dossier_other PARTITION OF dossier DEFAULT;
CREATE TABLE dossier_event_other PARTITION OF dossier_event DEFAULT;
CREATE TABLE ticket_other PARTITION OF ticket DEFAULT;
CREATE TABLE ticket_event_other PARTITION OF ticket_event DEFAULT;
