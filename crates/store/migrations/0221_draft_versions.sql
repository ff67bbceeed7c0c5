-- Every save that changed a product's draft, the newest of each product.
CREATE TABLE draft_versions (
    product_id    TEXT NOT NULL REFERENCES products (id),
    number        BIGINT NOT NULL,            -- from 1, within the product
    manifest      JSONB NOT NULL,
    fields        TEXT NOT NULL,              -- what differs from the version before, with spaces between
    saved_by      TEXT,                       -- the name of whoever did; nothing for drafts from before this table
    saved_at      TIMESTAMPTZ NOT NULL,
    restored_from BIGINT,                     -- the version that was gone back to
    PRIMARY KEY (product_id, number)
);
INSERT INTO draft_versions (product_id, number, manifest, fields, saved_at)
    SELECT id, 1, draft, '', updated_at FROM products;
