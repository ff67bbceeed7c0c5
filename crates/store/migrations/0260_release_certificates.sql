-- The certificate of each key that signed releases, under each name of the market: a key in a
-- device makes no two alike, and consumers trust the one that they were given.

CREATE TABLE release_certificates (
    key_id     TEXT NOT NULL,
    host       TEXT NOT NULL,
    content    BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (key_id, host)
);
