-- The log that cannot forget: what was released, held, reinstated, revoked and withdrawn.
-- Nothing here is ever changed or deleted.

CREATE TABLE log_entries (
    idx     BIGINT PRIMARY KEY,               -- from zero, without gaps
    name    TEXT NOT NULL,                    -- host and repository
    content BYTEA NOT NULL                    -- what is hashed
);
CREATE INDEX log_entries_by_name ON log_entries (name, idx);

-- Of level 0 the entries' own hashes; of each level above, one over 256 of the level below.
CREATE TABLE log_hashes (
    level BIGINT NOT NULL,
    idx   BIGINT NOT NULL,
    hash  BYTEA NOT NULL,
    PRIMARY KEY (level, idx)
);

-- One row. Whoever appends has it first, so that numbers have no gaps.
CREATE TABLE log_head (
    one  BIGINT PRIMARY KEY,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL
);
