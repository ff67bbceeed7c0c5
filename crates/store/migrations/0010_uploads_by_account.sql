-- How many uploads an account has open is asked whenever one begins.
CREATE INDEX uploads_by_account ON uploads (account_id);
