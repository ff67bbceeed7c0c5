//! The audit log: append-only, one record for each transition, in its transaction.

use chrono::{DateTime, Utc};

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all},
};

/// Who did what to what, and why.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditRecord {
    /// Sorts by time.
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The account's id, or `system`.
    pub actor: String,
    /// The action's word.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// The state before.
    pub before: Option<String>,
    /// The state after.
    pub after: Option<String>,
}

/// A record with the name of whoever did it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NamedRecord {
    /// What was done.
    #[sqlx(flatten)]
    pub record: AuditRecord,
    /// The account's name; nothing where the system did it, or nobody known.
    pub actor_name: Option<String>,
}

/// Appends a record.
///
/// # Errors
/// The database refused.
pub async fn append(tx: &mut Tx, record: &AuditRecord) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO audit (id, at, actor, action, subject, reason, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &record.id,
        record.at,
        &record.actor,
        &record.action,
        &record.subject,
        &record.reason,
        &record.before,
        &record.after,
    )?;
    Ok(())
}

/// Which records are meant; an empty text is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    /// Of what this account did, by its id, or `system` or `anonymous`.
    pub actor: &'a str,
    /// Of this action, by its word.
    pub action: &'a str,
    /// Of what was done to what has this id.
    pub subject: &'a str,
}

/// Returns a part of the records, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(
    tx: &mut Tx,
    filter: AuditFilter<'_>,
    part: Part<'_>,
) -> Result<Vec<NamedRecord>, StoreError> {
    let AuditFilter {
        actor,
        action,
        subject,
    } = filter;
    // A statement for each filter, so that each goes along an index of its own however long the
    // log is.
    if !subject.is_empty() {
        return fetch_all!(
            tx,
            NamedRecord,
            "SELECT a.*, c.name AS actor_name FROM audit a LEFT JOIN accounts c ON c.id = a.actor WHERE a.subject = $1 AND (a.actor = $2 OR $2 = '') AND (a.action = $3 OR $3 = '') AND (a.id < $4 OR $4 = '') ORDER BY a.id DESC LIMIT $5",
            subject,
            actor,
            action,
            part.from,
            part.limit
        );
    }
    if !actor.is_empty() {
        return fetch_all!(
            tx,
            NamedRecord,
            "SELECT a.*, c.name AS actor_name FROM audit a LEFT JOIN accounts c ON c.id = a.actor WHERE a.actor = $1 AND (a.action = $2 OR $2 = '') AND (a.id < $3 OR $3 = '') ORDER BY a.id DESC LIMIT $4",
            actor,
            action,
            part.from,
            part.limit
        );
    }
    if !action.is_empty() {
        return fetch_all!(
            tx,
            NamedRecord,
            "SELECT a.*, c.name AS actor_name FROM audit a LEFT JOIN accounts c ON c.id = a.actor WHERE a.action = $1 AND (a.id < $2 OR $2 = '') ORDER BY a.id DESC LIMIT $3",
            action,
            part.from,
            part.limit
        );
    }
    fetch_all!(
        tx,
        NamedRecord,
        "SELECT a.*, c.name AS actor_name FROM audit a LEFT JOIN accounts c ON c.id = a.actor WHERE a.id < $1 OR $1 = '' ORDER BY a.id DESC LIMIT $2",
        part.from,
        part.limit
    )
}

/// Returns everything that happened to `subject`, oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_subject(tx: &mut Tx, subject: &str) -> Result<Vec<AuditRecord>, StoreError> {
    fetch_all!(
        tx,
        AuditRecord,
        "SELECT * FROM audit WHERE subject = $1 ORDER BY id",
        subject
    )
}
