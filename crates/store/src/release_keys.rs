//! The keys that signed releases, and who follows them.

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
};

/// A key that signs releases, or did.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReleaseKey {
    /// Its name.
    pub key_id: String,
    /// The root key that may name its successor.
    pub root_id: String,
    /// Its word that it may.
    pub appointment: String,
    /// What the root key said.
    pub decision: Option<String>,
    /// The key that was named; none where it is not to be followed.
    pub successor_id: Option<String>,
}

/// Returns all keys there were.
///
/// # Errors
/// The database cannot be read.
pub async fn list(tx: &mut Tx) -> Result<Vec<ReleaseKey>, StoreError> {
    fetch_all!(tx, ReleaseKey, "SELECT * FROM release_keys ORDER BY key_id")
}

/// Keeps a key's word on who may name its successor. Another root key's decision ends with it.
///
/// # Errors
/// The database refused.
pub async fn appoint(
    tx: &mut Tx,
    key_id: &str,
    root_id: &str,
    appointment: &str,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO release_keys (key_id, root_id, appointment) VALUES ($1, $2, $3)
         ON CONFLICT (key_id) DO UPDATE SET root_id = $2, appointment = $3, decision = NULL, successor_id = NULL",
        key_id,
        root_id,
        appointment
    )?;
    Ok(())
}

/// Keeps what the root key said of a key.
///
/// # Errors
/// The database refused.
pub async fn decide(
    tx: &mut Tx,
    key_id: &str,
    decision: &str,
    successor_id: Option<&str>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE release_keys SET decision = $2, successor_id = $3 WHERE key_id = $1",
        key_id,
        decision,
        successor_id
    )?;
    Ok(())
}
