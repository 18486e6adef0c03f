-- The full life of a dossier: who handed it in, what was decided, what was printed, sent, paid, asked and answered.

-- Rules and procedures, versioned by date ---------------------------------------------------------------------------

CREATE TABLE office_policy (
    office_id  text NOT NULL REFERENCES office,
    valid_from date NOT NULL,
    rules      jsonb NOT NULL,
    PRIMARY KEY (office_id, valid_from)
);
COMMENT ON TABLE office_policy IS
    'Rules from a day on, over office.policy; a rule that an office does not name comes from its parent.';

ALTER TABLE procedure
    ADD papers     jsonb NOT NULL DEFAULT '[]',
    ADD letter     text CHECK (letter IN ('thanks', 'marriage', 'birth', 'condolence')),
    ADD four_steps boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN procedure.papers IS '[{"name", "name_en", "original": true}], in the order of the public notice.';
COMMENT ON COLUMN procedure.letter IS 'The letter that goes with a granted result.';
COMMENT ON COLUMN procedure.four_steps IS 'Received, appraised, approved and returned on the spot.';
ALTER TABLE procedure_limit ADD fee bigint NOT NULL DEFAULT 0 CHECK (fee BETWEEN 0 AND 1000000000000);
COMMENT ON COLUMN procedure_limit.fee IS 'In đồng.';
ALTER TABLE service_procedure ADD agency_code text REFERENCES agency;
COMMENT ON COLUMN service_procedure.agency_code IS 'Who decides; NULL: the office''s first agency.';

CREATE TABLE group_kind (
    id      text PRIMARY KEY CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    name    text NOT NULL,
    name_en text NOT NULL,
    parts   jsonb NOT NULL
);
COMMENT ON COLUMN group_kind.parts IS
    '[{"procedure": code, "after": [positions of the parts that must be granted before]}].';

-- The dossier -------------------------------------------------------------------------------------------------------

ALTER TABLE dossier
    ADD handed_over_at     timestamptz,
    ADD time_limit         text CHECK (time_limit ~ '^[0-9]{1,5}[dh]$'),
    ADD clock_stopped_at   timestamptz,
    ADD stopped_minutes    int NOT NULL DEFAULT 0 CHECK (stopped_minutes >= 0),
    ADD processing_minutes int CHECK (processing_minutes >= 0),
    ADD outcome            text CHECK (outcome IN ('granted', 'refused')),
    ADD supplements        smallint NOT NULL DEFAULT 0 CHECK (supplements >= 0),
    ADD extensions         smallint NOT NULL DEFAULT 0 CHECK (extensions >= 0),
    ADD originals_held     boolean NOT NULL DEFAULT false,
    ADD amount_due         bigint NOT NULL DEFAULT 0 CHECK (amount_due >= 0),
    ADD case_group         text,
    ADD ticket             text,
    ADD origin             text DEFAULT 'import';
ALTER TABLE dossier ALTER origin DROP DEFAULT;  -- what is there already came from other systems, all of it
COMMENT ON COLUMN dossier.handed_over_at IS 'When the clock last began: hand-over to the competent unit.';
COMMENT ON COLUMN dossier.time_limit IS 'The one in force on the day of receipt; later versions do not touch it.';
COMMENT ON COLUMN dossier.clock_stopped_at IS 'Since when it is the citizen''s turn (supplement); NULL: the clock runs.';
COMMENT ON COLUMN dossier.stopped_minutes IS 'Working minutes of supplement waits that are over.';
COMMENT ON COLUMN dossier.processing_minutes IS
    'Working minutes from the first hand-over to the result, without stopped_minutes.';
COMMENT ON COLUMN dossier.amount_due IS 'In đồng, what is asked and not yet paid.';
COMMENT ON COLUMN dossier.ticket IS 'The visit it was handed in at.';
COMMENT ON COLUMN dossier.origin IS 'The one-stop system that pushes it; NULL: it is ours.';
CREATE INDEX dossier_received ON dossier (receiving_office, received_at);
CREATE INDEX dossier_finished ON dossier (receiving_office, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX dossier_open ON dossier (receiving_office, due_at) WHERE finished_at IS NULL AND status IN (1, 2, 4, 5, 6, 7);
CREATE INDEX dossier_open_at_agency ON dossier (competent_agency, due_at)
    WHERE finished_at IS NULL AND status IN (1, 2, 4, 5, 6, 7);
CREATE INDEX dossier_due ON dossier (due_at) WHERE finished_at IS NULL AND status IN (2, 4, 6);
CREATE INDEX dossier_to_return ON dossier (receiving_office, finished_at) WHERE status = 9;
CREATE INDEX dossier_group ON dossier (case_group) WHERE case_group IS NOT NULL;

CREATE TABLE dossier_serial (
    agency_code text NOT NULL,
    day         date NOT NULL,
    last        int NOT NULL,
    PRIMARY KEY (agency_code, day)
) WITH (fillfactor = 50);

CREATE TABLE applicant (
    code_year smallint NOT NULL,
    code      text NOT NULL,
    name      text NOT NULL,
    id_number text,
    phone     text,
    email     text,
    address   text,
    channels  text[] NOT NULL DEFAULT '{}' CHECK (channels <@ '{email,sms,phone}'),
    language  text NOT NULL DEFAULT 'vi' CHECK (language IN ('vi', 'en')),
    PRIMARY KEY (code_year, code)
);
COMMENT ON TABLE applicant IS 'Personal data: nothing here may reach Redis, logs, metrics, addresses or level 0.';

CREATE TABLE dossier_paper (
    code_year   smallint NOT NULL,
    code        text NOT NULL,
    position    smallint NOT NULL,
    name        text NOT NULL,
    original    boolean NOT NULL,
    returned_at timestamptz,
    PRIMARY KEY (code_year, code, position)
);
COMMENT ON TABLE dossier_paper IS 'What was taken in; originals go back with the result.';

ALTER TABLE dossier_event
    ADD reason    text,
    ADD details   jsonb,
    ADD office_id text,
    ADD tx        xid8 NOT NULL DEFAULT pg_current_xact_id();
COMMENT ON COLUMN dossier_event.reason IS 'Shown at level 1, on paper and to staff; never at level 0.';
COMMENT ON COLUMN dossier_event.tx IS 'Readers in number order stop before the oldest transaction still open.';
CREATE INDEX dossier_event_number ON dossier_event (id);

CREATE TABLE audit (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    staff_id   bigint,
    office_id  text,
    action     text NOT NULL,
    subject    text NOT NULL,
    version    bigint,
    request_id text,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX audit_subject ON audit (subject, at);
COMMENT ON COLUMN audit.subject IS 'dossier:CODE, receipt:CODE, notice:ID …; no names, no contents.';
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_kept BEFORE TRUNCATE ON audit EXECUTE FUNCTION refuse_change();

CREATE TABLE intake_notice (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    office_id      text NOT NULL REFERENCES office,
    procedure_code text NOT NULL REFERENCES procedure,
    at             timestamptz NOT NULL,
    staff_id       bigint,
    applicant_name text NOT NULL,
    missing        text[] NOT NULL CHECK (cardinality(missing) > 0),
    reason         text NOT NULL,
    guidance       text NOT NULL,
    earlier        bigint REFERENCES intake_notice,
    code           text
);
COMMENT ON TABLE intake_notice IS 'The one complete notice to whoever came with too little; no dossier exists yet.';
COMMENT ON COLUMN intake_notice.code IS 'The dossier that came of it.';
CREATE INDEX intake_notice_office ON intake_notice (office_id, at);

CREATE TABLE case_group (
    code      text PRIMARY KEY,
    kind      text NOT NULL REFERENCES group_kind,
    office_id text NOT NULL REFERENCES office,
    opened_at timestamptz NOT NULL
);
CREATE TABLE case_part (
    group_code text NOT NULL REFERENCES case_group,
    position   smallint NOT NULL,
    code_year  smallint NOT NULL,
    code       text NOT NULL,
    after      smallint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (group_code, position)
);
CREATE UNIQUE INDEX case_part_code ON case_part (code);

-- Receipts, money, post ---------------------------------------------------------------------------------------------

CREATE TABLE receipt (
    token        text PRIMARY KEY CHECK (length(token) >= 22),
    code_year    smallint NOT NULL,
    code         text NOT NULL,
    pin          text NOT NULL CHECK (pin ~ '^[0-9]{6}$'),
    issued_at    timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz,
    pin_failures smallint NOT NULL DEFAULT 0,
    locked_until timestamptz
);
CREATE UNIQUE INDEX receipt_code ON receipt (code) WHERE revoked_at IS NULL;
COMMENT ON TABLE receipt IS 'What opens level 1: the token in the QR, or the code with the PIN beside it.';

CREATE TABLE payment (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code_year smallint NOT NULL,
    code      text NOT NULL,
    amount    bigint NOT NULL CHECK (amount > 0),
    purpose   text NOT NULL,
    asked_at  timestamptz NOT NULL,
    paid_at   timestamptz,
    method    text CHECK (method IN ('cash', 'transfer')),
    reference text UNIQUE
);
CREATE INDEX payment_code ON payment (code);
COMMENT ON COLUMN payment.reference IS 'The bank''s own number of the transfer: the same one never pays twice.';

CREATE TABLE result_post (
    code_year       smallint NOT NULL,
    code            text NOT NULL,
    recipient       text NOT NULL,
    address         text NOT NULL,
    phone           text,
    tracking_number text,
    sent_at         timestamptz,
    PRIMARY KEY (code_year, code)
);
COMMENT ON TABLE result_post IS 'Results by post. Personal data, kept apart from everything else.';

-- Messages ----------------------------------------------------------------------------------------------------------

CREATE TABLE message (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   bigint NOT NULL,
    code_year  smallint NOT NULL,
    code       text NOT NULL,
    office_id  text NOT NULL REFERENCES office,
    trigger    text NOT NULL CHECK (trigger IN ('accepted', 'not_accepted', 'supplement', 'appointment', 'payment',
                                                'completed', 'refused', 'stopped', 'late', 'returned', 'answered')),
    channel    text NOT NULL CHECK (channel IN ('email', 'sms', 'phone')),
    state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
    attempts   smallint NOT NULL DEFAULT 0,
    error      text,
    made_at    timestamptz NOT NULL DEFAULT now(),
    next_at    timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    ended_by   bigint,
    UNIQUE (event_id, trigger, channel)
);
CREATE INDEX message_waiting ON message (next_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX message_open ON message (office_id, channel, made_at) WHERE state IN ('waiting', 'sending', 'dead');
CREATE INDEX message_code ON message (code);
COMMENT ON TABLE message IS 'One line per recipient and event; the text is made when it is sent and kept nowhere.';

CREATE TABLE webhook (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url       text NOT NULL CHECK (url ~ '^https?://'),
    secret    text NOT NULL CHECK (length(secret) >= 24),
    office_id text REFERENCES office,
    active    boolean NOT NULL DEFAULT true,
    made_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN webhook.office_id IS 'Whose dossiers; NULL: all.';
CREATE TABLE webhook_delivery (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id bigint NOT NULL REFERENCES webhook,
    event_id   bigint NOT NULL,
    event_at   timestamptz NOT NULL,
    state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
    attempts   smallint NOT NULL DEFAULT 0,
    error      text,
    next_at    timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (next_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX webhook_delivery_dead ON webhook_delivery (webhook_id) WHERE state = 'dead';

CREATE TABLE apology (
    code_year smallint NOT NULL,
    code      text NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('late', 'extension')),
    office_id text NOT NULL REFERENCES office,
    owed_at   timestamptz NOT NULL,
    reason    text,
    sent_at   timestamptz,
    staff_id  bigint,
    PRIMARY KEY (code_year, code, kind)
);
CREATE INDEX apology_office ON apology (office_id, owed_at);
CREATE INDEX apology_owed ON apology (office_id) WHERE sent_at IS NULL;
COMMENT ON TABLE apology IS 'The register of apologies: owed when a dossier is late or extended, settled when the letter goes out.';

CREATE TABLE letter (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code_year smallint NOT NULL,
    code      text NOT NULL,
    office_id text NOT NULL REFERENCES office,
    kind      text NOT NULL CHECK (kind IN ('thanks', 'marriage', 'birth', 'condolence', 'apology')),
    channel   text NOT NULL CHECK (channel IN ('print', 'email')),
    at        timestamptz NOT NULL DEFAULT now(),
    staff_id  bigint,
    UNIQUE (code, kind, channel)
);
CREATE INDEX letter_office ON letter (office_id, at);

CREATE TABLE letter_text (
    office_id text NOT NULL REFERENCES office,
    kind      text NOT NULL,
    language  text NOT NULL CHECK (language IN ('vi', 'en')),
    body      text NOT NULL,
    PRIMARY KEY (office_id, kind, language)
);
COMMENT ON TABLE letter_text IS 'An office''s own wording of a letter or message; what is missing has the usual one.';

-- What citizens say -------------------------------------------------------------------------------------------------

CREATE TABLE rating (
    code_year smallint NOT NULL,
    code      text NOT NULL,
    office_id text NOT NULL REFERENCES office,
    score     smallint NOT NULL CHECK (score BETWEEN 1 AND 5),
    comment   text,
    criteria  jsonb NOT NULL DEFAULT '{}',
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (code_year, code)
);
CREATE INDEX rating_office ON rating (office_id, at);

CREATE TABLE feedback (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code_year   smallint NOT NULL,
    code        text NOT NULL,
    office_id   text NOT NULL REFERENCES office,
    kind        text NOT NULL CHECK (kind IN ('feedback', 'petition')),
    text        text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    due_at      timestamptz NOT NULL,
    assigned_to bigint REFERENCES staff,
    answer      text,
    answered_at timestamptz,
    answered_by bigint
);
CREATE INDEX feedback_office ON feedback (office_id, at);
CREATE INDEX feedback_code ON feedback (code);
COMMENT ON TABLE feedback IS 'Phản ánh, kiến nghị about one dossier, with the answer and the day it is due.';

-- Partitions --------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION ensure_partitions(until date) RETURNS int LANGUAGE plpgsql AS $$
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
        FOREACH parent IN ARRAY ARRAY['dossier_event', 'ticket', 'ticket_event', 'audit'] LOOP
            made := made + ensure_partition(format('%s_%s', parent, to_char(month, 'YYYYMM')), parent, month::text,
                                            (month + interval '1 month')::date::text);
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

SELECT ensure_partitions((now() + interval '3 months')::date);
CREATE TABLE audit_other PARTITION OF audit DEFAULT;
