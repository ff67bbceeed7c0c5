-- What keeps what, what is about to be deleted, and the long work on the store itself.

-- What a manifest names in its own repository: blobs, and an index's manifests. The subject
-- of a referrer stands in `manifests.subject`. Rows come and go with their manifest.
CREATE TABLE manifest_references (
    repository_id TEXT NOT NULL,
    manifest      TEXT NOT NULL,
    digest        TEXT NOT NULL,
    PRIMARY KEY (repository_id, manifest, digest)
);
CREATE INDEX manifest_references_by_digest ON manifest_references (repository_id, digest);

-- Manifests from before this table: a collection reads them first.
ALTER TABLE manifests ADD COLUMN references_known BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX manifests_to_read ON manifests (repository_id, digest) WHERE NOT references_known;

-- Since when a collection has found that nothing reaches it; its grace counts from here.
ALTER TABLE manifests ADD COLUMN unreachable_since TIMESTAMPTZ;
CREATE INDEX manifests_unreachable ON manifests (repository_id, digest) WHERE unreachable_since IS NOT NULL;
ALTER TABLE repository_blobs ADD COLUMN unreachable_since TIMESTAMPTZ;
CREATE INDEX repository_blobs_unreachable ON repository_blobs (repository_id, digest) WHERE unreachable_since IS NOT NULL;

CREATE INDEX manifests_by_digest ON manifests (digest);
CREATE INDEX submissions_by_image ON submissions (repository, digest);

-- Blobs whose bytes are being deleted, and for a while those whose bytes were. Nobody makes
-- one of the first part of a repository, nor one of the second without looking at its bytes.
CREATE TABLE condemned (
    digest     TEXT PRIMARY KEY,
    older_than TIMESTAMPTZ NOT NULL,          -- bytes written since then stay
    deleted_at TIMESTAMPTZ
);

-- Collections and the like: what they found, and where they are in case they are cut short.
CREATE TABLE upkeep_runs (
    id           TEXT PRIMARY KEY,            -- sorts by time
    kind         TEXT NOT NULL,
    dry_run      BOOLEAN NOT NULL,
    requested_by TEXT NOT NULL,               -- account id, or `system`
    job_id       TEXT NOT NULL,
    started_at   TIMESTAMPTZ NOT NULL,
    ended_at     TIMESTAMPTZ,
    stage        TEXT NOT NULL,
    place        JSONB NOT NULL,              -- where in the stage
    figures      JSONB NOT NULL
);
CREATE INDEX upkeep_runs_by_kind ON upkeep_runs (kind, id);
