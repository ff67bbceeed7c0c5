//! Publishers, their members and their signing keys.

use chrono::{DateTime, Utc};
use market::{AccountId, KeyId, KeyStanding, KeyTimes, PublisherId, PublisherState, Slug};
use sqlx::types::Json;

use crate::{
    Part, StoreError, Tx, assets,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// An organisation that publishes.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Publisher {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: PublisherId,
    /// Its short name in addresses and repositories.
    #[sqlx(try_from = "String")]
    pub slug: Slug,
    /// Its standing.
    #[sqlx(try_from = "String")]
    pub state: PublisherState,
    /// Legal entity.
    pub legal_name: String,
    /// Company website.
    pub website: String,
    /// Phone number.
    pub phone: String,
    /// Company e-mail.
    pub email: String,
    /// Digest of its logo.
    pub logo: Option<String>,
    /// When it applied.
    pub created_at: DateTime<Utc>,
    /// When the operator last decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// What the operator said.
    pub reason: Option<String>,
}

/// A member and what they may do: `viewer`, `editor` or `owner`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// Of which publisher.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// Who.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// As what.
    pub role: String,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// A public key or certificate a publisher signs with.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PublisherKey {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: KeyId,
    /// Whose.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of it in DER form.
    pub fingerprint: String,
    /// The key or certificate.
    pub pem: String,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// Since when signatures by it do not count; may be yet to come.
    pub revoked_at: Option<DateTime<Utc>>,
    /// From when on signatures by it count, once it is proven.
    pub valid_from: Option<DateTime<Utc>>,
    /// When its owner proved to hold its private half.
    pub proven_at: Option<DateTime<Utc>>,
    /// The text to sign for that, while it is to be done.
    pub challenge: Option<String>,
    /// Until when that text is good.
    pub challenge_ends_at: Option<DateTime<Utc>>,
}

impl PublisherKey {
    /// Returns how it stands at a time.
    pub fn standing(&self, now: DateTime<Utc>) -> KeyStanding {
        let times = KeyTimes {
            proven_at: self.proven_at,
            valid_from: self.valid_from,
            revoked_at: self.revoked_at,
        };
        times.standing(now)
    }
}

/// Adds a publisher; a taken short name is a conflict.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, publisher: &Publisher) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO publishers (id, slug, state, legal_name, website, phone, email, logo, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        publisher.id.as_str(),
        publisher.slug.as_str(),
        publisher.state.as_str(),
        &publisher.legal_name,
        &publisher.website,
        &publisher.phone,
        &publisher.email,
        &publisher.logo,
        publisher.created_at,
    )?;
    Ok(())
}

/// Returns the publisher with this short name.
///
/// # Errors
/// The database cannot be read.
pub async fn find_by_slug(tx: &mut Tx, slug: &str) -> Result<Option<Publisher>, StoreError> {
    fetch_opt!(
        tx,
        Publisher,
        "SELECT * FROM publishers WHERE slug = $1",
        slug
    )
}

/// Returns the publisher with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &PublisherId) -> Result<Option<Publisher>, StoreError> {
    fetch_opt!(
        tx,
        Publisher,
        "SELECT * FROM publishers WHERE id = $1",
        id.as_str()
    )
}

/// Returns a part of the publishers in one state or in any, those that applied longest ago first;
/// it begins behind the one with a short name.
///
/// # Errors
/// The database cannot be read.
pub async fn list(
    tx: &mut Tx,
    state: Option<PublisherState>,
    part: Part<'_>,
) -> Result<Vec<Publisher>, StoreError> {
    fetch_all!(
        tx,
        Publisher,
        "SELECT * FROM publishers WHERE ($1 = '' OR state = $1) AND ($2 = '' OR (created_at, id) > (SELECT l.created_at, l.id FROM publishers l WHERE l.slug = $2)) ORDER BY created_at, id LIMIT $3",
        state.map_or("", PublisherState::as_str),
        part.from,
        part.limit
    )
}

/// Returns the publishers with these identifiers, in no order.
///
/// # Errors
/// The database cannot be read.
pub async fn all_of(tx: &mut Tx, ids: &[&str]) -> Result<Vec<Publisher>, StoreError> {
    fetch_all!(
        tx,
        Publisher,
        [
            "SELECT * FROM publishers WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT * FROM publishers WHERE id IN (SELECT value FROM jsonb_array_elements_text($1) t (value))"
        ],
        Json(ids)
    )
}

/// Returns how many publishers are in a state.
///
/// # Errors
/// The database cannot be read.
pub async fn count_in(tx: &mut Tx, state: PublisherState) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM publishers WHERE state = $1",
        state.as_str()
    )
}

/// Returns the publishers an account is a member of.
///
/// # Errors
/// The database cannot be read.
pub async fn of_account(tx: &mut Tx, account: &AccountId) -> Result<Vec<Publisher>, StoreError> {
    fetch_all!(
        tx,
        Publisher,
        "SELECT p.* FROM publishers p JOIN members m ON m.publisher_id = p.id WHERE m.account_id = $1 ORDER BY p.slug COLLATE \"C\"",
        account.as_str()
    )
}

/// Moves a publisher from one standing to another; gives whether it still had the first.
///
/// # Errors
/// The database refused.
pub async fn set_state(
    tx: &mut Tx,
    id: &PublisherId,
    (from, to): (PublisherState, PublisherState),
    at: DateTime<Utc>,
    reason: Option<&str>,
) -> Result<bool, StoreError> {
    let moved = execute!(
        tx,
        "UPDATE publishers SET state = $3, decided_at = $4, reason = $5 WHERE id = $1 AND state = $2",
        id.as_str(),
        from.as_str(),
        to.as_str(),
        at,
        reason
    )?;
    Ok(moved > 0)
}

/// Replaces what a publisher says of itself: legal name, website, phone number and e-mail.
///
/// # Errors
/// The database refused.
pub async fn set_profile(tx: &mut Tx, publisher: &Publisher) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE publishers SET legal_name = $2, website = $3, phone = $4, email = $5 WHERE id = $1",
        publisher.id.as_str(),
        &publisher.legal_name,
        &publisher.website,
        &publisher.phone,
        &publisher.email,
    )?;
    Ok(())
}

/// Sets a publisher's logo.
///
/// # Errors
/// The database refused.
pub async fn set_logo(tx: &mut Tx, id: &PublisherId, digest: &str) -> Result<(), StoreError> {
    assets::keep_named(tx, digest).await?;
    execute!(
        tx,
        "UPDATE publishers SET logo = $2 WHERE id = $1",
        id.as_str(),
        digest
    )?;
    Ok(())
}

/// Adds a member or changes their role.
///
/// # Errors
/// The database refused.
pub async fn set_member(tx: &mut Tx, member: &Member) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO members (publisher_id, account_id, role, joined_at) VALUES ($1, $2, $3, $4) ON CONFLICT (publisher_id, account_id) DO UPDATE SET role = excluded.role",
        member.publisher_id.as_str(),
        member.account_id.as_str(),
        &member.role,
        member.joined_at,
    )?;
    Ok(())
}

/// Returns what an account is to a publisher.
///
/// # Errors
/// The database cannot be read.
pub async fn member_role(
    tx: &mut Tx,
    publisher: &PublisherId,
    account: &AccountId,
) -> Result<Option<String>, StoreError> {
    let row = fetch_opt!(
        tx,
        (String,),
        "SELECT role FROM members WHERE publisher_id = $1 AND account_id = $2",
        publisher.as_str(),
        account.as_str()
    )?;
    Ok(row.map(|(role,)| role))
}

/// Adds a signing key; one that is registered already is a conflict.
///
/// # Errors
/// The database refused.
pub async fn add_key(tx: &mut Tx, key: &PublisherKey) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO publisher_keys (id, publisher_id, name, fingerprint, pem, created_at, valid_from, challenge, challenge_ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        key.id.as_str(),
        key.publisher_id.as_str(),
        &key.name,
        &key.fingerprint,
        &key.pem,
        key.created_at,
        key.valid_from,
        &key.challenge,
        key.challenge_ends_at,
    )?;
    Ok(())
}

/// Returns a publisher's keys, revoked ones too, oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn keys(tx: &mut Tx, publisher: &PublisherId) -> Result<Vec<PublisherKey>, StoreError> {
    fetch_all!(
        tx,
        PublisherKey,
        "SELECT * FROM publisher_keys WHERE publisher_id = $1 ORDER BY id",
        publisher.as_str()
    )
}

/// Returns a publisher's key.
///
/// # Errors
/// The database cannot be read.
pub async fn find_key(
    tx: &mut Tx,
    publisher: &PublisherId,
    key: &KeyId,
) -> Result<Option<PublisherKey>, StoreError> {
    fetch_opt!(
        tx,
        PublisherKey,
        "SELECT * FROM publisher_keys WHERE id = $1 AND publisher_id = $2",
        key.as_str(),
        publisher.as_str()
    )
}

/// Sets another text to sign for a key that is not proven.
///
/// # Errors
/// The database refused.
pub async fn set_challenge(
    tx: &mut Tx,
    key: &KeyId,
    (challenge, ends_at): (&str, DateTime<Utc>),
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE publisher_keys SET challenge = $2, challenge_ends_at = $3 WHERE id = $1 AND proven_at IS NULL",
        key.as_str(),
        challenge,
        ends_at
    )?;
    Ok(())
}

/// Notes that a key is proven by its text, which is good no more; gives whether it still was.
///
/// # Errors
/// The database refused.
pub async fn prove_key(
    tx: &mut Tx,
    key: &KeyId,
    challenge: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE publisher_keys SET proven_at = $3, challenge = NULL, challenge_ends_at = NULL WHERE id = $1 AND challenge = $2 AND proven_at IS NULL",
        key.as_str(),
        challenge,
        at
    )?;
    Ok(changed > 0)
}

/// Has a key end at a time; gives whether there was one that has not ended by `now`.
///
/// # Errors
/// The database refused.
pub async fn revoke_key(
    tx: &mut Tx,
    publisher: &PublisherId,
    key: &KeyId,
    (at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE publisher_keys SET revoked_at = $3 WHERE id = $1 AND publisher_id = $2 AND (revoked_at IS NULL OR revoked_at > $4)",
        key.as_str(),
        publisher.as_str(),
        at,
        now
    )?;
    Ok(changed > 0)
}
