-- Blobs that repositories have but whose bytes are missing or wrong. Whoever may push one is
-- told that it is not there, so that the next push mends it.
CREATE TABLE damaged_blobs (
    digest   TEXT PRIMARY KEY,
    problem  TEXT NOT NULL,
    found_at TIMESTAMPTZ NOT NULL
);
