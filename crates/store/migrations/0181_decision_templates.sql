-- Short texts that the certification team keeps for its decisions.
CREATE TABLE decision_templates (
    id         TEXT PRIMARY KEY,
    decision   TEXT NOT NULL,                 -- request-changes, approve, reject
    name       TEXT NOT NULL,
    body       TEXT NOT NULL,
    changed_by TEXT NOT NULL REFERENCES accounts (id),
    changed_at TIMESTAMPTZ NOT NULL,
    UNIQUE (decision, name)
);
