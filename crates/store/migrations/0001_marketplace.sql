-- One text for SQLite and PostgreSQL. No defaults from the clock: time comes from the program.
-- Words in `state`, `kind` and `role` columns are those of the enums in the crate `market`.

CREATE TABLE accounts (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    staff_role    TEXT,                       -- reviewer, operator, or nothing
    created_at    TIMESTAMPTZ NOT NULL,
    disabled_at   TIMESTAMPTZ
);

CREATE TABLE tokens (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    name         TEXT NOT NULL,
    secret_hash  TEXT NOT NULL,               -- SHA-256 of a random secret
    may_push     BOOLEAN NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);
CREATE INDEX tokens_by_account ON tokens (account_id);

CREATE TABLE sessions (
    secret_hash TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    csrf        TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL
);

CREATE TABLE publishers (
    id          TEXT PRIMARY KEY,
    slug        TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL,
    legal_name  TEXT NOT NULL,
    website     TEXT NOT NULL,
    phone       TEXT NOT NULL,
    email       TEXT NOT NULL,
    logo        TEXT,
    created_at  TIMESTAMPTZ NOT NULL,
    decided_at  TIMESTAMPTZ,
    reason      TEXT
);

CREATE TABLE members (
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    role         TEXT NOT NULL,               -- viewer, editor, owner
    joined_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (publisher_id, account_id)
);
CREATE INDEX members_by_account ON members (account_id);

CREATE TABLE publisher_keys (
    id           TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    name         TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    pem          TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    revoked_at   TIMESTAMPTZ,
    UNIQUE (publisher_id, fingerprint)
);

CREATE TABLE assets (
    digest       TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    media_type   TEXT NOT NULL,
    width        BIGINT NOT NULL,
    height       BIGINT NOT NULL,
    size         BIGINT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL
);

CREATE TABLE products (
    id           TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    slug         TEXT NOT NULL,
    state        TEXT NOT NULL,
    draft        JSONB NOT NULL,
    listed       JSONB,                       -- the manifest as released
    search_text  TEXT NOT NULL,
    category     TEXT NOT NULL,
    certified    BOOLEAN NOT NULL,
    held_at      TIMESTAMPTZ,
    state_reason TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    UNIQUE (publisher_id, slug)
);
CREATE INDEX products_by_state ON products (state, updated_at);

CREATE TABLE repositories (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    publisher_id TEXT NOT NULL REFERENCES publishers (id),
    product_id   TEXT REFERENCES products (id),   -- set on released repositories only
    created_at   TIMESTAMPTZ NOT NULL
);

CREATE TABLE repository_blobs (
    repository_id TEXT NOT NULL REFERENCES repositories (id),
    digest        TEXT NOT NULL,
    size          BIGINT NOT NULL,
    linked_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

CREATE TABLE manifests (
    repository_id TEXT NOT NULL REFERENCES repositories (id),
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    content       BYTEA NOT NULL,
    subject       TEXT,
    artifact_type TEXT,
    annotations   JSONB,
    pushed_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject);

CREATE TABLE tags (
    repository_id TEXT NOT NULL REFERENCES repositories (id),
    name          TEXT NOT NULL,
    digest        TEXT NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (repository_id, name)
);
CREATE INDEX tags_by_digest ON tags (repository_id, digest);

CREATE TABLE uploads (
    id            TEXT PRIMARY KEY,
    repository_id TEXT NOT NULL REFERENCES repositories (id),
    account_id    TEXT NOT NULL,
    started_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE submissions (
    id            TEXT PRIMARY KEY,
    product_id    TEXT NOT NULL REFERENCES products (id),
    number        BIGINT NOT NULL,
    state         TEXT NOT NULL,
    manifest      JSONB NOT NULL,
    repository    TEXT NOT NULL,              -- staging; never shown to consumers
    tag           TEXT NOT NULL,
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    submitted_by  TEXT NOT NULL REFERENCES accounts (id),
    submitted_at  TIMESTAMPTZ NOT NULL,
    waiting_since TIMESTAMPTZ NOT NULL,
    inspected_at  TIMESTAMPTZ,
    signature     JSONB,                      -- what verification found
    problem       TEXT,
    certifiable   BOOLEAN NOT NULL,
    UNIQUE (product_id, number)
);
CREATE INDEX submissions_by_state ON submissions (state, waiting_since);

CREATE TABLE layer_reports (
    digest         TEXT NOT NULL,
    parser_version BIGINT NOT NULL,
    report         BYTEA NOT NULL,            -- JSON, zstd
    created_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (digest, parser_version)
);

CREATE TABLE images (
    digest     TEXT PRIMARY KEY,              -- of the platform's manifest
    platform   TEXT NOT NULL,
    size       BIGINT NOT NULL,
    content    BYTEA NOT NULL,                -- configuration and inventory, JSON, zstd
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE submission_images (
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    digest        TEXT NOT NULL REFERENCES images (digest),
    position      BIGINT NOT NULL,
    PRIMARY KEY (submission_id, digest)
);
CREATE INDEX submission_images_by_digest ON submission_images (digest);

CREATE TABLE findings (
    id                TEXT PRIMARY KEY,
    submission_id     TEXT NOT NULL REFERENCES submissions (id),
    image             TEXT NOT NULL,
    state             TEXT NOT NULL,
    vulnerability     TEXT NOT NULL,
    component         TEXT NOT NULL,
    version           TEXT NOT NULL,
    layer             TEXT NOT NULL,
    class             TEXT NOT NULL,
    score             DOUBLE PRECISION,
    fixed_version     TEXT,
    detail            JSONB NOT NULL,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    notified_at       TIMESTAMPTZ,
    due_at            TIMESTAMPTZ,
    UNIQUE (submission_id, image, vulnerability, component, version)
);

CREATE INDEX findings_due ON findings (due_at) WHERE state = 'open';

CREATE TABLE check_results (
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    image         TEXT NOT NULL,
    check_id      TEXT NOT NULL,
    position      BIGINT NOT NULL,
    result        JSONB NOT NULL,
    PRIMARY KEY (submission_id, image, check_id)
);

CREATE TABLE comments (
    id            TEXT PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    author_id     TEXT NOT NULL REFERENCES accounts (id),
    anchor        TEXT NOT NULL,
    body          TEXT NOT NULL,
    decision      TEXT,                       -- set where the remark came with a decision
    created_at    TIMESTAMPTZ NOT NULL,
    resolved_at   TIMESTAMPTZ
);
CREATE INDEX comments_by_submission ON comments (submission_id, created_at);

CREATE TABLE releases (
    id            TEXT PRIMARY KEY,
    product_id    TEXT NOT NULL REFERENCES products (id),
    submission_id TEXT NOT NULL UNIQUE REFERENCES submissions (id),
    repository_id TEXT NOT NULL REFERENCES repositories (id),
    tag           TEXT NOT NULL,
    digest        TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    certified     BOOLEAN NOT NULL,
    released_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX releases_by_product ON releases (product_id, released_at);

CREATE TABLE subscriptions (
    id                  TEXT PRIMARY KEY,
    account_id          TEXT NOT NULL REFERENCES accounts (id),
    product_id          TEXT NOT NULL REFERENCES products (id),
    plan                TEXT NOT NULL,
    amount_minor        BIGINT NOT NULL,
    currency            TEXT NOT NULL,
    state               TEXT NOT NULL,
    license_accepted_at TIMESTAMPTZ NOT NULL,
    started_at          TIMESTAMPTZ NOT NULL,
    ended_at            TIMESTAMPTZ
);
CREATE UNIQUE INDEX subscriptions_in_force ON subscriptions (account_id, product_id) WHERE state <> 'lapsed';

CREATE TABLE pulls (
    id            TEXT PRIMARY KEY,
    at            TIMESTAMPTZ NOT NULL,
    product_id    TEXT NOT NULL REFERENCES products (id),
    account_id    TEXT,
    plan          TEXT,
    reference     TEXT NOT NULL,
    digest        TEXT NOT NULL,
    user_agent    TEXT NOT NULL
);
CREATE INDEX pulls_by_product ON pulls (product_id, at);

CREATE TABLE jobs (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    payload      JSONB NOT NULL,
    state        TEXT NOT NULL,               -- queued, running, done, failed
    dedupe_key   TEXT UNIQUE,                 -- cleared when the job ends
    attempts     BIGINT NOT NULL,
    run_at       TIMESTAMPTZ NOT NULL,
    leased_by    TEXT,
    leased_until TIMESTAMPTZ,
    done_steps   BIGINT NOT NULL,
    total_steps  BIGINT NOT NULL,
    note         TEXT NOT NULL,
    error        TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    ended_at     TIMESTAMPTZ
);
CREATE INDEX jobs_by_state ON jobs (state, run_at);

CREATE TABLE audit (
    id       TEXT PRIMARY KEY,                -- sorts by time
    at       TIMESTAMPTZ NOT NULL,
    actor    TEXT NOT NULL,                   -- account id, or `system`
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    reason   TEXT,
    before   TEXT,
    after    TEXT
);
CREATE INDEX audit_by_subject ON audit (subject, at);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
