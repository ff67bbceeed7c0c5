//! Small facts about this marketplace that are made on first run.

use crate::{
    StoreError, Tx,
    db::{execute, fetch_opt},
};

/// Returns the value of `key`.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    let row = fetch_opt!(
        tx,
        (String,),
        "SELECT value FROM settings WHERE key = $1",
        key
    )?;
    Ok(row.map(|(value,)| value))
}

/// Sets the value of `key` where it has none yet; gives the value that stands.
///
/// # Errors
/// The database refused.
pub async fn find_or_insert(tx: &mut Tx, key: &str, value: &str) -> Result<String, StoreError> {
    execute!(
        tx,
        "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
        key,
        value
    )?;
    Ok(find(tx, key).await?.unwrap_or_else(|| value.to_owned()))
}
