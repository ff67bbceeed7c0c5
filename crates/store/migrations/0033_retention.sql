-- Rules by which tags of staging repositories are dropped. Publishers without a row have the
-- operator's, which stand in `settings`.
CREATE TABLE retention_rules (
    publisher_id TEXT PRIMARY KEY REFERENCES publishers (id),
    rules        JSONB NOT NULL
);

-- To the day; pulls of staged images are not recorded otherwise.
ALTER TABLE tags ADD COLUMN pulled_at TIMESTAMPTZ;
