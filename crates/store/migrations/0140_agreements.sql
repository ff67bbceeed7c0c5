-- The publisher agreement, every version of it, and who accepted which for a publisher.

CREATE TABLE agreements (
    version BIGINT PRIMARY KEY,               -- 1, 2, and so on; the highest is current
    text    TEXT NOT NULL,                    -- Markdown
    set_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE agreement_acceptances (
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    version      BIGINT NOT NULL REFERENCES agreements (version),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    accepted_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (publisher_id, version)
);
