-- Since when those who may pull a product see components and findings of its releases; nobody
-- but its publisher and the staff does where there is no such time.
ALTER TABLE products ADD COLUMN inside_opened_at TIMESTAMPTZ;
