//! Letters to addresses that need no account, with how their mail fares.

use chrono::{DateTime, Utc};
use market::{LetterId, MailState};

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
    notices::MailOutcome,
};

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Letter {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: LetterId,
    /// Where it goes.
    pub address: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The page that it leads to, from `/`; its identifier and secret come behind.
    pub path: String,
    /// From when on it is of no use.
    pub good_until: DateTime<Utc>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// How its mail fares.
    #[sqlx(try_from = "String")]
    pub mail: MailState,
    /// When the mail is tried next, or came to its end.
    pub mail_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Adds a letter.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, letter: &Letter) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO letters (id, address, subject, body, path, good_until, created_at, mail, mail_at, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)",
        letter.id.as_str(),
        &letter.address,
        &letter.subject,
        &letter.body,
        &letter.path,
        letter.good_until,
        letter.created_at,
        letter.mail.as_str(),
        letter.mail_at,
    )?;
    Ok(())
}

/// Returns a part of the letters, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(tx: &mut Tx, part: Part<'_>) -> Result<Vec<Letter>, StoreError> {
    fetch_all!(
        tx,
        Letter,
        "SELECT * FROM letters WHERE id < $1 OR $1 = '' ORDER BY id DESC LIMIT $2",
        part.from,
        part.limit
    )
}

/// Takes the letter that waits longest, if one is due, and keeps everybody else from it until
/// `until`.
///
/// # Errors
/// The database refused.
pub async fn claim(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Letter>, StoreError> {
    let due = fetch_opt!(
        tx,
        Letter,
        "SELECT * FROM letters WHERE mail = 'waiting' AND mail_at <= $1 ORDER BY mail_at, id LIMIT 1",
        now
    )?;
    let Some(letter) = due else {
        return Ok(None);
    };
    let changed = execute!(
        tx,
        "UPDATE letters SET mail_at = $3 WHERE id = $1 AND mail = 'waiting' AND mail_at = $2",
        letter.id.as_str(),
        letter.mail_at,
        until
    )?;
    Ok((changed > 0).then_some(letter))
}

/// Notes what became of a letter's mail.
///
/// # Errors
/// The database refused.
pub async fn set_mail(
    tx: &mut Tx,
    id: &LetterId,
    outcome: MailOutcome<'_>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE letters SET mail = $2, mail_at = $3, attempts = $4, error = $5 WHERE id = $1",
        id.as_str(),
        outcome.mail.as_str(),
        outcome.at,
        outcome.attempts,
        outcome.error
    )?;
    Ok(())
}

/// Takes back a letter that was not sent yet.
///
/// # Errors
/// The database refused.
pub async fn withdraw(tx: &mut Tx, id: &LetterId, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE letters SET mail = 'late', mail_at = $2 WHERE id = $1 AND mail = 'waiting'",
        id.as_str(),
        at
    )?;
    Ok(())
}
