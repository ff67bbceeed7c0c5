-- Uploads into a bucket, which any server may go on with. Those into files have no rows.

DROP TABLE uploads;

CREATE TABLE uploads (
    id          TEXT PRIMARY KEY,
    repository  TEXT NOT NULL,                -- name; nobody goes on with one of no repository
    account_id  TEXT NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    touched_at  TIMESTAMPTZ NOT NULL,         -- last written to
    algorithm   TEXT NOT NULL,
    received    BIGINT NOT NULL,              -- bytes that are kept
    hash        BYTEA NOT NULL,               -- the digest's state after them
    object      TEXT,                         -- key that the parts become
    multipart   TEXT,                         -- the service's name for the parts
    parts       JSONB NOT NULL,               -- their tags in order
    tail        BYTEA,                        -- what is too little for a part, if it is very little
    tail_object TEXT,                         -- or where it lies
    holder      TEXT,                         -- the request that has it
    held_until  TIMESTAMPTZ
);
CREATE INDEX uploads_by_account ON uploads (account_id);
CREATE INDEX uploads_by_time ON uploads (touched_at);
