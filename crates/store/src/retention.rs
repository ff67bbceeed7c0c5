//! Rules by which tags of staging repositories are dropped, and what they look at.

use chrono::{DateTime, Utc};
use market::{PublisherId, RetentionRules};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// Returns the rules that a publisher has of its own.
///
/// # Errors
/// The database cannot be read.
pub async fn find(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Option<RetentionRules>, StoreError> {
    let row = fetch_opt!(
        tx,
        (Json<RetentionRules>,),
        "SELECT rules FROM retention_rules WHERE publisher_id = $1",
        publisher.as_str()
    )?;
    Ok(row.map(|(Json(rules),)| rules))
}

/// Sets the rules that a publisher has of its own; `None` leaves it to the operator's.
///
/// # Errors
/// The database refused.
pub async fn set(
    tx: &mut Tx,
    publisher: &PublisherId,
    rules: Option<&RetentionRules>,
) -> Result<(), StoreError> {
    let Some(rules) = rules else {
        execute!(
            tx,
            "DELETE FROM retention_rules WHERE publisher_id = $1",
            publisher.as_str()
        )?;
        return Ok(());
    };
    execute!(
        tx,
        "INSERT INTO retention_rules (publisher_id, rules) VALUES ($1, $2) ON CONFLICT (publisher_id) DO UPDATE SET rules = excluded.rules",
        publisher.as_str(),
        Json(rules)
    )?;
    Ok(())
}

/// A staging repository.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Staging {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
}

/// Returns up to `limit` staging repositories after one, by identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn staging_after(
    tx: &mut Tx,
    last: &str,
    limit: i64,
) -> Result<Vec<Staging>, StoreError> {
    fetch_all!(
        tx,
        Staging,
        "SELECT id, name, publisher_id FROM repositories WHERE id > $1 AND name LIKE 'staging/%' ORDER BY id LIMIT $2",
        last,
        limit
    )
}

/// A tag of a staging repository.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TagRow {
    /// Its name.
    pub name: String,
    /// What it names.
    pub digest: String,
    /// When it was set.
    pub updated_at: DateTime<Utc>,
    /// When it was pulled last, to the day.
    pub pulled_at: Option<DateTime<Utc>>,
    /// How many submissions under way hold what it names.
    pub held: i64,
}

/// Returns all tags of a staging repository.
///
/// # Errors
/// The database cannot be read.
pub async fn tags(tx: &mut Tx, repository: &Staging) -> Result<Vec<TagRow>, StoreError> {
    fetch_all!(
        tx,
        TagRow,
        "SELECT t.name, t.digest, t.updated_at, t.pulled_at, (SELECT COUNT(*) FROM submissions s WHERE s.repository = $2 AND s.digest = t.digest AND s.state IN ('inspecting', 'in-review', 'changes-requested', 'approved')) AS held FROM tags t WHERE t.repository_id = $1 ORDER BY t.name COLLATE \"C\"",
        &repository.id,
        &repository.name
    )
}

/// Drops a tag if it was neither set anew nor pulled since it was looked at, and nothing under way
/// holds it; gives whether it did.
///
/// # Errors
/// The database refused.
pub async fn drop_tag(tx: &mut Tx, repository: &Staging, tag: &TagRow) -> Result<bool, StoreError> {
    let gone = execute!(
        tx,
        "DELETE FROM tags WHERE repository_id = $1 AND name = $2 AND updated_at = $3 AND (pulled_at IS NULL OR pulled_at = $4) AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.repository = $5 AND s.digest = tags.digest AND s.state IN ('inspecting', 'in-review', 'changes-requested', 'approved'))",
        &repository.id,
        &tag.name,
        tag.updated_at,
        tag.pulled_at,
        &repository.name
    )?;
    Ok(gone > 0)
}

/// Returns whether a repository has a manifest.
///
/// # Errors
/// The database cannot be read.
pub async fn has_manifest(tx: &mut Tx, repository: &str, digest: &str) -> Result<bool, StoreError> {
    let found = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM manifests WHERE repository_id = $1 AND digest = $2",
        repository,
        digest
    )?;
    Ok(found > 0)
}

/// Notes that a tag of the repository called `repository` was pulled.
///
/// # Errors
/// The database refused.
pub async fn note_pull(
    tx: &mut Tx,
    repository: &str,
    tag: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE tags SET pulled_at = $3 WHERE name = $2 AND repository_id = (SELECT id FROM repositories WHERE name = $1)",
        repository,
        tag,
        at
    )?;
    Ok(())
}
