//! Blobs whose bytes are missing or wrong, and the walk over all blobs that finds them.

use chrono::{DateTime, Utc};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_scalar},
};

/// A blob whose bytes are missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Damaged {
    /// Which.
    pub digest: String,
    /// What is wrong with it.
    pub problem: String,
    /// Since when that is known.
    pub found_at: DateTime<Utc>,
}

/// Returns up to `limit` digests after `last` that a repository has or a picture is.
///
/// # Errors
/// The database cannot be read.
pub async fn needed_after(
    tx: &mut Tx,
    last: &str,
    limit: i64,
) -> Result<Vec<(String,)>, StoreError> {
    fetch_all!(
        tx,
        (String,),
        "SELECT n.digest FROM (SELECT digest FROM repository_blobs WHERE digest > $1 UNION SELECT digest FROM assets WHERE digest > $1) n ORDER BY n.digest LIMIT $2",
        last,
        limit
    )
}

/// Notes that the bytes of a blob are missing or wrong.
///
/// # Errors
/// The database refused.
pub async fn note(
    tx: &mut Tx,
    digest: &str,
    problem: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO damaged_blobs (digest, problem, found_at) VALUES ($1, $2, $3) ON CONFLICT (digest) DO UPDATE SET problem = excluded.problem",
        digest,
        problem,
        at
    )?;
    Ok(())
}

/// Notes that the bytes of a blob are right, because they were read or put again; gives
/// whether they were wrong.
///
/// # Errors
/// The database refused.
pub async fn mend(tx: &mut Tx, digest: &str) -> Result<bool, StoreError> {
    let mended = execute!(tx, "DELETE FROM damaged_blobs WHERE digest = $1", digest)?;
    Ok(mended > 0)
}

/// Forgets what nobody has any more.
///
/// # Errors
/// The database refused.
pub async fn forget_idle(tx: &mut Tx) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM damaged_blobs WHERE NOT EXISTS (SELECT 1 FROM repository_blobs b WHERE b.digest = damaged_blobs.digest) AND NOT EXISTS (SELECT 1 FROM assets a WHERE a.digest = damaged_blobs.digest)"
    )?;
    Ok(())
}

/// Returns whether the bytes of a blob are known to be missing or wrong.
///
/// # Errors
/// The database cannot be read.
pub async fn is_damaged(tx: &mut Tx, digest: &str) -> Result<bool, StoreError> {
    let found = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM damaged_blobs WHERE digest = $1",
        digest
    )?;
    Ok(found > 0)
}

/// Returns how many blobs are damaged.
///
/// # Errors
/// The database cannot be read.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    fetch_scalar!(tx, i64, "SELECT COUNT(*) FROM damaged_blobs")
}

/// Returns up to `limit` damaged blobs, by digest.
///
/// # Errors
/// The database cannot be read.
pub async fn all(tx: &mut Tx, limit: i64) -> Result<Vec<Damaged>, StoreError> {
    fetch_all!(
        tx,
        Damaged,
        "SELECT * FROM damaged_blobs ORDER BY digest LIMIT $1",
        limit
    )
}

/// A manifest and its bytes.
#[derive(Debug, sqlx::FromRow)]
pub struct ManifestBytes {
    /// In which repository.
    pub repository_id: String,
    /// Its digest.
    pub digest: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Returns up to `limit` manifests after one of a repository.
///
/// # Errors
/// The database cannot be read.
pub async fn manifests_after(
    tx: &mut Tx,
    (repository, digest): (&str, &str),
    limit: i64,
) -> Result<Vec<ManifestBytes>, StoreError> {
    fetch_all!(
        tx,
        ManifestBytes,
        "SELECT repository_id, digest, content FROM manifests WHERE (repository_id, digest) > ($1, $2) ORDER BY repository_id, digest LIMIT $3",
        repository,
        digest,
        limit
    )
}
