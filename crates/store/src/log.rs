//! The log that cannot forget: entries, the hashes over them, and its head.

use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// The head.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LogHead {
    /// How many entries there are.
    pub size: i64,
    /// The hash over them.
    pub root: Vec<u8>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LogRow {
    /// Its number.
    pub idx: i64,
    /// What is hashed.
    pub content: Vec<u8>,
}

/// Keeps others from appending until the transaction ends, and returns how many entries there
/// are.
///
/// # Errors
/// The database refused.
pub async fn lock(tx: &mut Tx) -> Result<i64, StoreError> {
    execute!(
        tx,
        "INSERT INTO log_head (one, size, root) VALUES (1, 0, $1) ON CONFLICT (one) DO NOTHING",
        Vec::<u8>::new()
    )?;
    let head = fetch_opt!(
        tx,
        LogHead,
        "UPDATE log_head SET size = size WHERE one = 1 RETURNING size, root"
    )?;
    Ok(head.map_or(0, |head| head.size))
}

/// Returns the head; none before the first entry.
///
/// # Errors
/// The database cannot be read.
pub async fn head(tx: &mut Tx) -> Result<Option<LogHead>, StoreError> {
    fetch_opt!(
        tx,
        LogHead,
        "SELECT size, root FROM log_head WHERE size > 0"
    )
}

/// Sets the head; the transaction has called [`lock`].
///
/// # Errors
/// The database refused.
pub async fn set_head(tx: &mut Tx, size: i64, root: &[u8]) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE log_head SET size = $1, root = $2 WHERE one = 1",
        size,
        root
    )?;
    Ok(())
}

/// Appends an entry under its number.
///
/// # Errors
/// The database refused.
pub async fn append(tx: &mut Tx, idx: i64, name: &str, content: &[u8]) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO log_entries (idx, name, content) VALUES ($1, $2, $3)",
        idx,
        name,
        content
    )?;
    Ok(())
}

/// Adds a hash to a level.
///
/// # Errors
/// The database refused.
pub async fn add_hash(
    tx: &mut Tx,
    (level, idx): (i64, i64),
    hash: &[u8],
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO log_hashes (level, idx, hash) VALUES ($1, $2, $3)",
        level,
        idx,
        hash
    )?;
    Ok(())
}

/// Returns at most `count` hashes of a level from number `first` on.
///
/// # Errors
/// The database cannot be read.
pub async fn hashes(
    tx: &mut Tx,
    level: i64,
    (first, count): (i64, i64),
) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = fetch_all!(
        tx,
        (Vec<u8>,),
        "SELECT hash FROM log_hashes WHERE level = $1 AND idx >= $2 ORDER BY idx LIMIT $3",
        level,
        first,
        count
    )?;
    Ok(rows.into_iter().map(|(hash,)| hash).collect())
}

/// Returns at most `count` entries from number `first` on.
///
/// # Errors
/// The database cannot be read.
pub async fn entries(tx: &mut Tx, first: i64, count: i64) -> Result<Vec<LogRow>, StoreError> {
    fetch_all!(
        tx,
        LogRow,
        "SELECT idx, content FROM log_entries WHERE idx >= $1 ORDER BY idx LIMIT $2",
        first,
        count
    )
}

/// A hash of a level.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HashRow {
    /// Its number.
    pub idx: i64,
    /// It.
    pub hash: Vec<u8>,
}

/// Returns the hashes of tiles of a level, 256 each.
///
/// # Errors
/// The database cannot be read.
pub async fn tiles(tx: &mut Tx, level: i64, tiles: &[i64]) -> Result<Vec<HashRow>, StoreError> {
    fetch_all!(
        tx,
        HashRow,
        [
            // The order of the join is what finds the hashes by their numbers.
            "SELECT h.idx, h.hash FROM json_each($2) t CROSS JOIN log_hashes h WHERE h.level = $1 AND h.idx >= t.value * 256 AND h.idx < (t.value + 1) * 256 ORDER BY h.idx",
            "SELECT h.idx, h.hash FROM jsonb_array_elements_text($2) t (value) JOIN log_hashes h ON h.level = $1 AND h.idx >= CAST(t.value AS BIGINT) * 256 AND h.idx < (CAST(t.value AS BIGINT) + 1) * 256 ORDER BY h.idx"
        ],
        level,
        Json(tiles)
    )
}

/// Returns entries of a name from number `first` on and before `end`, at most `limit`, in the
/// log's order.
///
/// # Errors
/// The database cannot be read.
pub async fn of_name(
    tx: &mut Tx,
    name: &str,
    (first, end): (i64, i64),
    limit: i64,
) -> Result<Vec<LogRow>, StoreError> {
    fetch_all!(
        tx,
        LogRow,
        "SELECT idx, content FROM log_entries WHERE name = $1 AND idx >= $2 AND idx < $3 ORDER BY idx LIMIT $4",
        name,
        first,
        end,
        limit
    )
}

/// Returns how many entries of a name there are before number `end`.
///
/// # Errors
/// The database cannot be read.
pub async fn count_of_name(tx: &mut Tx, name: &str, end: i64) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT count(*) FROM log_entries WHERE name = $1 AND idx < $2",
        name,
        end
    )
}

/// Returns the newest entries, at most `limit`, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(tx: &mut Tx, limit: i64) -> Result<Vec<LogRow>, StoreError> {
    fetch_all!(
        tx,
        LogRow,
        "SELECT idx, content FROM log_entries ORDER BY idx DESC LIMIT $1",
        limit
    )
}

/// Returns the newest entries of the names from `first` on and before `end`, in byte order.
///
/// # Errors
/// The database cannot be read.
pub async fn newest_within(
    tx: &mut Tx,
    (first, end): (&str, &str),
    limit: i64,
) -> Result<Vec<LogRow>, StoreError> {
    fetch_all!(
        tx,
        LogRow,
        "SELECT idx, content FROM log_entries WHERE name COLLATE \"C\" >= $1 AND name COLLATE \"C\" < $2 ORDER BY idx DESC LIMIT $3",
        first,
        end,
        limit
    )
}
