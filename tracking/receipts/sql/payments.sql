-- name: payment_by_reference
-- The transfer of that number: all that was settled with it.
SELECT first.code, first.paid_at,
       (SELECT sum(settled.amount) FROM payment AS settled
         WHERE settled.code = first.code AND settled.paid_at = first.paid_at)::bigint AS amount
  FROM payment AS first WHERE first.reference = :reference;
