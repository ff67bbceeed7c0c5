-- Listings whose broken promises an operator decides on, and how long they have grace.
CREATE TABLE hold_questions (
    product_id     TEXT PRIMARY KEY REFERENCES products (id),
    asked_at       TIMESTAMPTZ NOT NULL,
    grace_given_at TIMESTAMPTZ,
    grace_until    TIMESTAMPTZ,
    grace_reason   TEXT
);

-- Since when consumers pull nothing of what is on hold.
ALTER TABLE products ADD COLUMN pulls_closed_at TIMESTAMPTZ;
