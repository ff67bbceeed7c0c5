//! Roots of names of which nothing was released yet, signed where the root key is.

use chrono::{DateTime, Utc};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_opt},
};

/// The root of a name.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PreparedRoot {
    /// Which name.
    pub gun: String,
    /// The key that signed it.
    pub root_key: String,
    /// The release key that its key for targets is of.
    pub release_key: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

/// Keeps the root of a name, in the place of one that it had.
///
/// # Errors
/// The database refused.
pub async fn put(tx: &mut Tx, root: &PreparedRoot) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO prepared_roots (gun, root_key, release_key, content, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (gun) DO UPDATE SET root_key = $2, release_key = $3, content = $4, created_at = $5",
        &root.gun,
        &root.root_key,
        &root.release_key,
        &root.content,
        root.created_at
    )?;
    Ok(())
}

/// Returns the root of a name.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, gun: &str) -> Result<Option<PreparedRoot>, StoreError> {
    fetch_opt!(
        tx,
        PreparedRoot,
        "SELECT * FROM prepared_roots WHERE gun = $1",
        gun
    )
}

/// Drops the root of a name.
///
/// # Errors
/// The database refused.
pub async fn delete(tx: &mut Tx, gun: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM prepared_roots WHERE gun = $1", gun)?;
    Ok(())
}
