-- Access tokens that are cut down, made of one another, or kept by a client that signed in;
-- robot accounts; the keys that registry tokens are signed with.

ALTER TABLE tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'access';       -- access, or login: what a client keeps
ALTER TABLE tokens ADD COLUMN parent_id TEXT REFERENCES tokens (id);     -- what it was made with
ALTER TABLE tokens ADD COLUMN scopes TEXT;                               -- with spaces between; nothing is no limit
CREATE INDEX tokens_by_parent ON tokens (parent_id);

-- A robot belongs to one publisher or to one person's account.
ALTER TABLE accounts ADD COLUMN robot_publisher_id TEXT REFERENCES publishers (id);
ALTER TABLE accounts ADD COLUMN robot_account_id TEXT REFERENCES accounts (id);
ALTER TABLE accounts ADD COLUMN robot_expires_at TIMESTAMPTZ;
CREATE INDEX accounts_by_robot_publisher ON accounts (robot_publisher_id);
CREATE INDEX accounts_by_robot_account ON accounts (robot_account_id);

-- The keys themselves are nowhere: each is derived from its salt and the secret in keys/tokens.key.
CREATE TABLE token_keys (
    number     BIGINT PRIMARY KEY,
    salt       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    signs_from TIMESTAMPTZ NOT NULL
);
