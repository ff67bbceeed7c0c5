-- What publishers state about vulnerabilities in their products. Rows are never deleted: the
-- newest of a scope that was not replaced is its author's word, the former ones are the history.

CREATE TABLE vex_statements (
    id            TEXT PRIMARY KEY,
    product_id    TEXT NOT NULL REFERENCES products (id),
    vulnerability TEXT NOT NULL,
    image         TEXT,                       -- manifest digest; nothing for every image
    component     TEXT,                       -- package URL or name; nothing for every component
    version       BIGINT NOT NULL,            -- 1 for the first of its scope
    status        TEXT NOT NULL,
    justification TEXT,
    text          TEXT NOT NULL,
    document      TEXT,                       -- the OpenVEX document it came in, by its id
    standing      TEXT NOT NULL,
    stated_by     TEXT NOT NULL REFERENCES accounts (id),
    stated_at     TIMESTAMPTZ NOT NULL,
    decided_by    TEXT REFERENCES accounts (id),
    decided_at    TIMESTAMPTZ,
    reason        TEXT,                       -- of the decision
    ends_at       TIMESTAMPTZ,                -- until when the acceptance counts
    ended_at      TIMESTAMPTZ                 -- when it stopped counting
);
CREATE UNIQUE INDEX vex_statements_by_scope ON vex_statements (product_id, vulnerability, COALESCE(image, ''), COALESCE(component, ''), version);
CREATE INDEX vex_statements_by_standing ON vex_statements (standing, ends_at);
