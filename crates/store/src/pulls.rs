//! Who pulled which released manifest, and when.

use chrono::{DateTime, Utc};
use market::ProductId;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_scalar},
};

/// A pull of a released manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Sorts by time.
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Of which product.
    pub product_id: ProductId,
    /// By whom, where somebody was signed in.
    pub account_id: Option<String>,
    /// Under which plan.
    pub plan: Option<String>,
    /// The tag or digest that was asked for.
    pub reference: String,
    /// What was given.
    pub digest: String,
    /// The client, as it calls itself.
    pub user_agent: String,
}

/// Notes a pull.
///
/// # Errors
/// The database refused.
pub async fn record(tx: &mut Tx, pull: &Pull) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO pulls (id, at, product_id, account_id, plan, reference, digest, user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &pull.id,
        pull.at,
        pull.product_id.as_str(),
        &pull.account_id,
        &pull.plan,
        &pull.reference,
        &pull.digest,
        &pull.user_agent,
    )?;
    Ok(())
}

/// Returns how often a product was pulled.
///
/// # Errors
/// The database cannot be read.
pub async fn count(tx: &mut Tx, product: &ProductId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM pulls WHERE product_id = $1",
        product.as_str()
    )
}
