-- Promises that a grace is about: what was broken when it was given.
CREATE TABLE grace_promises (
    product_id    TEXT NOT NULL REFERENCES hold_questions (product_id) ON DELETE CASCADE,
    vulnerability TEXT NOT NULL,
    component     TEXT NOT NULL,
    due_at        TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (product_id, vulnerability, component, due_at)
);
INSERT INTO grace_promises (product_id, vulnerability, component, due_at)
    SELECT DISTINCT q.product_id, f.vulnerability, f.component, f.due_at FROM hold_questions q JOIN releases r ON r.product_id = q.product_id JOIN findings f ON f.submission_id = r.submission_id WHERE NOT r.replaced AND f.state = 'open' AND f.due_at <= q.grace_given_at;
