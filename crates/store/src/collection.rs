//! Collection: what reaches what, since when something is unreachable, and how its rows go.
//!
//! Two kinds of transactions meet here. Whoever adds or removes something that reaches other
//! things calls [`enter`] first; a collection that acts on what it found calls [`decide`]
//! first. SQLite has one writer, so nothing is needed there; on PostgreSQL the first share a
//! lock that the second has alone. Both are short, so a push waits for milliseconds at most.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
    quotas,
};

/// Announces, until the transaction ends, that it changes what is reachable.
///
/// # Errors
/// The database cannot be reached.
pub async fn enter(tx: &mut Tx) -> Result<(), StoreError> {
    if let Tx::Postgres(_) = tx {
        // The number only has to be the same everywhere.
        fetch_opt!(
            tx,
            (i64,),
            [
                "SELECT 1",
                "SELECT COUNT(*) FROM pg_advisory_xact_lock_shared(7450631)"
            ]
        )?;
    }
    Ok(())
}

/// Waits until nobody changes what is reachable, and keeps it so until the transaction ends.
///
/// # Errors
/// The database cannot be reached.
pub async fn decide(tx: &mut Tx) -> Result<(), StoreError> {
    if let Tx::Postgres(_) = tx {
        fetch_opt!(
            tx,
            (i64,),
            [
                "SELECT 1",
                "SELECT COUNT(*) FROM pg_advisory_xact_lock(7450631)"
            ]
        )?;
    }
    Ok(())
}

/// Notes what a manifest names. What it names is no longer without a keeper.
///
/// # Errors
/// The database refused.
pub async fn put_references(
    tx: &mut Tx,
    repository: &str,
    manifest: &str,
    digests: &[String],
) -> Result<(), StoreError> {
    let digests = Json(digests);
    fetch_all!(
        tx,
        (i64,),
        [
            "INSERT INTO manifest_references (repository_id, manifest, digest) SELECT $1, $2, value FROM json_each($3) WHERE TRUE ON CONFLICT (repository_id, manifest, digest) DO NOTHING RETURNING 1",
            "INSERT INTO manifest_references (repository_id, manifest, digest) SELECT $1, $2, named FROM jsonb_array_elements_text($3) AS named ON CONFLICT (repository_id, manifest, digest) DO NOTHING RETURNING CAST(1 AS BIGINT)"
        ],
        repository,
        manifest,
        &digests
    )?;
    execute!(
        tx,
        "UPDATE repository_blobs SET unreachable_since = NULL WHERE repository_id = $1 AND unreachable_since IS NOT NULL AND digest IN (SELECT digest FROM manifest_references WHERE repository_id = $1 AND manifest = $2)",
        repository,
        manifest
    )?;
    execute!(
        tx,
        "UPDATE manifests SET references_known = TRUE WHERE repository_id = $1 AND digest = $2 AND NOT references_known",
        repository,
        manifest
    )?;
    Ok(())
}

/// A manifest whose references nobody noted yet.
#[derive(Debug, sqlx::FromRow)]
pub struct UnreadManifest {
    /// In which repository.
    pub repository_id: String,
    /// Of its bytes.
    pub digest: String,
    /// Its type.
    pub media_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Returns manifests from before references were noted.
///
/// # Errors
/// The database cannot be read.
pub async fn unread(tx: &mut Tx, limit: i64) -> Result<Vec<UnreadManifest>, StoreError> {
    fetch_all!(
        tx,
        UnreadManifest,
        "SELECT repository_id, digest, media_type, content FROM manifests WHERE NOT references_known ORDER BY repository_id, digest LIMIT $1",
        limit
    )
}

/// Gives what a manifest kept its whole grace again, before that manifest is deleted on request.
///
/// # Errors
/// The database refused.
pub(crate) async fn let_go(
    tx: &mut Tx,
    repository: &str,
    manifest: &str,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE manifests SET unreachable_since = NULL WHERE repository_id = $1 AND unreachable_since IS NOT NULL AND (subject = $2 OR digest IN (SELECT digest FROM manifest_references WHERE repository_id = $1 AND manifest = $2))",
        repository,
        manifest
    )?;
    Ok(())
}

/// Deletes a manifest and what is noted about it; gives whether it was there.
///
/// # Errors
/// The database refused.
pub async fn delete_manifest(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
) -> Result<bool, StoreError> {
    execute!(
        tx,
        "DELETE FROM manifest_references WHERE repository_id = $1 AND manifest = $2",
        repository,
        digest
    )?;
    let gone = execute!(
        tx,
        "DELETE FROM manifests WHERE repository_id = $1 AND digest = $2",
        repository,
        digest
    )?;
    if gone > 0 {
        quotas::count_out(tx, repository, digest).await?;
    }
    Ok(gone > 0)
}

/// Something in a repository that a collection looks at.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Held {
    /// In which repository.
    pub repository_id: String,
    /// Which.
    pub digest: String,
    /// Of the blob; 0 for manifests.
    pub size: i64,
    /// Since when nothing is known to reach it.
    pub unreachable_since: Option<DateTime<Utc>>,
}

/// Where a collection is in a walk over repositories: the last it saw. Begins empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// The repository.
    pub repository: String,
    /// The digest in it.
    pub digest: String,
}

impl From<&Held> for Place {
    fn from(held: &Held) -> Self {
        Self {
            repository: held.repository_id.clone(),
            digest: held.digest.clone(),
        }
    }
}

/// Returns staged manifests after `place` that are neither tagged nor submitted. A submission
/// keeps its snapshot while it is under way, and until `decided_after` when it was decided.
///
/// # Errors
/// The database cannot be read.
pub async fn unrooted_manifests(
    tx: &mut Tx,
    place: &Place,
    decided_after: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Held>, StoreError> {
    fetch_all!(
        tx,
        Held,
        "SELECT m.repository_id, m.digest, CAST(0 AS BIGINT) AS size, m.unreachable_since FROM manifests m JOIN repositories r ON r.id = m.repository_id WHERE (m.repository_id, m.digest) > ($1, $2) AND r.product_id IS NULL AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.repository_id = m.repository_id AND t.digest = m.digest) AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.repository = r.name AND s.digest = m.digest AND (s.state IN ('inspecting', 'in-review', 'changes-requested', 'approved') OR s.waiting_since > $3)) ORDER BY m.repository_id, m.digest LIMIT $4",
        &place.repository,
        &place.digest,
        decided_after,
        limit
    )
}

/// Returns staged manifests after `place` that nothing reached since before `cutoff`.
///
/// # Errors
/// The database cannot be read.
pub async fn overdue_manifests(
    tx: &mut Tx,
    place: &Place,
    cutoff: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Held>, StoreError> {
    fetch_all!(
        tx,
        Held,
        "SELECT repository_id, digest, CAST(0 AS BIGINT) AS size, unreachable_since FROM manifests WHERE (repository_id, digest) > ($1, $2) AND unreachable_since IS NOT NULL AND unreachable_since <= $3 ORDER BY repository_id, digest LIMIT $4",
        &place.repository,
        &place.digest,
        cutoff,
        limit
    )
}

/// What speaks for keeping a manifest and what it reaches.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Keeper {
    /// The manifest, or the subject that a referrer names, whether it is there or not.
    pub digest: String,
    /// How many tags it has.
    pub tags: i64,
    /// How many submissions hold it.
    pub submissions: i64,
    /// 1 where it is there and within its grace.
    pub fresh: i64,
}

impl Keeper {
    /// Returns whether a tag or a submission names it.
    pub fn is_root(&self) -> bool {
        self.tags > 0 || self.submissions > 0
    }
}

/// Returns `digest` itself with what speaks for it.
///
/// # Errors
/// The database cannot be read.
pub async fn keeper(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
    cutoff: DateTime<Utc>,
) -> Result<Keeper, StoreError> {
    let found = fetch_opt!(
        tx,
        Keeper,
        "SELECT k.digest, (SELECT COUNT(*) FROM tags t WHERE t.repository_id = $1 AND t.digest = k.digest) AS tags, (SELECT COUNT(*) FROM submissions s JOIN repositories r ON r.name = s.repository WHERE r.id = $1 AND s.digest = k.digest AND (s.state IN ('inspecting', 'in-review', 'changes-requested', 'approved') OR s.waiting_since > $3)) AS submissions, (SELECT COUNT(*) FROM manifests m WHERE m.repository_id = $1 AND m.digest = k.digest AND (m.unreachable_since IS NULL OR m.unreachable_since > $3)) AS fresh FROM (SELECT digest FROM manifests WHERE repository_id = $1 AND digest = $2) k",
        repository,
        digest,
        cutoff
    )?;
    Ok(found.unwrap_or_else(|| Keeper {
        digest: digest.to_owned(),
        tags: 0,
        submissions: 0,
        fresh: 0,
    }))
}

/// Returns what keeps `digest` directly: manifests that name it, and the subject it is about.
///
/// # Errors
/// The database cannot be read.
pub async fn keepers(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
    cutoff: DateTime<Utc>,
) -> Result<Vec<Keeper>, StoreError> {
    fetch_all!(
        tx,
        Keeper,
        "SELECT k.digest, (SELECT COUNT(*) FROM tags t WHERE t.repository_id = $1 AND t.digest = k.digest) AS tags, (SELECT COUNT(*) FROM submissions s JOIN repositories r ON r.name = s.repository WHERE r.id = $1 AND s.digest = k.digest AND (s.state IN ('inspecting', 'in-review', 'changes-requested', 'approved') OR s.waiting_since > $3)) AS submissions, (SELECT COUNT(*) FROM manifests m WHERE m.repository_id = $1 AND m.digest = k.digest AND (m.unreachable_since IS NULL OR m.unreachable_since > $3)) AS fresh FROM (SELECT manifest AS digest FROM manifest_references WHERE repository_id = $1 AND digest = $2 UNION SELECT subject AS digest FROM manifests WHERE repository_id = $1 AND digest = $2 AND subject IS NOT NULL) k ORDER BY k.digest",
        repository,
        digest,
        cutoff
    )
}

/// Notes since when nothing reaches a manifest, where that is not noted yet; or that something does.
///
/// # Errors
/// The database refused.
pub async fn mark_manifest(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
    since: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE manifests SET unreachable_since = $3 WHERE repository_id = $1 AND digest = $2 AND (unreachable_since IS NULL OR $4)",
        repository,
        digest,
        since,
        since.is_none()
    )?;
    Ok(())
}

/// Returns staged blobs after `place` that no manifest of their repository names and that are not marked yet.
///
/// # Errors
/// The database cannot be read.
pub async fn unnamed_blobs(
    tx: &mut Tx,
    place: &Place,
    limit: i64,
) -> Result<Vec<Held>, StoreError> {
    fetch_all!(
        tx,
        Held,
        "SELECT b.repository_id, b.digest, b.size, b.unreachable_since FROM repository_blobs b JOIN repositories r ON r.id = b.repository_id WHERE (b.repository_id, b.digest) > ($1, $2) AND r.product_id IS NULL AND b.unreachable_since IS NULL AND NOT EXISTS (SELECT 1 FROM manifest_references n WHERE n.repository_id = b.repository_id AND n.digest = b.digest) ORDER BY b.repository_id, b.digest LIMIT $3",
        &place.repository,
        &place.digest,
        limit
    )
}

/// Notes since when no manifest names a blob; nothing where one does.
///
/// # Errors
/// The database refused.
pub async fn mark_blob(tx: &mut Tx, held: &Held, since: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE repository_blobs SET unreachable_since = $3 WHERE repository_id = $1 AND digest = $2 AND unreachable_since IS NULL AND NOT EXISTS (SELECT 1 FROM manifest_references n WHERE n.repository_id = $1 AND n.digest = $2)",
        &held.repository_id,
        &held.digest,
        since
    )?;
    Ok(())
}

/// Returns staged blobs after `place` that no manifest named since before `cutoff`.
///
/// # Errors
/// The database cannot be read.
pub async fn overdue_blobs(
    tx: &mut Tx,
    place: &Place,
    cutoff: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Held>, StoreError> {
    fetch_all!(
        tx,
        Held,
        "SELECT b.repository_id, b.digest, b.size, b.unreachable_since FROM repository_blobs b WHERE (b.repository_id, b.digest) > ($1, $2) AND b.unreachable_since IS NOT NULL AND b.unreachable_since <= $3 AND NOT EXISTS (SELECT 1 FROM manifest_references n WHERE n.repository_id = b.repository_id AND n.digest = b.digest) ORDER BY b.repository_id, b.digest LIMIT $4",
        &place.repository,
        &place.digest,
        cutoff,
        limit
    )
}

/// Takes a blob out of its repository if no manifest named it since before `cutoff`; gives whether it did.
///
/// # Errors
/// The database refused.
pub async fn drop_overdue_blob(
    tx: &mut Tx,
    held: &Held,
    cutoff: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let gone = execute!(
        tx,
        "DELETE FROM repository_blobs WHERE repository_id = $1 AND digest = $2 AND unreachable_since IS NOT NULL AND unreachable_since <= $3 AND NOT EXISTS (SELECT 1 FROM manifest_references n WHERE n.repository_id = $1 AND n.digest = $2)",
        &held.repository_id,
        &held.digest,
        cutoff
    )?;
    if gone > 0 {
        quotas::count_out(tx, &held.repository_id, &held.digest).await?;
    }
    Ok(gone > 0)
}

/// What is unreachable and waits for the end of its grace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    /// How many.
    pub count: i64,
    /// Their bytes; 0 for manifests.
    pub bytes: i64,
}

/// Returns how many manifests, and how many blobs with their bytes, are marked since after `cutoff`.
///
/// # Errors
/// The database cannot be read.
pub async fn waiting(tx: &mut Tx, cutoff: DateTime<Utc>) -> Result<(Waiting, Waiting), StoreError> {
    let manifests = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM manifests WHERE unreachable_since IS NOT NULL AND unreachable_since > $1",
        cutoff
    )?;
    let blobs = fetch_opt!(
        tx,
        Waiting,
        "SELECT COUNT(*) AS count, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM repository_blobs WHERE unreachable_since IS NOT NULL AND unreachable_since > $1",
        cutoff
    )?;
    let manifests = Waiting {
        count: manifests,
        bytes: 0,
    };
    Ok((manifests, blobs.unwrap_or_default()))
}

/// Gives a manifest or blob that a client looks at in order to push its whole grace again.
///
/// # Errors
/// The database refused.
pub async fn renew(tx: &mut Tx, repository: &str, digest: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE manifests SET unreachable_since = NULL WHERE repository_id = $1 AND digest = $2 AND unreachable_since IS NOT NULL",
        repository,
        digest
    )?;
    execute!(
        tx,
        "UPDATE repository_blobs SET unreachable_since = NULL WHERE repository_id = $1 AND digest = $2 AND unreachable_since IS NOT NULL",
        repository,
        digest
    )?;
    Ok(())
}

/// Returns whether a manifest or blob of a repository is marked as unreachable.
///
/// # Errors
/// The database cannot be read.
pub async fn is_marked(tx: &mut Tx, repository: &str, digest: &str) -> Result<bool, StoreError> {
    let marks = fetch_scalar!(
        tx,
        i64,
        "SELECT (SELECT COUNT(*) FROM manifests WHERE repository_id = $1 AND digest = $2 AND unreachable_since IS NOT NULL) + (SELECT COUNT(*) FROM repository_blobs WHERE repository_id = $1 AND digest = $2 AND unreachable_since IS NOT NULL)",
        repository,
        digest
    )?;
    Ok(marks > 0)
}
