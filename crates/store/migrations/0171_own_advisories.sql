-- Vulnerabilities that the certification team added by hand; matched like any advisory. Rows are
-- never deleted: what was withdrawn is the history, and says why its findings are gone.
CREATE TABLE own_advisories (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    ecosystem     TEXT NOT NULL,
    package       TEXT NOT NULL,
    introduced    TEXT,
    fixed         TEXT,
    last_affected TEXT,
    title         TEXT NOT NULL,
    vector        TEXT,
    score         DOUBLE PRECISION,
    class         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    made_by       TEXT NOT NULL REFERENCES accounts (id),
    made_at       TIMESTAMPTZ NOT NULL,
    withdrawn_by  TEXT REFERENCES accounts (id),
    withdrawn_at  TIMESTAMPTZ,
    withdrawn_why TEXT
);
CREATE UNIQUE INDEX own_advisories_in_force ON own_advisories (name, ecosystem, package) WHERE withdrawn_at IS NULL;
CREATE INDEX own_advisories_by_time ON own_advisories (made_at, id);
