-- What publishers owe; one that has no row owes nothing.

CREATE TABLE publisher_terms (
    publisher_id  TEXT NOT NULL REFERENCES publishers (id),
    version       BIGINT NOT NULL,            -- 1, 2, and so on; the highest is in force
    fee_minor     BIGINT,                     -- a year, for each listing; nothing if it is waived
    fee_currency  TEXT,
    revenue_share BIGINT NOT NULL,            -- hundredths of a percent
    note          TEXT NOT NULL,
    set_by        TEXT NOT NULL,              -- the name of whoever did
    set_at        TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (publisher_id, version)
);
