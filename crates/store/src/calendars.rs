//! Secret addresses of calendars, for programs that can neither sign in nor send a token.

use chrono::{DateTime, Utc};
use market::{AccountId, PublisherId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_opt},
};

/// Whose calendar of which publisher.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Calendar {
    /// Who reads it.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// Whose listings are in it.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// When its address was made.
    pub made_at: DateTime<Utc>,
}

/// Gives a calendar the address with this key; one that it had ends.
///
/// # Errors
/// The database refused.
pub async fn set(tx: &mut Tx, calendar: &Calendar, key_hash: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO calendars (account_id, publisher_id, key_hash, made_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, publisher_id) DO UPDATE SET key_hash = excluded.key_hash, made_at = excluded.made_at",
        calendar.account_id.as_str(),
        calendar.publisher_id.as_str(),
        key_hash,
        calendar.made_at
    )?;
    Ok(())
}

/// Ends the address of a calendar; gives whether it had one.
///
/// # Errors
/// The database refused.
pub async fn delete(
    tx: &mut Tx,
    account: &AccountId,
    publisher: &PublisherId,
) -> Result<bool, StoreError> {
    let gone = execute!(
        tx,
        "DELETE FROM calendars WHERE account_id = $1 AND publisher_id = $2",
        account.as_str(),
        publisher.as_str()
    )?;
    Ok(gone > 0)
}

/// Returns a person's calendar of a publisher, where it has an address.
///
/// # Errors
/// The database refused.
pub async fn find(
    tx: &mut Tx,
    account: &AccountId,
    publisher: &PublisherId,
) -> Result<Option<Calendar>, StoreError> {
    fetch_opt!(
        tx,
        Calendar,
        "SELECT * FROM calendars WHERE account_id = $1 AND publisher_id = $2",
        account.as_str(),
        publisher.as_str()
    )
}

/// Returns the calendar whose address has this key.
///
/// # Errors
/// The database refused.
pub async fn find_by_key(tx: &mut Tx, key_hash: &str) -> Result<Option<Calendar>, StoreError> {
    fetch_opt!(
        tx,
        Calendar,
        "SELECT * FROM calendars WHERE key_hash = $1",
        key_hash
    )
}
