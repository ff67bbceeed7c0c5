//! The keys that a publisher signs with.

use market::{Action, KeyId};
use store::publishers::PublisherKey;
use trust::PublicKey;

use crate::{Actor, App, AppError, audit::Change};

/// A signing key to register.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What its owner calls it.
    pub name: String,
    /// ECDSA P-256, as cosign writes `cosign.pub`.
    pub pem: String,
}

impl App {
    /// Registers a signing key.
    ///
    /// # Errors
    /// The key cannot be read or is registered already, or the asker is no owner.
    pub async fn add_publisher_key(
        &self,
        actor: &Actor,
        slug: &str,
        new: &NewKey,
    ) -> Result<PublisherKey, AppError> {
        if new.name.trim().is_empty() || new.name.chars().count() > 60 {
            return Err(AppError::invalid(
                "name",
                "give the key a name of 1 to 60 characters",
            ));
        }
        let key = PublicKey::from_pem(&new.pem)
            .map_err(|error| AppError::invalid("pem", error.to_string()))?;
        let mut tx = self.begin().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        self.authorize(&mut tx, actor, Action::ManageKeys, Some(&publisher.id))
            .await?;
        let row = PublisherKey {
            id: self.id(KeyId::new),
            publisher_id: publisher.id.clone(),
            name: new.name.trim().to_owned(),
            fingerprint: key.key_id(),
            pem: new.pem.trim().to_owned(),
            created_at: self.now(),
            revoked_at: None,
        };
        store::publishers::add_key(&mut tx, &row)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    AppError::invalid("pem", "this key is registered already")
                } else {
                    error.into()
                }
            })?;
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&row.fingerprint),
            after: Some("key-added"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManageKeys, change)
            .await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Revokes a signing key: signatures by it no longer count for new submissions.
    ///
    /// # Errors
    /// There is no such key in force, or the asker is no owner.
    pub async fn revoke_publisher_key(
        &self,
        actor: &Actor,
        slug: &str,
        key: &str,
    ) -> Result<(), AppError> {
        let id: KeyId = key
            .parse()
            .map_err(|_malformed| AppError::not_found("signing key", key))?;
        let mut tx = self.begin().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        self.authorize(&mut tx, actor, Action::ManageKeys, Some(&publisher.id))
            .await?;
        if !store::publishers::revoke_key(&mut tx, &publisher.id, &id, self.now()).await? {
            return Err(AppError::not_found("signing key", key));
        }
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(key),
            after: Some("key-revoked"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManageKeys, change)
            .await?;
        Ok(tx.commit().await?)
    }
}
