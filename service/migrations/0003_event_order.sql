-- Events as other systems read them: in the order in which transactions began to write.

CREATE INDEX dossier_event_order ON dossier_event (tx, id);

CREATE FUNCTION dossier_code_year(code text) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN code ~ '-[0-9]{8}-[0-9]{4,7}$' THEN substring(code FROM '-([0-9]{4})[0-9]{4}-[0-9]+$')::smallint
                WHEN code ~ '-[0-9]{6}-[0-9]{4,7}$' THEN 2000 + substring(code FROM '-([0-9]{2})[0-9]{4}-[0-9]+$')::smallint
           END::smallint
$$;
COMMENT ON FUNCTION dossier_code_year IS 'The partition key inside a dossier code; NULL if it is none.';

CREATE INDEX webhook_delivery_sent ON webhook_delivery (ended_at) WHERE state = 'sent';
