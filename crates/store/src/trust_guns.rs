//! Which repositories of publishers have trust metadata, or keys that are held for it, and what
//! that takes of the publisher's quota. Whoever changes it has called [`crate::notary::lock`].

use market::PublisherId;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_opt, fetch_scalar},
    quotas::Usage,
};

/// Returns whether a repository is noted.
///
/// # Errors
/// The database cannot be read.
pub async fn has(tx: &mut Tx, gun: &str) -> Result<bool, StoreError> {
    let found = fetch_opt!(
        tx,
        (String,),
        "SELECT publisher_id FROM trust_guns WHERE gun = $1",
        gun
    )?;
    Ok(found.is_some())
}

/// Notes a publisher's repository; nothing of it is counted yet.
///
/// # Errors
/// The database refused.
pub async fn add(tx: &mut Tx, gun: &str, publisher: &PublisherId) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO trust_guns (gun, publisher_id, used_bytes) VALUES ($1, $2, 0)",
        gun,
        publisher.as_str()
    )?;
    Ok(())
}

/// Returns how many of a publisher's noted repositories are none of the registry's: nothing was
/// pushed to them. The names of all begin with `host`.
///
/// # Errors
/// The database cannot be read.
pub async fn unpushed(tx: &mut Tx, publisher: &PublisherId, host: &str) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM trust_guns g WHERE g.publisher_id = $1 AND NOT EXISTS (SELECT 1 FROM repositories r WHERE r.name = SUBSTR(g.gun, LENGTH($2) + 2))",
        publisher.as_str(),
        host
    )
}

/// Notes how many bytes a repository's metadata has, and gives what its publisher takes now;
/// none where it is no publisher's.
///
/// # Errors
/// The database refused.
pub async fn count(tx: &mut Tx, gun: &str, bytes: i64) -> Result<Option<Usage>, StoreError> {
    let found = fetch_opt!(
        tx,
        (String, i64),
        "SELECT publisher_id, used_bytes FROM trust_guns WHERE gun = $1",
        gun
    )?;
    let Some((publisher, before)) = found else {
        return Ok(None);
    };
    execute!(
        tx,
        "UPDATE trust_guns SET used_bytes = $2 WHERE gun = $1",
        gun,
        bytes
    )?;
    // Whoever pushes for this publisher waits from here on.
    fetch_opt!(
        tx,
        Usage,
        "INSERT INTO publisher_storage (publisher_id, used_bytes) VALUES ($1, $2) ON CONFLICT (publisher_id) DO UPDATE SET used_bytes = publisher_storage.used_bytes + excluded.used_bytes RETURNING used_bytes, quota_bytes",
        publisher,
        bytes - before
    )
}

/// Forgets a repository; what it took is free.
///
/// # Errors
/// The database refused.
pub async fn forget(tx: &mut Tx, gun: &str) -> Result<(), StoreError> {
    count(tx, gun, 0).await?;
    execute!(tx, "DELETE FROM trust_guns WHERE gun = $1", gun)?;
    Ok(())
}
