-- What search looks in: the words of what is on the market, and every word with its endings, so
-- that a few letters from within a word find it without a look at every listing.

CREATE TABLE product_words (
    word       TEXT COLLATE "C" NOT NULL,
    product_id TEXT NOT NULL REFERENCES products (id),
    PRIMARY KEY (word, product_id)
);
CREATE INDEX product_words_by_product ON product_words (product_id, word);

CREATE TABLE word_endings (
    ending TEXT COLLATE "C" NOT NULL,
    word   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (ending, word)
);

-- `search_text` stays what the words are made of; nothing for listings from before this table.
ALTER TABLE products ADD COLUMN words_known BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX products_without_words ON products (id) WHERE listed IS NOT NULL AND NOT words_known;

-- One index for each question about what is on the market. One by state alone says nothing
-- where nearly everything is listed, and SQLite would take it all the same.
DROP INDEX products_by_state;
CREATE INDEX products_on_market ON products (certified DESC, updated_at DESC, id, category, state) WHERE state IN ('listed', 'on-hold');
CREATE INDEX products_by_category ON products (category, certified, state) WHERE state IN ('listed', 'on-hold');
CREATE INDEX products_on_hold ON products (updated_at, id) WHERE state = 'on-hold';

CREATE INDEX products_on_hold_by_publisher ON products (publisher_id) WHERE state = 'on-hold';
CREATE INDEX subscriptions_by_account ON subscriptions (account_id, id);
CREATE INDEX subscriptions_by_product ON subscriptions (product_id, account_id) WHERE state <> 'lapsed';
CREATE INDEX accounts_of_staff ON accounts (staff_role) WHERE staff_role IS NOT NULL;
CREATE INDEX repositories_by_publisher ON repositories (publisher_id);
CREATE INDEX sessions_by_account ON sessions (account_id);

-- Reminders look at all promises that run, and at nothing else of them.
CREATE INDEX findings_promised ON findings (due_at, submission_id, notified_at) WHERE state = 'open' AND due_at IS NOT NULL;
