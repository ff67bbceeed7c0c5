-- Releases that no later one of their line took the place of: promises are about them.
-- Of what was released before this was known, the newest of each product stays.

ALTER TABLE releases ADD COLUMN replaced BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE releases SET replaced = TRUE WHERE EXISTS (SELECT 1 FROM releases n WHERE n.product_id = releases.product_id AND (n.released_at > releases.released_at OR n.released_at = releases.released_at AND n.id > releases.id));
CREATE INDEX releases_standing ON releases (product_id, submission_id) WHERE NOT replaced;
