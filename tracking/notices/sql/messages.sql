-- name: messages_claim
-- The next messages to send: committed as "sending" before anything is tried. Of one dossier and channel the oldest goes
-- first, and what follows waits until it has ended. While a row is "sending", next_at is when its sender counts as dead.
UPDATE message SET state = 'sending', attempts = attempts + 1, next_at = now() + :grace
 WHERE id IN (SELECT id FROM message AS due
               WHERE state = 'waiting' AND next_at <= now() AND channel <> 'phone'
                 AND NOT EXISTS (SELECT FROM message AS earlier
                                  WHERE earlier.code = due.code AND earlier.channel = due.channel
                                    AND earlier.id < due.id AND earlier.state IN ('waiting', 'sending'))
               ORDER BY next_at, id LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING id, channel, attempts;

-- name: messages_read
-- All that the texts and the sender need.
SELECT message.id, message.event_id, trigger, message.channel, message.made_at, message.code, message.office_id,
       coalesce(applicant.language, 'vi') AS language, applicant.name AS applicant_name, applicant.email,
       applicant.phone, dossier.status, received_at, due_at, appointment_on, finished_at, clock_stopped_at,
       originals_held, amount_due, procedure.name AS procedure_name, procedure.name_en AS procedure_name_en,
       office.name AS office_name, office.name_en AS office_name_en, office.address AS office_address,
       agency.name AS agency_name, agency.name_en AS agency_name_en,
       CASE trigger WHEN 'answered' THEN NULL ELSE event.reason END AS reason,
       CASE trigger WHEN 'answered' THEN NULL ELSE event.details END AS details,
       receipt.token, letter_text.body AS own
  FROM unnest(:ids::bigint[]) AS wanted (id)
  JOIN message ON message.id = wanted.id
  JOIN dossier ON dossier.code_year = message.code_year AND dossier.code = message.code
  JOIN procedure ON procedure.code = dossier.procedure_code
  JOIN office ON office.id = message.office_id
  JOIN agency ON agency.code = dossier.competent_agency
  LEFT JOIN applicant ON applicant.code_year = message.code_year AND applicant.code = message.code
  LEFT JOIN dossier_event AS event ON event.id = message.event_id AND event.code = message.code
  LEFT JOIN receipt ON receipt.code = message.code AND receipt.revoked_at IS NULL
  LEFT JOIN letter_text ON letter_text.office_id = message.office_id
       AND letter_text.kind = 'message:' || trigger || ':' || message.channel
       AND letter_text.language = coalesce(applicant.language, 'vi')
 ORDER BY message.id;

-- name: message_settle
-- Only the attempt that is under way is settled.
UPDATE message
   SET state = :state, error = :error, attempts = attempts - CASE WHEN :tried::boolean THEN 0 ELSE 1 END,
       next_at = CASE :state WHEN 'waiting' THEN now() + :wait ELSE next_at END,
       ended_at = CASE :state WHEN 'waiting' THEN NULL ELSE now() END
 WHERE id = :id AND state = 'sending' AND attempts = :attempts;

-- name: messages_abandoned
-- Whoever was sending these has died: an e-mail may have gone out, so it is never repeated by itself; the SMS gateway
-- knows what it has already had.
UPDATE message
   SET state = CASE channel WHEN 'sms' THEN 'waiting' ELSE 'dead' END,
       error = 'uncertain', ended_at = CASE channel WHEN 'sms' THEN NULL ELSE now() END
 WHERE state = 'sending' AND next_at <= now();

-- name: messages_by_state
SELECT channel, state, count(*) AS number FROM message
 WHERE state = 'waiting' OR (state = 'dead' AND ended_by IS NULL) GROUP BY channel, state
UNION ALL
SELECT 'webhook', state, count(*) FROM webhook_delivery WHERE state = 'waiting' GROUP BY state
UNION ALL
SELECT 'webhook', state, count(*) FROM webhook_delivery WHERE state = 'dead' GROUP BY state;
