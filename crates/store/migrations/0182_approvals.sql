-- Who approved a submission since it came to the reviewers.
CREATE TABLE approvals (
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    approved_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (submission_id, account_id)
);
