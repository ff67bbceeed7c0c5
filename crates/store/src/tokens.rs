//! Access tokens of people and robots, and what clients that signed in keep instead of a password.

use chrono::{DateTime, Utc};
use market::{AccountId, TokenId, TokenScopes};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
};

/// What a token that people and programs hold is called in the column `kind`.
pub const ACCESS: &str = "access";
/// What a client keeps that signed in: good for registry tokens and nothing else.
pub const LOGIN: &str = "login";

/// A secret that stands for an account; the secret itself is never stored.
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
    /// [`ACCESS`] or [`LOGIN`].
    pub kind: String,
    /// The token it was made with; it is never good for more, and not for longer.
    pub parent_id: Option<String>,
    /// Whether it may change anything, or only read.
    pub may_push: bool,
    /// The repositories it is cut down to.
    #[sqlx(try_from = "Option<String>")]
    pub scopes: TokenScopes,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Token {
    /// Returns whether it was neither revoked nor has ended.
    pub fn in_force(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }

    /// Returns whether a client keeps it.
    pub fn is_login(&self) -> bool {
        self.kind == LOGIN
    }
}

/// Adds a token.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, token: &Token) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO tokens (id, account_id, name, secret_hash, may_push, created_at, expires_at, kind, parent_id, scopes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        token.id.as_str(),
        token.account_id.as_str(),
        &token.name,
        &token.secret_hash,
        token.may_push,
        token.created_at,
        token.expires_at,
        &token.kind,
        &token.parent_id,
        token.scopes.to_text(),
    )?;
    Ok(())
}

/// Returns the token with this identifier, then the one it was made with, and so on.
///
/// # Errors
/// The database cannot be read.
pub async fn with_ancestors(tx: &mut Tx, id: &TokenId) -> Result<Vec<Token>, StoreError> {
    fetch_all!(
        tx,
        Token,
        "WITH RECURSIVE line (id, depth) AS (SELECT CAST($1 AS TEXT), 0 UNION ALL SELECT t.parent_id, l.depth + 1 FROM line l JOIN tokens t ON t.id = l.id WHERE t.parent_id IS NOT NULL AND l.depth < 20) SELECT t.* FROM line l JOIN tokens t ON t.id = l.id ORDER BY l.depth",
        id.as_str()
    )
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

/// Revokes an account's token and every one that was made with it; gives whether there was one.
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
        "UPDATE tokens SET revoked_at = $3 WHERE revoked_at IS NULL AND id IN (WITH RECURSIVE line (id) AS (SELECT id FROM tokens WHERE id = $1 AND account_id = $2 UNION SELECT t.id FROM tokens t JOIN line l ON t.parent_id = l.id) SELECT id FROM line)",
        id.as_str(),
        account.as_str(),
        at
    )?;
    Ok(changed > 0)
}

/// Revokes every token of an account.
///
/// # Errors
/// The database refused.
pub async fn revoke_all(
    tx: &mut Tx,
    account: &AccountId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE tokens SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL",
        account.as_str(),
        at
    )?;
    Ok(())
}

/// Forgets what clients keep that signed in to an account with its password.
///
/// # Errors
/// The database refused.
pub async fn delete_password_logins(tx: &mut Tx, account: &AccountId) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM tokens WHERE account_id = $1 AND kind = 'login' AND parent_id IS NULL",
        account.as_str()
    )?;
    Ok(())
}

/// Forgets logins of an account that have ended, and all but the newest `keep`.
///
/// # Errors
/// The database refused.
pub async fn delete_old_logins(
    tx: &mut Tx,
    account: &AccountId,
    now: DateTime<Utc>,
    keep: i64,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM tokens WHERE account_id = $1 AND kind = 'login' AND (expires_at <= $2 OR revoked_at IS NOT NULL OR id NOT IN (SELECT id FROM tokens WHERE account_id = $1 AND kind = 'login' AND revoked_at IS NULL AND expires_at > $2 ORDER BY id DESC LIMIT $3))",
        account.as_str(),
        now,
        keep
    )?;
    Ok(())
}
