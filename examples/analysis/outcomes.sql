-- The figures of `accredit outcomes --csv` that come from the public records, from the files of
-- `accredit export parquet FOLDER`, with DuckDB: cd FOLDER first. Rows: table, row, column, value, as there.
--
-- Years without a decision and words that occur nowhere are left out where the command shows a nought.
-- `told.parquet` is the node's own word: when it first told that a statement is in effect. All else follows from its log.
CREATE OR REPLACE TEMP MACRO seconds(later, earlier) AS greatest(0, epoch(later) - epoch(earlier))::BIGINT;

WITH
best AS (  -- of each issuer the best status of its accreditations, and whether that is in force
    SELECT issuer, arg_max(status, rank) AS status, coalesce(arg_max(is_in_force, rank), false) AS is_accredited
    FROM 'issuers.parquet' LEFT JOIN 'accreditations.parquet' USING (issuer)
        LEFT JOIN 'statuses.parquet' USING (status)
    GROUP BY issuer
),
adverse AS (SELECT * FROM 'history.parquet' WHERE is_adverse),
appeals AS (  -- each appeal with the first decision that names it
    SELECT opened.statement, any_value(opened.effective_from) AS opened, min(decided.effective_from) AS decided
    FROM 'history.parquet' AS opened
        LEFT JOIN 'follows.parquet' AS follows ON follows.earlier = opened.statement
            AND follows.event = 'appeal_decide'
        LEFT JOIN 'history.parquet' AS decided ON decided.statement = follows.statement
    WHERE opened.event = 'appeal_open'
    GROUP BY opened.statement
),
public AS (  -- each decision that this node told, from when it was made or took effect, whichever came first
    SELECT if(is_adverse, 'adverse', 'other') AS kind, least(decided, dated) AS began, told.time AS told
    FROM 'history.parquet' JOIN 'told.parquet' AS told USING (statement)
    WHERE event <> 'appeal_open'
),
since AS (SELECT told_since FROM 'registry.parquet'),
prompt AS (SELECT kind, seconds(told, began) AS took FROM public, since WHERE began >= told_since),
counts AS (
    SELECT kind AS "table", word, count(*) AS count FROM 'issuer_words.parquet' GROUP BY ALL
    UNION ALL SELECT 'issuer_statuses', coalesce(status, 'no_accreditation'), count(*) FROM best GROUP BY ALL
    UNION ALL SELECT 'statuses', status, count(*) FROM 'accreditations.parquet' GROUP BY ALL
    UNION ALL
    SELECT 'learning', learning, count(*) FROM 'accreditations.parquet' WHERE learning IS NOT NULL GROUP BY ALL
    UNION ALL SELECT 'approvals', constituency, count(*) FROM 'approvals.parquet' GROUP BY ALL
    UNION ALL SELECT 'frameworks', 'published', count(*) FROM 'frameworks.parquet'
    UNION ALL SELECT 'frameworks', 'complete', count(*) FROM 'frameworks.parquet' WHERE is_complete
    UNION ALL SELECT 'frameworks', 'in_a_scope', count(*) FROM 'frameworks.parquet' WHERE is_in_a_scope
    UNION ALL SELECT 'frameworks', 'mapped', count(*) FROM 'frameworks.parquet' WHERE is_mapped
    UNION ALL SELECT 'begun', strftime(valid_from, '%Y'), count(*) FROM 'accreditations.parquet' GROUP BY ALL
    UNION ALL SELECT 'adverse', strftime(effective_from, '%Y'), count(*) FROM adverse GROUP BY ALL
    UNION ALL SELECT 'reasons', coalesce(reason_code, 'not_given'), count(*) FROM adverse GROUP BY ALL
    UNION ALL SELECT 'appeals', 'opened', count(*) FROM appeals
    UNION ALL SELECT 'appeals', 'decided', count(decided) FROM appeals
    UNION ALL SELECT 'appeals', 'pending', count(*) - count(decided) FROM appeals
    UNION ALL
    SELECT 'appeals', 'annulled', count(DISTINCT statement) FROM adverse
    WHERE statement IN (SELECT earlier FROM 'follows.parquet' WHERE event = 'annul')
),
wholes AS (  -- what the counts of a table are shares of
    SELECT "table", sum(count) AS whole FROM counts
    WHERE "table" IN ('issuer_statuses', 'statuses', 'learning', 'approvals', 'reasons') GROUP BY ALL
    UNION ALL SELECT "table", count FROM counts WHERE word IN ('published', 'opened')
    UNION ALL
    SELECT unnest(['categories', 'sectors', 'modes']), (SELECT count(*) FROM 'issuers.parquet')
),
took AS (
    SELECT 'proposal_to_decision' AS span, seconds(decided, time) AS took
    FROM 'history.parquet' WHERE decided <> time AND event <> 'appeal_open'
    UNION ALL
    SELECT 'detection_to_decision', seconds(decided, detected_at) FROM adverse WHERE detected_at IS NOT NULL
    UNION ALL SELECT kind || '_to_public', took FROM prompt
    UNION ALL SELECT 'appeal', seconds(decided, opened) FROM appeals WHERE decided IS NOT NULL
),
spans AS (
    SELECT span, count(*) AS count, list(took ORDER BY took) AS sorted FROM took GROUP BY span
),
publication AS (
    SELECT kind, "limit", count(took) AS count, count(took) FILTER (took <= "limit") AS within
    FROM (VALUES ('adverse', 24 * 3600), ('other', 30 * 86400)) AS yardstick (kind, "limit")
        LEFT JOIN prompt USING (kind)
    GROUP BY ALL
),
present AS (  -- categories that have issuers, and whether one of them is accredited now
    SELECT word, bool_or(is_accredited) AS is_accredited
    FROM 'issuer_words.parquet' JOIN best USING (issuer) WHERE kind = 'categories' GROUP BY word
),
figures("table", "row", "column", value) AS (
    SELECT 'registry', 'issuers', 'value', count(*)::VARCHAR FROM 'issuers.parquet'
    UNION ALL SELECT 'registry', 'accreditations', 'value', count(*)::VARCHAR FROM 'accreditations.parquet'
    UNION ALL SELECT 'registry', 'told_since', 'value', strftime(told_since, '%Y-%m-%dT%H:%M:%SZ') FROM since
    UNION ALL
    SELECT 'registry', 'earlier', 'value', count(*)::VARCHAR FROM public, since WHERE began < told_since
    UNION ALL SELECT "table", word, 'count', count::VARCHAR FROM counts WHERE count > 0
    UNION ALL
    SELECT "table", word, 'share', round(count / whole, 4)::VARCHAR FROM counts JOIN wholes USING ("table")
    WHERE count > 0
    UNION ALL SELECT 'spans', span, 'count', count::VARCHAR FROM spans
    UNION ALL SELECT 'spans', span, 'median_seconds', sorted[ceil(count * 0.5)::INT]::VARCHAR FROM spans
    UNION ALL SELECT 'spans', span, 'ninetieth_seconds', sorted[ceil(count * 0.9)::INT]::VARCHAR FROM spans
    UNION ALL SELECT 'publication', kind, 'count', count::VARCHAR FROM publication WHERE count > 0
    UNION ALL SELECT 'publication', kind, 'within', within::VARCHAR FROM publication WHERE count > 0
    UNION ALL
    SELECT 'publication', kind, 'share', round(within / count, 4)::VARCHAR FROM publication WHERE count > 0
    UNION ALL
    SELECT 'missing', word, 'is', 'true' FROM 'categories.parquet' WHERE word NOT IN (SELECT word FROM present)
    UNION ALL SELECT 'unaccredited', word, 'is', 'true' FROM present WHERE NOT is_accredited
)
SELECT * FROM figures ORDER BY ALL;
