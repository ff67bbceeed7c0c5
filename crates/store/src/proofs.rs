//! What publishers prove of what they say of themselves: their e-mail and their domain.

use chrono::{DateTime, Utc};
use market::{DomainProof, LetterId, PublisherId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A link that was sent to a publisher's address.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EmailProofRow {
    /// The letter with the link.
    #[sqlx(try_from = "String")]
    pub letter_id: LetterId,
    /// Whose address it is to be.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// The address.
    pub email: String,
    /// When the link was sent.
    pub asked_at: DateTime<Utc>,
    /// Until when it can be followed.
    pub expires_at: DateTime<Utc>,
    /// When it was.
    pub proven_at: Option<DateTime<Utc>>,
}

/// How it stands about a publisher's domain.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DomainProofRow {
    /// Whose domain it is to be.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// The domain.
    pub domain: String,
    /// When it was asked to look.
    pub asked_at: DateTime<Utc>,
    /// When it is looked at next.
    pub due_at: Option<DateTime<Utc>>,
    /// How often it was looked at since.
    pub looks: i64,
    /// When it was last looked at.
    pub looked_at: Option<DateTime<Utc>>,
    /// Why the last look found nothing.
    pub error: Option<String>,
    /// Where the text was found, one of [`DomainProof`]'s words.
    pub way: Option<String>,
    /// When.
    pub proven_at: Option<DateTime<Utc>>,
}

/// Adds a link that was sent.
///
/// # Errors
/// The database refused.
pub async fn add_email(tx: &mut Tx, proof: &EmailProofRow) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO email_proofs (letter_id, publisher_id, email, asked_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        proof.letter_id.as_str(),
        proof.publisher_id.as_str(),
        &proof.email,
        proof.asked_at,
        proof.expires_at,
    )?;
    Ok(())
}

/// Returns the links that were sent for a publisher, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn emails(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<EmailProofRow>, StoreError> {
    fetch_all!(
        tx,
        EmailProofRow,
        "SELECT * FROM email_proofs WHERE publisher_id = $1 ORDER BY asked_at DESC, letter_id DESC",
        publisher.as_str()
    )
}

/// Returns the link of a letter.
///
/// # Errors
/// The database cannot be read.
pub async fn find_email(
    tx: &mut Tx,
    letter: &LetterId,
) -> Result<Option<EmailProofRow>, StoreError> {
    fetch_opt!(
        tx,
        EmailProofRow,
        "SELECT * FROM email_proofs WHERE letter_id = $1",
        letter.as_str()
    )
}

/// Notes that a link was followed; gives whether it was the first time.
///
/// # Errors
/// The database refused.
pub async fn set_email_proven(
    tx: &mut Tx,
    letter: &LetterId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE email_proofs SET proven_at = $2 WHERE letter_id = $1 AND proven_at IS NULL",
        letter.as_str(),
        at
    )?;
    Ok(changed > 0)
}

/// Returns how it stands about a publisher's domain.
///
/// # Errors
/// The database cannot be read.
pub async fn domain(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Option<DomainProofRow>, StoreError> {
    fetch_opt!(
        tx,
        DomainProofRow,
        "SELECT * FROM domain_proofs WHERE publisher_id = $1",
        publisher.as_str()
    )
}

/// Has a publisher's domain looked at from now on. What was proven of another one is forgotten.
///
/// # Errors
/// The database refused.
pub async fn ask_domain(
    tx: &mut Tx,
    publisher: &PublisherId,
    domain: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO domain_proofs (publisher_id, domain, asked_at, due_at, looks) VALUES ($1, $2, $3, $3, 0) ON CONFLICT (publisher_id) DO UPDATE SET domain = excluded.domain, asked_at = excluded.asked_at, due_at = excluded.due_at, looks = 0, error = NULL, way = NULL, proven_at = NULL",
        publisher.as_str(),
        domain,
        at
    )?;
    Ok(())
}

/// Takes the domain that waits longest to be looked at, if one is due, and keeps everybody
/// else from it until `until`.
///
/// # Errors
/// The database refused.
pub async fn claim_domain(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<DomainProofRow>, StoreError> {
    let due = fetch_opt!(
        tx,
        DomainProofRow,
        "SELECT * FROM domain_proofs WHERE due_at <= $1 ORDER BY due_at, publisher_id LIMIT 1",
        now
    )?;
    let Some(row) = due else {
        return Ok(None);
    };
    let changed = execute!(
        tx,
        "UPDATE domain_proofs SET due_at = $3 WHERE publisher_id = $1 AND due_at = $2",
        row.publisher_id.as_str(),
        row.due_at,
        until
    )?;
    Ok((changed > 0).then_some(row))
}

/// Returns whether a domain waits to be looked at.
///
/// # Errors
/// The database cannot be read.
pub async fn is_domain_due(tx: &mut Tx, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let due = fetch_opt!(
        tx,
        (String,),
        "SELECT publisher_id FROM domain_proofs WHERE due_at <= $1 LIMIT 1",
        now
    )?;
    Ok(due.is_some())
}

/// What a look at a domain found.
#[derive(Debug, Clone, Copy)]
pub struct DomainLook<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// Where the text was, if it was.
    pub found: Option<DomainProof>,
    /// Why it was not found.
    pub error: Option<&'a str>,
    /// When it is looked at again.
    pub due_at: Option<DateTime<Utc>>,
}

/// Notes what a look found, unless something else was asked for meanwhile; gives whether it
/// was noted.
///
/// # Errors
/// The database refused.
pub async fn set_domain_look(
    tx: &mut Tx,
    row: &DomainProofRow,
    look: DomainLook<'_>,
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE domain_proofs SET looks = looks + 1, looked_at = $3, way = $4, error = $5, due_at = $6, proven_at = $7 WHERE publisher_id = $1 AND asked_at = $2",
        row.publisher_id.as_str(),
        row.asked_at,
        look.at,
        look.found.map(DomainProof::as_str),
        look.error,
        look.due_at,
        look.found.map(|_| look.at),
    )?;
    Ok(changed > 0)
}
