//! Uploads into a bucket: how far each is, and which request has it.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// An upload.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct UploadRow {
    /// Its identifier.
    pub id: String,
    /// The name of the repository it is for; empty for what nobody can go on with.
    pub repository: String,
    /// Who began it.
    pub account_id: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it was last written to.
    pub touched_at: DateTime<Utc>,
    /// The kind of digest that is computed on the way.
    pub algorithm: String,
    /// Bytes that are kept.
    pub received: i64,
    /// The digest's state after them.
    pub hash: Vec<u8>,
    /// The key of the object that the parts become.
    pub object: Option<String>,
    /// The service's name for the parts.
    pub multipart: Option<String>,
    /// Their tags in order.
    pub parts: Json<Vec<String>>,
    /// What is too little for a part, if it is very little.
    pub tail: Option<Vec<u8>>,
    /// The key of the object with what is too little for a part.
    pub tail_object: Option<String>,
    /// The request that has it.
    pub holder: Option<String>,
    /// Until when, unless it says so again.
    pub held_until: Option<DateTime<Utc>>,
}

/// Notes that an upload was begun.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, row: &UploadRow) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO uploads (id, repository, account_id, started_at, touched_at, algorithm, received, hash, object, multipart, parts, holder, held_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &row.id,
        &row.repository,
        &row.account_id,
        row.started_at,
        row.touched_at,
        &row.algorithm,
        row.received,
        &row.hash,
        &row.object,
        &row.multipart,
        &row.parts,
        &row.holder,
        row.held_until,
    )?;
    Ok(())
}

/// Returns an upload of a repository.
///
/// # Errors
/// The database cannot be read.
pub async fn find(
    tx: &mut Tx,
    repository: &str,
    id: &str,
) -> Result<Option<UploadRow>, StoreError> {
    fetch_opt!(
        tx,
        UploadRow,
        "SELECT * FROM uploads WHERE id = $1 AND repository = $2",
        id,
        repository
    )
}

/// Gives an upload to `holder` until `until` if nobody has it at `now`; gives whether it did.
///
/// # Errors
/// The database refused.
pub async fn take(
    tx: &mut Tx,
    (repository, id): (&str, &str),
    holder: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let taken = execute!(
        tx,
        "UPDATE uploads SET holder = $1, held_until = $2 WHERE id = $3 AND repository = $4 AND (holder IS NULL OR held_until < $5)",
        holder,
        until,
        id,
        repository,
        now
    )?;
    Ok(taken > 0)
}

/// Lets `holder` keep an upload until `until`; gives whether it had it still.
///
/// # Errors
/// The database refused.
pub async fn renew(
    tx: &mut Tx,
    id: &str,
    holder: &str,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let renewed = execute!(
        tx,
        "UPDATE uploads SET held_until = $1 WHERE id = $2 AND holder = $3",
        until,
        id,
        holder
    )?;
    Ok(renewed > 0)
}

/// Gives an upload free that `holder` has.
///
/// # Errors
/// The database refused.
pub async fn release(tx: &mut Tx, id: &str, holder: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE uploads SET holder = NULL, held_until = NULL WHERE id = $1 AND holder = $2",
        id,
        holder
    )?;
    Ok(())
}

/// Notes how far an upload is; gives whether `row`'s holder had it still.
///
/// # Errors
/// The database refused.
pub async fn save(tx: &mut Tx, row: &UploadRow) -> Result<bool, StoreError> {
    let saved = execute!(
        tx,
        "UPDATE uploads SET touched_at = $1, algorithm = $2, received = $3, hash = $4, object = $5, multipart = $6, parts = $7, tail = $8, tail_object = $9 WHERE id = $10 AND holder = $11",
        row.touched_at,
        &row.algorithm,
        row.received,
        &row.hash,
        &row.object,
        &row.multipart,
        &row.parts,
        &row.tail,
        &row.tail_object,
        &row.id,
        &row.holder,
    )?;
    Ok(saved > 0)
}

/// Forgets an upload that `holder` has.
///
/// # Errors
/// The database refused.
pub async fn delete(tx: &mut Tx, id: &str, holder: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM uploads WHERE id = $1 AND holder = $2",
        id,
        holder
    )?;
    Ok(())
}

/// Returns some uploads that nobody has at `now` and nobody has written to since `before`.
///
/// # Errors
/// The database cannot be read.
pub async fn abandoned(
    tx: &mut Tx,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<UploadRow>, StoreError> {
    fetch_all!(
        tx,
        UploadRow,
        "SELECT * FROM uploads WHERE touched_at < $1 AND (holder IS NULL OR held_until < $2) ORDER BY touched_at LIMIT 100",
        before,
        now
    )
}

/// Returns how many uploads are open.
///
/// # Errors
/// The database cannot be read.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    fetch_scalar!(tx, i64, "SELECT COUNT(*) FROM uploads")
}

/// Returns how many uploads an account has open.
///
/// # Errors
/// The database cannot be read.
pub async fn count_of(tx: &mut Tx, account: &str) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM uploads WHERE account_id = $1",
        account
    )
}

/// Returns whether there is an upload with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn exists(tx: &mut Tx, id: &str) -> Result<bool, StoreError> {
    let found = fetch_opt!(tx, (String,), "SELECT id FROM uploads WHERE id = $1", id)?;
    Ok(found.is_some())
}
