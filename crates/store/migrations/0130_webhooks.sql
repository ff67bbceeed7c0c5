-- Programs that are told of what happens, over HTTP. Their secrets are nowhere: each is derived from its salt
-- and from one file that every node has.

CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,
    owner         TEXT NOT NULL,              -- an account's or publisher's identifier, or `market`
    url           TEXT NOT NULL,
    description   TEXT NOT NULL,
    kinds         TEXT NOT NULL,              -- of which events it is told, with spaces between
    salt          TEXT NOT NULL,
    old_salt      TEXT,                       -- of the secret before, which signs beside until
    old_until     TIMESTAMPTZ,                -- then
    created_at    TIMESTAMPTZ NOT NULL,
    disabled_at   TIMESTAMPTZ,
    disabled_why  TEXT,                       -- where it was not by hand
    failing_since TIMESTAMPTZ,                -- the first failure that no success followed
    leased_until  TIMESTAMPTZ NOT NULL        -- somebody sends to it until then; one at a time
);
CREATE INDEX webhooks_by_owner ON webhooks (owner, id);

-- One row a webhook and cause: nothing is queued twice.
CREATE TABLE webhook_deliveries (
    id         TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id),
    cause      TEXT NOT NULL,                 -- what happened, once
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,                 -- as it is sent
    created_at TIMESTAMPTZ NOT NULL,
    state      TEXT NOT NULL,                 -- waiting, delivered, failed
    due_at     TIMESTAMPTZ NOT NULL,          -- when it is tried next, or came to its end
    tries      BIGINT NOT NULL,               -- since it was queued last
    UNIQUE (webhook_id, cause)
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_due ON webhook_deliveries (state, due_at);

CREATE TABLE webhook_attempts (
    delivery_id TEXT NOT NULL REFERENCES webhook_deliveries (id),
    number      BIGINT NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    millis      BIGINT NOT NULL,              -- it took
    status      BIGINT,                       -- of the answer, where there was one
    answer      TEXT NOT NULL,                -- its start
    error       TEXT,
    PRIMARY KEY (delivery_id, number)
);

-- Feeds read the newest entries of a name, or of all names of a publisher.
CREATE INDEX log_entries_in_order ON log_entries (name COLLATE "C", idx);
