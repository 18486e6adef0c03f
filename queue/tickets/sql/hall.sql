-- name: hall_version
SELECT draw_hall_version(:office_id);

-- name: hall_tickets
-- Everyone in the line or at a counter today, and those who left it so recently that a phone may still be asking.
SELECT ticket.token, ticket.number, ticket.service_id, ticket.rank, ticket.state, ticket.issued_at, ticket.called_at,
       ticket.counter_id, counter.name AS counter
  FROM ticket LEFT JOIN counter ON counter.id = ticket.counter_id
 WHERE ticket.office_id = :office_id AND ticket.day = :day
   AND ticket.state IN ('waiting', 'called', 'serving', 'parked')
UNION ALL
SELECT ticket.token, ticket.number, ticket.service_id, ticket.rank, ticket.state, ticket.issued_at, ticket.called_at,
       ticket.counter_id, counter.name AS counter
  FROM ticket LEFT JOIN counter ON counter.id = ticket.counter_id
 WHERE ticket.office_id = :office_id AND ticket.day = :day AND ticket.ended_at > now() - interval '10 minutes'
   AND ticket.state IN ('served', 'no_show', 'cancelled', 'expired');

-- name: hall_counters
SELECT id, name, services, opened_at IS NOT NULL AS open FROM counter WHERE office_id = :office_id ORDER BY position;

-- name: hall_pace
-- How long calls took from the call to the end during the last hour: the evidence for the waiting estimate.
SELECT service_id, count(*) AS calls, sum(extract(epoch FROM ended_at - called_at) / 60)::float8 AS minutes
  FROM ticket
 WHERE office_id = :office_id AND day = :day AND ended_at > now() - interval '1 hour' AND called_at IS NOT NULL
 GROUP BY service_id;

-- name: hall_called
-- Priority tickets that were called and came after somebody without priority who still waits: each may have overtaken.
SELECT token, service_id, rank, issued_at FROM ticket
 WHERE office_id = :office_id AND day = :day AND rank = 0 AND called_at IS NOT NULL
   AND issued_at >= (SELECT min(issued_at) FROM ticket
                      WHERE office_id = :office_id AND day = :day AND rank = 1 AND state = 'waiting');
