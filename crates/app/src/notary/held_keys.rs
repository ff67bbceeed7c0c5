//! The keys that are held for publishers: for timestamps, and for snapshots where they wish.

use market::Action;
use oci::Gun;
use store::{
    Tx,
    notary::{self as rows, TrustKey},
};
use trust::tuf::{Key, Role, RoleKeys, Signer};

use super::{TrustError, on_another_thread, read_file};
use crate::{Access, App, AppError, audit::Change, state::random};

/// Keys that no root names yet, kept for one role of a repository.
const MOST_PENDING: usize = 10;

impl App {
    /// Returns the key that the server holds for timestamps or snapshots of a repository;
    /// made when it is first asked for. It is good once a root names it.
    ///
    /// # Errors
    /// It would be one of too many.
    pub async fn trust_key(&self, gun: &Gun, role: &Role) -> Result<Key, TrustError> {
        let mut tx = self.read().await?;
        if let Some(key) = self.present_key(&mut tx, gun, role).await? {
            return Ok(key);
        }
        drop(tx);
        let mut tx = self.begin().await?;
        rows::lock(&mut tx).await?;
        self.admit_trust(&mut tx, gun).await?;
        // Somebody else may have been faster.
        let key = self.held_key(&mut tx, gun, role).await?;
        tx.commit().await?;
        Ok(key)
    }

    /// The same in a transaction that has the lock.
    pub(super) async fn held_key(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        role: &Role,
    ) -> Result<Key, AppError> {
        match self.present_key(tx, gun, role).await? {
            Some(key) => Ok(key),
            None => self.make_key(tx, gun, role).await,
        }
    }

    /// Makes another key for timestamps or snapshots of a repository. The one before signs
    /// until a root names this one in its place.
    ///
    /// # Errors
    /// It would be one of too many.
    pub async fn rotate_trust_key(
        &self,
        access: &Access,
        gun: &Gun,
        role: &Role,
    ) -> Result<Key, TrustError> {
        let actor = self.token_holder(access).await?;
        let mut tx = self.begin().await?;
        rows::lock(&mut tx).await?;
        self.admit_trust(&mut tx, gun).await?;
        let named = self.named_keys(&mut tx, gun, role).await?;
        let pending = rows::keys(&mut tx, gun.as_str()).await?.into_iter();
        let pending = pending.filter(|row| row.role == role.as_str() && !names(&named, row));
        for row in pending.skip(MOST_PENDING - 1) {
            rows::delete_key(&mut tx, &row).await?;
        }
        let key = self.make_key(&mut tx, gun, role).await?;
        let change = Change {
            subject: gun.as_str(),
            after: Some(&format!("{role} key {}", key.id())),
            ..Change::default()
        };
        self.record(&mut tx, &actor, Action::PublishTrust, change)
            .await?;
        tx.commit().await?;
        Ok(key)
    }

    /// Returns all keys that are held for a repository.
    pub(super) async fn signers(&self, tx: &mut Tx, gun: &Gun) -> Result<Vec<Signer>, AppError> {
        let rows = rows::keys(tx, gun.as_str()).await?;
        Ok(rows.iter().map(|row| self.derive(row)).collect())
    }

    /// Returns the key that the root names, or else the newest that waits for one to do so.
    pub(super) async fn present_key(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        role: &Role,
    ) -> Result<Option<Key>, AppError> {
        let named = self.named_keys(tx, gun, role).await?;
        let keys = rows::keys(tx, gun.as_str()).await?;
        let ours = || keys.iter().filter(|row| row.role == role.as_str());
        let found = ours().find(|row| names(&named, row)).or(ours().next());
        Ok(found.map(|row| self.derive(row).key))
    }

    /// Returns the keys that the root names for a role, if there is one.
    async fn named_keys(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        role: &Role,
    ) -> Result<Option<RoleKeys>, AppError> {
        let Some(row) = rows::newest_file(tx, gun.as_str(), Role::Root.as_str()).await? else {
            return Ok(None);
        };
        let role = role.clone();
        let keys = on_another_thread(move || {
            let root = read_file(row.content)?.root().map_err(AppError::internal)?;
            Ok(root.role(&role).cloned())
        });
        keys.await?
    }

    async fn make_key(&self, tx: &mut Tx, gun: &Gun, role: &Role) -> Result<Key, AppError> {
        let mut row = TrustKey {
            gun: gun.to_string(),
            role: role.to_string(),
            id: String::new(),
            salt: hex::encode(random::<32>()),
            created_at: self.now(),
        };
        let key = self.derive(&row).key;
        row.id = key.id().to_owned();
        rows::add_key(tx, &row).await?;
        Ok(key)
    }

    fn derive(&self, row: &TrustKey) -> Signer {
        let salt = format!("{}\n{}\n{}", row.gun, row.role, row.salt);
        Signer::new(self.keys.trust.derive(salt.as_bytes()))
    }
}

fn names(root: &Option<RoleKeys>, row: &TrustKey) -> bool {
    root.as_ref()
        .is_some_and(|root| root.keys.contains_key(&row.id))
}
