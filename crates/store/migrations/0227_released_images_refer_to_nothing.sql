-- Nor does a released image itself, where its publisher made it refer to another.
UPDATE manifests SET subject = NULL WHERE subject IS NOT NULL
    AND EXISTS (SELECT 1 FROM releases r WHERE r.repository_id = manifests.repository_id AND r.digest = manifests.digest);
