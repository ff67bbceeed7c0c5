-- When a submission goes public once it is approved: at-once, at-time, held.
ALTER TABLE submissions ADD COLUMN publication TEXT NOT NULL DEFAULT 'at-once';
ALTER TABLE submissions ADD COLUMN publish_at TIMESTAMPTZ;
