-- name: ticket_print_claim
-- One request prints a slip: a row comes back to it alone. Once printed (or failed) it is printed again only when asked;
-- a claim whose worker died is given up after fifteen seconds, longer than a printer is waited for.
UPDATE ticket SET print_state = NULL, printed_at = clock_timestamp()
 WHERE day = :day AND token = :token AND state IN ('waiting', 'called')
   AND (printed_at IS NULL
        OR :again::boolean AND (print_state IS NOT NULL OR printed_at < clock_timestamp() - interval '15 seconds'))
RETURNING token;

-- name: ticket_print_done
UPDATE ticket SET print_state = :print_state WHERE day = :day AND token = :token;

-- name: ticket_print_read
SELECT print_state FROM ticket WHERE day = :day AND token = :token;
