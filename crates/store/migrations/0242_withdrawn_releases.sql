-- Releases that are no longer offered under their tag: their publisher withdrew it.
ALTER TABLE releases ADD COLUMN withdrawn_at TIMESTAMPTZ;
