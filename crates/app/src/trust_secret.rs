//! The secret from which the keys that are held for trust metadata, the log's key, the secrets of
//! webhooks and letters, and seals are derived.
//!
//! At first it is the key in `keys/trust.key` itself. Since that was replaced for the first time
//! it lies in the database, sealed under the key that is in the file now; so the file can be
//! replaced, and nothing changes that others know. A key that took another's place is marked, so
//! that it is never taken for the secret by a database from before.

use market::Action;
use store::{
    Database, Tx,
    trust_secrets::{self as rows, TrustSecret},
};
use trust::{PublicKey, SigningKey, sealed};

use crate::{Actor, App, AppError, Keys, audit::Change};

/// What the key in the file derives its seal from.
const SALT: &[u8] = b"trust secret";

/// Returns the secret that a key opens.
///
/// # Errors
/// It is not the key that the secret is sealed under, or the database cannot be read.
pub(crate) async fn open(db: &Database, keys: &Keys) -> Result<SigningKey, AppError> {
    let key = &keys.trust;
    let rows = rows::list(&mut db.read().await?).await?;
    if rows.is_empty() && keys.is_trust_replaced {
        return Err(AppError::Conflict(
            "the database is from before `keys/trust.key` was replaced, and lacks the secret that this key opens: put the `trust.key` and `trust.pub` of that time in their place, or a later copy of the database"
                .to_owned(),
        ));
    }
    if rows.is_empty() {
        return Ok(key.clone());
    }
    let id = key.public().key_id();
    let row = rows.iter().find(|row| row.key_id == id);
    let plain = row.and_then(|row| sealed::open(&key.derive_seed(SALT), &row.sealed));
    let plain = plain.ok_or_else(|| {
        AppError::Conflict(
            "the key `keys/trust.key` is not the one that secrets are sealed under: it was replaced, so put the new one in its place, with its public half"
                .to_owned(),
        )
    })?;
    let text = String::from_utf8(plain).map_err(AppError::internal)?;
    SigningKey::from_pem(&text, None).map_err(AppError::internal)
}

impl App {
    /// Seals the secret under a key that is to take the place of the one in the file. The one
    /// that is there opens it as well, until [`App::forget_trust_seals`].
    ///
    /// # Errors
    /// The asker may not, or the database refused.
    pub async fn seal_trust_secret(&self, actor: &Actor, key: &SigningKey) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::RotateTokenKeys, None)
            .await?;
        if rows::list(&mut tx).await?.is_empty() {
            // It is the key in the file, which goes on opening it.
            self.seal_under(&mut tx, &self.keys.trust).await?;
        }
        self.seal_under(&mut tx, key).await?;
        self.record_seal(&mut tx, actor, (&key.public(), "sealed"))
            .await?;
        Ok(tx.commit().await?)
    }

    /// Forgets the secret under all keys but one, which is in the file now.
    ///
    /// # Errors
    /// That one does not open it, the asker may not, or the database refused.
    pub async fn forget_trust_seals(&self, actor: &Actor, but: &PublicKey) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::RotateTokenKeys, None)
            .await?;
        let id = but.key_id();
        if !rows::list(&mut tx)
            .await?
            .iter()
            .any(|row| row.key_id == id)
        {
            let message = format!("nothing is sealed under the key {id}");
            return Err(AppError::Conflict(message));
        }
        rows::delete_others(&mut tx, &id).await?;
        self.record_seal(&mut tx, actor, (but, "only-seal")).await?;
        Ok(tx.commit().await?)
    }

    async fn seal_under(&self, tx: &mut Tx, key: &SigningKey) -> Result<(), AppError> {
        let secret = self.keys.trust.to_pem();
        let row = TrustSecret {
            key_id: key.public().key_id(),
            sealed: sealed::seal(&key.derive_seed(SALT), secret.as_bytes()),
            created_at: self.now(),
        };
        Ok(rows::add(tx, &row).await?)
    }

    async fn record_seal(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (key, after): (&PublicKey, &str),
    ) -> Result<(), AppError> {
        let id = key.key_id();
        let change = Change {
            subject: "trust-key",
            reason: Some(&id),
            after: Some(after),
            ..Change::default()
        };
        self.record(tx, actor, Action::RotateTokenKeys, change)
            .await
    }
}
