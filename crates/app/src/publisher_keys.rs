//! What publishers sign with: keys, certificates and identities, the proof that they are theirs, and from
//! when until when signatures by them count.

use chrono::{DateTime, TimeDelta, Utc};
use market::{Action, KeyId, KeyStanding};
use store::{
    Tx,
    publishers::{Publisher, PublisherKey},
};
use trust::credential::{Credential, NoTrustRoot};

use crate::{Actor, App, AppError, audit::Change, state::random};

/// How long a text to sign is good.
const CHALLENGE_LIFE: TimeDelta = TimeDelta::days(1);

/// So many keys of a publisher, proven or not, may count at once: signatures are tried with each.
const MOST_KEYS: usize = 50;

/// A signing key or certificate to register.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What its owner calls it.
    pub name: String,
    /// A public key, as cosign writes `cosign.pub`; a certificate, for Notation; or
    /// the two lines of an identity, for cosign without keys.
    pub pem: String,
    /// From when on signatures by it count; at once, if not given.
    pub valid_from: Option<DateTime<Utc>>,
}

impl App {
    /// Registers a signing key; it counts once it is proven.
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
        let credential = Credential::parse(&new.pem)
            .map_err(|error| AppError::invalid("pem", error.to_string()))?;
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::ManageKeys)
            .await?;
        if matches!(credential, Credential::Identity(_)) && self.config.identity_root.is_none() {
            return Err(AppError::invalid("pem", NoTrustRoot.to_string()));
        }
        let known = store::publishers::keys(&mut tx, &publisher.id).await?;
        if known.iter().filter(|key| key.revoked_at.is_none()).count() >= MOST_KEYS {
            return Err(AppError::Conflict(format!(
                "there are {MOST_KEYS} keys: revoke one that signs nothing any more"
            )));
        }
        let fingerprint = credential.fingerprint();
        let (challenge, ends_at) = self.challenge(&publisher, &fingerprint);
        let row = PublisherKey {
            id: self.id(KeyId::new),
            publisher_id: publisher.id.clone(),
            name: new.name.trim().to_owned(),
            fingerprint,
            pem: new.pem.trim().to_owned(),
            created_at: self.now(),
            revoked_at: None,
            valid_from: new.valid_from,
            proven_at: None,
            challenge: Some(challenge),
            challenge_ends_at: Some(ends_at),
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
        let what = (row.fingerprint.as_str(), "key-added");
        self.record_key(&mut tx, actor, &publisher, what).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Gives another text to sign for a key that is not proven; the one before is good no more.
    ///
    /// # Errors
    /// There is no such key, it is proven or has ended, or the asker is no owner.
    pub async fn renew_key_challenge(
        &self,
        actor: &Actor,
        slug: &str,
        key: &str,
    ) -> Result<PublisherKey, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::ManageKeys)
            .await?;
        let mut row = self.unproven_key(&mut tx, &publisher, key).await?;
        let (challenge, ends_at) = self.challenge(&publisher, &row.fingerprint);
        store::publishers::set_challenge(&mut tx, &row.id, (&challenge, ends_at)).await?;
        let what = (row.fingerprint.as_str(), "key-challenged");
        self.record_key(&mut tx, actor, &publisher, what).await?;
        tx.commit().await?;
        (row.challenge, row.challenge_ends_at) = (Some(challenge), Some(ends_at));
        Ok(row)
    }

    /// Takes the signature over a key's text, which proves that its owner holds the private half.
    ///
    /// # Errors
    /// The signature does not fit, the text has ended, the key is proven already, or the asker
    /// is no owner.
    pub async fn prove_publisher_key(
        &self,
        actor: &Actor,
        slug: &str,
        key: &str,
        proof: &str,
    ) -> Result<PublisherKey, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::ManageKeys)
            .await?;
        let mut row = self.unproven_key(&mut tx, &publisher, key).await?;
        let now = self.now();
        let good = row.challenge_ends_at.is_some_and(|ends_at| now < ends_at);
        let Some(challenge) = row.challenge.take().filter(|_| good) else {
            return Err(AppError::invalid(
                "proof",
                "the text to sign is good no more: ask for a new one and sign that",
            ));
        };
        Credential::parse(&row.pem)
            .map_err(AppError::internal)?
            .check_proof(
                &challenge,
                proof,
                (self.config.identity_root.as_deref(), now),
            )
            .map_err(|error| AppError::invalid("proof", error.to_string()))?;
        if !store::publishers::prove_key(&mut tx, &row.id, &challenge, now).await? {
            return Err(AppError::changed_meanwhile("signing key"));
        }
        let what = (row.fingerprint.as_str(), "key-proven");
        self.record_key(&mut tx, actor, &publisher, what).await?;
        tx.commit().await?;
        (row.proven_at, row.challenge_ends_at) = (Some(now), None);
        Ok(row)
    }

    /// Has a signing key end, now or at a later time: from then on signatures by it do not count
    /// for new submissions.
    ///
    /// # Errors
    /// There is no such key that has not ended, the time is past, or the asker is no owner.
    pub async fn revoke_publisher_key(
        &self,
        actor: &Actor,
        slug: &str,
        key: &str,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), AppError> {
        let id = key_id(key)?;
        let now = self.now();
        if at.is_some_and(|at| at < now) {
            return Err(AppError::invalid(
                "at",
                "that is past: leave it out to have the key end now",
            ));
        }
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::ManageKeys)
            .await?;
        let times = (at.unwrap_or(now), now);
        if !store::publishers::revoke_key(&mut tx, &publisher.id, &id, times).await? {
            return Err(AppError::not_found("signing key", key));
        }
        self.record_key(&mut tx, actor, &publisher, (key, "key-revoked"))
            .await?;
        Ok(tx.commit().await?)
    }

    async fn unproven_key(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        key: &str,
    ) -> Result<PublisherKey, AppError> {
        let found = store::publishers::find_key(tx, &publisher.id, &key_id(key)?).await?;
        let row = found.ok_or_else(|| AppError::not_found("signing key", key))?;
        match row.standing(self.now()) {
            KeyStanding::Unproven => Ok(row),
            KeyStanding::Ended => Err(AppError::Conflict(
                "the key was revoked: register another one".to_owned(),
            )),
            _ => Err(AppError::Conflict("the key is proven already".to_owned())),
        }
    }

    /// Makes a text that only this publisher signs with this key at this market, and only once.
    fn challenge(&self, publisher: &Publisher, fingerprint: &str) -> (String, DateTime<Utc>) {
        let nonce = hex::encode(random::<16>());
        let text = format!(
            "{} at {} holds the key {fingerprint}. Nonce {nonce}",
            publisher.slug,
            self.config.host()
        );
        (text, self.now() + CHALLENGE_LIFE)
    }

    async fn record_key(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        publisher: &Publisher,
        (key, after): (&str, &str),
    ) -> Result<(), AppError> {
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(key),
            after: Some(after),
            ..Change::default()
        };
        self.record(tx, actor, Action::ManageKeys, change).await
    }
}

fn key_id(key: &str) -> Result<KeyId, AppError> {
    key.parse()
        .map_err(|_malformed| AppError::not_found("signing key", key))
}
