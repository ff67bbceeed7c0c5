-- How people want mail: of a kind, and for one product otherwise than for all.

ALTER TABLE notices ADD COLUMN product_id TEXT;
CREATE INDEX notices_waiting ON notices (account_id, mail_at) WHERE mail = 'waiting';
CREATE INDEX notices_unread ON notices (account_id) WHERE read_at IS NULL;

CREATE TABLE mail_choices (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind       TEXT NOT NULL,
    product_id TEXT NOT NULL,                 -- empty: every product without a choice of its own
    choice     TEXT NOT NULL,                 -- at-once, daily, never
    PRIMARY KEY (account_id, kind, product_id)
);
INSERT INTO mail_choices (account_id, kind, product_id, choice) SELECT account_id, kind, '', 'never' FROM muted_notices;
DROP TABLE muted_notices;
