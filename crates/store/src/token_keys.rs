//! The keys that registry tokens are signed with: what each is derived from, never the key itself.

use chrono::{DateTime, Utc};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
};

/// What the key of registry tokens is derived from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TokenKey {
    /// Counts up.
    pub number: i64,
    /// Random, hexadecimal.
    pub salt: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on tokens are signed with it.
    pub signs_from: DateTime<Utc>,
}

/// Returns what the keys are derived from, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn list(tx: &mut Tx) -> Result<Vec<TokenKey>, StoreError> {
    fetch_all!(
        tx,
        TokenKey,
        "SELECT * FROM token_keys ORDER BY number DESC"
    )
}

/// Adds a key; gives whether its number was free.
///
/// # Errors
/// The database refused.
pub async fn add(tx: &mut Tx, key: &TokenKey) -> Result<bool, StoreError> {
    let added = execute!(
        tx,
        "INSERT INTO token_keys (number, salt, created_at, signs_from) VALUES ($1, $2, $3, $4) ON CONFLICT (number) DO NOTHING",
        key.number,
        &key.salt,
        key.created_at,
        key.signs_from
    )?;
    Ok(added > 0)
}

/// Forgets the keys before a number.
///
/// # Errors
/// The database refused.
pub async fn delete_before(tx: &mut Tx, number: i64) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM token_keys WHERE number < $1", number)?;
    Ok(())
}
