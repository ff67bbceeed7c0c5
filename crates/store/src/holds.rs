//! What operators were asked about broken promises, and how long these have grace.

use chrono::{DateTime, Utc};
use market::{Grace, HoldQuestion, ProductId, PublisherId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A listing with broken promises that operators were asked about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HoldRow {
    /// The product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// When they were asked last.
    pub asked_at: DateTime<Utc>,
    /// When they gave a grace.
    pub grace_given_at: Option<DateTime<Utc>>,
    /// Until when.
    pub grace_until: Option<DateTime<Utc>>,
    /// Why.
    pub grace_reason: Option<String>,
}

impl HoldRow {
    /// Returns what the rules know of it.
    pub fn question(&self) -> HoldQuestion {
        let grace = self.grace_given_at.zip(self.grace_until);
        HoldQuestion {
            asked_at: self.asked_at,
            grace: grace.map(|(given_at, until)| Grace { given_at, until }),
        }
    }
}

/// Returns what was asked about a product, if anything was.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, product: &ProductId) -> Result<Option<HoldRow>, StoreError> {
    fetch_opt!(
        tx,
        HoldRow,
        "SELECT * FROM hold_questions WHERE product_id = $1",
        product.as_str()
    )
}

/// Returns what was asked about a publisher's products.
///
/// # Errors
/// The database cannot be read.
pub async fn of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<HoldRow>, StoreError> {
    fetch_all!(
        tx,
        HoldRow,
        "SELECT q.* FROM hold_questions q JOIN products p ON p.id = q.product_id WHERE p.publisher_id = $1",
        publisher.as_str()
    )
}

/// Returns all that was asked, the longest ago first.
///
/// # Errors
/// The database cannot be read.
pub async fn all(tx: &mut Tx) -> Result<Vec<HoldRow>, StoreError> {
    fetch_all!(
        tx,
        HoldRow,
        "SELECT * FROM hold_questions ORDER BY asked_at, product_id"
    )
}

/// Notes that operators were asked, for the first time or again.
///
/// # Errors
/// The database refused.
pub async fn ask(tx: &mut Tx, product: &ProductId, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO hold_questions (product_id, asked_at) VALUES ($1, $2) ON CONFLICT (product_id) DO UPDATE SET asked_at = excluded.asked_at",
        product.as_str(),
        at
    )?;
    Ok(())
}

/// Notes a grace, with its reason and what it is about: the promises about the product's standing
/// releases that are broken now. Gives whether anything was asked.
///
/// # Errors
/// The database refused.
pub async fn set_grace(
    tx: &mut Tx,
    product: &ProductId,
    grace: Grace,
    reason: &str,
) -> Result<bool, StoreError> {
    let set = execute!(
        tx,
        "UPDATE hold_questions SET grace_given_at = $2, grace_until = $3, grace_reason = $4 WHERE product_id = $1",
        product.as_str(),
        grace.given_at,
        grace.until,
        reason
    )?;
    execute!(
        tx,
        "DELETE FROM grace_promises WHERE product_id = $1",
        product.as_str()
    )?;
    execute!(
        tx,
        "INSERT INTO grace_promises (product_id, vulnerability, component, due_at) SELECT DISTINCT r.product_id, f.vulnerability, f.component, f.due_at FROM releases r CROSS JOIN findings f WHERE r.product_id = $1 AND NOT r.replaced AND f.submission_id = r.submission_id AND f.state = 'open' AND f.due_at <= $2 AND EXISTS (SELECT 1 FROM hold_questions q WHERE q.product_id = r.product_id)",
        product.as_str(),
        grace.given_at
    )?;
    Ok(set > 0)
}

/// Forgets what was asked and given: it is mended, held for, or off the market.
///
/// # Errors
/// The database refused.
pub async fn settle(tx: &mut Tx, product: &ProductId) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM hold_questions WHERE product_id = $1",
        product.as_str()
    )?;
    Ok(())
}
