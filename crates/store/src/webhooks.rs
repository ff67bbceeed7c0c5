//! Webhooks: where events are sent, what is on its way there, and how each attempt went.

use chrono::{DateTime, Utc};
use market::{AccountId, DeliveryId, DeliveryState, PublisherId, WebhookId, WebhookOwner};

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// A program that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Webhook {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: WebhookId,
    /// Whose it is.
    #[sqlx(try_from = "String")]
    pub owner: WebhookOwner,
    /// Where events are sent.
    pub url: String,
    /// What its owner says it is for.
    pub description: String,
    /// Of which kinds of events it is told, with spaces between.
    pub kinds: String,
    /// What its secret is derived from.
    pub salt: String,
    /// The same of the secret before.
    pub old_salt: Option<String>,
    /// Until when the secret before signs too.
    pub old_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when nothing is sent.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why, where its owner did not do it.
    pub disabled_why: Option<String>,
    /// The first failure that no success followed.
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when somebody sends to it.
    pub leased_until: DateTime<Utc>,
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// Its identifier, which its receiver sees.
    #[sqlx(try_from = "String")]
    pub id: DeliveryId,
    /// Where it goes.
    #[sqlx(try_from = "String")]
    pub webhook_id: WebhookId,
    /// What happened; no webhook is told of the same twice.
    pub cause: String,
    /// The kind of event, or `ping`.
    pub kind: String,
    /// What is sent.
    pub body: String,
    /// When it happened.
    pub created_at: DateTime<Utc>,
    /// How it fares.
    #[sqlx(try_from = "String")]
    pub state: DeliveryState,
    /// When it is tried next, or came to its end.
    pub due_at: DateTime<Utc>,
    /// How often it was tried since it was queued last.
    pub tries: i64,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Attempt {
    /// From 1.
    pub number: i64,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Milliseconds it took.
    pub millis: i64,
    /// The answer's status, where there was an answer.
    pub status: Option<i64>,
    /// The start of the answer.
    pub answer: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// Adds a webhook.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO webhooks (id, owner, url, description, kinds, salt, created_at, leased_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        webhook.id.as_str(),
        webhook.owner.as_str(),
        &webhook.url,
        &webhook.description,
        &webhook.kinds,
        &webhook.salt,
        webhook.created_at,
        webhook.leased_until,
    )?;
    Ok(())
}

/// Writes everything of a webhook that can change, but who sends to it.
///
/// # Errors
/// The database refused.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE webhooks SET url = $2, description = $3, kinds = $4, salt = $5, old_salt = $6, old_until = $7, disabled_at = $8, disabled_why = $9, failing_since = $10 WHERE id = $1",
        webhook.id.as_str(),
        &webhook.url,
        &webhook.description,
        &webhook.kinds,
        &webhook.salt,
        webhook.old_salt.as_deref(),
        webhook.old_until,
        webhook.disabled_at,
        webhook.disabled_why.as_deref(),
        webhook.failing_since,
    )?;
    Ok(())
}

/// Deletes a webhook with everything that was sent or is to be sent to it.
///
/// # Errors
/// The database refused.
pub async fn delete(tx: &mut Tx, id: &WebhookId) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM webhook_attempts WHERE delivery_id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = $1)",
        id.as_str()
    )?;
    execute!(
        tx,
        "DELETE FROM webhook_deliveries WHERE webhook_id = $1",
        id.as_str()
    )?;
    execute!(tx, "DELETE FROM webhooks WHERE id = $1", id.as_str())?;
    Ok(())
}

/// Finds a webhook.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
    fetch_opt!(
        tx,
        Webhook,
        "SELECT * FROM webhooks WHERE id = $1",
        id.as_str()
    )
}

/// Returns the webhooks of an owner, oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_owner(tx: &mut Tx, owner: &WebhookOwner) -> Result<Vec<Webhook>, StoreError> {
    fetch_all!(
        tx,
        Webhook,
        "SELECT * FROM webhooks WHERE owner = $1 ORDER BY id",
        owner.as_str()
    )
}

/// Returns the webhooks in force that may hear of what happens to a publisher: its own, the
/// operator's, and of those who are subscribed to the product with the identifier `product`,
/// where it is given.
///
/// # Errors
/// The database cannot be read.
pub async fn hearers(
    tx: &mut Tx,
    publisher: &PublisherId,
    product: &str,
) -> Result<Vec<Webhook>, StoreError> {
    fetch_all!(
        tx,
        Webhook,
        "SELECT * FROM webhooks WHERE disabled_at IS NULL AND (owner = 'market' OR owner = $1 OR owner IN (SELECT s.account_id FROM subscriptions s JOIN accounts a ON a.id = s.account_id WHERE s.product_id = $2 AND s.state <> 'lapsed' AND a.disabled_at IS NULL)) ORDER BY id",
        publisher.as_str(),
        product
    )
}

/// Returns who keeps an owner's webhooks: the person, the publisher's owners, the operators.
///
/// # Errors
/// The database cannot be read.
pub async fn keepers(tx: &mut Tx, owner: &WebhookOwner) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT a.id FROM accounts a WHERE a.disabled_at IS NULL AND (a.id = $1 OR ($1 = 'market' AND a.staff_role = 'operator') OR EXISTS (SELECT 1 FROM members m WHERE m.account_id = a.id AND m.publisher_id = $1 AND m.role = 'owner'))",
        owner.as_str()
    )?;
    let read = |(id,): (String,)| {
        id.parse().map_err(|error| StoreError::Corrupt {
            what: "account",
            reason: format!("{error}"),
        })
    };
    rows.into_iter().map(read).collect()
}

/// Queues an event, unless its webhook was told of its cause before.
///
/// # Errors
/// The database refused.
pub async fn queue(tx: &mut Tx, delivery: &Delivery) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO webhook_deliveries (id, webhook_id, cause, kind, body, created_at, state, due_at, tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (webhook_id, cause) DO NOTHING",
        delivery.id.as_str(),
        delivery.webhook_id.as_str(),
        &delivery.cause,
        &delivery.kind,
        &delivery.body,
        delivery.created_at,
        delivery.state.as_str(),
        delivery.due_at,
        delivery.tries,
    )?;
    Ok(())
}

/// Returns webhooks for which something is due and to which nobody sends, those first that
/// waited longest since something was sent to them.
///
/// # Errors
/// The database cannot be read.
pub async fn due(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Webhook>, StoreError> {
    fetch_all!(
        tx,
        Webhook,
        "SELECT * FROM webhooks WHERE disabled_at IS NULL AND leased_until <= $1 AND id IN (SELECT webhook_id FROM webhook_deliveries WHERE state = 'waiting' AND due_at <= $1) ORDER BY leased_until, id LIMIT $2",
        now,
        limit
    )
}

/// Keeps everybody else from sending to a webhook until `until`; gives whether it is ours.
///
/// # Errors
/// The database refused.
pub async fn lease(
    tx: &mut Tx,
    webhook: &Webhook,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE webhooks SET leased_until = $3 WHERE id = $1 AND leased_until = $2 AND disabled_at IS NULL",
        webhook.id.as_str(),
        webhook.leased_until,
        until
    )?;
    Ok(changed > 0)
}

/// Lets others send to a webhook.
///
/// # Errors
/// The database refused.
pub async fn release(tx: &mut Tx, id: &WebhookId, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE webhooks SET leased_until = $2 WHERE id = $1",
        id.as_str(),
        at
    )?;
    Ok(())
}

/// Returns what is due first for a webhook.
///
/// # Errors
/// The database cannot be read.
pub async fn first_due(
    tx: &mut Tx,
    webhook: &WebhookId,
    now: DateTime<Utc>,
) -> Result<Option<Delivery>, StoreError> {
    fetch_opt!(
        tx,
        Delivery,
        "SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'waiting' AND due_at <= $2 ORDER BY due_at, id LIMIT 1",
        webhook.as_str(),
        now
    )
}

/// Finds a delivery.
///
/// # Errors
/// The database cannot be read.
pub async fn find_delivery(tx: &mut Tx, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
    fetch_opt!(
        tx,
        Delivery,
        "SELECT * FROM webhook_deliveries WHERE id = $1",
        id.as_str()
    )
}

/// Returns a part of what was sent or is to be sent to a webhook, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn deliveries(
    tx: &mut Tx,
    webhook: &WebhookId,
    part: Part<'_>,
) -> Result<Vec<Delivery>, StoreError> {
    fetch_all!(
        tx,
        Delivery,
        "SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND (id < $2 OR $2 = '') ORDER BY id DESC LIMIT $3",
        webhook.as_str(),
        part.from,
        part.limit
    )
}

/// Notes how a delivery fares.
///
/// # Errors
/// The database refused.
pub async fn set_delivery(tx: &mut Tx, delivery: &Delivery) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE webhook_deliveries SET state = $2, due_at = $3, tries = $4 WHERE id = $1",
        delivery.id.as_str(),
        delivery.state.as_str(),
        delivery.due_at,
        delivery.tries
    )?;
    Ok(())
}

/// Gives up what waits for a webhook.
///
/// # Errors
/// The database refused.
pub async fn give_up(
    tx: &mut Tx,
    webhook: &WebhookId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE webhook_deliveries SET state = 'failed', due_at = $2 WHERE webhook_id = $1 AND state = 'waiting'",
        webhook.as_str(),
        at
    )?;
    Ok(())
}

/// Adds an attempt, under the next number.
///
/// # Errors
/// The database refused.
pub async fn add_attempt(
    tx: &mut Tx,
    delivery: &DeliveryId,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    let last = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM webhook_attempts WHERE delivery_id = $1",
        delivery.as_str()
    )?;
    execute!(
        tx,
        "INSERT INTO webhook_attempts (delivery_id, number, at, millis, status, answer, error) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        delivery.as_str(),
        last + 1,
        attempt.at,
        attempt.millis,
        attempt.status,
        &attempt.answer,
        attempt.error.as_deref(),
    )?;
    Ok(())
}

/// Returns how many deliveries wait, and how many webhooks there are that work, that took
/// nothing last, and that are disabled.
///
/// # Errors
/// The database cannot be read.
pub async fn counts(tx: &mut Tx) -> Result<(i64, [i64; 3]), StoreError> {
    let waiting = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'waiting'"
    )?;
    let webhooks = fetch_opt!(
        tx,
        (i64, i64, i64),
        "SELECT COUNT(CASE WHEN disabled_at IS NULL AND failing_since IS NULL THEN 1 END), COUNT(CASE WHEN disabled_at IS NULL AND failing_since IS NOT NULL THEN 1 END), COUNT(disabled_at) FROM webhooks"
    )?;
    let (working, failing, disabled) = webhooks.unwrap_or_default();
    Ok((waiting, [working, failing, disabled]))
}

/// Returns the attempts of a delivery, in order.
///
/// # Errors
/// The database cannot be read.
pub async fn attempts(tx: &mut Tx, delivery: &DeliveryId) -> Result<Vec<Attempt>, StoreError> {
    fetch_all!(
        tx,
        Attempt,
        "SELECT number, at, millis, status, answer, error FROM webhook_attempts WHERE delivery_id = $1 ORDER BY number",
        delivery.as_str()
    )
}

/// Forgets what came to its end and is older than `before`, which is an identifier; gives how many.
///
/// # Errors
/// The database refused.
pub async fn forget(tx: &mut Tx, before: &DeliveryId) -> Result<u64, StoreError> {
    execute!(
        tx,
        "DELETE FROM webhook_attempts WHERE delivery_id IN (SELECT id FROM webhook_deliveries WHERE id < $1 AND state <> 'waiting')",
        before.as_str()
    )?;
    execute!(
        tx,
        "DELETE FROM webhook_deliveries WHERE id < $1 AND state <> 'waiting'",
        before.as_str()
    )
}
