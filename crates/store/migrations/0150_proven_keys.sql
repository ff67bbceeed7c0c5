-- A key counts once its owner has signed a text that is good once, and from then or a later
-- day on. Keys that were registered before are to be proven, too.
ALTER TABLE publisher_keys ADD COLUMN valid_from TIMESTAMPTZ;
ALTER TABLE publisher_keys ADD COLUMN proven_at TIMESTAMPTZ;
ALTER TABLE publisher_keys ADD COLUMN challenge TEXT;
ALTER TABLE publisher_keys ADD COLUMN challenge_ends_at TIMESTAMPTZ;
