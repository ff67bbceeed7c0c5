-- What people are told, on a page of theirs and by mail. One row a person and cause: nothing is told twice.

CREATE TABLE notices (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind       TEXT NOT NULL,
    cause      TEXT NOT NULL,                 -- what happened, once
    title      TEXT NOT NULL,
    body       TEXT NOT NULL,
    path       TEXT NOT NULL,                 -- the page that it is about
    mute_key   TEXT NOT NULL UNIQUE,          -- who has the mail may end this kind of mail with it
    created_at TIMESTAMPTZ NOT NULL,
    read_at    TIMESTAMPTZ,
    mail       TEXT NOT NULL,                 -- waiting, sent, muted, failed
    mail_at    TIMESTAMPTZ NOT NULL,          -- when it is tried next, or came to its end
    attempts   BIGINT NOT NULL,
    error      TEXT,                          -- why the last attempt failed
    UNIQUE (account_id, cause)
);
CREATE INDEX notices_by_account ON notices (account_id, id);
CREATE INDEX notices_by_mail ON notices (mail, mail_at);

-- Kinds of which somebody wants no mail.
CREATE TABLE muted_notices (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind       TEXT NOT NULL,
    PRIMARY KEY (account_id, kind)
);
CREATE INDEX pulls_by_account ON pulls (product_id, account_id);
