-- name: paper_receipt
SELECT token, pin FROM receipt WHERE code = :code AND revoked_at IS NULL;

-- name: paper_payments
SELECT amount, purpose, paid_at FROM payment WHERE code = :code ORDER BY id;

-- name: paper_staff
SELECT id, name FROM staff WHERE id = ANY (:ids::bigint[]);

-- name: paper_apology
SELECT reason FROM apology WHERE code_year = :year AND code = :code ORDER BY kind DESC LIMIT 1;

-- name: paper_notice
SELECT notice.id, notice.office_id, office.name AS office_name, procedure.name AS procedure_name,
       notice.applicant_name, staff.name AS staff, notice.at, notice.reason, notice.missing, notice.guidance
  FROM intake_notice AS notice
  JOIN office ON office.id = notice.office_id
  JOIN procedure ON procedure.code = notice.procedure_code
  LEFT JOIN staff ON staff.id = notice.staff_id
 WHERE notice.id = :id;

-- name: paper_register
-- The dossiers that an office received from :first on and before :past, as the register lists them.
SELECT dossier.code, procedure.name AS procedure, agency.name AS agency, applicant.name AS applicant,
       coalesce(applicant.address, applicant.phone) AS contact, dossier.channel, dossier.status, received_at,
       due_at, appointment_on, finished_at, returned_at, clock_stopped_at, result_post.code IS NOT NULL AS post
  FROM dossier
  JOIN procedure ON procedure.code = dossier.procedure_code
  JOIN agency ON agency.code = dossier.competent_agency
  LEFT JOIN applicant ON applicant.code_year = dossier.code_year AND applicant.code = dossier.code
  LEFT JOIN result_post ON result_post.code_year = dossier.code_year AND result_post.code = dossier.code
 WHERE dossier.receiving_office = :office_id AND received_at >= :first AND received_at < :past
 ORDER BY received_at, dossier.code
 LIMIT :most::int;
