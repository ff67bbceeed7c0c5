-- Requests that clients want done once: what was answered is kept for a day, sealed, so that it
-- can be answered again.
CREATE TABLE once_requests (
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    request_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,                    -- SHA-256 of the request, hexadecimal
    begun_at    TIMESTAMPTZ NOT NULL,
    answer      BYTEA,                            -- nothing until there is one
    PRIMARY KEY (account_id, request_key)
);
CREATE INDEX once_requests_by_time ON once_requests (begun_at);
