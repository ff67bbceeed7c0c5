-- What the keys that signed releases left behind: each said, while it was in use, which root key
-- may name its successor; and what that root key said once it was replaced.

CREATE TABLE release_keys (
    key_id       TEXT PRIMARY KEY,
    root_id      TEXT NOT NULL,
    appointment  TEXT NOT NULL,
    decision     TEXT,
    successor_id TEXT
);
