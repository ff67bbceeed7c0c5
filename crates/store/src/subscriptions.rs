//! Subscriptions to plans; they entitle to pull.

use chrono::{DateTime, Utc};
use market::{AccountId, PlanSource, ProductId, SubscriptionId, SubscriptionState};
use sqlx::types::Json;

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A subscription to a plan of a product.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Subscription {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: SubscriptionId,
    /// Whose.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// To which product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// The plan's short name.
    pub plan: String,
    /// The price a month when it began, in minor units.
    pub amount_minor: i64,
    /// Of that price.
    pub currency: String,
    /// Where it is.
    #[sqlx(try_from = "String")]
    pub state: SubscriptionState,
    /// When the licence was accepted.
    pub license_accepted_at: DateTime<Utc>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Adds a subscription to a plan that has these `sources`; a second one in force to the same
/// product is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(
    tx: &mut Tx,
    subscription: &Subscription,
    sources: &[PlanSource],
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO subscriptions (id, account_id, product_id, plan, amount_minor, currency, state, license_accepted_at, started_at, sources) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        subscription.id.as_str(),
        subscription.account_id.as_str(),
        subscription.product_id.as_str(),
        &subscription.plan,
        subscription.amount_minor,
        &subscription.currency,
        subscription.state.as_str(),
        subscription.license_accepted_at,
        subscription.started_at,
        Json(sources),
    )?;
    Ok(())
}

/// Returns an account's subscription in force to a product; a person's robot has that person's.
///
/// # Errors
/// The database cannot be read.
pub async fn in_force(
    tx: &mut Tx,
    account: &AccountId,
    product: &ProductId,
) -> Result<Option<Subscription>, StoreError> {
    fetch_opt!(
        tx,
        Subscription,
        "SELECT * FROM subscriptions WHERE account_id = COALESCE((SELECT robot_account_id FROM accounts WHERE id = $1), $1) AND product_id = $2 AND state <> 'lapsed'",
        account.as_str(),
        product.as_str()
    )
}

/// Returns a part of an account's subscriptions, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_account(
    tx: &mut Tx,
    account: &AccountId,
    part: Part<'_>,
) -> Result<Vec<Subscription>, StoreError> {
    fetch_all!(
        tx,
        Subscription,
        "SELECT * FROM subscriptions WHERE account_id = $1 AND (id < $2 OR $2 = '') ORDER BY id DESC LIMIT $3",
        account.as_str(),
        part.from,
        part.limit
    )
}

/// Returns an account's subscription.
///
/// # Errors
/// The database cannot be read.
pub async fn find_of_account(
    tx: &mut Tx,
    account: &AccountId,
    id: &str,
) -> Result<Option<Subscription>, StoreError> {
    fetch_opt!(
        tx,
        Subscription,
        "SELECT * FROM subscriptions WHERE account_id = $1 AND id = $2",
        account.as_str(),
        id
    )
}

/// Ends a subscription.
///
/// # Errors
/// The database refused.
pub async fn lapse(tx: &mut Tx, id: &SubscriptionId, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE subscriptions SET state = 'lapsed', ended_at = $2 WHERE id = $1",
        id.as_str(),
        at
    )?;
    Ok(())
}
