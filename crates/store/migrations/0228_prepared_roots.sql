-- Roots of names of which nothing was released yet, signed where the root key is. The first
-- release of a name takes its root from here.

CREATE TABLE prepared_roots (
    gun         TEXT PRIMARY KEY,
    root_key    TEXT NOT NULL,
    release_key TEXT NOT NULL,
    content     BYTEA NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);
