-- The distribution inside an image, so that a list of tags reads no inventory; empty if there is none.
ALTER TABLE images ADD COLUMN distribution TEXT;
