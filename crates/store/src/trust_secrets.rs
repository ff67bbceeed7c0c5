//! The secret that keys and seals are derived from, sealed under the keys that open it.

use chrono::{DateTime, Utc};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
};

/// The secret under one key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TrustSecret {
    /// Which key opens it.
    pub key_id: String,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// When it was sealed.
    pub created_at: DateTime<Utc>,
}

/// Returns the secret under every key that opens it; nothing where it was never sealed.
///
/// # Errors
/// The database cannot be read.
pub async fn list(tx: &mut Tx) -> Result<Vec<TrustSecret>, StoreError> {
    fetch_all!(
        tx,
        TrustSecret,
        "SELECT * FROM trust_secrets ORDER BY created_at, key_id"
    )
}

/// Adds the secret under a key, unless it is there.
///
/// # Errors
/// The database refused.
pub async fn add(tx: &mut Tx, secret: &TrustSecret) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO trust_secrets (key_id, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT (key_id) DO NOTHING",
        &secret.key_id,
        &secret.sealed,
        secret.created_at
    )?;
    Ok(())
}

/// Forgets the secret under all keys but one.
///
/// # Errors
/// The database refused.
pub async fn delete_others(tx: &mut Tx, key_id: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM trust_secrets WHERE key_id <> $1", key_id)?;
    Ok(())
}
