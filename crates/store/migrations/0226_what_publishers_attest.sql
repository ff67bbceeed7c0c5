-- On the market nothing refers to an image that its publisher put beside it: the operator's
-- signatures and attestations are in no index.
UPDATE manifests SET subject = NULL WHERE subject IS NOT NULL
    AND repository_id IN (SELECT id FROM repositories WHERE product_id IS NOT NULL)
    AND EXISTS (SELECT 1 FROM manifest_references n WHERE n.repository_id = manifests.repository_id AND n.digest = manifests.digest);
