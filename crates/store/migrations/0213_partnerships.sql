-- Partnerships of publishers with the operator, every one and every version of their agreement.
CREATE TABLE partnership_agreements (
    version BIGINT PRIMARY KEY,               -- 1, 2, and so on; the highest is current
    text    TEXT NOT NULL,                    -- Markdown
    set_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE partnerships (
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    number       BIGINT NOT NULL,             -- 1, 2, and so on; the highest counts
    state        TEXT NOT NULL,               -- applied, granted, refused, ended
    exchange     TEXT NOT NULL,               -- member, limited-group
    membership   TEXT NOT NULL,
    agreement    BIGINT REFERENCES partnership_agreements (version),
    applied_by   TEXT NOT NULL,               -- the name of whoever did
    applied_at   TIMESTAMPTZ NOT NULL,
    decided_by   TEXT,
    decided_at   TIMESTAMPTZ,
    reason       TEXT,
    PRIMARY KEY (publisher_id, number)
);
