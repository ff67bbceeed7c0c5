-- Images that are brought from other registries into a publisher's staging.
CREATE TABLE imports (
    id           TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    registry     TEXT NOT NULL,               -- host, and port where there is one
    repository   TEXT NOT NULL,               -- there
    reference    TEXT NOT NULL,               -- tag or digest
    staging      TEXT NOT NULL,               -- the repository here
    tag          TEXT NOT NULL,
    state        TEXT NOT NULL,               -- waiting, running, done, failed, cancelled
    credentials  BYTEA,                       -- sealed, and gone once it is over
    digest       TEXT,                        -- what was found there
    bytes_done   BIGINT NOT NULL,
    bytes_total  BIGINT NOT NULL,             -- 0 until it is known
    note         TEXT NOT NULL,
    error        TEXT,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    asked_by     TEXT NOT NULL,               -- the account's name
    asked_at     TIMESTAMPTZ NOT NULL,
    ended_at     TIMESTAMPTZ
);
CREATE INDEX imports_by_publisher ON imports (publisher_id, id);
