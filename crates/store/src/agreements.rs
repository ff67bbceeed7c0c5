//! The publisher agreement, every version of it, and who accepted which for a publisher.

use chrono::{DateTime, Utc};
use market::{AccountId, PublisherId};

use crate::{
    StoreError, Tx, assets,
    db::{execute, fetch_all, fetch_opt},
};

/// A version of the publisher agreement.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Agreement {
    /// 1, 2, and so on; the highest is current.
    pub version: i64,
    /// Markdown.
    pub text: String,
    /// Since when.
    pub set_at: DateTime<Utc>,
}

/// That somebody accepted a version for a publisher.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Acceptance {
    /// Which.
    pub version: i64,
    /// The name of who did.
    pub account: String,
    /// When.
    pub accepted_at: DateTime<Utc>,
}

/// Returns the current version; none where publishers need accept nothing.
///
/// # Errors
/// The database cannot be read.
pub async fn current(tx: &mut Tx) -> Result<Option<Agreement>, StoreError> {
    fetch_opt!(
        tx,
        Agreement,
        "SELECT * FROM agreements ORDER BY version DESC LIMIT 1"
    )
}

/// Returns a version.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, version: i64) -> Result<Option<Agreement>, StoreError> {
    fetch_opt!(
        tx,
        Agreement,
        "SELECT * FROM agreements WHERE version = $1",
        version
    )
}

/// Adds a version; one that is there is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, agreement: &Agreement) -> Result<(), StoreError> {
    assets::keep_named(tx, &agreement.text).await?;
    execute!(
        tx,
        "INSERT INTO agreements (version, text, set_at) VALUES ($1, $2, $3)",
        agreement.version,
        &agreement.text,
        agreement.set_at
    )?;
    Ok(())
}

/// Notes that somebody accepted a version for a publisher; who did so first stays.
///
/// # Errors
/// The database refused.
pub async fn accept(
    tx: &mut Tx,
    publisher: &PublisherId,
    (version, account): (i64, &AccountId),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let added = execute!(
        tx,
        "INSERT INTO agreement_acceptances (publisher_id, version, account_id, accepted_at) VALUES ($1, $2, $3, $4) ON CONFLICT (publisher_id, version) DO NOTHING",
        publisher.as_str(),
        version,
        account.as_str(),
        at
    )?;
    Ok(added > 0)
}

/// Returns what was accepted for a publisher, the newest version first.
///
/// # Errors
/// The database cannot be read.
pub async fn accepted(tx: &mut Tx, publisher: &PublisherId) -> Result<Vec<Acceptance>, StoreError> {
    fetch_all!(
        tx,
        Acceptance,
        "SELECT g.version, a.name AS account, g.accepted_at FROM agreement_acceptances g JOIN accounts a ON a.id = g.account_id WHERE g.publisher_id = $1 ORDER BY g.version DESC",
        publisher.as_str()
    )
}
