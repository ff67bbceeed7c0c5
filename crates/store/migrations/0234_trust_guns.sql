-- Which repositories of publishers have trust metadata, or keys that are held for it, and how
-- much of it counts towards the publisher's quota.
CREATE TABLE trust_guns (
    gun          TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    used_bytes   BIGINT NOT NULL
);
CREATE INDEX trust_guns_by_publisher ON trust_guns (publisher_id);
