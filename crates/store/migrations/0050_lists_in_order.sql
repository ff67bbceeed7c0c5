-- Lists go on where the page before ended, in byte order on both databases, at the same cost
-- per entry however long they are.

CREATE INDEX tags_in_order ON tags (repository_id, name COLLATE "C");
CREATE INDEX repositories_in_order ON repositories (name COLLATE "C");

DROP INDEX manifests_by_subject;
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;
