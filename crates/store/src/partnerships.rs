//! Partnerships of publishers with the operator, and the agreement they rest on.

use chrono::{DateTime, Utc};
use market::{PartnershipState, PublisherId, SupportExchange};

use crate::{
    StoreError, Tx, assets,
    db::{execute, fetch_all, fetch_opt},
};

/// A version of the agreement.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PartnershipAgreement {
    /// 1, 2, and so on; the highest is current.
    pub version: i64,
    /// What it says, in Markdown.
    pub text: String,
    /// Since when.
    pub set_at: DateTime<Utc>,
}

/// An application for partnership, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Partnership {
    /// 1, 2, and so on; the highest counts.
    pub number: i64,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: PartnershipState,
    /// How support cases are exchanged.
    #[sqlx(try_from = "String")]
    pub exchange: SupportExchange,
    /// What the publisher says of its membership.
    pub membership: String,
    /// The version of the agreement that was accepted, where there was one.
    pub agreement: Option<i64>,
    /// The name of whoever applied.
    pub applied_by: String,
    /// When.
    pub applied_at: DateTime<Utc>,
    /// The name of whoever decided last.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
}

/// Returns the current version of the agreement.
///
/// # Errors
/// The database cannot be read.
pub async fn agreement(tx: &mut Tx) -> Result<Option<PartnershipAgreement>, StoreError> {
    fetch_opt!(
        tx,
        PartnershipAgreement,
        "SELECT * FROM partnership_agreements ORDER BY version DESC LIMIT 1"
    )
}

/// Adds a version of the agreement; one that is there is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create_agreement(
    tx: &mut Tx,
    agreement: &PartnershipAgreement,
) -> Result<(), StoreError> {
    assets::keep_named(tx, &agreement.text).await?;
    execute!(
        tx,
        "INSERT INTO partnership_agreements (version, text, set_at) VALUES ($1, $2, $3)",
        agreement.version,
        &agreement.text,
        agreement.set_at
    )?;
    Ok(())
}

/// Returns a publisher's applications, the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<Partnership>, StoreError> {
    fetch_all!(
        tx,
        Partnership,
        "SELECT number, state, exchange, membership, agreement, applied_by, applied_at, decided_by, decided_at, reason FROM partnerships WHERE publisher_id = $1 ORDER BY number DESC",
        publisher.as_str()
    )
}

/// Adds an application; one with its number is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(
    tx: &mut Tx,
    publisher: &PublisherId,
    new: &Partnership,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO partnerships (publisher_id, number, state, exchange, membership, agreement, applied_by, applied_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        publisher.as_str(),
        new.number,
        new.state.as_str(),
        new.exchange.as_str(),
        &new.membership,
        new.agreement,
        &new.applied_by,
        new.applied_at,
    )?;
    Ok(())
}

/// Notes a decision, unless another came before; gives whether it was noted.
///
/// # Errors
/// The database refused.
pub async fn decide(
    tx: &mut Tx,
    publisher: &PublisherId,
    before: &Partnership,
    after: &Partnership,
) -> Result<bool, StoreError> {
    let decided = execute!(
        tx,
        "UPDATE partnerships SET state = $4, decided_by = $5, decided_at = $6, reason = $7 WHERE publisher_id = $1 AND number = $2 AND state = $3",
        publisher.as_str(),
        before.number,
        before.state.as_str(),
        after.state.as_str(),
        &after.decided_by,
        after.decided_at,
        &after.reason,
    )?;
    Ok(decided > 0)
}
