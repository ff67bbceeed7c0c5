//! Trust metadata: files by repository and role, the keys that are held for publishers, and
//! the list of changes.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// A metadata file.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TrustFile {
    /// Of the bytes, hexadecimal.
    pub sha256: String,
    /// The bytes as they came.
    #[sqlx(try_from = "Vec<u8>")]
    pub content: Bytes,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// A metadata file to store.
#[derive(Debug, Clone)]
pub struct NewTrustFile<'a> {
    /// Whose: host and repository.
    pub gun: &'a str,
    /// For what.
    pub role: &'a str,
    /// Its number.
    pub version: i64,
    /// SHA-256, SHA-384 and SHA-512 of the bytes, hexadecimal.
    pub digests: [String; 3],
    /// The bytes.
    pub content: &'a [u8],
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it is stored.
    pub created_at: DateTime<Utc>,
}

/// What is known of a role's newest file.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NewestTrustFile {
    /// The role.
    pub role: String,
    /// The file's number.
    pub version: i64,
    /// Of its bytes, hexadecimal.
    pub sha256: String,
    /// Whether clients come to it.
    pub in_force: bool,
}

/// What a key that is held for a publisher is derived from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TrustKey {
    /// For which repository.
    pub gun: String,
    /// For which role.
    pub role: String,
    /// Its name in metadata.
    pub id: String,
    /// Random, hexadecimal.
    pub salt: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TrustChange {
    /// Counts up, without gaps.
    pub id: i64,
    /// Of which repository.
    pub gun: String,
    /// The timestamp's number; zero where all was deleted.
    pub version: i64,
    /// Of the timestamp, hexadecimal.
    pub sha256: String,
    /// `update` or `deletion`.
    pub category: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Keeps others from changing trust metadata until the transaction ends, and returns the
/// number of the last change.
///
/// # Errors
/// The database refused.
pub async fn lock(tx: &mut Tx) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "UPDATE trust_feed SET last = last WHERE one = 1 RETURNING last"
    )
}

/// Returns the newest file of a role.
///
/// # Errors
/// The database cannot be read.
pub async fn newest_file(
    tx: &mut Tx,
    gun: &str,
    role: &str,
) -> Result<Option<TrustFile>, StoreError> {
    fetch_opt!(
        tx,
        TrustFile,
        "SELECT sha256, content, expires_at, created_at FROM trust_files WHERE gun = $1 AND role = $2 AND newest",
        gun,
        role
    )
}

/// Returns a file by its number.
///
/// # Errors
/// The database cannot be read.
pub async fn file_by_version(
    tx: &mut Tx,
    gun: &str,
    role: &str,
    version: i64,
) -> Result<Option<TrustFile>, StoreError> {
    fetch_opt!(
        tx,
        TrustFile,
        "SELECT sha256, content, expires_at, created_at FROM trust_files WHERE gun = $1 AND role = $2 AND version = $3",
        gun,
        role,
        version
    )
}

/// Returns a file by a digest of its bytes: SHA-256, SHA-384 or SHA-512, in lower-case
/// hexadecimal.
///
/// # Errors
/// The database cannot be read.
pub async fn file_by_digest(
    tx: &mut Tx,
    gun: &str,
    role: &str,
    digest: &str,
) -> Result<Option<TrustFile>, StoreError> {
    if digest.len() == 64 {
        return fetch_opt!(
            tx,
            TrustFile,
            "SELECT sha256, content, expires_at, created_at FROM trust_files WHERE gun = $1 AND sha256 = $2 AND role = $3",
            gun,
            digest,
            role
        );
    }
    fetch_opt!(
        tx,
        TrustFile,
        "SELECT sha256, content, expires_at, created_at FROM trust_files WHERE gun = $1 AND role = $2 AND (sha384 = $3 OR sha512 = $3)",
        gun,
        role,
        digest
    )
}

/// Returns what is known of every role's newest file.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(tx: &mut Tx, gun: &str) -> Result<Vec<NewestTrustFile>, StoreError> {
    fetch_all!(
        tx,
        NewestTrustFile,
        "SELECT role, version, sha256, in_force FROM trust_files WHERE gun = $1 AND newest",
        gun
    )
}

/// Returns how many bytes the files of a repository have.
///
/// # Errors
/// The database cannot be read.
pub async fn bytes(tx: &mut Tx, gun: &str) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT CAST(COALESCE(SUM(LENGTH(content)), 0) AS BIGINT) FROM trust_files WHERE gun = $1",
        gun
    )
}

/// Stores a file as the newest of its role; gives whether its number was free.
///
/// # Errors
/// The database refused.
pub async fn add_file(tx: &mut Tx, file: &NewTrustFile<'_>) -> Result<bool, StoreError> {
    execute!(
        tx,
        "UPDATE trust_files SET newest = FALSE, in_force = FALSE WHERE gun = $1 AND role = $2 AND newest",
        file.gun,
        file.role
    )?;
    let [sha256, sha384, sha512] = &file.digests;
    let added = execute!(
        tx,
        "INSERT INTO trust_files (gun, role, version, sha256, sha384, sha512, content, expires_at, created_at, newest, in_force) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE, TRUE) ON CONFLICT (gun, role, version) DO NOTHING",
        file.gun,
        file.role,
        file.version,
        sha256,
        sha384,
        sha512,
        file.content,
        file.expires_at,
        file.created_at
    )?;
    Ok(added > 0)
}

/// Notes whether clients come to the newest file of a role.
///
/// # Errors
/// The database refused.
pub async fn set_in_force(
    tx: &mut Tx,
    gun: &str,
    role: &str,
    in_force: bool,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE trust_files SET in_force = $3 WHERE gun = $1 AND role = $2 AND newest",
        gun,
        role,
        in_force
    )?;
    Ok(())
}

/// Drops files that were replaced, and stored before a time. Roots stay: clients that were
/// away follow them one by one.
///
/// # Errors
/// The database refused.
pub async fn prune(tx: &mut Tx, gun: &str, before: DateTime<Utc>) -> Result<u64, StoreError> {
    execute!(
        tx,
        "DELETE FROM trust_files WHERE gun = $1 AND role <> 'root' AND NOT newest AND created_at < $2",
        gun,
        before
    )
}

/// Drops all files of a repository, and the keys held for it; gives how many files.
///
/// # Errors
/// The database refused.
pub async fn delete(tx: &mut Tx, gun: &str) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM trust_keys WHERE gun = $1", gun)?;
    execute!(tx, "DELETE FROM trust_files WHERE gun = $1", gun)
}

/// Returns the keys held for a repository, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn keys(tx: &mut Tx, gun: &str) -> Result<Vec<TrustKey>, StoreError> {
    fetch_all!(
        tx,
        TrustKey,
        "SELECT * FROM trust_keys WHERE gun = $1 ORDER BY created_at DESC, id",
        gun
    )
}

/// Adds a key.
///
/// # Errors
/// The database refused.
pub async fn add_key(tx: &mut Tx, key: &TrustKey) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO trust_keys (gun, role, id, salt, created_at) VALUES ($1, $2, $3, $4, $5)",
        &key.gun,
        &key.role,
        &key.id,
        &key.salt,
        key.created_at
    )?;
    Ok(())
}

/// Forgets a key.
///
/// # Errors
/// The database refused.
pub async fn delete_key(tx: &mut Tx, key: &TrustKey) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM trust_keys WHERE gun = $1 AND role = $2 AND id = $3",
        &key.gun,
        &key.role,
        &key.id
    )?;
    Ok(())
}

/// Adds a change under the next number, whatever its `id` says; the transaction has
/// called [`lock`].
///
/// # Errors
/// The database refused.
pub async fn add_change(tx: &mut Tx, change: &TrustChange) -> Result<(), StoreError> {
    let id = fetch_scalar!(
        tx,
        i64,
        "UPDATE trust_feed SET last = last + 1 WHERE one = 1 RETURNING last"
    )?;
    execute!(
        tx,
        "INSERT INTO trust_changes (id, gun, version, sha256, category, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        id,
        &change.gun,
        change.version,
        &change.sha256,
        &change.category,
        change.created_at
    )?;
    Ok(())
}

/// Returns at most `limit` changes after number `after`, of one repository or of all.
///
/// # Errors
/// The database cannot be read.
pub async fn changes_after(
    tx: &mut Tx,
    gun: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<TrustChange>, StoreError> {
    match gun {
        Some(gun) => fetch_all!(
            tx,
            TrustChange,
            "SELECT * FROM trust_changes WHERE gun = $1 AND id > $2 ORDER BY id LIMIT $3",
            gun,
            after,
            limit
        ),
        None => fetch_all!(
            tx,
            TrustChange,
            "SELECT * FROM trust_changes WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            limit
        ),
    }
}

/// Returns the last `limit` changes before number `before`, of one repository or of all, in
/// the order they were made.
///
/// # Errors
/// The database cannot be read.
pub async fn changes_before(
    tx: &mut Tx,
    gun: Option<&str>,
    before: i64,
    limit: i64,
) -> Result<Vec<TrustChange>, StoreError> {
    let mut changes = match gun {
        Some(gun) => fetch_all!(
            tx,
            TrustChange,
            "SELECT * FROM trust_changes WHERE gun = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
            gun,
            before,
            limit
        ),
        None => fetch_all!(
            tx,
            TrustChange,
            "SELECT * FROM trust_changes WHERE id < $1 ORDER BY id DESC LIMIT $2",
            before,
            limit
        ),
    }?;
    changes.reverse();
    Ok(changes)
}

#[derive(sqlx::FromRow)]
struct Gun {
    gun: String,
}

/// Returns repositories whose timestamp or snapshot ends before a time, a hundred at most
/// that come after `last`.
///
/// # Errors
/// The database cannot be read.
pub async fn ending(
    tx: &mut Tx,
    (timestamp, snapshot): (DateTime<Utc>, DateTime<Utc>),
    last: &str,
) -> Result<Vec<String>, StoreError> {
    let guns = fetch_all!(
        tx,
        Gun,
        "SELECT DISTINCT gun FROM trust_files WHERE in_force AND gun > $3 AND ((role = 'timestamp' AND expires_at < $1) OR (role = 'snapshot' AND expires_at < $2)) ORDER BY gun LIMIT 100",
        timestamp,
        snapshot,
        last
    )?;
    Ok(guns.into_iter().map(|row| row.gun).collect())
}

/// The end of what ends first among the files of one role.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FirstToEnd {
    /// `staging` or `released`: whose it is to sign anew.
    pub place: String,
    /// `root`, `targets` (with all delegations), `snapshot` or `timestamp`.
    pub role: String,
    /// When.
    pub ends: DateTime<Utc>,
}

/// Returns for each role what ends first among all that clients come to, in staging and under
/// released names.
///
/// # Errors
/// The database cannot be read.
pub async fn first_to_end(tx: &mut Tx) -> Result<Vec<FirstToEnd>, StoreError> {
    fetch_all!(
        tx,
        FirstToEnd,
        "SELECT CASE WHEN gun LIKE '%/staging/%' THEN 'staging' ELSE 'released' END AS place, CASE WHEN role LIKE 'targets/%' THEN 'targets' ELSE role END AS role, MIN(expires_at) AS ends FROM trust_files WHERE in_force GROUP BY 1, 2 ORDER BY 1, 2"
    )
}
