-- Manifests are kept in the database, where they take room as blobs do elsewhere.
INSERT INTO publisher_blobs (publisher_id, digest, size)
SELECT r.publisher_id, m.digest, MAX(LENGTH(m.content))
FROM manifests m JOIN repositories r ON r.id = m.repository_id
WHERE r.product_id IS NULL
AND NOT EXISTS (SELECT 1 FROM publisher_blobs b WHERE b.publisher_id = r.publisher_id AND b.digest = m.digest)
GROUP BY r.publisher_id, m.digest;

INSERT INTO publisher_storage (publisher_id, used_bytes)
SELECT DISTINCT b.publisher_id, CAST(0 AS BIGINT) FROM publisher_blobs b
WHERE NOT EXISTS (SELECT 1 FROM publisher_storage s WHERE s.publisher_id = b.publisher_id);

UPDATE publisher_storage SET used_bytes =
    CAST(COALESCE((SELECT SUM(b.size) FROM publisher_blobs b WHERE b.publisher_id = publisher_storage.publisher_id), 0) AS BIGINT);
