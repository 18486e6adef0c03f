-- name: deliveries_claim
-- Not those of receivers that rest. See messages_claim for next_at.
UPDATE webhook_delivery AS delivery SET state = 'sending', attempts = attempts + 1, next_at = now() + :grace
  FROM (SELECT due.id
          FROM webhook_delivery AS due
          JOIN webhook ON webhook.id = due.webhook_id AND webhook.active
         WHERE state = 'waiting' AND next_at <= now() AND NOT webhook_id = ANY (:resting::bigint[])
         ORDER BY next_at, due.id LIMIT :most FOR UPDATE OF due SKIP LOCKED) AS chosen
 WHERE delivery.id = chosen.id
RETURNING delivery.id, webhook_id, attempts;

-- name: delivery_read
SELECT delivery.event_id AS event, event.at, event.code, dossier.receiving_office AS office,
       dossier.competent_agency AS agency, dossier.procedure_code AS procedure, to_status AS status, event.version,
       dossier.public, webhook.id AS webhook_id, webhook.url, webhook.secret
  FROM webhook_delivery AS delivery
  JOIN webhook ON webhook.id = delivery.webhook_id
  JOIN dossier_event AS event ON event.at = delivery.event_at AND event.id = delivery.event_id
  JOIN dossier ON dossier.code = event.code AND dossier.code_year = dossier_code_year(event.code)
 WHERE delivery.id = :id;

-- name: delivery_settle
UPDATE webhook_delivery
   SET state = :state, error = :error, attempts = attempts - CASE WHEN :tried::boolean THEN 0 ELSE 1 END,
       next_at = CASE :state WHEN 'waiting' THEN now() + :wait ELSE next_at END,
       ended_at = CASE :state WHEN 'waiting' THEN NULL ELSE now() END
 WHERE id = :id AND state = 'sending' AND attempts = :attempts;

-- name: deliveries_abandoned
-- At least once: whoever was sending these has died, so they are sent again.
UPDATE webhook_delivery SET state = 'waiting', error = 'uncertain' WHERE state = 'sending' AND next_at <= now();

-- name: deliveries_forget
-- What arrived a month ago is no news, and nobody waits for what a removed webhook had coming.
DELETE FROM webhook_delivery
 WHERE id IN ((SELECT id FROM webhook_delivery WHERE state = 'sent' AND ended_at < now() - interval '30 days' LIMIT 1000)
              UNION ALL
              (SELECT delivery.id FROM webhook JOIN webhook_delivery AS delivery ON webhook_id = webhook.id
                WHERE NOT active LIMIT 1000));

-- name: events_read
-- In the order in which transactions began to write, numbers beside it: whatever is still open then comes later in this
-- order, so a reader that goes on from the last number it got never misses one. In the order of numbers alone it would: a
-- transaction may draw a smaller number and commit after its neighbour was read.
SELECT event.id AS event, event.at, event.code, dossier.receiving_office AS office, dossier.competent_agency AS agency,
       dossier.procedure_code AS procedure, to_status AS status, event.version,
       dossier.public AND dossier.receiving_office = coalesce(:office_id, dossier.receiving_office) AS shown
  FROM dossier_event AS event
  LEFT JOIN dossier ON dossier.code = event.code AND dossier.code_year = dossier_code_year(event.code)
 WHERE (event.tx, event.id) > (coalesce((SELECT last.tx FROM dossier_event AS last
                                          WHERE last.id <= :after ORDER BY last.id DESC LIMIT 1), '0'), :after)
   AND event.tx < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY event.tx, event.id
 LIMIT :most;

-- name: deliveries_replay
-- What waits already is left as it is.
WITH queued AS (
    INSERT INTO webhook_delivery AS old (webhook_id, event_id, event_at)
    SELECT :webhook_id, id, at FROM unnest(:events::bigint[], :moments::timestamptz[]) AS event (id, at)
    ON CONFLICT (webhook_id, event_id) DO UPDATE
       SET state = 'waiting', attempts = 0, error = NULL, next_at = now(), ended_at = NULL
     WHERE old.state IN ('sent', 'dead')
    RETURNING id)
SELECT count(*) FROM queued;

-- name: webhook_add
INSERT INTO webhook (url, secret, office_id)
SELECT :url, :secret, :office_id WHERE :office_id::text IS NULL OR EXISTS (SELECT FROM office WHERE id = :office_id)
RETURNING id, url, office_id AS office, made_at;

-- name: webhooks_read
SELECT webhook.id, url, office_id AS office, made_at,
       (SELECT count(*) FROM webhook_delivery WHERE webhook_id = webhook.id AND state = 'dead') AS dead
  FROM webhook WHERE active ORDER BY webhook.id;

-- name: webhook_read
SELECT id, office_id FROM webhook WHERE id = :id AND active;

-- name: webhook_remove
UPDATE webhook SET active = false WHERE id = :id AND active RETURNING id;
