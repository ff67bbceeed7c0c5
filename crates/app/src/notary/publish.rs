//! Publishing and deleting trust metadata: all files of an update, or none.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use market::Action;
use oci::Gun;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use store::{
    StoreError, Tx,
    notary::{self as rows, NewTrustFile, TrustChange},
};
use tokio::task::spawn_blocking;
use trust::tuf::{self, Current, File, Malformed, Refusal, Role};

use super::Uploads;
use crate::{Access, App, AppError, audit::Change};

/// Replaced files are kept for as long as caches may keep them, which is said in their headers.
const KEPT: TimeDelta = TimeDelta::days(30);
/// All files of one repository together have at most this many bytes.
const MOST_BYTES: i64 = 256 << 20;
/// One repository has at most this many roles.
const MOST_ROLES: usize = 1_000;

/// Why trust metadata is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file is no metadata.
    #[error("{0}: {1}")]
    Malformed(Role, Malformed),
    /// The update is no good.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rest.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<TrustError> for AppError {
    /// What the server itself wrote is no good: nobody who asks can help that.
    fn from(error: TrustError) -> Self {
        match error {
            TrustError::App(error) => error,
            other => Self::internal(other),
        }
    }
}

impl From<StoreError> for TrustError {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
    }
}

impl App {
    /// Takes an update of a repository's trust metadata: verifies it against what is there,
    /// signs the timestamp and, where the publisher left it to the server, the snapshot, and
    /// stores all of it at once.
    ///
    /// # Errors
    /// [`TrustError`] says which file is no good, and why; nothing is stored then.
    pub async fn publish_trust(
        &self,
        access: &Access,
        gun: &Gun,
        uploads: Uploads,
    ) -> Result<(), TrustError> {
        let actor = self.token_holder(access).await?;
        let uploads = on_another_thread(move || parse(uploads)).await??;
        let mut tx = self.begin().await?;
        rows::lock(&mut tx).await?;
        self.require_staging(&mut tx, gun.repo()).await?;
        let roles = tuf::ancestors(uploads.keys());
        let current = self.current_trust(&mut tx, gun, &roles).await?;
        if current.newest.len() + uploads.len() > MOST_ROLES {
            let message = format!("a repository may have {MOST_ROLES} roles at most");
            return Err(Refusal::Validation(message).into());
        }
        let signers = self.signers(&mut tx, gun).await?;
        let (name, now) = (gun.to_string(), self.now());
        let (current, update) = on_another_thread(move || {
            let update = tuf::publish(&name, &current, uploads, &signers, now);
            (current, update)
        })
        .await?;
        let update = update?;
        self.store_trust(&mut tx, gun, &update.files).await?;
        note_in_force(&mut tx, gun, &current, &update.in_force).await?;
        let files: Vec<_> = update
            .files
            .iter()
            .map(|(role, file)| format!("{role} {}", file.version))
            .collect();
        let change = Change {
            subject: gun.as_str(),
            after: Some(&files.join(", ")),
            ..Change::default()
        };
        self.record(&mut tx, &actor, Action::PublishTrust, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a repository's trust metadata, and the keys that are held for it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn delete_trust(&self, access: &Access, gun: &Gun) -> Result<(), AppError> {
        let actor = self.token_holder(access).await?;
        let mut tx = self.begin().await?;
        rows::lock(&mut tx).await?;
        let files = rows::delete(&mut tx, gun.as_str()).await?;
        if files > 0 {
            let deletion = changed(gun, 0, "", "deletion", self.now());
            rows::add_change(&mut tx, &deletion).await?;
            let change = Change {
                subject: gun.as_str(),
                after: Some("deleted"),
                ..Change::default()
            };
            self.record(&mut tx, &actor, Action::PublishTrust, change)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Stores files that were verified, with the change that they are.
    pub(super) async fn store_trust(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        files: &[(Role, File)],
    ) -> Result<(), TrustError> {
        let now = self.now();
        for (role, file) in files {
            let new = NewTrustFile {
                gun: gun.as_str(),
                role: role.as_str(),
                version: file.version,
                digests: [
                    hex::encode(Sha256::digest(&file.bytes)),
                    hex::encode(Sha384::digest(&file.bytes)),
                    hex::encode(Sha512::digest(&file.bytes)),
                ],
                content: &file.bytes,
                expires_at: file.expires,
                created_at: now,
            };
            if !rows::add_file(tx, &new).await? {
                return Err(Refusal::OldVersion(role.clone()).into());
            }
            if *role == Role::Timestamp {
                let update = changed(gun, file.version, &new.digests[0], "update", now);
                rows::add_change(tx, &update).await?;
            }
        }
        rows::prune(tx, gun.as_str(), now - KEPT).await?;
        if rows::bytes(tx, gun.as_str()).await? > MOST_BYTES {
            let message = format!(
                "the metadata of one repository may have {MOST_BYTES} bytes, with what was replaced in the last {} days",
                KEPT.num_days()
            );
            return Err(Refusal::Validation(message).into());
        }
        Ok(())
    }
}

pub(super) async fn on_another_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    spawn_blocking(work).await.map_err(AppError::internal)
}

fn parse(uploads: Uploads) -> Result<BTreeMap<Role, File>, TrustError> {
    let read = |(role, bytes): (Role, Vec<u8>)| match File::parse(bytes) {
        Ok(file) => Ok((role, file)),
        Err(error) => Err(TrustError::Malformed(role, error)),
    };
    uploads.into_iter().map(read).collect()
}

/// Notes which of the files that were there before clients still come to.
pub(super) async fn note_in_force(
    tx: &mut Tx,
    gun: &Gun,
    before: &Current,
    in_force: &BTreeSet<Role>,
) -> Result<(), AppError> {
    for (role, newest) in &before.newest {
        let is = in_force.contains(role);
        if is != newest.in_force {
            rows::set_in_force(tx, gun.as_str(), role.as_str(), is).await?;
        }
    }
    Ok(())
}

fn changed(
    gun: &Gun,
    version: i64,
    sha256: &str,
    category: &str,
    created_at: DateTime<Utc>,
) -> TrustChange {
    TrustChange {
        id: 0,
        gun: gun.to_string(),
        version,
        sha256: sha256.to_owned(),
        category: category.to_owned(),
        created_at,
    }
}
