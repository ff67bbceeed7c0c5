//! Releases: what was approved, signed and made public.

use chrono::{DateTime, Utc};
use market::{ProductId, ReleaseId, RepositoryId, SubmissionId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A signed and public image.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Release {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: ReleaseId,
    /// Of which product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// From which submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// In which repository.
    #[sqlx(try_from = "String")]
    pub repository_id: RepositoryId,
    /// Under which tag.
    pub tag: String,
    /// What was signed.
    pub digest: String,
    /// With which key.
    pub key_id: String,
    /// Whether it bears the mark.
    pub certified: bool,
    /// When.
    pub released_at: DateTime<Utc>,
    /// Since when it is no longer offered under its tag.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

/// Adds a release; a second one of the same submission is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, release: &Release) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO releases (id, product_id, submission_id, repository_id, tag, digest, key_id, certified, released_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        release.id.as_str(),
        release.product_id.as_str(),
        release.submission_id.as_str(),
        release.repository_id.as_str(),
        &release.tag,
        &release.digest,
        &release.key_id,
        release.certified,
        release.released_at,
    )?;
    Ok(())
}

/// Returns the release made of a submission.
///
/// # Errors
/// The database cannot be read.
pub async fn of_submission(
    tx: &mut Tx,
    submission: &SubmissionId,
) -> Result<Option<Release>, StoreError> {
    fetch_opt!(
        tx,
        Release,
        "SELECT * FROM releases WHERE submission_id = $1",
        submission.as_str()
    )
}

/// Returns a product's releases that no later one took the place of, the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn standing(tx: &mut Tx, product: &ProductId) -> Result<Vec<Release>, StoreError> {
    fetch_all!(
        tx,
        Release,
        "SELECT * FROM releases WHERE product_id = $1 AND NOT replaced ORDER BY released_at DESC, id DESC",
        product.as_str()
    )
}

/// Returns whether a submission was released and no later release took its place.
///
/// # Errors
/// The database cannot be read.
pub async fn stands(tx: &mut Tx, submission: &SubmissionId) -> Result<bool, StoreError> {
    let found = fetch_opt!(
        tx,
        (String,),
        "SELECT id FROM releases WHERE submission_id = $1 AND NOT replaced",
        submission.as_str()
    )?;
    Ok(found.is_some())
}

/// Notes that a later release took a release's place.
///
/// # Errors
/// The database refused.
pub async fn set_replaced(tx: &mut Tx, release: &ReleaseId) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE releases SET replaced = TRUE WHERE id = $1",
        release.as_str()
    )?;
    Ok(())
}

/// Notes that a product's releases under a tag are no longer offered; nothing is promised of
/// them any more. Gives how many there were.
///
/// # Errors
/// The database refused.
pub async fn withdraw_tag(
    tx: &mut Tx,
    product: &ProductId,
    tag: &str,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    execute!(
        tx,
        "UPDATE releases SET withdrawn_at = $3, replaced = TRUE WHERE product_id = $1 AND tag = $2 AND withdrawn_at IS NULL",
        product.as_str(),
        tag,
        at
    )
}

/// Returns since when what was released under a tag, in the repository called `repository`, is
/// no longer offered.
///
/// # Errors
/// The database cannot be read.
pub async fn withdrawn_at(
    tx: &mut Tx,
    repository: &str,
    tag: &str,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let found = fetch_opt!(
        tx,
        (DateTime<Utc>,),
        "SELECT l.withdrawn_at FROM repositories r JOIN releases l ON l.product_id = r.product_id WHERE r.name = $1 AND l.tag = $2 AND l.withdrawn_at IS NOT NULL ORDER BY l.withdrawn_at DESC LIMIT 1",
        repository,
        tag
    )?;
    Ok(found.map(|(at,)| at))
}

/// Returns a product's newest release of those that are offered.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(tx: &mut Tx, product: &ProductId) -> Result<Option<Release>, StoreError> {
    fetch_opt!(
        tx,
        Release,
        "SELECT * FROM releases WHERE product_id = $1 AND withdrawn_at IS NULL ORDER BY released_at DESC, id DESC LIMIT 1",
        product.as_str()
    )
}

/// Returns a product's releases whose tags are offered, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_product(tx: &mut Tx, product: &ProductId) -> Result<Vec<Release>, StoreError> {
    fetch_all!(
        tx,
        Release,
        "SELECT * FROM releases WHERE product_id = $1 AND withdrawn_at IS NULL ORDER BY released_at DESC, id DESC",
        product.as_str()
    )
}

/// Returns whether a product was released under a digest.
///
/// # Errors
/// The database cannot be read.
pub async fn has_digest(
    tx: &mut Tx,
    product: &ProductId,
    digest: &str,
) -> Result<bool, StoreError> {
    let found = fetch_opt!(
        tx,
        (i64,),
        "SELECT COUNT(*) FROM releases WHERE product_id = $1 AND digest = $2",
        product.as_str(),
        digest
    )?;
    Ok(found.is_some_and(|(count,)| count > 0))
}
