//! Personal access tokens.

use chrono::{DateTime, Utc};
use market::{AccountId, TokenId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A personal access token; the secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Token {
    /// Its identifier, the first part of what its owner holds.
    #[sqlx(try_from = "String")]
    pub id: TokenId,
    /// Whose.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the secret.
    pub secret_hash: String,
    /// Whether it may change anything, or only read.
    pub may_push: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Adds a token.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, token: &Token) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO tokens (id, account_id, name, secret_hash, may_push, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        token.id.as_str(),
        token.account_id.as_str(),
        &token.name,
        &token.secret_hash,
        token.may_push,
        token.created_at,
        token.expires_at,
    )?;
    Ok(())
}

/// Returns the token with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &TokenId) -> Result<Option<Token>, StoreError> {
    fetch_opt!(tx, Token, "SELECT * FROM tokens WHERE id = $1", id.as_str())
}

/// Returns an account's tokens that were not revoked, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_account(tx: &mut Tx, account: &AccountId) -> Result<Vec<Token>, StoreError> {
    fetch_all!(
        tx,
        Token,
        "SELECT * FROM tokens WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id DESC",
        account.as_str()
    )
}

/// Notes that a token was used.
///
/// # Errors
/// The database refused.
pub async fn record_use(tx: &mut Tx, id: &TokenId, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE tokens SET last_used_at = $2 WHERE id = $1",
        id.as_str(),
        at
    )?;
    Ok(())
}

/// Revokes an account's token; gives whether there was one.
///
/// # Errors
/// The database refused.
pub async fn revoke(
    tx: &mut Tx,
    account: &AccountId,
    id: &TokenId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE tokens SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL",
        id.as_str(),
        account.as_str(),
        at
    )?;
    Ok(changed > 0)
}
