-- Who of the certification team took a submission; nobody where it is empty.
ALTER TABLE submissions ADD COLUMN reviewer_id TEXT REFERENCES accounts (id);
