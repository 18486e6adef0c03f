-- name: report_cells
-- Dossiers received from :first to before :past, counted by office, by procedure and by channel, each with what came of
-- them in both readings (tracking.reports.figures.Result). One pass; report_dossiers lists what this one counts.
WITH cells AS (
    SELECT receiving_office, procedure_code, channel, law.result,
           CASE WHEN result IN ('before', 'on')
                     AND (supplements >= 2 OR supplements = 1
                          AND CASE right(time_limit, 1)
                              WHEN 'h' THEN (processing_minutes - 1) / 60 >= rtrim(time_limit, 'h')::int
                              ELSE (processing_minutes - 1) / 480 >= rtrim(time_limit, 'd')::int + 1 END) THEN 'late'
                WHEN result IN ('open', 'waiting') AND supplements >= 2 THEN 'overdue'
                ELSE result END AS result_766,
           count(*) AS dossiers,
           count(processing_minutes) AS timed,
           sum(processing_minutes) AS minutes,
           sum(stopped_minutes) FILTER (WHERE processing_minutes IS NOT NULL) AS stopped,
           count(*) FILTER (WHERE channel = 'counter' AND returned_at - received_at < interval '1 day'
                              AND (returned_at AT TIME ZONE :zone)::date = (received_at AT TIME ZONE :zone)::date)
               AS on_the_spot
      FROM dossier
     CROSS JOIN LATERAL (SELECT
           CASE WHEN status = 3 THEN 'not_accepted'
                WHEN status = 8 THEN 'stopped'
                WHEN due_at IS NULL OR status IN (9, 10) AND finished_at IS NULL THEN 'undated'
                WHEN finished_at > due_at THEN 'late'
                WHEN (finished_at AT TIME ZONE :zone) <
                     date_trunc('day', (due_at - interval '1 microsecond') AT TIME ZONE :zone) THEN 'before'
                WHEN finished_at IS NOT NULL THEN 'on'
                WHEN due_at >= :now THEN 'open'
                WHEN (status = 5 OR clock_stopped_at IS NOT NULL) AND coalesce(clock_stopped_at <= due_at, true)
                THEN 'waiting'
                ELSE 'overdue' END AS result) AS law
     WHERE receiving_office = ANY(:offices) AND received_at >= :first AND received_at < :past
     GROUP BY receiving_office, procedure_code, channel, result, result_766)
SELECT CASE GROUPING(receiving_office, procedure_code, channel) WHEN 3 THEN 'office' WHEN 5 THEN 'procedure'
       ELSE 'channel' END AS dimension,
       coalesce(receiving_office, procedure_code, channel) AS key, result, result_766,
       sum(dossiers)::bigint AS dossiers, sum(timed)::bigint AS timed, coalesce(sum(minutes), 0)::bigint AS minutes,
       coalesce(sum(stopped), 0)::bigint AS stopped, sum(on_the_spot)::bigint AS on_the_spot,
       coalesce(sum(dossiers) FILTER (WHERE channel = 'counter'), 0)::bigint AS at_counter
  FROM cells
 GROUP BY GROUPING SETS ((receiving_office, result, result_766), (procedure_code, result, result_766),
                         (channel, result, result_766));

-- name: report_times
-- How many took how many half hours (rounded up), with and without the supplement waits, by office and by procedure.
WITH cells AS (
    SELECT receiving_office, procedure_code, (processing_minutes + 29) / 30 AS net,
           (processing_minutes + stopped_minutes + 29) / 30 AS whole, count(*) AS dossiers
      FROM dossier
     WHERE receiving_office = ANY(:offices) AND received_at >= :first AND received_at < :past
       AND processing_minutes IS NOT NULL AND status NOT IN (3, 8)
     GROUP BY receiving_office, procedure_code, net, whole)
SELECT CASE WHEN GROUPING(receiving_office) = 0 THEN 'office' ELSE 'procedure' END AS dimension,
       coalesce(receiving_office, procedure_code) AS key, whole, net, sum(dossiers)::bigint AS dossiers
  FROM cells
 GROUP BY GROUPING SETS ((receiving_office, whole, net), (procedure_code, whole, net));

-- name: report_finished
-- Results of the period, whenever their dossiers came in.
SELECT CASE WHEN GROUPING(receiving_office) = 0 THEN 'office' ELSE 'procedure' END AS dimension,
       coalesce(receiving_office, procedure_code) AS key, count(*) AS dossiers
  FROM dossier
 WHERE receiving_office = ANY(:offices) AND finished_at >= :first AND finished_at < :past AND status NOT IN (3, 8)
 GROUP BY GROUPING SETS ((receiving_office), (procedure_code));

-- name: report_ratings
SELECT score, count(*) AS ratings FROM rating
 WHERE office_id = ANY(:offices) AND at >= :first AND at < :past
 GROUP BY score;

-- name: report_apologies
SELECT count(*) AS owed, count(sent_at) AS sent FROM apology
 WHERE office_id = ANY(:offices) AND owed_at >= :first AND owed_at < :past;

-- name: report_letters
-- One that was printed and sent by e-mail is one letter.
SELECT kind, count(DISTINCT code) AS letters FROM letter
 WHERE office_id = ANY(:offices) AND at >= :first AND at < :past
 GROUP BY kind;

-- name: report_feedback
SELECT count(*) AS received, count(*) FILTER (WHERE answered_at <= due_at) AS in_time,
       count(*) FILTER (WHERE answered_at <= due_at OR due_at < :now) AS judged
  FROM feedback
 WHERE office_id = ANY(:offices) AND at >= :first AND at < :past;

-- name: report_procedures
SELECT code, name, name_en, field, field_en, four_steps FROM procedure WHERE code = ANY(:codes);

-- name: report_dossiers
-- What report_cells counts: the dossiers behind a figure, at most :most. NULL: whatever it is.
WITH found AS (
    SELECT code, procedure_code, receiving_office, competent_agency, channel, status, received_at, due_at, finished_at,
           returned_at, clock_stopped_at
      FROM dossier
     CROSS JOIN LATERAL (SELECT
           CASE WHEN status = 3 THEN 'not_accepted'
                WHEN status = 8 THEN 'stopped'
                WHEN due_at IS NULL OR status IN (9, 10) AND finished_at IS NULL THEN 'undated'
                WHEN finished_at > due_at THEN 'late'
                WHEN (finished_at AT TIME ZONE :zone) <
                     date_trunc('day', (due_at - interval '1 microsecond') AT TIME ZONE :zone) THEN 'before'
                WHEN finished_at IS NOT NULL THEN 'on'
                WHEN due_at >= :now THEN 'open'
                WHEN (status = 5 OR clock_stopped_at IS NOT NULL) AND coalesce(clock_stopped_at <= due_at, true)
                THEN 'waiting'
                ELSE 'overdue' END AS result) AS law
     CROSS JOIN LATERAL (SELECT
           CASE WHEN NOT :strict::boolean THEN law.result
                WHEN law.result IN ('before', 'on')
                     AND (supplements >= 2 OR supplements = 1
                          AND CASE right(time_limit, 1)
                              WHEN 'h' THEN (processing_minutes - 1) / 60 >= rtrim(time_limit, 'h')::int
                              ELSE (processing_minutes - 1) / 480 >= rtrim(time_limit, 'd')::int + 1 END) THEN 'late'
                WHEN law.result IN ('open', 'waiting') AND supplements >= 2 THEN 'overdue'
                ELSE law.result END AS result) AS read
     WHERE receiving_office = ANY(:offices) AND received_at >= :first AND received_at < :past
       AND (:results::text[] IS NULL OR read.result = ANY(:results))
       AND (:procedures::text[] IS NULL OR procedure_code = ANY(:procedures))
       AND (:agency::text IS NULL OR competent_agency = :agency)
       AND (:channel::text IS NULL OR channel = :channel)
       AND (:q::text IS NULL OR starts_with(code, :q))
     ORDER BY received_at, code
     LIMIT :most)
SELECT found.code, procedure_code, procedure.name, procedure.name_en, receiving_office,
       competent_agency, channel, status, received_at, due_at, finished_at, returned_at, clock_stopped_at,
       count(*) OVER () AS total
  FROM found JOIN procedure ON procedure.code = procedure_code
 ORDER BY received_at, found.code
OFFSET :skip LIMIT :page_size;

-- name: report_finished_dossiers
-- What report_finished counts, at most :most.
WITH found AS (
    SELECT code, procedure_code, receiving_office, competent_agency, channel, status, received_at, due_at, finished_at,
           returned_at, clock_stopped_at
      FROM dossier
     WHERE receiving_office = ANY(:offices) AND finished_at >= :first AND finished_at < :past
       AND status NOT IN (3, 8)
       AND (:procedures::text[] IS NULL OR procedure_code = ANY(:procedures))
       AND (:agency::text IS NULL OR competent_agency = :agency)
       AND (:channel::text IS NULL OR channel = :channel)
       AND (:q::text IS NULL OR starts_with(code, :q))
     ORDER BY finished_at, code
     LIMIT :most)
SELECT found.code, procedure_code, procedure.name, procedure.name_en, receiving_office,
       competent_agency, channel, status, received_at, due_at, finished_at, returned_at, clock_stopped_at,
       count(*) OVER () AS total
  FROM found JOIN procedure ON procedure.code = procedure_code
 ORDER BY finished_at, found.code
OFFSET :skip LIMIT :page_size;

-- name: report_procedures_of_field
SELECT coalesce(array_agg(code), '{}') FROM procedure WHERE field = :field;
