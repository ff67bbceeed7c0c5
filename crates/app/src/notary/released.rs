//! The trust metadata of released names: what clients with content trust check a pull by.
//!
//! Every repository has keys of its own, so that what is signed for one holds for no other:
//! targets are signed with a key derived from the one for releases, snapshot and timestamp
//! with those that are held as for publishers. The root key vouches for all of them.

use std::collections::BTreeMap;

use market::ProductId;
use oci::{Algorithm, Digest, Gun, RepoName};
use store::{Tx, notary as rows};
use trust::{
    SigningKey,
    tuf::{
        self, Current, File, FileMeta, Key, Refusal, Role, Root, RootKeys, Signer, named_root_key,
    },
};

use super::{
    on_another_thread,
    publish::{Verified, note_in_force},
};
use crate::{App, AppError};

impl App {
    /// Signs what is released of a product under its public name: every tag with the digest
    /// that it names now. Nothing is readable before the transaction ends.
    ///
    /// # Errors
    /// It is the first release and nobody signed a root for it, or the database refused.
    pub(crate) async fn sign_targets(
        &self,
        tx: &mut Tx,
        (name, ours): (&str, &Signer),
        product: &ProductId,
    ) -> Result<(), AppError> {
        let images = released_images(tx, product).await?;
        self.publish_targets(tx, (name, ours), images, None).await
    }

    /// Takes all tags of a product that left the market out of what is signed.
    pub(crate) async fn unsign(
        &self,
        tx: &mut Tx,
        name: &str,
        ours: &Signer,
    ) -> Result<(), AppError> {
        self.publish_targets(tx, (name, ours), BTreeMap::new(), None)
            .await
    }

    /// Signs targets, with the root that was brought or one that is made here.
    async fn publish_targets(
        &self,
        tx: &mut Tx,
        (name, ours): (&str, &Signer),
        images: BTreeMap<String, FileMeta>,
        brought: Option<NextRoot>,
    ) -> Result<(), AppError> {
        let gun = self.gun(name)?;
        rows::lock(tx).await?;
        let mut current = self.current_trust(tx, &gun, &tuf::ancestors([])).await?;
        let root = match (brought, current.files.get(&Role::Root)) {
            (Some(brought), _) => {
                current.is_root_key_lost = brought.is_key_lost;
                Some(brought.root)
            }
            (None, None) if images.is_empty() => return Ok(()),
            (None, None) => Some(self.first_root(tx, &gun, &ours.key).await?),
            (None, Some(root)) => self.next_root(tx, &gun, root, &ours.key).await?,
        };
        let mut uploads = BTreeMap::new();
        uploads.extend(root.map(|root| (Role::Root, root)));
        let version = current.newest.get(&Role::Targets);
        let version = version.map_or(1, |newest| newest.version + 1);
        let targets = tuf::targets(version, &images, ours, self.now());
        uploads.insert(Role::Targets, targets.map_err(AppError::internal)?);
        self.publish_files(tx, &gun, current, uploads).await
    }

    /// Publishes a root that was brought. What it names is signed again with the key that it says,
    /// where the name is on the market; elsewhere nothing changes but the root.
    pub(super) async fn publish_root(
        &self,
        tx: &mut Tx,
        (name, ours): (&str, Option<&Signer>),
        product: &ProductId,
        next: NextRoot,
    ) -> Result<(), AppError> {
        if let Some(ours) = ours {
            let images = released_images(tx, product).await?;
            return self
                .publish_targets(tx, (name, ours), images, Some(next))
                .await;
        }
        let gun = self.gun(name)?;
        rows::lock(tx).await?;
        let mut current = self.current_trust(tx, &gun, &tuf::ancestors([])).await?;
        current.is_root_key_lost = next.is_key_lost;
        let uploads = BTreeMap::from([(Role::Root, next.root)]);
        self.publish_files(tx, &gun, current, uploads).await
    }

    async fn publish_files(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        current: Current,
        uploads: BTreeMap<Role, File>,
    ) -> Result<(), AppError> {
        let signers = self.signers(tx, gun).await?;
        let (name, now) = (gun.to_string(), self.now());
        let (before, files, in_force) = on_another_thread(move || {
            let update = tuf::publish(&name, &current, uploads, &signers, now)?;
            let files: Vec<_> = update.files.into_iter().map(Verified::of).collect();
            Ok((current.newest, files, update.in_force))
        })
        .await?
        .map_err(|error: Refusal| AppError::internal(error))?;
        self.store_trust(tx, gun, &files).await?;
        note_in_force(tx, gun, &before, &in_force).await
    }

    /// Takes the root that was signed where the root key is, or signs one with the key that is here.
    async fn first_root(&self, tx: &mut Tx, gun: &Gun, targets: &Key) -> Result<File, AppError> {
        if let Some(root) = self.prepared_root(tx, gun, Some(targets)).await? {
            store::prepared_roots::delete(tx, gun.as_str()).await?;
            return Ok(root);
        }
        match &self.keys.root {
            Some(key) => self.write_root(tx, (gun, None), targets, key).await,
            None => Err(AppError::Conflict(no_root(gun))),
        }
    }

    /// Makes the root that names the release key there is now, where the one in force names
    /// another, or ends soon: the same root key says so, so that no client notices.
    async fn next_root(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        file: &File,
        targets: &Key,
    ) -> Result<Option<File>, AppError> {
        let root = file.root().map_err(AppError::internal)?;
        let is_of_before = |key: &&SigningKey| named_root_key(&root, &key.public()).is_some();
        let key = self.keys.root.as_ref().filter(is_of_before);
        let ends = key.is_some_and(|key| !tuf::lasts(file, &key.public(), self.now()));
        if is_targets_key_of(&root, targets) && !ends {
            return Ok(None);
        }
        let Some(key) = key else {
            return Err(AppError::Conflict(OTHER_RELEASE_KEY.to_owned()));
        };
        let next = self.write_root(tx, (gun, Some(file)), targets, key);
        next.await.map(Some)
    }

    /// Writes a root that names the keys there are now.
    async fn write_root(
        &self,
        tx: &mut Tx,
        (gun, previous): (&Gun, Option<&File>),
        targets: &Key,
        key: &SigningKey,
    ) -> Result<File, AppError> {
        let snapshot = self.held_key(tx, gun, &Role::Snapshot).await?;
        let timestamp = self.held_key(tx, gun, &Role::Timestamp).await?;
        let keys = RootKeys {
            targets,
            snapshot: &snapshot,
            timestamp: &timestamp,
        };
        tuf::root((gun.as_str(), previous), keys, &[key], self.now()).map_err(AppError::internal)
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
        let file = self.root_in_force(tx, &gun).await?;
        let file = file.ok_or_else(|| {
            AppError::Conflict(format!(
                "nothing is signed as {gun}: `server.public_url` must be what it was when it was released"
            ))
        })?;
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

    pub(super) fn gun(&self, name: &str) -> Result<Gun, AppError> {
        let repository: RepoName = name.parse().map_err(AppError::internal)?;
        Ok(Gun::new(self.config.host(), &repository))
    }
}

/// A root that was signed where the root key is.
pub(super) struct NextRoot {
    pub(super) root: File,
    /// Whether it goes without the signature of the root key before.
    pub(super) is_key_lost: bool,
}

/// Says that the root in force names another release key, and what to do.
pub(super) const OTHER_RELEASE_KEY: &str = "the key for releases is another one than before, which only the root key can tell clients: put `keys/root.key` back, the one that signed the roots there are, and start again; or sign them where it is (`plimsoll keys export-roots`)";

/// Says that a name has no root, and what to do.
pub(super) fn no_root(gun: &Gun) -> String {
    format!(
        "nothing of {gun} was released, so it needs a signed root first, and the root key is not here: `plimsoll keys export-roots` writes what is to be signed, `sign-roots` signs it where the root key is, `import-roots` brings it back; then approve again"
    )
}

pub(super) fn is_targets_key_of(root: &Root, targets: &Key) -> bool {
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
