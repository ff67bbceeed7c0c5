-- The audit log is read by who did something, what was done and to what, newest first.
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
DROP INDEX audit_by_subject;
CREATE INDEX audit_by_subject ON audit (subject, id);
