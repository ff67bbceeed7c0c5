-- Accounts that see a product before its first release, and pull its candidate.
CREATE TABLE previewers (
    product_id TEXT NOT NULL REFERENCES products (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    named_by   TEXT NOT NULL,                 -- the name of whoever did
    named_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (product_id, account_id)
);
CREATE INDEX previewers_by_account ON previewers (account_id);
