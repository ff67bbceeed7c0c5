-- The Notary v1 service: metadata files by repository ("GUN": host and name), the keys that
-- are held for publishers, and what changed.

CREATE TABLE trust_files (
    gun        TEXT NOT NULL,
    role       TEXT NOT NULL,
    version    BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    sha384     TEXT NOT NULL,
    sha512     TEXT NOT NULL,
    content    BYTEA NOT NULL,                -- as it came
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    newest     BOOLEAN NOT NULL,              -- of its role
    in_force   BOOLEAN NOT NULL,              -- and clients come to it
    PRIMARY KEY (gun, role, version)
);
CREATE INDEX trust_files_by_digest ON trust_files (gun, sha256);
CREATE INDEX trust_files_newest ON trust_files (gun, role) WHERE newest;
CREATE INDEX trust_files_ending ON trust_files (role, expires_at) WHERE in_force;

-- The keys themselves are nowhere: each is derived from its salt and the secret in keys/trust.key.
CREATE TABLE trust_keys (
    gun        TEXT NOT NULL,
    role       TEXT NOT NULL,
    id         TEXT NOT NULL,
    salt       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (gun, role, id)
);

CREATE TABLE trust_changes (
    id         BIGINT PRIMARY KEY,
    gun        TEXT NOT NULL,
    version    BIGINT NOT NULL,               -- of the timestamp; 0 where all was deleted
    sha256     TEXT NOT NULL,
    category   TEXT NOT NULL,                 -- update, deletion
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX trust_changes_by_gun ON trust_changes (gun, id);

-- One row: the number of the last change. Whoever changes anything above has it first, so
-- that numbers have no gaps and nobody reads past one that is not there yet.
CREATE TABLE trust_feed (
    one  BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO trust_feed (one, last) VALUES (1, 0);
