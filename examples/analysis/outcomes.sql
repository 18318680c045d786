-- Figures of `accredit outcomes`, from the files of `accredit export parquet FOLDER`, with DuckDB: cd FOLDER first.
-- Rows: table, word, count. Which figures are here: issuers, accreditations, statuses, years in which they began.
SELECT 'issuers' AS "table", '' AS word, count(*) AS count FROM 'issuers.parquet'
UNION ALL
SELECT 'accreditations', '', count(*) FROM 'accreditations.parquet'
UNION ALL
SELECT 'statuses', status, count(*) FROM 'accreditations.parquet' GROUP BY status
UNION ALL
SELECT 'begun', strftime(valid_from, '%Y'), count(*) FROM 'accreditations.parquet' GROUP BY ALL
ORDER BY ALL;
