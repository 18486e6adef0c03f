-- name: report_cells
-- Dossiers received from :first to before :past, counted by office, by procedure and by channel: what came of them
-- (tracking.reports.figures.Result), and which index 766 reads otherwise. One pass; report_dossiers lists what this one
-- counts. Grouping by plain columns alone lets the planner hash, in parallel; OFFSET 0 keeps it from working out
-- "result" once for each sum.
WITH cells AS (
    SELECT receiving_office, procedure_code, channel,
           count(*) FILTER (WHERE result = 'before') AS before,
           count(*) FILTER (WHERE result = 'on') AS "on",
           count(*) FILTER (WHERE result = 'late') AS late,
           count(*) FILTER (WHERE result = 'open') AS open,
           count(*) FILTER (WHERE result = 'overdue') AS overdue,
           count(*) FILTER (WHERE result = 'waiting') AS waiting,
           count(*) FILTER (WHERE result = 'undated') AS undated,
           count(*) FILTER (WHERE result = 'not_accepted') AS not_accepted,
           count(*) FILTER (WHERE result = 'stopped') AS stopped,
           count(*) FILTER (WHERE strict AND result = 'before') AS strict_before,
           count(*) FILTER (WHERE strict AND result = 'on') AS strict_on,
           count(*) FILTER (WHERE supplements >= 2 AND result = 'open') AS strict_open,
           count(*) FILTER (WHERE supplements >= 2 AND result = 'waiting') AS strict_waiting,
           count(minutes) AS timed, sum(minutes) AS minutes,
           sum(stopped_minutes) FILTER (WHERE minutes IS NOT NULL) AS stopped_minutes,
           count(*) FILTER (WHERE on_the_spot) AS on_the_spot
      FROM (SELECT receiving_office, procedure_code, channel, supplements, stopped_minutes,
                   CASE WHEN status NOT IN (3, 8) THEN processing_minutes END AS minutes,
                   channel = 'counter' AND returned_at - received_at < interval '1 day'
                   AND (returned_at AT TIME ZONE :zone)::date = (received_at AT TIME ZONE :zone)::date AS on_the_spot,
                   supplements >= 2 OR supplements = 1
                   AND CASE right(time_limit, 1)
                       WHEN 'h' THEN (processing_minutes - 1) / 60 >= rtrim(time_limit, 'h')::int
                       ELSE (processing_minutes - 1) / 480 >= rtrim(time_limit, 'd')::int + 1 END AS strict,
                   CASE WHEN status = 3 THEN 'not_accepted'
                        WHEN status = 8 THEN 'stopped'
                        WHEN due_at IS NULL OR status IN (9, 10) AND finished_at IS NULL THEN 'undated'
                        WHEN finished_at > due_at THEN 'late'
                        WHEN finished_at < date_trunc('day', due_at - interval '1 microsecond', :zone) THEN 'before'
                        WHEN finished_at IS NOT NULL THEN 'on'
                        WHEN due_at >= :now THEN 'open'
                        WHEN (status = 5 OR clock_stopped_at IS NOT NULL)
                             AND coalesce(clock_stopped_at <= due_at, true) THEN 'waiting'
                        ELSE 'overdue' END AS result
              FROM dossier
             WHERE receiving_office = ANY(:offices) AND received_at >= :first AND received_at < :past
            OFFSET 0) AS judged
     GROUP BY receiving_office, procedure_code, channel)
SELECT CASE GROUPING(receiving_office, procedure_code, channel) WHEN 3 THEN 'office' WHEN 5 THEN 'procedure'
       ELSE 'channel' END AS dimension,
       coalesce(receiving_office, procedure_code, channel) AS key,
       sum(before)::bigint AS before, sum("on")::bigint AS "on", sum(late)::bigint AS late, sum(open)::bigint AS open,
       sum(overdue)::bigint AS overdue, sum(waiting)::bigint AS waiting, sum(undated)::bigint AS undated,
       sum(not_accepted)::bigint AS not_accepted, sum(stopped)::bigint AS stopped,
       sum(strict_before)::bigint AS strict_before, sum(strict_on)::bigint AS strict_on,
       sum(strict_open)::bigint AS strict_open, sum(strict_waiting)::bigint AS strict_waiting,
       sum(timed)::bigint AS timed, coalesce(sum(minutes), 0)::bigint AS minutes,
       coalesce(sum(stopped_minutes), 0)::bigint AS stopped_minutes, sum(on_the_spot)::bigint AS on_the_spot,
       coalesce(sum(before + "on" + late + open + overdue + waiting + undated) FILTER (WHERE channel = 'counter'), 0)
           ::bigint AS at_counter
  FROM cells
 GROUP BY GROUPING SETS ((receiving_office), (procedure_code), (channel));

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
                WHEN finished_at < date_trunc('day', due_at - interval '1 microsecond', :zone) THEN 'before'
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
