-- Secret addresses of calendars, one of each person and publisher.
CREATE TABLE calendars (
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    key_hash     TEXT NOT NULL UNIQUE,
    made_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, publisher_id)
);
