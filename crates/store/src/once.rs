//! Requests that clients want done once, and what was answered.

use chrono::{DateTime, Utc};
use market::AccountId;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_opt},
};

/// A request that has a key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OnceRow {
    /// SHA-256 of the request, hexadecimal.
    pub fingerprint: String,
    /// When it came.
    pub begun_at: DateTime<Utc>,
    /// What was answered, sealed; nothing until it was.
    pub answer: Option<Vec<u8>>,
}

/// Notes that a request begins, unless its key is known; gives whether it was not.
///
/// # Errors
/// The database refused.
pub async fn begin(
    tx: &mut Tx,
    (account, key): (&AccountId, &str),
    fingerprint: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let begun = execute!(
        tx,
        "INSERT INTO once_requests (account_id, request_key, fingerprint, begun_at) VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, request_key) DO NOTHING",
        account.as_str(),
        key,
        fingerprint,
        now
    )?;
    Ok(begun > 0)
}

/// Returns what is known of a key.
///
/// # Errors
/// The database cannot be read.
pub async fn find(
    tx: &mut Tx,
    account: &AccountId,
    key: &str,
) -> Result<Option<OnceRow>, StoreError> {
    fetch_opt!(
        tx,
        OnceRow,
        "SELECT fingerprint, begun_at, answer FROM once_requests WHERE account_id = $1 AND request_key = $2",
        account.as_str(),
        key
    )
}

/// Keeps what was answered.
///
/// # Errors
/// The database refused.
pub async fn answer(
    tx: &mut Tx,
    (account, key): (&AccountId, &str),
    answer: &[u8],
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE once_requests SET answer = $3 WHERE account_id = $1 AND request_key = $2",
        account.as_str(),
        key,
        answer
    )?;
    Ok(())
}

/// Forgets a request that changed nothing, so that it can be sent again.
///
/// # Errors
/// The database refused.
pub async fn forget(tx: &mut Tx, account: &AccountId, key: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM once_requests WHERE account_id = $1 AND request_key = $2",
        account.as_str(),
        key
    )?;
    Ok(())
}

/// Forgets what began before `time`.
///
/// # Errors
/// The database refused.
pub async fn forget_before(tx: &mut Tx, time: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM once_requests WHERE begun_at < $1", time)?;
    Ok(())
}
