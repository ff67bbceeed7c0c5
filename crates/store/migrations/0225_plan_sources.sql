-- What a subscription's plan gave when it began: nothing here means everything, as it was before
-- plans could give less.
ALTER TABLE subscriptions ADD COLUMN sources JSONB NOT NULL DEFAULT '[]';

-- From which release an image in a released repository is.
CREATE INDEX releases_by_image ON releases (repository_id, digest);

-- With the manifest in it, SQLite looks up what names a digest, instead of reading all that a
-- repository's manifests name.
DROP INDEX manifest_references_by_digest;
CREATE INDEX manifest_references_by_digest ON manifest_references (repository_id, digest, manifest);
