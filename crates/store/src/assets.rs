//! Logos and screenshots that publishers uploaded; their bytes are blobs.

use chrono::{DateTime, Utc};
use market::PublisherId;

use crate::{
    StoreError, Tx,
    blobs::BlobStore,
    collection, condemned,
    db::{execute, fetch_opt},
};

/// A decoded and checked picture.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Asset {
    /// Of its bytes.
    pub digest: String,
    /// Who uploaded it first.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// `image/png`.
    pub media_type: String,
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// Bytes.
    pub size: i64,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Adds a picture whose bytes were put before; one that is there already stays.
///
/// # Errors
/// [`StoreError::BeingCollected`]: put the bytes again in a moment. The database refused.
pub async fn create(tx: &mut Tx, blobs: &dyn BlobStore, asset: &Asset) -> Result<(), StoreError> {
    collection::enter(tx).await?;
    condemned::require_bytes(tx, blobs, &asset.digest).await?;
    execute!(
        tx,
        "INSERT INTO assets (digest, publisher_id, media_type, width, height, size, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING",
        &asset.digest,
        asset.publisher_id.as_str(),
        &asset.media_type,
        asset.width,
        asset.height,
        asset.size,
        asset.created_at,
    )?;
    Ok(())
}

/// Returns the picture with this digest.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, digest: &str) -> Result<Option<Asset>, StoreError> {
    fetch_opt!(tx, Asset, "SELECT * FROM assets WHERE digest = $1", digest)
}
