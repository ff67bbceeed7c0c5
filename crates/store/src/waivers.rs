//! Certification checks that products need not pass for a time.

use chrono::{DateTime, Utc};
use market::{AccountId, ProductId, WaiverId};

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A check that a product need not pass for a time.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiver {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: WaiverId,
    /// The product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// The check.
    pub check_id: String,
    /// Why.
    pub reason: String,
    /// By whom.
    #[sqlx(try_from = "String")]
    pub made_by: AccountId,
    /// The name of that account.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Until when it counts.
    pub ends_at: DateTime<Utc>,
    /// The name of the account that took it back.
    pub ender: Option<String>,
    /// When it was taken back.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why.
    pub end_reason: Option<String>,
}

impl Waiver {
    /// Returns whether it counts at `now`.
    pub fn counts(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && now < self.ends_at
    }
}

/// Adds one.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, new: &Waiver) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO waivers (id, product_id, check_id, reason, made_by, made_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.id.as_str(),
        new.product_id.as_str(),
        &new.check_id,
        &new.reason,
        new.made_by.as_str(),
        new.made_at,
        new.ends_at,
    )?;
    Ok(())
}

/// Takes one back; gives whether nobody did before.
///
/// # Errors
/// The database refused.
pub async fn end(
    tx: &mut Tx,
    id: &WaiverId,
    (by, reason): (&AccountId, &str),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ended = execute!(
        tx,
        "UPDATE waivers SET ended_by = $2, ended_at = $3, end_reason = $4 WHERE id = $1 AND ended_at IS NULL",
        id.as_str(),
        by.as_str(),
        at,
        reason
    )?;
    Ok(ended > 0)
}

/// Returns the one with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &WaiverId) -> Result<Option<Waiver>, StoreError> {
    fetch_opt!(
        tx,
        Waiver,
        "SELECT w.*, a.name AS author, e.name AS ender FROM waivers w JOIN accounts a ON a.id = w.made_by LEFT JOIN accounts e ON e.id = w.ended_by WHERE w.id = $1",
        id.as_str()
    )
}

/// Returns a part of those of a product, also of those that are over; the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_product(
    tx: &mut Tx,
    product: &ProductId,
    part: Part<'_>,
) -> Result<Vec<Waiver>, StoreError> {
    fetch_all!(
        tx,
        Waiver,
        "SELECT w.*, a.name AS author, e.name AS ender FROM waivers w JOIN accounts a ON a.id = w.made_by LEFT JOIN accounts e ON e.id = w.ended_by WHERE w.product_id = $1 AND ($2 = '' OR (w.made_at, w.id) < (SELECT l.made_at, l.id FROM waivers l WHERE l.id = $2)) ORDER BY w.made_at DESC, w.id DESC LIMIT $3",
        product.as_str(),
        part.from,
        part.limit
    )
}
