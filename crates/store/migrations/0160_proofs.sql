-- Letters to addresses that need no account, and what publishers prove of what they say of themselves.

CREATE TABLE letters (
    id         TEXT PRIMARY KEY,              -- with it goes a secret, which is derived and stands nowhere
    address    TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,
    path       TEXT NOT NULL,                 -- the page that it leads to; id and secret come behind
    good_until TIMESTAMPTZ NOT NULL,          -- not sent any more from then on
    created_at TIMESTAMPTZ NOT NULL,
    mail       TEXT NOT NULL,                 -- waiting, sent, failed, late
    mail_at    TIMESTAMPTZ NOT NULL,          -- when it is tried next, or came to its end
    attempts   BIGINT NOT NULL,
    error      TEXT                           -- why the last attempt failed
);
CREATE INDEX letters_by_mail ON letters (mail, mail_at);

CREATE TABLE email_proofs (
    letter_id    TEXT PRIMARY KEY REFERENCES letters (id),
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    email        TEXT NOT NULL,
    asked_at     TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ NOT NULL,
    proven_at    TIMESTAMPTZ
);
CREATE INDEX email_proofs_by_publisher ON email_proofs (publisher_id, asked_at);

CREATE TABLE domain_proofs (
    publisher_id TEXT PRIMARY KEY REFERENCES publishers (id),
    domain       TEXT NOT NULL,
    asked_at     TIMESTAMPTZ NOT NULL,
    due_at       TIMESTAMPTZ,                 -- when it is looked at next; nothing if it is not
    looks        BIGINT NOT NULL,             -- since it was asked for
    looked_at    TIMESTAMPTZ,
    error        TEXT,                        -- why the last look found nothing
    way          TEXT,                        -- dns-record, file
    proven_at    TIMESTAMPTZ
);
CREATE INDEX domain_proofs_by_due ON domain_proofs (due_at) WHERE due_at IS NOT NULL;
