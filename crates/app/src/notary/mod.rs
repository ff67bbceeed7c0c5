//! The Notary v1 service: publishers' trust metadata, kept as it came, and what the market
//! signs for them, which is the timestamp and, where they wish, the snapshot.
//!
//! The keys for that are derived from rows that all nodes share and the secret that
//! `keys/trust.key` is or opens, which every node has as a file.
//!
//! What is read and verified may be large: that is done on threads of their own, and, for an
//! update, before anybody is kept from changing anything; only after four lost races meanwhile.

mod changes;
mod held_keys;
mod publish;
mod released;
mod renew;
mod room;
mod roots;
mod signed;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use oci::Gun;
use store::{Tx, notary as rows};
use tokio::task::spawn_blocking;
use trust::tuf::{Current, File, Newest, Role};

use crate::{App, AppError};

pub use publish::TrustError;
pub use roots::TakenRoots;
pub use store::notary::{TrustChange, TrustFile};

/// What a metadata file is asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichFile<'a> {
    /// The newest one.
    Newest,
    /// By a digest of its bytes, hexadecimal.
    Digest(&'a str),
    /// By its number.
    Version(i64),
}

/// So often the newest files are looked for while others change them.
const MOST_READS: usize = 5;

impl App {
    /// Returns a metadata file, byte for byte as it was published. A timestamp or snapshot
    /// that is about to end is signed anew first, where the server can.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn trust_file(
        &self,
        gun: &Gun,
        role: &Role,
        which: WhichFile<'_>,
    ) -> Result<Option<TrustFile>, AppError> {
        let found = self.stored_trust_file(gun, role, which).await?;
        let server_signs = matches!(role, Role::Timestamp | Role::Snapshot);
        let ends = found.as_ref().map(|file| file.expires_at);
        if which == WhichFile::Newest
            && server_signs
            && ends.is_some_and(|ends| ends < self.now() + renew::ON_READ)
        {
            return self.renewed(gun, role, found).await;
        }
        Ok(found)
    }

    async fn stored_trust_file(
        &self,
        gun: &Gun,
        role: &Role,
        which: WhichFile<'_>,
    ) -> Result<Option<TrustFile>, AppError> {
        let (name, role) = (gun.as_str(), role.as_str());
        let recent = &self.recent.trust_files;
        let question = match recent.look(&self.db, format!("{name} {role} {which:?}")) {
            Ok(found) => return Ok(Some(found)),
            Err(question) => question,
        };
        let mut tx = self.read().await?;
        let found = match which {
            WhichFile::Digest(digest) => rows::file_by_digest(&mut tx, name, role, digest).await?,
            WhichFile::Version(version) => {
                rows::file_by_version(&mut tx, name, role, version).await?
            }
            WhichFile::Newest => rows::newest_file(&mut tx, name, role).await?,
        };
        if let Some(file) = &found {
            recent.keep(&self.db, question, file.clone(), file.content.len());
        }
        Ok(found)
    }

    /// Returns what is there of a repository: the files of `roles`, and what is known of all.
    pub(crate) async fn current_trust(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        roles: &BTreeSet<Role>,
    ) -> Result<Current, AppError> {
        let mut reads = 0;
        let (newest, found) = loop {
            let newest = newest_trust(tx, gun).await?;
            let mut found = Vec::new();
            for role in roles.iter().filter(|role| newest.contains_key(role)) {
                if let Some(row) = rows::newest_file(tx, gun.as_str(), role.as_str()).await? {
                    found.push((role.clone(), row));
                }
            }
            // Without the lock, there may be a newer one already.
            reads += 1;
            let is_known = |(role, row): &(Role, TrustFile)| newest[role].sha256 == row.sha256;
            if found.iter().all(is_known) || reads == MOST_READS {
                break (newest, found);
            }
        };
        let files = on_another_thread(move || {
            let read = |(role, row): (Role, TrustFile)| Ok((role, read_file(row.content)?));
            found.into_iter().map(read).collect::<Result<_, AppError>>()
        });
        Ok(Current {
            files: files.await??,
            newest,
            ..Current::default()
        })
    }
}

/// Returns what is known of every role's newest file.
async fn newest_trust(tx: &mut Tx, gun: &Gun) -> Result<BTreeMap<Role, Newest>, AppError> {
    let rows = rows::newest(tx, gun.as_str()).await?;
    let read = |row: rows::NewestTrustFile| {
        let newest = Newest {
            version: row.version,
            sha256: row.sha256,
            in_force: row.in_force,
        };
        Ok((row.role.parse().map_err(AppError::internal)?, newest))
    };
    rows.into_iter().map(read).collect()
}

/// Reads a file that is stored, which was read before.
fn read_file(content: Bytes) -> Result<File, AppError> {
    File::parse(content.into()).map_err(AppError::internal)
}

/// Does what takes its time (a file may have megabytes, and many signatures) where nobody else
/// waits for it.
async fn on_another_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    spawn_blocking(work).await.map_err(AppError::internal)
}

/// Files by their roles, as they came.
pub type Uploads = BTreeMap<Role, Vec<u8>>;
