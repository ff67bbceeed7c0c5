//! Versions of drafts.

use chrono::{DateTime, Utc};
use market::{ProductId, ProductManifest};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// What is known of a version without its manifest.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DraftLine {
    /// From 1, within the product.
    pub number: i64,
    /// The manifest's fields that differ from the version before, with spaces between.
    pub fields: String,
    /// The name of whoever saved it; nothing where that was not kept.
    pub saved_by: Option<String>,
    /// When.
    pub saved_at: DateTime<Utc>,
    /// The version that was gone back to, where one was.
    pub restored_from: Option<i64>,
}

impl DraftLine {
    /// Returns whether a field differs from the version before.
    pub fn has_changed(&self, field: &str) -> bool {
        self.fields.split(' ').any(|name| name == field)
    }
}

/// A draft as it was saved.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct DraftVersion {
    /// What is known of it.
    #[sqlx(flatten)]
    pub line: DraftLine,
    /// What it says.
    pub manifest: Json<ProductManifest>,
}

/// Returns the number of a product's next version. Whoever asks holds the product's row.
///
/// # Errors
/// The database cannot be read.
pub async fn next_number(tx: &mut Tx, product: &ProductId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COALESCE(MAX(number), 0) + 1 FROM draft_versions WHERE product_id = $1",
        product.as_str()
    )
}

/// Adds a version, and drops all but the newest `most`.
///
/// # Errors
/// The database refused.
pub async fn add(
    tx: &mut Tx,
    product: &ProductId,
    (line, manifest): (&DraftLine, &ProductManifest),
    most: i64,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO draft_versions (product_id, number, manifest, fields, saved_by, saved_at, restored_from) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        product.as_str(),
        line.number,
        Json(manifest),
        &line.fields,
        line.saved_by.as_deref(),
        line.saved_at,
        line.restored_from
    )?;
    execute!(
        tx,
        "DELETE FROM draft_versions WHERE product_id = $1 AND number <= $2",
        product.as_str(),
        line.number - most
    )?;
    Ok(())
}

/// Returns a version of a product's draft.
///
/// # Errors
/// The database cannot be read.
pub async fn find(
    tx: &mut Tx,
    product: &ProductId,
    number: i64,
) -> Result<Option<DraftVersion>, StoreError> {
    fetch_opt!(
        tx,
        DraftVersion,
        "SELECT number, fields, saved_by, saved_at, restored_from, manifest FROM draft_versions WHERE product_id = $1 AND number = $2",
        product.as_str(),
        number
    )
}

/// Returns what is known of a product's versions, the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_product(tx: &mut Tx, product: &ProductId) -> Result<Vec<DraftLine>, StoreError> {
    fetch_all!(
        tx,
        DraftLine,
        "SELECT number, fields, saved_by, saved_at, restored_from FROM draft_versions WHERE product_id = $1 ORDER BY number DESC",
        product.as_str()
    )
}
