//! Accounts and their sessions.

use chrono::{DateTime, Utc};
use market::{AccountId, PublisherId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// A person or machine that signs in.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: AccountId,
    /// The name it signs in with.
    pub name: String,
    /// E-mail address of whoever is behind it.
    pub email: String,
    /// argon2id, in PHC form.
    pub password_hash: String,
    /// `reviewer`, `operator` or nothing.
    pub staff_role: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it cannot sign in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// What it is, where it is a robot.
    #[sqlx(flatten)]
    pub robot: Robot,
}

/// What makes an account a robot: whose it is. A person's account has none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Robot {
    /// The publisher it works for.
    #[sqlx(rename = "robot_publisher_id")]
    pub publisher_id: Option<String>,
    /// The person's account whose subscriptions it pulls with.
    #[sqlx(rename = "robot_account_id")]
    pub account_id: Option<String>,
    /// When it ends.
    #[sqlx(rename = "robot_expires_at")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl Account {
    /// Returns whether a machine is behind it, and not a person.
    pub fn is_robot(&self) -> bool {
        self.robot.publisher_id.is_some() || self.robot.account_id.is_some()
    }

    /// Returns the publisher that a robot works for.
    pub fn robot_publisher(&self) -> Option<PublisherId> {
        self.robot.publisher_id.as_ref()?.parse().ok()
    }

    /// Returns the person's account that a robot belongs to.
    pub fn robot_owner(&self) -> Option<AccountId> {
        self.robot.account_id.as_ref()?.parse().ok()
    }
}

/// A browser's session.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// SHA-256 of the cookie's secret.
    pub secret_hash: String,
    /// Whose.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// What forms must carry.
    pub csrf: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Adds an account; a taken name is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO accounts (id, name, email, password_hash, staff_role, created_at, robot_publisher_id, robot_account_id, robot_expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        account.id.as_str(),
        &account.name,
        &account.email,
        &account.password_hash,
        &account.staff_role,
        account.created_at,
        &account.robot.publisher_id,
        &account.robot.account_id,
        account.robot.expires_at,
    )?;
    Ok(())
}

/// Returns the account called `name`.
///
/// # Errors
/// The database cannot be read.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Account>, StoreError> {
    fetch_opt!(tx, Account, "SELECT * FROM accounts WHERE name = $1", name)
}

/// Returns the account with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &AccountId) -> Result<Option<Account>, StoreError> {
    fetch_opt!(
        tx,
        Account,
        "SELECT * FROM accounts WHERE id = $1",
        id.as_str()
    )
}

/// Returns all accounts by name.
///
/// # Errors
/// The database cannot be read.
pub async fn list(tx: &mut Tx) -> Result<Vec<Account>, StoreError> {
    fetch_all!(
        tx,
        Account,
        "SELECT * FROM accounts ORDER BY name COLLATE \"C\""
    )
}

/// Returns a publisher's robots that were not revoked, by name.
///
/// # Errors
/// The database cannot be read.
pub async fn robots_of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<Account>, StoreError> {
    fetch_all!(
        tx,
        Account,
        "SELECT * FROM accounts WHERE robot_publisher_id = $1 AND disabled_at IS NULL ORDER BY name COLLATE \"C\"",
        publisher.as_str()
    )
}

/// Returns the robots of a person's account that were not revoked, by name.
///
/// # Errors
/// The database cannot be read.
pub async fn robots_of_account(tx: &mut Tx, owner: &AccountId) -> Result<Vec<Account>, StoreError> {
    fetch_all!(
        tx,
        Account,
        "SELECT * FROM accounts WHERE robot_account_id = $1 AND disabled_at IS NULL ORDER BY name COLLATE \"C\"",
        owner.as_str()
    )
}

/// Returns how many accounts there are.
///
/// # Errors
/// The database cannot be read.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    fetch_scalar!(tx, i64, "SELECT COUNT(*) FROM accounts")
}

/// Sets an account's password hash.
///
/// # Errors
/// The database refused.
pub async fn set_password(tx: &mut Tx, id: &AccountId, hash: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE accounts SET password_hash = $2 WHERE id = $1",
        id.as_str(),
        hash
    )?;
    Ok(())
}

/// Sets what an account is on the operator's staff.
///
/// # Errors
/// The database refused.
pub async fn set_staff_role(
    tx: &mut Tx,
    id: &AccountId,
    role: Option<&str>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE accounts SET staff_role = $2 WHERE id = $1",
        id.as_str(),
        role
    )?;
    Ok(())
}

/// Bars an account from signing in and ends its sessions, or lets it in again.
///
/// # Errors
/// The database refused.
pub async fn set_disabled(
    tx: &mut Tx,
    id: &AccountId,
    at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE accounts SET disabled_at = $2 WHERE id = $1",
        id.as_str(),
        at
    )?;
    delete_sessions(tx, id).await
}

/// Ends all sessions of an account.
///
/// # Errors
/// The database refused.
pub async fn delete_sessions(tx: &mut Tx, id: &AccountId) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM sessions WHERE account_id = $1",
        id.as_str()
    )?;
    Ok(())
}

/// Adds a session.
///
/// # Errors
/// The database refused.
pub async fn create_session(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM sessions WHERE expires_at < $1",
        session.created_at
    )?;
    execute!(
        tx,
        "INSERT INTO sessions (secret_hash, account_id, csrf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        &session.secret_hash,
        session.account_id.as_str(),
        &session.csrf,
        session.created_at,
        session.expires_at,
    )?;
    Ok(())
}

/// Returns the session with this secret that has not ended.
///
/// # Errors
/// The database cannot be read.
pub async fn find_session(
    tx: &mut Tx,
    secret_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    fetch_opt!(
        tx,
        Session,
        "SELECT * FROM sessions WHERE secret_hash = $1 AND expires_at > $2",
        secret_hash,
        now
    )
}

/// Ends a session.
///
/// # Errors
/// The database refused.
pub async fn delete_session(tx: &mut Tx, secret_hash: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM sessions WHERE secret_hash = $1",
        secret_hash
    )?;
    Ok(())
}
