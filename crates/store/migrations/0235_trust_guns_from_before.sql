-- What is there counts once it is signed anew, which is within two weeks: timestamps have no more.
INSERT INTO trust_guns (gun, publisher_id, used_bytes)
SELECT g.gun, p.id, CAST(0 AS BIGINT)
FROM (SELECT gun FROM trust_files UNION SELECT gun FROM trust_keys) g
JOIN publishers p ON g.gun LIKE '%/staging/' || p.slug || '/%'
AND g.gun NOT LIKE '%/%/staging/' || p.slug || '/%';
