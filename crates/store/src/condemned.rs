//! Bytes that are about to be deleted, so that no push takes them for safe meanwhile.
//!
//! A collection condemns old bytes that nobody has, deletes them where they are still as old
//! as they were, and notes that; three steps, of which the middle one is no transaction.
//! Who links a blob is refused while it is condemned. When its bytes were deleted, a push may
//! have put them just before the last moment, so for an hour whoever links it looks again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    StoreError, Tx,
    blobs::BlobStore,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// So long after a deletion whoever links the blob looks whether its bytes are there.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

/// Refuses while the bytes of `digest` are being deleted, or were so at the moment they were put.
///
/// # Errors
/// [`StoreError::BeingCollected`], or the database or the blobs cannot be read.
pub async fn require_bytes(
    tx: &mut Tx,
    blobs: &dyn BlobStore,
    digest: &str,
) -> Result<(), StoreError> {
    let condemned = fetch_opt!(
        tx,
        (Option<DateTime<Utc>>,),
        "SELECT deleted_at FROM condemned WHERE digest = $1",
        digest
    )?;
    let there = match condemned {
        None => true,
        Some((None,)) => false,
        Some((Some(_),)) => match digest.parse() {
            Ok(digest) => blobs.size(&digest).await?.is_some(),
            Err(_) => false,
        },
    };
    if there {
        return Ok(());
    }
    Err(StoreError::BeingCollected(digest.to_owned()))
}

/// Returns whether a repository or a picture has these bytes.
///
/// # Errors
/// The database cannot be read.
pub async fn has_owner(tx: &mut Tx, digest: &str) -> Result<bool, StoreError> {
    let owned = fetch_scalar!(
        tx,
        i64,
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM repository_blobs WHERE digest = $1) OR EXISTS (SELECT 1 FROM assets WHERE digest = $1) THEN 1 ELSE 0 END AS BIGINT)",
        digest
    )?;
    Ok(owned > 0)
}

/// Returns whether anybody has these bytes who would still have them after a collection at `cutoff`.
///
/// # Errors
/// The database cannot be read.
pub async fn has_lasting_owner(
    tx: &mut Tx,
    digest: &str,
    cutoff: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let owned = fetch_scalar!(
        tx,
        i64,
        "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM repository_blobs WHERE digest = $1 AND (unreachable_since IS NULL OR unreachable_since > $2)) OR EXISTS (SELECT 1 FROM assets WHERE digest = $1 AND (unreachable_since IS NULL OR unreachable_since > $2)) THEN 1 ELSE 0 END AS BIGINT)",
        digest,
        cutoff
    )?;
    Ok(owned > 0)
}

/// Condemns bytes written before `older_than`, after [`crate::collection::decide`]; gives whether nobody had them.
///
/// # Errors
/// The database refused.
pub async fn condemn(
    tx: &mut Tx,
    digest: &str,
    older_than: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if has_owner(tx, digest).await? {
        return Ok(false);
    }
    execute!(
        tx,
        "INSERT INTO condemned (digest, older_than) VALUES ($1, $2) ON CONFLICT (digest) DO UPDATE SET older_than = excluded.older_than, deleted_at = NULL",
        digest,
        older_than
    )?;
    Ok(true)
}

/// Returns what is still to be deleted: digests, and before when their bytes were written.
///
/// # Errors
/// The database cannot be read.
pub async fn all(tx: &mut Tx) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
    fetch_all!(
        tx,
        (String, DateTime<Utc>),
        "SELECT digest, older_than FROM condemned WHERE deleted_at IS NULL ORDER BY digest"
    )
}

/// Notes that the bytes of a condemned digest were deleted, or found to be new.
///
/// # Errors
/// The database refused.
pub async fn set_deleted(tx: &mut Tx, digest: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE condemned SET deleted_at = $2 WHERE digest = $1",
        digest,
        at
    )?;
    Ok(())
}

/// Gives up what was to be deleted by a collection that failed for good. Nobody deletes it until
/// the next one decides anew; whoever links it before looks whether its bytes are there.
///
/// # Errors
/// The database refused.
pub async fn give_up(tx: &mut Tx, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE condemned SET deleted_at = $1 WHERE deleted_at IS NULL",
        at
    )?;
    Ok(())
}

/// Forgets deletions that no push can have met.
///
/// # Errors
/// The database refused.
pub async fn forget_old(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM condemned WHERE deleted_at < $1",
        now - LOOK_AGAIN
    )?;
    Ok(())
}

/// Deletes up to `limit` reports on layers that no repository has, or that newer parsers
/// made again, from before `cutoff`; gives how many.
///
/// # Errors
/// The database refused.
pub async fn delete_idle_layer_reports(
    tx: &mut Tx,
    parser_version: i64,
    cutoff: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    execute!(
        tx,
        "DELETE FROM layer_reports WHERE (digest, parser_version) IN (SELECT l.digest, l.parser_version FROM layer_reports l WHERE l.created_at < $2 AND (EXISTS (SELECT 1 FROM layer_reports n WHERE n.digest = l.digest AND n.parser_version > l.parser_version AND n.parser_version <= $1) OR NOT EXISTS (SELECT 1 FROM repository_blobs b WHERE b.digest = l.digest)) LIMIT $3)",
        parser_version,
        cutoff,
        limit
    )
}

/// Where something is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptIn {
    /// In which repository.
    pub repository_id: String,
    /// The repository's name.
    pub repository: String,
    /// The product whose releases the repository holds; none in staging.
    pub product_id: Option<String>,
    /// `manifest` or `blob`.
    pub kind: String,
    /// Since when nothing is known to reach it.
    pub unreachable_since: Option<DateTime<Utc>>,
}

/// Returns up to `limit` places where a digest is kept, by repository.
///
/// # Errors
/// The database cannot be read.
pub async fn places(tx: &mut Tx, digest: &str, limit: i64) -> Result<Vec<KeptIn>, StoreError> {
    fetch_all!(
        tx,
        KeptIn,
        "SELECT p.* FROM (SELECT r.id AS repository_id, r.name AS repository, r.product_id, 'manifest' AS kind, m.unreachable_since FROM manifests m JOIN repositories r ON r.id = m.repository_id WHERE m.digest = $1 UNION ALL SELECT r.id AS repository_id, r.name AS repository, r.product_id, 'blob' AS kind, b.unreachable_since FROM repository_blobs b JOIN repositories r ON r.id = b.repository_id WHERE b.digest = $1) p ORDER BY p.repository COLLATE \"C\", p.kind LIMIT $2",
        digest,
        limit
    )
}

/// Returns a tag on a manifest, and a submission that holds it, where there are such.
///
/// # Errors
/// The database cannot be read.
pub async fn roots(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
    decided_after: DateTime<Utc>,
) -> Result<(Option<String>, Option<String>), StoreError> {
    let tag = fetch_opt!(
        tx,
        (String,),
        "SELECT name FROM tags WHERE repository_id = $1 AND digest = $2 ORDER BY name COLLATE \"C\" LIMIT 1",
        repository,
        digest
    )?;
    let submission = fetch_opt!(
        tx,
        (String,),
        "SELECT s.id FROM submissions s JOIN repositories r ON r.name = s.repository WHERE r.id = $1 AND s.digest = $2 AND (s.state IN ('inspecting', 'in-review', 'changes-requested', 'approved') OR s.waiting_since > $3) ORDER BY s.id DESC LIMIT 1",
        repository,
        digest,
        decided_after
    )?;
    Ok((tag.map(|(tag,)| tag), submission.map(|(id,)| id)))
}
