//! What publishers owe, every version of it.

use chrono::{DateTime, Utc};
use market::{Money, PublisherId, Terms};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
};

/// A version of what a publisher owes.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TermsRow {
    /// 1, 2, and so on; the highest is in force.
    pub version: i64,
    /// A year's fee for each listing, in minor units.
    pub fee_minor: Option<i64>,
    /// The fee's currency.
    pub fee_currency: Option<String>,
    /// The operator's share, in hundredths of a percent.
    pub revenue_share: i64,
    /// Why it is so.
    pub note: String,
    /// The name of whoever set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
}

impl TermsRow {
    /// Returns what is owed.
    pub fn terms(&self) -> Terms {
        let fee = self.fee_minor.zip(self.fee_currency.clone());
        Terms {
            listing_fee: fee.map(|(amount_minor, currency)| Money {
                amount_minor,
                currency,
            }),
            revenue_share: self.revenue_share,
        }
    }
}

/// Returns what a publisher owes and owed, the newest version first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<TermsRow>, StoreError> {
    fetch_all!(
        tx,
        TermsRow,
        "SELECT version, fee_minor, fee_currency, revenue_share, note, set_by, set_at FROM publisher_terms WHERE publisher_id = $1 ORDER BY version DESC",
        publisher.as_str()
    )
}

/// Adds a version; one that is there is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(
    tx: &mut Tx,
    publisher: &PublisherId,
    row: &TermsRow,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO publisher_terms (publisher_id, version, fee_minor, fee_currency, revenue_share, note, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        publisher.as_str(),
        row.version,
        row.fee_minor,
        row.fee_currency.as_deref(),
        row.revenue_share,
        &row.note,
        &row.set_by,
        row.set_at,
    )?;
    Ok(())
}
