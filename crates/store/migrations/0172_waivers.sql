-- Certification checks that products need not pass for a time.
CREATE TABLE waivers (
    id         TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES products (id),
    check_id   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    made_by    TEXT NOT NULL REFERENCES accounts (id),
    made_at    TIMESTAMPTZ NOT NULL,
    ends_at    TIMESTAMPTZ NOT NULL,
    ended_by   TEXT REFERENCES accounts (id),
    ended_at   TIMESTAMPTZ,
    end_reason TEXT
);
CREATE INDEX waivers_by_product ON waivers (product_id);

-- The waiver that counted for a failed check when it was last looked at.
ALTER TABLE check_results ADD COLUMN waiver_id TEXT;
