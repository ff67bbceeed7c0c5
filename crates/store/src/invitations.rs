//! Invitations into publishers, and who belongs to one.

use chrono::{DateTime, Utc};
use market::{AccountId, LetterId, PublisherId, Role};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Invitation {
    /// The letter with its link.
    #[sqlx(try_from = "String")]
    pub letter_id: LetterId,
    /// Into which publisher.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// Where it was sent.
    pub email: String,
    /// As what.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// The name of whoever invited.
    pub invited_by: String,
    /// When.
    pub invited_at: DateTime<Utc>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted or withdrawn.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who accepted it.
    pub accepted_by: Option<String>,
}

impl Invitation {
    /// Returns whether it can be accepted at `now`.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// Somebody who belongs to a publisher.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NamedMember {
    /// The name they sign in with.
    pub name: String,
    /// Their address.
    pub email: String,
    /// As what.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// Adds an invitation.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, invitation: &Invitation) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO invitations (letter_id, publisher_id, email, role, invited_by, invited_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        invitation.letter_id.as_str(),
        invitation.publisher_id.as_str(),
        &invitation.email,
        invitation.role.as_str(),
        &invitation.invited_by,
        invitation.invited_at,
        invitation.expires_at,
    )?;
    Ok(())
}

/// Returns the invitation of a letter.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, letter: &LetterId) -> Result<Option<Invitation>, StoreError> {
    fetch_opt!(
        tx,
        Invitation,
        "SELECT * FROM invitations WHERE letter_id = $1",
        letter.as_str()
    )
}

/// Returns a publisher's invitations from since `since`, and those that can still be accepted,
/// newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
    since: DateTime<Utc>,
) -> Result<Vec<Invitation>, StoreError> {
    fetch_all!(
        tx,
        Invitation,
        "SELECT * FROM invitations WHERE publisher_id = $1 AND (invited_at > $2 OR ended_at IS NULL) ORDER BY invited_at DESC, letter_id DESC",
        publisher.as_str(),
        since
    )
}

/// Ends an invitation; gives whether it had not ended.
///
/// # Errors
/// The database refused.
pub async fn end(
    tx: &mut Tx,
    letter: &LetterId,
    accepted_by: Option<&AccountId>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE invitations SET ended_at = $2, accepted_by = $3 WHERE letter_id = $1 AND ended_at IS NULL",
        letter.as_str(),
        at,
        accepted_by.map(AccountId::as_str)
    )?;
    Ok(changed > 0)
}

/// Returns the people of a publisher, in the order of their names.
///
/// # Errors
/// The database cannot be read.
pub async fn members(tx: &mut Tx, publisher: &PublisherId) -> Result<Vec<NamedMember>, StoreError> {
    fetch_all!(
        tx,
        NamedMember,
        "SELECT a.name, a.email, m.role, m.joined_at FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.publisher_id = $1 AND a.robot_publisher_id IS NULL AND a.robot_account_id IS NULL ORDER BY a.name COLLATE \"C\"",
        publisher.as_str()
    )
}

/// Returns how many owners of a publisher beside `account` can sign in. Others who change the
/// same publisher's members wait until this transaction ends.
///
/// # Errors
/// The database refused.
pub async fn other_owners(
    tx: &mut Tx,
    publisher: &PublisherId,
    account: &AccountId,
) -> Result<i64, StoreError> {
    execute!(
        tx,
        "UPDATE publishers SET slug = slug WHERE id = $1",
        publisher.as_str()
    )?;
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.publisher_id = $1 AND m.role = 'owner' AND m.account_id <> $2 AND a.disabled_at IS NULL",
        publisher.as_str(),
        account.as_str()
    )
}

/// Ends a membership; gives whether there was one.
///
/// # Errors
/// The database refused.
pub async fn remove_member(
    tx: &mut Tx,
    publisher: &PublisherId,
    account: &AccountId,
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "DELETE FROM members WHERE publisher_id = $1 AND account_id = $2",
        publisher.as_str(),
        account.as_str()
    )?;
    Ok(changed > 0)
}
