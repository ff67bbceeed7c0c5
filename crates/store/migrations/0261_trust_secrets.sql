-- The secret that keys and seals are derived from, sealed under each key that opens it: one, and
-- two while that key is being replaced. None where it was never replaced: it is the secret itself.

CREATE TABLE trust_secrets (
    key_id     TEXT PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
