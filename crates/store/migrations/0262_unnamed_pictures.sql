-- Which collection found last that a picture is named, and since when one finds that it is not.
ALTER TABLE assets ADD COLUMN named_in TEXT;
ALTER TABLE assets ADD COLUMN unreachable_since TIMESTAMPTZ;
CREATE INDEX assets_unreachable ON assets (digest) WHERE unreachable_since IS NOT NULL;
