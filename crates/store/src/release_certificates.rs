//! The certificates by which consumers trust the market's signatures in the form of Notation.

use chrono::{DateTime, Utc};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// Returns the certificate of a key under a name of the market (DER), where there is one.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, key_id: &str, host: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<(Vec<u8>,)> = fetch_opt!(
        tx,
        (Vec<u8>,),
        "SELECT content FROM release_certificates WHERE key_id = $1 AND host = $2",
        key_id,
        host
    )?;
    Ok(found.map(|(content,)| content))
}

/// Returns the certificates of all keys that releases were ever signed with (DER).
///
/// # Errors
/// The database cannot be read.
pub async fn list(tx: &mut Tx) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = fetch_all!(
        tx,
        (Vec<u8>,),
        "SELECT content FROM release_certificates ORDER BY key_id, host"
    )?;
    Ok(rows.into_iter().map(|(content,)| content).collect())
}

/// Adds the certificate of a key, unless another node was faster.
///
/// # Errors
/// The database refused.
pub async fn add(
    tx: &mut Tx,
    (key_id, host): (&str, &str),
    content: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO release_certificates (key_id, host, content, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (key_id, host) DO NOTHING",
        key_id,
        host,
        content,
        now
    )?;
    Ok(())
}
