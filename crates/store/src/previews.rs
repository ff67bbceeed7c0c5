//! Accounts that see a product before its first release.

use chrono::{DateTime, Utc};
use market::{AccountId, ProductId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_scalar},
};

/// Somebody who sees a product before its first release.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Previewer {
    /// Their account.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// The name they sign in with.
    pub name: String,
    /// The name of whoever named them.
    pub named_by: String,
    /// When.
    pub named_at: DateTime<Utc>,
}

/// A product that somebody sees before its first release.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PreviewRow {
    /// The publisher's short name.
    pub publisher: String,
    /// The publisher's name.
    pub publisher_name: String,
    /// The product's short name.
    pub product: String,
    /// The name of whoever named them.
    pub named_by: String,
    /// When.
    pub named_at: DateTime<Utc>,
}

/// Lets an account see a product; gives whether it did not before.
///
/// # Errors
/// The database refused.
pub async fn create(
    tx: &mut Tx,
    (product, account): (&ProductId, &AccountId),
    named_by: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let added = execute!(
        tx,
        "INSERT INTO previewers (product_id, account_id, named_by, named_at) VALUES ($1, $2, $3, $4) ON CONFLICT (product_id, account_id) DO NOTHING",
        product.as_str(),
        account.as_str(),
        named_by,
        at
    )?;
    Ok(added > 0)
}

/// Lets an account see a product no longer; gives whether it did.
///
/// # Errors
/// The database refused.
pub async fn delete(
    tx: &mut Tx,
    product: &ProductId,
    account: &AccountId,
) -> Result<bool, StoreError> {
    let gone = execute!(
        tx,
        "DELETE FROM previewers WHERE product_id = $1 AND account_id = $2",
        product.as_str(),
        account.as_str()
    )?;
    Ok(gone > 0)
}

/// Lets nobody see a product any longer; gives how many did.
///
/// # Errors
/// The database refused.
pub async fn delete_all(tx: &mut Tx, product: &ProductId) -> Result<u64, StoreError> {
    execute!(
        tx,
        "DELETE FROM previewers WHERE product_id = $1",
        product.as_str()
    )
}

/// Returns whether an account sees a product that is not released: it is named, or is the robot
/// of somebody who is, and the publisher may publish.
///
/// # Errors
/// The database cannot be read.
pub async fn sees(
    tx: &mut Tx,
    product: &ProductId,
    account: &AccountId,
) -> Result<bool, StoreError> {
    let count = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM previewers w JOIN products p ON p.id = w.product_id JOIN publishers u ON u.id = p.publisher_id WHERE w.product_id = $1 AND w.account_id = COALESCE((SELECT robot_account_id FROM accounts WHERE id = $2), $2) AND p.state = 'draft' AND u.state = 'verified'",
        product.as_str(),
        account.as_str()
    )?;
    Ok(count > 0)
}

/// Returns how many see a product.
///
/// # Errors
/// The database cannot be read.
pub async fn count(tx: &mut Tx, product: &ProductId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM previewers WHERE product_id = $1",
        product.as_str()
    )
}

/// Returns who sees a product, by name.
///
/// # Errors
/// The database cannot be read.
pub async fn of_product(tx: &mut Tx, product: &ProductId) -> Result<Vec<Previewer>, StoreError> {
    fetch_all!(
        tx,
        Previewer,
        "SELECT w.account_id, a.name, w.named_by, w.named_at FROM previewers w JOIN accounts a ON a.id = w.account_id WHERE w.product_id = $1 ORDER BY a.name COLLATE \"C\"",
        product.as_str()
    )
}

/// Returns the products that an account sees, the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_account(tx: &mut Tx, account: &AccountId) -> Result<Vec<PreviewRow>, StoreError> {
    fetch_all!(
        tx,
        PreviewRow,
        "SELECT u.slug AS publisher, u.legal_name AS publisher_name, p.slug AS product, w.named_by, w.named_at FROM previewers w JOIN products p ON p.id = w.product_id JOIN publishers u ON u.id = p.publisher_id WHERE w.account_id = $1 AND p.state = 'draft' AND u.state = 'verified' ORDER BY w.product_id DESC",
        account.as_str()
    )
}
