-- What the certification team says of how grave a vulnerability is, whatever its score. Rows are
-- never deleted: those that were taken back or replaced are the history.
CREATE TABLE classifications (
    id            TEXT PRIMARY KEY,
    vulnerability TEXT NOT NULL,
    product_id    TEXT REFERENCES products (id), -- nothing for every product
    class         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    made_by       TEXT NOT NULL REFERENCES accounts (id),
    made_at       TIMESTAMPTZ NOT NULL,
    ended_by      TEXT REFERENCES accounts (id),
    ended_at      TIMESTAMPTZ,
    end_reason    TEXT                           -- nothing where a newer one took its place
);
CREATE UNIQUE INDEX classifications_in_force ON classifications (vulnerability, COALESCE(product_id, '')) WHERE ended_at IS NULL;
CREATE INDEX classifications_by_time ON classifications (made_at, id);

-- The class by the advisories; `class` is what counts.
ALTER TABLE findings ADD COLUMN advised TEXT NOT NULL DEFAULT 'unscored';
UPDATE findings SET advised = class;
-- Since when the publisher knows that it has a class with a time; `notified_at` begins the
-- running promise.
ALTER TABLE findings ADD COLUMN told_at TIMESTAMPTZ;
UPDATE findings SET told_at = notified_at WHERE due_at IS NOT NULL;
-- Whether the running promise was announced by notice and event.
ALTER TABLE findings ADD COLUMN announced BOOLEAN NOT NULL DEFAULT TRUE;
CREATE INDEX findings_to_announce ON findings (submission_id) WHERE state = 'open' AND NOT announced;
-- A classification for every product looks for what it is about.
CREATE INDEX findings_by_vulnerability ON findings (vulnerability) WHERE state <> 'fixed';
-- What waits to be classified.
CREATE INDEX findings_unscored ON findings (first_seen_at) WHERE class = 'unscored' AND state = 'open';
