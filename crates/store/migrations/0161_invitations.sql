-- Invitations into publishers, by letter.

CREATE TABLE invitations (
    letter_id    TEXT PRIMARY KEY REFERENCES letters (id),
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    email        TEXT NOT NULL,
    role         TEXT NOT NULL,               -- viewer, editor, finance, owner
    invited_by   TEXT NOT NULL,               -- the name of whoever did
    invited_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ NOT NULL,
    ended_at     TIMESTAMPTZ,                 -- accepted, withdrawn, or sent anew
    accepted_by  TEXT REFERENCES accounts (id)
);
CREATE INDEX invitations_by_publisher ON invitations (publisher_id, invited_at);
