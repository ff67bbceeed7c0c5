-- What each publisher's staging repositories take: every blob once, however many of them
-- have it. Kept beside the links, so that a push need not add anything up.
CREATE TABLE publisher_blobs (
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    digest       TEXT NOT NULL,
    size         BIGINT NOT NULL,
    PRIMARY KEY (publisher_id, digest)
);

CREATE TABLE publisher_storage (
    publisher_id TEXT PRIMARY KEY REFERENCES publishers (id),
    used_bytes   BIGINT NOT NULL,
    quota_bytes  BIGINT                       -- set by the operator; 0 for none; else the configured one
);

INSERT INTO publisher_blobs (publisher_id, digest, size)
SELECT r.publisher_id, b.digest, MAX(b.size)
FROM repository_blobs b JOIN repositories r ON r.id = b.repository_id
WHERE r.product_id IS NULL
GROUP BY r.publisher_id, b.digest;

INSERT INTO publisher_storage (publisher_id, used_bytes)
SELECT p.id, CAST(COALESCE((SELECT SUM(b.size) FROM publisher_blobs b WHERE b.publisher_id = p.id), 0) AS BIGINT)
FROM publishers p;
