-- What an image's layers are together (OCI's ChainID), so that one that is built on it is known
-- by its lowest layers; nothing for images from before it was kept.
ALTER TABLE images ADD COLUMN chain TEXT;
CREATE INDEX images_by_chain ON images (chain);
