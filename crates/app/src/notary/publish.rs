//! Publishing and deleting trust metadata: all files of an update, or none.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use market::Action;
use oci::Gun;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use store::{
    StoreError, Tx,
    notary::{self as rows, NewTrustFile, TrustChange},
    quotas::Usage,
    trust_guns,
};
use tokio::sync::OwnedSemaphorePermit;
use trust::tuf::{self, Current, File, Malformed, Newest, Refusal, Role, Signer, Update};

use super::{Uploads, newest_trust, on_another_thread};
use crate::{Access, Actor, App, AppError, audit::Change};

/// Replaced files are kept for as long as caches may keep them, which is said in their headers.
const KEPT: TimeDelta = TimeDelta::days(30);
/// All files of one repository together have at most this many bytes.
const MOST_BYTES: i64 = 256 << 20;
/// One repository has at most this many roles.
const MOST_ROLES: usize = 1_000;
/// So often an update is judged while others are stored, before they wait for it.
const MOST_ATTEMPTS: usize = 4;

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

/// A file that was verified, with the digests that it is asked for by.
pub(super) struct Verified {
    role: Role,
    file: File,
    digests: [String; 3],
}

impl Verified {
    pub(super) fn of((role, file): (Role, File)) -> Self {
        let digests = [
            hex::encode(Sha256::digest(&file.bytes)),
            hex::encode(Sha384::digest(&file.bytes)),
            hex::encode(Sha512::digest(&file.bytes)),
        ];
        Self {
            role,
            file,
            digests,
        }
    }
}

/// What an update is judged by.
struct Ground {
    current: Current,
    signers: Vec<Signer>,
}

/// What an update comes to, and by what that was found.
struct Judged {
    sent: BTreeSet<Role>,
    newest: BTreeMap<Role, Newest>,
    keys: BTreeSet<String>,
    files: Vec<Verified>,
    in_force: BTreeSet<Role>,
}

impl Judged {
    /// Returns what was sent, to be judged again.
    fn into_uploads(self) -> BTreeMap<Role, File> {
        let sent = self.sent;
        let files = self.files.into_iter().map(|found| (found.role, found.file));
        files.filter(|(role, _)| sent.contains(role)).collect()
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
        let mut uploads = on_another_thread(move || parse(uploads)).await??;
        let mut attempts = 0;
        let (tx, judged) = loop {
            let turn = Arc::clone(&self.judging).acquire_owned().await;
            let turn = turn.expect("nobody closes it");
            let ground = self.ground(&mut self.read().await?, gun, &uploads).await?;
            let judged = self.judge(gun, ground, uploads, Some(turn)).await?;
            let mut tx = self.begin().await?;
            rows::lock(&mut tx).await?;
            if self.still_stands(&mut tx, gun, &judged).await? {
                break (tx, judged);
            }
            // Another one was faster.
            uploads = judged.into_uploads();
            attempts += 1;
            if attempts == MOST_ATTEMPTS {
                let ground = self.ground(&mut tx, gun, &uploads).await?;
                break (tx, self.judge(gun, ground, uploads, None).await?);
            }
        };
        self.store_judged(tx, &actor, gun, judged).await
    }

    /// Finds what an update is judged by.
    async fn ground(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        uploads: &BTreeMap<Role, File>,
    ) -> Result<Ground, TrustError> {
        self.require_staging(tx, gun.repo()).await?;
        let roles = tuf::ancestors(uploads.keys());
        let current = self.current_trust(tx, gun, &roles).await?;
        if current.newest.len() + uploads.len() > MOST_ROLES {
            let message = format!("a repository may have {MOST_ROLES} roles at most");
            return Err(Refusal::Validation(message).into());
        }
        Ok(Ground {
            current,
            signers: self.signers(tx, gun).await?,
        })
    }

    /// Verifies an update. The turn is the thread's: it lasts where nobody waits for it any more.
    async fn judge(
        &self,
        gun: &Gun,
        Ground { current, signers }: Ground,
        uploads: BTreeMap<Role, File>,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Result<Judged, TrustError> {
        let (name, now) = (gun.to_string(), self.now());
        let judged = on_another_thread(move || {
            let sent = uploads.keys().cloned().collect();
            let update = tuf::publish(&name, &current, uploads, &signers, now);
            drop(turn);
            let Update { files, in_force } = update?;
            Ok(Judged {
                sent,
                newest: current.newest,
                keys: names(&signers),
                files: files.into_iter().map(Verified::of).collect(),
                in_force,
            })
        });
        judged.await?
    }

    /// Returns whether what an update was judged by is there still.
    async fn still_stands(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        judged: &Judged,
    ) -> Result<bool, AppError> {
        Ok(newest_trust(tx, gun).await? == judged.newest
            && names(&self.signers(tx, gun).await?) == judged.keys)
    }

    /// Stores an update, in a transaction that has the lock.
    async fn store_judged(
        &self,
        mut tx: Tx,
        actor: &Actor,
        gun: &Gun,
        judged: Judged,
    ) -> Result<(), TrustError> {
        self.admit_trust(&mut tx, gun).await?;
        let usage = self.store_trust(&mut tx, gun, &judged.files).await?;
        self.require_trust_room(usage.as_ref())?;
        note_in_force(&mut tx, gun, &judged.newest, &judged.in_force).await?;
        let files = judged.files.iter();
        let files: Vec<_> = files
            .map(|found| format!("{} {}", found.role, found.file.version))
            .collect();
        let change = Change {
            subject: gun.as_str(),
            after: Some(&files.join(", ")),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::PublishTrust, change)
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
        trust_guns::forget(&mut tx, gun.as_str()).await?;
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

    /// Stores files that were verified, with the change that they are; gives what the publisher,
    /// whose they are, takes then.
    pub(super) async fn store_trust(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        files: &[Verified],
    ) -> Result<Option<Usage>, TrustError> {
        let now = self.now();
        for Verified {
            role,
            file,
            digests,
        } in files
        {
            let new = NewTrustFile {
                gun: gun.as_str(),
                role: role.as_str(),
                version: file.version,
                digests: digests.clone(),
                content: &file.bytes,
                expires_at: file.expires,
                created_at: now,
            };
            if !rows::add_file(tx, &new).await? {
                return Err(Refusal::OldVersion(role.clone()).into());
            }
            if *role == Role::Timestamp {
                let update = changed(gun, file.version, &digests[0], "update", now);
                rows::add_change(tx, &update).await?;
            }
        }
        rows::prune(tx, gun.as_str(), now - KEPT).await?;
        let bytes = rows::bytes(tx, gun.as_str()).await?;
        if bytes > MOST_BYTES {
            let message = format!(
                "the metadata of one repository may have {MOST_BYTES} bytes, with what was replaced in the last {} days",
                KEPT.num_days()
            );
            return Err(Refusal::Validation(message).into());
        }
        Ok(trust_guns::count(tx, gun.as_str(), bytes).await?)
    }
}

fn names(signers: &[Signer]) -> BTreeSet<String> {
    let names = signers.iter().map(|signer| signer.key.id().to_owned());
    names.collect()
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
    before: &BTreeMap<Role, Newest>,
    in_force: &BTreeSet<Role>,
) -> Result<(), AppError> {
    for (role, newest) in before {
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
