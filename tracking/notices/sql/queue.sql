-- name: messages_add
-- A call is made by people: it is never due by itself.
INSERT INTO message (event_id, code_year, code, office_id, trigger, channel, next_at)
SELECT event_id, told.code_year, told.code, told.office_id, told.trigger, channel,
       CASE channel WHEN 'phone' THEN 'infinity' ELSE now() END
  FROM unnest(:events::bigint[], :years::smallint[], :codes::text[], :offices::text[], :triggers::text[])
       WITH ORDINALITY AS told (event_id, code_year, code, office_id, trigger, place)
  JOIN applicant ON applicant.code_year = told.code_year AND applicant.code = told.code
  CROSS JOIN unnest('{email,sms,phone}'::text[]) AS channel
 WHERE (channel = ANY (applicant.channels) OR told.trigger IN ('appointment', 'late'))
   AND CASE channel WHEN 'email' THEN applicant.email ELSE applicant.phone END <> ''
 ORDER BY place
ON CONFLICT DO NOTHING;

-- name: deliveries_add
-- What level 0 hides is told to nobody.
INSERT INTO webhook_delivery (webhook_id, event_id, event_at)
SELECT webhook.id, changed.event_id, changed.event_at
  FROM unnest(:events::bigint[], :moments::timestamptz[], :years::smallint[], :codes::text[], :offices::text[])
       AS changed (event_id, event_at, code_year, code, office_id)
  JOIN dossier ON dossier.code_year = changed.code_year AND dossier.code = changed.code AND dossier.public
  JOIN webhook ON webhook.active AND coalesce(webhook.office_id, changed.office_id) = changed.office_id
ON CONFLICT DO NOTHING;
