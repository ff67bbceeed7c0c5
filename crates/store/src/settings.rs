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

/// Sets the value of `key`.
///
/// # Errors
/// The database refused.
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value
    )?;
    Ok(())
}
