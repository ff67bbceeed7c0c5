//! The trust metadata of released names: what clients with content trust check a pull by.
//!
//! Every repository has keys of its own, so that what is signed for one holds for no other:
//! targets are signed with a key derived from the one for releases, snapshot and timestamp
//! with those that are held as for publishers. The root key vouches for all of them.

use std::collections::BTreeMap;

use market::ProductId;
use oci::{Algorithm, Digest, Gun, RepoName};
use store::{Tx, notary as rows};
use trust::tuf::{self, File, FileMeta, Key, Role, Root, RootKeys, Signer};

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
        (name, ours): (&str, &Signer),
        product: &ProductId,
    ) -> Result<(), AppError> {
        let images = released_images(tx, product).await?;
        self.publish_targets(tx, (name, ours), images).await
    }

    /// Takes all tags of a product that left the market out of what is signed.
    pub(crate) async fn unsign(
        &self,
        tx: &mut Tx,
        name: &str,
        ours: &Signer,
    ) -> Result<(), AppError> {
        self.publish_targets(tx, (name, ours), BTreeMap::new())
            .await
    }

    async fn publish_targets(
        &self,
        tx: &mut Tx,
        (name, ours): (&str, &Signer),
        images: BTreeMap<String, FileMeta>,
    ) -> Result<(), AppError> {
        let gun = self.gun(name)?;
        rows::lock(tx).await?;
        let current = self.current_trust(tx, &gun, &tuf::ancestors([])).await?;
        let mut uploads = BTreeMap::new();
        let root = match current.files.get(&Role::Root) {
            None if images.is_empty() => return Ok(()),
            None => Some(self.first_root(tx, &gun, &ours.key).await?),
            Some(root) => self.next_root(tx, &gun, root, &ours.key).await?,
        };
        uploads.extend(root.map(|root| (Role::Root, root)));
        let version = current.newest.get(&Role::Targets);
        let version = version.map_or(1, |newest| newest.version + 1);
        let targets = tuf::targets(version, &images, ours, self.now());
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

    async fn first_root(&self, tx: &mut Tx, gun: &Gun, targets: &Key) -> Result<File, AppError> {
        let Some(key) = &self.keys.root else {
            return Err(AppError::Conflict(
                "the first release of a product is signed with the root key, too: put `keys/root.key` back, start again, approve again"
                    .to_owned(),
            ));
        };
        let signer = tuf::root_signer(key.clone(), gun.as_str(), self.now());
        let signer = signer.map_err(AppError::internal)?;
        self.write_root(tx, gun, 1, (&signer, targets)).await
    }

    /// Makes the root that names the release key there is now, where the one in force names
    /// another: the same root key says so, with the same certificate, so that no client notices.
    async fn next_root(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        file: &File,
        targets: &Key,
    ) -> Result<Option<File>, AppError> {
        let root = file.root().map_err(AppError::internal)?;
        if is_targets_key_of(&root, targets) {
            return Ok(None);
        }
        let ours = self.keys.root.as_ref().and_then(|signing| {
            let print = signing.public().key_id();
            let mut named = root.role(&Role::Root)?.keys.values();
            let key = named.find(|key| key.fingerprint().as_ref() == Some(&print))?;
            Some(Signer {
                key: key.clone(),
                signing: signing.clone(),
            })
        });
        let Some(signer) = ours else {
            return Err(AppError::Conflict(
                "the key for releases is another one than before, which only the root key can tell clients: put `keys/root.key` back, the one of the first release, and start again"
                    .to_owned(),
            ));
        };
        let next = self.write_root(tx, gun, file.version + 1, (&signer, targets));
        next.await.map(Some)
    }

    /// Writes a root that names the keys there are now.
    async fn write_root(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        version: i64,
        (signer, targets): (&Signer, &Key),
    ) -> Result<File, AppError> {
        let snapshot = self.held_key(tx, gun, &Role::Snapshot).await?;
        let timestamp = self.held_key(tx, gun, &Role::Timestamp).await?;
        let keys = RootKeys {
            targets,
            snapshot: &snapshot,
            timestamp: &timestamp,
        };
        tuf::root(version, signer, keys, self.now()).map_err(AppError::internal)
    }

    /// Tells whether the trust metadata of a released name is signed with the release key there is now.
    ///
    /// # Errors
    /// There is none: nothing was released under that name at this host.
    pub(crate) async fn signs_targets(
        &self,
        tx: &mut Tx,
        name: &str,
        ours: &Signer,
    ) -> Result<bool, AppError> {
        let gun = self.gun(name)?;
        let row = rows::newest_file(tx, gun.as_str(), Role::Root.as_str()).await?;
        let row = row.ok_or_else(|| {
            AppError::Conflict(format!(
                "nothing is signed as {gun}: `server.public_url` must be what it was when it was released"
            ))
        })?;
        let file = File::parse(row.content.into()).map_err(AppError::internal)?;
        Ok(is_targets_key_of(
            &file.root().map_err(AppError::internal)?,
            &ours.key,
        ))
    }

    /// Returns the key that signs the targets of a released name. A device that derives it takes
    /// its time, so nobody asks for it within a transaction.
    ///
    /// # Errors
    /// The key for releases is in a device, and cannot be reached.
    pub(crate) async fn targets_key(&self, name: &str) -> Result<Signer, AppError> {
        let salt = format!("{}\ntargets", self.gun(name)?);
        let derive = move |key: &dyn trust::Signer| key.derive(salt.as_bytes());
        Ok(Signer::new(self.with_release_key(derive).await??))
    }

    fn gun(&self, name: &str) -> Result<Gun, AppError> {
        let repository: RepoName = name.parse().map_err(AppError::internal)?;
        Ok(Gun::new(self.config.host(), &repository))
    }
}

fn is_targets_key_of(root: &Root, targets: &Key) -> bool {
    let named = root.role(&Role::Targets);
    named.is_some_and(|named| named.keys.contains_key(targets.id()))
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
