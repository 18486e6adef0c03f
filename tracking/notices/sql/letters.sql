-- name: letters_due
-- Letters that go with a result, for a quarter of a year; apologies until they are settled.
SELECT dossier.code, procedure.letter AS kind, finished_at AS since, procedure.name AS procedure,
       procedure.name_en AS procedure_en, applicant.name AS applicant, coalesce(applicant.email, '') <> '' AS by_email
  FROM dossier
  JOIN procedure ON procedure.code = dossier.procedure_code AND procedure.letter IS NOT NULL
  JOIN applicant ON applicant.code_year = dossier.code_year AND applicant.code = dossier.code
 WHERE receiving_office = :office_id AND finished_at > now() - interval '90 days' AND outcome = 'granted'
   AND status IN (9, 10)
   AND NOT EXISTS (SELECT FROM letter WHERE letter.code = dossier.code AND letter.kind = procedure.letter)
UNION ALL
SELECT dossier.code, 'apology', min(owed_at), procedure.name, procedure.name_en, applicant.name,
       coalesce(applicant.email, '') <> ''
  FROM apology
  JOIN dossier ON dossier.code_year = apology.code_year AND dossier.code = apology.code
  JOIN procedure ON procedure.code = dossier.procedure_code
  LEFT JOIN applicant ON applicant.code_year = dossier.code_year AND applicant.code = dossier.code
 WHERE apology.office_id = :office_id AND sent_at IS NULL
 GROUP BY dossier.code, procedure.name, procedure.name_en, applicant.name, applicant.email
 ORDER BY since, code LIMIT :most;

-- name: letter_read
-- All that the text of a letter needs.
SELECT :kind::text AS kind, dossier.code, dossier.receiving_office AS office_id,
       coalesce(applicant.language, 'vi') AS language, applicant.name AS applicant_name, applicant.email, dossier.status,
       received_at, due_at, appointment_on, finished_at, clock_stopped_at, originals_held, amount_due,
       procedure.name AS procedure_name, procedure.name_en AS procedure_name_en, office.name AS office_name,
       office.name_en AS office_name_en, office.address AS office_address, agency.name AS agency_name,
       agency.name_en AS agency_name_en,
       (SELECT reason FROM apology WHERE apology.code_year = dossier.code_year AND apology.code = dossier.code
         ORDER BY owed_at DESC LIMIT 1) AS reason,
       NULL::jsonb AS details, receipt.token, letter_text.body AS own
  FROM dossier
  JOIN procedure ON procedure.code = dossier.procedure_code
  JOIN office ON office.id = dossier.receiving_office
  JOIN agency ON agency.code = dossier.competent_agency
  LEFT JOIN applicant ON applicant.code_year = dossier.code_year AND applicant.code = dossier.code
  LEFT JOIN receipt ON receipt.code = dossier.code AND receipt.revoked_at IS NULL
  LEFT JOIN letter_text ON letter_text.office_id = dossier.receiving_office
       AND letter_text.kind = 'letter:' || :kind AND letter_text.language = coalesce(applicant.language, 'vi')
 WHERE dossier.code_year = :year AND dossier.code = :code
   AND (procedure.letter = :kind
        OR :kind = 'apology' AND EXISTS (SELECT FROM apology WHERE apology.code_year = dossier.code_year
                                                               AND apology.code = dossier.code));

-- name: letter_add
-- Once of each kind and way; an apology goes out again for what came to be owed after it (late after an extension).
INSERT INTO letter (code_year, code, office_id, kind, channel, staff_id)
VALUES (:year, :code, :office_id, :kind, :channel, :staff_id)
ON CONFLICT (code, kind, channel) DO UPDATE SET at = now(), staff_id = excluded.staff_id
 WHERE letter.kind = 'apology' AND EXISTS (SELECT FROM apology
                                            WHERE apology.code_year = letter.code_year AND apology.code = letter.code
                                              AND apology.sent_at IS NULL AND apology.owed_at > letter.at)
RETURNING id;

-- name: letter_drop
DELETE FROM letter WHERE id = :id;

-- name: letter_settle
-- The apologies it settles, and the audit row.
WITH settled AS (
    UPDATE apology SET sent_at = now(), staff_id = :staff_id
     WHERE :kind::text = 'apology' AND code_year = :year AND code = :code AND sent_at IS NULL)
INSERT INTO audit (staff_id, office_id, action, subject)
VALUES (:staff_id, :office_id, 'letter-' || :channel::text, 'dossier:' || :code);

-- name: letters_counted
-- A letter that was printed and sent counts once.
SELECT kind, count(DISTINCT code) AS number FROM letter
 WHERE office_id = :office_id AND at >= :first AND at < :past GROUP BY kind;
