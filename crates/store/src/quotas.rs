//! What publishers' staging repositories take, each blob and manifest counted once, with their
//! trust metadata ([`crate::trust_guns`]), and how much they may.
//!
//! The figure is kept in the transactions that link and unlink blobs, and keep and delete
//! manifests. Each is counted in by whoever is first to note it for its publisher; it is counted out after
//! [`crate::collection::decide`], when nobody can link it at the same moment.

use market::{PublisherId, RepositoryId};

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// What a publisher's staging repositories take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Usage {
    /// Bytes of blobs and manifests, each counted once, and of trust metadata.
    pub used_bytes: i64,
    /// What the operator allows this publisher; 0 for no limit; none where the configured one counts.
    pub quota_bytes: Option<i64>,
}

/// Counts a blob that was just linked, or a manifest that was just kept; gives the usage where the publisher had it nowhere before.
///
/// # Errors
/// The database refused.
pub(crate) async fn count_in(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
    size: i64,
) -> Result<Option<Usage>, StoreError> {
    let new = execute!(
        tx,
        "INSERT INTO publisher_blobs (publisher_id, digest, size) SELECT r.publisher_id, $2, $3 FROM repositories r WHERE r.id = $1 AND r.product_id IS NULL ON CONFLICT (publisher_id, digest) DO NOTHING",
        repository.as_str(),
        digest,
        size
    )?;
    if new == 0 {
        return Ok(None);
    }
    // The last statement of its kind: whoever else pushes for this publisher waits from here on.
    fetch_opt!(
        tx,
        Usage,
        "INSERT INTO publisher_storage (publisher_id, used_bytes) SELECT r.publisher_id, $2 FROM repositories r WHERE r.id = $1 ON CONFLICT (publisher_id) DO UPDATE SET used_bytes = publisher_storage.used_bytes + excluded.used_bytes RETURNING used_bytes, quota_bytes",
        repository.as_str(),
        size
    )
}

/// Counts out a blob or a manifest that a repository has no longer, unless its publisher has it in another one.
///
/// # Errors
/// The database refused.
pub(crate) async fn count_out(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
) -> Result<(), StoreError> {
    let gone = fetch_opt!(
        tx,
        (String, i64),
        "DELETE FROM publisher_blobs WHERE digest = $2 AND publisher_id = (SELECT r.publisher_id FROM repositories r WHERE r.id = $1 AND r.product_id IS NULL) AND NOT EXISTS (SELECT 1 FROM repository_blobs b JOIN repositories o ON o.id = b.repository_id WHERE b.digest = $2 AND o.publisher_id = publisher_blobs.publisher_id AND o.product_id IS NULL) AND NOT EXISTS (SELECT 1 FROM manifests m JOIN repositories o ON o.id = m.repository_id WHERE m.digest = $2 AND o.publisher_id = publisher_blobs.publisher_id AND o.product_id IS NULL) RETURNING publisher_id, size",
        repository,
        digest
    )?;
    if let Some((publisher, size)) = gone {
        execute!(
            tx,
            "UPDATE publisher_storage SET used_bytes = used_bytes - $2 WHERE publisher_id = $1",
            publisher,
            size
        )?;
    }
    Ok(())
}

/// Returns what a publisher's staging repositories take.
///
/// # Errors
/// The database cannot be read.
pub async fn usage(tx: &mut Tx, publisher: &PublisherId) -> Result<Usage, StoreError> {
    let found = fetch_opt!(
        tx,
        Usage,
        "SELECT used_bytes, quota_bytes FROM publisher_storage WHERE publisher_id = $1",
        publisher.as_str()
    )?;
    Ok(found.unwrap_or_default())
}

/// Returns whether a publisher's staging repositories have a blob or manifest, which then takes no
/// more room.
///
/// # Errors
/// The database cannot be read.
pub async fn has(tx: &mut Tx, publisher: &PublisherId, digest: &str) -> Result<bool, StoreError> {
    let found = fetch_opt!(
        tx,
        (i64,),
        "SELECT size FROM publisher_blobs WHERE publisher_id = $1 AND digest = $2",
        publisher.as_str(),
        digest
    )?;
    Ok(found.is_some())
}

/// Returns what publishers take, a part of them by short name.
///
/// # Errors
/// The database cannot be read.
pub async fn all(
    tx: &mut Tx,
    part: Part<'_>,
) -> Result<Vec<(String, i64, Option<i64>)>, StoreError> {
    fetch_all!(
        tx,
        (String, i64, Option<i64>),
        "SELECT p.slug, COALESCE(s.used_bytes, 0), s.quota_bytes FROM publishers p LEFT JOIN publisher_storage s ON s.publisher_id = p.id WHERE p.slug COLLATE \"C\" > $1 ORDER BY p.slug COLLATE \"C\" LIMIT $2",
        part.from,
        part.limit
    )
}

/// Sets what a publisher may take; `None` leaves it to the configuration.
///
/// # Errors
/// The database refused.
pub async fn set_quota(
    tx: &mut Tx,
    publisher: &PublisherId,
    quota: Option<i64>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO publisher_storage (publisher_id, used_bytes, quota_bytes) VALUES ($1, 0, $2) ON CONFLICT (publisher_id) DO UPDATE SET quota_bytes = excluded.quota_bytes",
        publisher.as_str(),
        quota
    )?;
    Ok(())
}
