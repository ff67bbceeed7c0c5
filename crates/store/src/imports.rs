//! Images that are brought from other registries into a publisher's staging.

use chrono::{DateTime, Utc};
use market::{AccountId, ImportId, ImportState, PublisherId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// An import and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Import {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: ImportId,
    /// For whom.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// The other registry: host, and port where there is one.
    pub registry: String,
    /// The repository there.
    pub repository: String,
    /// The tag or digest there.
    pub reference: String,
    /// The staging repository here.
    pub staging: String,
    /// The tag here.
    pub tag: String,
    /// How it fares.
    #[sqlx(try_from = "String")]
    pub state: ImportState,
    /// User and password for the other registry, sealed; gone once it is over.
    pub credentials: Option<Vec<u8>>,
    /// What was found there.
    pub digest: Option<String>,
    /// Bytes that are here.
    pub bytes_done: i64,
    /// Bytes in all; 0 until that is known.
    pub bytes_total: i64,
    /// What it is at.
    pub note: String,
    /// Why it failed.
    pub error: Option<String>,
    /// Who asked for it.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// The name they sign in with.
    pub asked_by: String,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Import {
    /// Returns where the image comes from, as people write it.
    pub fn source(&self) -> String {
        let is_digest = self.reference.contains(':');
        let between = if is_digest { '@' } else { ':' };
        format!(
            "{}/{}{between}{}",
            self.registry, self.repository, self.reference
        )
    }
}

/// Adds an import.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, import: &Import) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO imports (id, publisher_id, registry, repository, reference, staging, tag, state, credentials, bytes_done, bytes_total, note, account_id, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '', $10, $11, $12)",
        import.id.as_str(),
        import.publisher_id.as_str(),
        &import.registry,
        &import.repository,
        &import.reference,
        &import.staging,
        &import.tag,
        import.state.as_str(),
        &import.credentials,
        import.account_id.as_str(),
        &import.asked_by,
        import.asked_at,
    )?;
    Ok(())
}

/// Returns the import with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &ImportId) -> Result<Option<Import>, StoreError> {
    fetch_opt!(
        tx,
        Import,
        "SELECT * FROM imports WHERE id = $1",
        id.as_str()
    )
}

/// Returns a publisher's newest imports.
///
/// # Errors
/// The database cannot be read.
pub async fn of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
    limit: i64,
) -> Result<Vec<Import>, StoreError> {
    fetch_all!(
        tx,
        Import,
        "SELECT * FROM imports WHERE publisher_id = $1 ORDER BY id DESC LIMIT $2",
        publisher.as_str(),
        limit
    )
}

/// Returns how many of a publisher's imports wait or are under way.
///
/// # Errors
/// The database cannot be read.
pub async fn count_open(tx: &mut Tx, publisher: &PublisherId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM imports WHERE publisher_id = $1 AND ended_at IS NULL",
        publisher.as_str()
    )
}

/// How far an import is.
#[derive(Debug, Clone, Default)]
pub struct HowFar<'a> {
    /// What was found there.
    pub digest: Option<&'a str>,
    /// Bytes that are here.
    pub done: i64,
    /// Bytes in all.
    pub total: i64,
    /// What it is at.
    pub note: &'a str,
}

/// Notes how far an import is; gives whether it is not over.
///
/// # Errors
/// The database refused.
pub async fn note(tx: &mut Tx, id: &ImportId, far: &HowFar<'_>) -> Result<bool, StoreError> {
    let open = execute!(
        tx,
        "UPDATE imports SET state = 'running', digest = $2, bytes_done = $3, bytes_total = $4, note = $5 WHERE id = $1 AND ended_at IS NULL",
        id.as_str(),
        far.digest,
        far.done,
        far.total,
        far.note
    )?;
    Ok(open > 0)
}

/// Ends an import and forgets its credentials; gives whether it was not over.
///
/// # Errors
/// The database refused.
pub async fn end(
    tx: &mut Tx,
    id: &ImportId,
    (state, error): (ImportState, Option<&str>),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ended = execute!(
        tx,
        "UPDATE imports SET state = $2, error = $3, ended_at = $4, credentials = NULL, note = '' WHERE id = $1 AND ended_at IS NULL",
        id.as_str(),
        state.as_str(),
        error,
        at
    )?;
    Ok(ended > 0)
}
