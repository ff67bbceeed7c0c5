//! What inspection found in layers and images, kept by digest, so that nothing is read twice.

use chrono::{DateTime, Utc};
use market::{ProductId, SubmissionId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// One platform's image: configuration and inventory.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ImageRow {
    /// Of the platform's manifest.
    pub digest: String,
    /// `os/architecture`.
    pub platform: String,
    /// Bytes of all layers, as pushed.
    pub size: i64,
    /// JSON, compressed with zstd.
    pub content: Vec<u8>,
    /// The distribution inside, empty if there is none; nothing for images from before it was kept.
    pub distribution: Option<String>,
    /// When it was inspected.
    pub created_at: DateTime<Utc>,
}

/// One platform's image without its content.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ImageOutline {
    /// Of the platform's manifest.
    pub digest: String,
    /// `os/architecture`.
    pub platform: String,
    /// Bytes of all layers, as pushed.
    pub size: i64,
    /// The distribution inside, empty if there is none; nothing for images from before it was kept.
    pub distribution: Option<String>,
}

/// Where a product has an image.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ImageHome {
    /// In which submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// Under which tag.
    pub tag: String,
    /// When that submission was released, if it was.
    pub released_at: Option<DateTime<Utc>>,
}

/// A release whose image others may be built on.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReleasedBase {
    /// The publisher's slug.
    pub publisher: String,
    /// The product's.
    pub product: String,
    /// The tag.
    pub tag: String,
}

/// Returns the report on a layer, made by this version of the parsers.
///
/// # Errors
/// The database cannot be read.
pub async fn find_layer_report(
    tx: &mut Tx,
    digest: &str,
    parser_version: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = fetch_opt!(
        tx,
        (Vec<u8>,),
        "SELECT report FROM layer_reports WHERE digest = $1 AND parser_version = $2",
        digest,
        parser_version
    )?;
    Ok(row.map(|(report,)| report))
}

/// Returns whether there is a report on a layer by this version of the parsers.
///
/// # Errors
/// The database cannot be read.
pub async fn has_layer_report(
    tx: &mut Tx,
    digest: &str,
    parser_version: i64,
) -> Result<bool, StoreError> {
    let row = fetch_opt!(
        tx,
        (String,),
        "SELECT digest FROM layer_reports WHERE digest = $1 AND parser_version = $2",
        digest,
        parser_version
    )?;
    Ok(row.is_some())
}

/// Returns the report on a layer by the newest parsers that made one.
///
/// # Errors
/// The database cannot be read.
pub async fn newest_layer_report(tx: &mut Tx, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = fetch_opt!(
        tx,
        (Vec<u8>,),
        "SELECT report FROM layer_reports WHERE digest = $1 ORDER BY parser_version DESC LIMIT 1",
        digest
    )?;
    Ok(row.map(|(report,)| report))
}

/// Keeps the report on a layer.
///
/// # Errors
/// The database refused.
pub async fn put_layer_report(
    tx: &mut Tx,
    digest: &str,
    parser_version: i64,
    report: &[u8],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO layer_reports (digest, parser_version, report, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (digest, parser_version) DO NOTHING",
        digest,
        parser_version,
        report,
        at
    )?;
    Ok(())
}

/// Keeps an image and makes it the submission's image at `position`.
///
/// # Errors
/// The database refused.
pub async fn put(
    tx: &mut Tx,
    submission: &SubmissionId,
    position: i64,
    image: &ImageRow,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO images (digest, platform, size, content, distribution, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (digest) DO UPDATE SET content = excluded.content, platform = excluded.platform, distribution = excluded.distribution",
        &image.digest,
        &image.platform,
        image.size,
        &image.content,
        &image.distribution,
        image.created_at,
    )?;
    execute!(
        tx,
        "INSERT INTO submission_images (submission_id, digest, position) VALUES ($1, $2, $3) ON CONFLICT (submission_id, digest) DO NOTHING",
        submission.as_str(),
        &image.digest,
        position
    )?;
    Ok(())
}

/// Notes what an image's layers are together.
///
/// # Errors
/// The database refused.
pub async fn set_chain(tx: &mut Tx, digest: &str, chain: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE images SET chain = $2 WHERE digest = $1",
        digest,
        chain
    )?;
    Ok(())
}

/// Returns the newest release of an image of just these layers.
///
/// # Errors
/// The database cannot be read.
pub async fn released_of_chain(
    tx: &mut Tx,
    chain: &str,
) -> Result<Option<ReleasedBase>, StoreError> {
    fetch_opt!(
        tx,
        ReleasedBase,
        "SELECT p.slug AS publisher, d.slug AS product, r.tag FROM images i JOIN submission_images s ON s.digest = i.digest JOIN releases r ON r.submission_id = s.submission_id JOIN products d ON d.id = r.product_id JOIN publishers p ON p.id = d.publisher_id WHERE i.chain = $1 ORDER BY r.released_at DESC, r.id LIMIT 1",
        chain
    )
}

/// Returns a submission's images in the order of its index.
///
/// # Errors
/// The database cannot be read.
pub async fn of_submission(
    tx: &mut Tx,
    submission: &SubmissionId,
) -> Result<Vec<ImageRow>, StoreError> {
    fetch_all!(
        tx,
        ImageRow,
        "SELECT i.digest, i.platform, i.size, i.content, i.distribution, i.created_at FROM images i JOIN submission_images s ON s.digest = i.digest WHERE s.submission_id = $1 ORDER BY s.position",
        submission.as_str()
    )
}

/// Returns a submission's images without their content, in the order of its index.
///
/// # Errors
/// The database cannot be read.
pub async fn outlines_of_submission(
    tx: &mut Tx,
    submission: &SubmissionId,
) -> Result<Vec<ImageOutline>, StoreError> {
    fetch_all!(
        tx,
        ImageOutline,
        "SELECT i.digest, i.platform, i.size, i.distribution FROM images i JOIN submission_images s ON s.digest = i.digest WHERE s.submission_id = $1 ORDER BY s.position",
        submission.as_str()
    )
}

/// Returns an image.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, digest: &str) -> Result<Option<ImageRow>, StoreError> {
    fetch_opt!(
        tx,
        ImageRow,
        "SELECT digest, platform, size, content, distribution, created_at FROM images WHERE digest = $1",
        digest
    )
}

/// Returns where a product has an image: its newest release with it, else its newest submission.
///
/// # Errors
/// The database cannot be read.
pub async fn home(
    tx: &mut Tx,
    product: &ProductId,
    digest: &str,
) -> Result<Option<ImageHome>, StoreError> {
    fetch_opt!(
        tx,
        ImageHome,
        "SELECT s.id AS submission_id, s.tag, r.released_at FROM submission_images i JOIN submissions s ON s.id = i.submission_id LEFT JOIN releases r ON r.submission_id = s.id WHERE s.product_id = $1 AND i.digest = $2 ORDER BY CASE WHEN r.id IS NULL THEN 1 ELSE 0 END, r.released_at DESC, s.number DESC LIMIT 1",
        product.as_str(),
        digest
    )
}
