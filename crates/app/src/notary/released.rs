//! The trust metadata of released names: what clients with content trust check a pull by.
//!
//! Every repository has keys of its own, so that what is signed for one holds for no other:
//! targets are signed with a key derived from the one for releases, snapshot and timestamp
//! with those that are held as for publishers. The root key vouches for all of them.

use std::collections::BTreeMap;

use market::ProductId;
use oci::{Algorithm, Digest, Gun, RepoName};
use store::{Tx, notary as rows};
use trust::tuf::{self, File, FileMeta, Role, RootKeys, Signer};

use super::publish::{note_in_force, on_another_thread};
use crate::{App, AppError};

impl App {
    /// Signs what is released of a product under its public name: every tag with the digest
    /// that it names now. Nothing is readable before the transaction ends.
    ///
    /// # Errors
    /// It is the first release and the root key is not here, or the database refused.
    pub(crate) async fn sign_targets(
        &self,
        tx: &mut Tx,
        name: &str,
        product: &ProductId,
    ) -> Result<(), AppError> {
        let images = released_images(tx, product).await?;
        self.publish_targets(tx, name, images).await
    }

    /// Takes all tags of a product that left the market out of what is signed.
    pub(crate) async fn unsign(&self, tx: &mut Tx, name: &str) -> Result<(), AppError> {
        self.publish_targets(tx, name, BTreeMap::new()).await
    }

    async fn publish_targets(
        &self,
        tx: &mut Tx,
        name: &str,
        images: BTreeMap<String, FileMeta>,
    ) -> Result<(), AppError> {
        let repository: RepoName = name.parse().map_err(AppError::internal)?;
        let gun = Gun::new(self.config.host(), &repository);
        rows::lock(tx).await?;
        let current = self.current_trust(tx, &gun, &tuf::ancestors([])).await?;
        let mut uploads = BTreeMap::new();
        if !current.files.contains_key(&Role::Root) {
            if images.is_empty() {
                return Ok(());
            }
            uploads.insert(Role::Root, self.first_root(tx, &gun).await?);
        }
        let version = current.newest.get(&Role::Targets);
        let version = version.map_or(1, |newest| newest.version + 1);
        let targets = tuf::targets(version, &images, &self.targets_key(&gun), self.now());
        uploads.insert(Role::Targets, targets.map_err(AppError::internal)?);
        let signers = self.signers(tx, &gun).await?;
        let (name, now) = (gun.to_string(), self.now());
        let (current, update) = on_another_thread(move || {
            let update = tuf::publish(&name, &current, uploads, &signers, now);
            (current, update)
        })
        .await?;
        let update = update.map_err(AppError::internal)?;
        self.store_trust(tx, &gun, &update.files).await?;
        note_in_force(tx, &gun, &current, &update.in_force).await
    }

    async fn first_root(&self, tx: &mut Tx, gun: &Gun) -> Result<File, AppError> {
        let Some(key) = &self.keys.root else {
            return Err(AppError::Conflict(
                "the first release of a product is signed with the root key, too: put `keys/root.key` back, start again, approve again"
                    .to_owned(),
            ));
        };
        let now = self.now();
        let signer =
            tuf::root_signer(key.clone(), gun.as_str(), now).map_err(AppError::internal)?;
        let snapshot = self.held_key(tx, gun, &Role::Snapshot).await?;
        let timestamp = self.held_key(tx, gun, &Role::Timestamp).await?;
        let keys = RootKeys {
            targets: &self.targets_key(gun).key,
            snapshot: &snapshot,
            timestamp: &timestamp,
        };
        tuf::root(1, &signer, keys, now).map_err(AppError::internal)
    }

    fn targets_key(&self, gun: &Gun) -> Signer {
        let salt = format!("{gun}\ntargets");
        Signer::new(self.keys.release.derive(salt.as_bytes()))
    }
}

/// Returns what each tag of a product names. Clients know nothing but SHA-256.
async fn released_images(
    tx: &mut Tx,
    product: &ProductId,
) -> Result<BTreeMap<String, FileMeta>, AppError> {
    let mut images = BTreeMap::new();
    for release in store::releases::of_product(tx, product).await? {
        if images.contains_key(&release.tag) {
            continue;
        }
        let digest: Digest = release.digest.parse().map_err(AppError::internal)?;
        if digest.algorithm() != Algorithm::Sha256 {
            continue;
        }
        let row = store::repositories::find_manifest(tx, &release.repository_id, &release.digest);
        let row = row.await?;
        let row = row.ok_or_else(|| AppError::not_found("manifest", &release.digest))?;
        let image = FileMeta {
            length: i64::try_from(row.content.len()).unwrap_or(i64::MAX),
            sha256: hex::decode(digest.hex()).ok(),
            sha512: None,
        };
        images.insert(release.tag, image);
    }
    Ok(images)
}
