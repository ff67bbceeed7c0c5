//! Vulnerabilities that the certification team added by hand.

use chrono::{DateTime, Utc};
use market::{AccountId, Class, OwnAdvisoryId};

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// A vulnerability of a package, added by hand.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct OwnAdvisory {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: OwnAdvisoryId,
    /// The vulnerability.
    pub name: String,
    /// The ecosystem as OSV names it.
    pub ecosystem: String,
    /// The package as its ecosystem names it.
    pub package: String,
    /// The first affected version.
    pub introduced: Option<String>,
    /// The first version no longer affected.
    pub fixed: Option<String>,
    /// The last affected version.
    pub last_affected: Option<String>,
    /// What it is, in one line.
    pub title: String,
    /// The CVSS vector.
    pub vector: Option<String>,
    /// Its score.
    pub score: Option<f64>,
    /// The class.
    #[sqlx(try_from = "String")]
    pub class: Class,
    /// Why it was added.
    pub reason: String,
    /// By whom.
    #[sqlx(try_from = "String")]
    pub made_by: AccountId,
    /// The name of that account.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The name of the account that withdrew it.
    pub withdrawer: Option<String>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Why.
    pub withdrawn_why: Option<String>,
}

/// Adds one.
///
/// # Errors
/// One about the same counts already, or the database refused.
pub async fn create(tx: &mut Tx, new: &OwnAdvisory) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO own_advisories (id, name, ecosystem, package, introduced, fixed, last_affected, title, vector, score, class, reason, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        new.id.as_str(),
        &new.name,
        &new.ecosystem,
        &new.package,
        &new.introduced,
        &new.fixed,
        &new.last_affected,
        &new.title,
        &new.vector,
        new.score,
        new.class.as_str(),
        &new.reason,
        new.made_by.as_str(),
        new.made_at,
    )?;
    Ok(())
}

/// Withdraws one; gives whether it counted until then.
///
/// # Errors
/// The database refused.
pub async fn withdraw(
    tx: &mut Tx,
    id: &OwnAdvisoryId,
    (by, why): (&AccountId, &str),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let withdrawn = execute!(
        tx,
        "UPDATE own_advisories SET withdrawn_by = $2, withdrawn_at = $3, withdrawn_why = $4 WHERE id = $1 AND withdrawn_at IS NULL",
        id.as_str(),
        by.as_str(),
        at,
        why
    )?;
    Ok(withdrawn > 0)
}

/// Returns the one with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &OwnAdvisoryId) -> Result<Option<OwnAdvisory>, StoreError> {
    fetch_opt!(
        tx,
        OwnAdvisory,
        "SELECT o.*, a.name AS author, w.name AS withdrawer FROM own_advisories o JOIN accounts a ON a.id = o.made_by LEFT JOIN accounts w ON w.id = o.withdrawn_by WHERE o.id = $1",
        id.as_str()
    )
}

/// Returns a part of those that count, of the withdrawn, or of all; the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(
    tx: &mut Tx,
    counting: Option<bool>,
    part: Part<'_>,
) -> Result<Vec<OwnAdvisory>, StoreError> {
    fetch_all!(
        tx,
        OwnAdvisory,
        "SELECT o.*, a.name AS author, w.name AS withdrawer FROM own_advisories o JOIN accounts a ON a.id = o.made_by LEFT JOIN accounts w ON w.id = o.withdrawn_by WHERE ((o.withdrawn_at IS NULL) = $1 OR $1 IS NULL) AND ($2 = '' OR (o.made_at, o.id) < (SELECT l.made_at, l.id FROM own_advisories l WHERE l.id = $2)) ORDER BY o.made_at DESC, o.id DESC LIMIT $3",
        counting,
        part.from,
        part.limit
    )
}

/// Returns how many have names that begin so.
///
/// # Errors
/// The database cannot be read.
pub async fn count_named(tx: &mut Tx, beginning: &str) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(DISTINCT name) FROM own_advisories WHERE substr(name, 1, length($1)) = $1",
        beginning
    )
}
