-- name: late_turn
SELECT pg_try_advisory_xact_lock(hashtextextended('late', 0));

-- name: late_found
-- Dossiers of ours whose time has just run out: each owes an apology from the moment it was due, and has an event.
WITH found AS (
    SELECT code_year, code, receiving_office, status, version, due_at FROM dossier
     WHERE due_at < now() AND finished_at IS NULL AND status IN (2, 4, 6) AND clock_stopped_at IS NULL
       AND origin IS NULL AND received_at > now() - interval '400 days'
       AND NOT EXISTS (SELECT FROM apology WHERE apology.code_year = dossier.code_year
                                             AND apology.code = dossier.code AND kind = 'late')
     ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED),
owed AS (
    INSERT INTO apology (code_year, code, kind, office_id, owed_at)
    SELECT code_year, code, 'late', receiving_office, due_at FROM found ON CONFLICT DO NOTHING RETURNING code_year, code),
event AS (
    INSERT INTO dossier_event (code, version, action, from_status, to_status)
    SELECT code, version, 'late', status, status FROM found JOIN owed USING (code_year, code)
    RETURNING id, at, code)
SELECT event.id, event.at, event.code, receiving_office FROM event JOIN found USING (code);
