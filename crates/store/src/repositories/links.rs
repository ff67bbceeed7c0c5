//! Which blobs are part of which repository.

use chrono::{DateTime, Utc};
use market::RepositoryId;

use crate::{
    StoreError, Tx,
    blobs::BlobStore,
    collection, condemned,
    db::execute,
    quotas::{self, Usage},
};

/// Makes a blob part of a repository. The only way for a blob to become part of one: here a
/// push meets a collection that is about to delete the same bytes.
///
/// Whoever links a blob has either put its bytes before this transaction, or has seen it
/// linked elsewhere *in* this transaction, after [`collection::enter`].
///
/// Gives what the publisher's staging repositories take, where the blob is new among them:
/// the caller undoes the transaction if that is more than they may.
///
/// # Errors
/// [`StoreError::BeingCollected`]: put the bytes again in a moment. The database refused.
pub async fn link_blob(
    tx: &mut Tx,
    blobs: &dyn BlobStore,
    repository: &RepositoryId,
    (digest, size): (&str, i64),
    at: DateTime<Utc>,
) -> Result<Option<Usage>, StoreError> {
    collection::enter(tx).await?;
    condemned::require_bytes(tx, blobs, digest).await?;
    // Linked again, it has its whole grace before it once more.
    execute!(
        tx,
        "INSERT INTO repository_blobs (repository_id, digest, size, linked_at) VALUES ($1, $2, $3, $4) ON CONFLICT (repository_id, digest) DO UPDATE SET unreachable_since = NULL",
        repository.as_str(),
        digest,
        size,
        at
    )?;
    quotas::count_in(tx, repository, digest, size).await
}

/// Takes a blob out of a repository; gives whether it was there.
///
/// # Errors
/// The database refused.
pub async fn unlink_blob(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
) -> Result<bool, StoreError> {
    // Alone, so that nobody links it elsewhere while it is counted out.
    collection::decide(tx).await?;
    let gone = execute!(
        tx,
        "DELETE FROM repository_blobs WHERE repository_id = $1 AND digest = $2",
        repository.as_str(),
        digest
    )?;
    if gone > 0 {
        quotas::count_out(tx, repository.as_str(), digest).await?;
    }
    Ok(gone > 0)
}
