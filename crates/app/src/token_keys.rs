//! The keys that registry tokens are signed with.
//!
//! Each is derived from its salt, which every node finds in the database, and from the one
//! secret in `keys/tokens.key`, which every node has as a file. So a new key needs nothing
//! but a row: it is published at once, signs from a minute later, when every node has read
//! it, and is forgotten when the last token of its time has ended.

use std::sync::{Arc, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use market::Action;
use store::token_keys::TokenKey;
use trust::{PublicKey, SigningKey};

use crate::{Actor, App, AppError, audit::Change, state::random};

/// How old what a node knows of the keys may be.
const FRESH: TimeDelta = TimeDelta::seconds(30);
/// How long a key is published before it signs: longer than [`FRESH`], clocks a little apart.
const PUBLISHED_BEFORE: TimeDelta = TimeDelta::seconds(60);

/// The keys as this node last read them.
#[derive(Debug, Default)]
pub(crate) struct TokenKeys(RwLock<Arc<KeyRing>>);

/// The keys there are, newest first.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    read_at: Option<DateTime<Utc>>,
    rows: Vec<TokenKey>,
    keys: Vec<SigningKey>,
    public: Vec<PublicKey>,
}

impl KeyRing {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.read_at
            .is_some_and(|at| (now - at).abs() < FRESH && !self.keys.is_empty())
    }

    /// Returns the key to sign with: the newest that signs already.
    pub(crate) fn signing(&self, now: DateTime<Utc>) -> Option<&SigningKey> {
        let begun = self.rows.iter().position(|row| row.signs_from <= now);
        begun
            .and_then(|place| self.keys.get(place))
            .or(self.keys.last())
    }

    /// Returns the keys that tokens may be signed with.
    pub(crate) fn public(&self) -> &[PublicKey] {
        &self.public
    }
}

impl App {
    /// Returns the keys, read again where what is known is old.
    pub(crate) async fn key_ring(&self) -> Result<Arc<KeyRing>, AppError> {
        let known = Arc::clone(
            &self
                .token_keys
                .0
                .read()
                .expect("nobody panics while holding the keys"),
        );
        if known.is_fresh(self.now()) {
            return Ok(known);
        }
        self.read_key_ring(&known).await
    }

    async fn read_key_ring(&self, known: &KeyRing) -> Result<Arc<KeyRing>, AppError> {
        let mut rows = store::token_keys::list(&mut self.read().await?).await?;
        if rows.is_empty() {
            let mut tx = self.begin().await?;
            let first = self.new_key(1, TimeDelta::zero());
            store::token_keys::add(&mut tx, &first).await?;
            rows = store::token_keys::list(&mut tx).await?;
            tx.commit().await?;
        }
        let root = &self.keys.tokens;
        let keys = match known.rows == rows {
            true => known.keys.clone(),
            false => rows
                .iter()
                .map(|row| root.derive(row.salt.as_bytes()))
                .collect(),
        };
        let ring = Arc::new(KeyRing {
            read_at: Some(self.now()),
            public: keys.iter().map(SigningKey::public).collect(),
            rows,
            keys,
        });
        *self
            .token_keys
            .0
            .write()
            .expect("nobody panics while holding the keys") = Arc::clone(&ring);
        Ok(ring)
    }

    fn new_key(&self, number: i64, until_it_signs: TimeDelta) -> TokenKey {
        TokenKey {
            number,
            salt: hex::encode(random::<32>()),
            created_at: self.now(),
            signs_from: self.now() + until_it_signs,
        }
    }

    /// Makes a new key for registry tokens. It signs a minute later, on every node; tokens
    /// signed with the old one are good until they end.
    ///
    /// # Errors
    /// The asker may not, or another one was made at the same moment.
    pub async fn rotate_token_keys(&self, actor: &Actor) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::RotateTokenKeys, None)
            .await?;
        let rows = store::token_keys::list(&mut tx).await?;
        let newest = rows.first().map_or(0, |row| row.number);
        let key = self.new_key(newest + 1, PUBLISHED_BEFORE);
        if !store::token_keys::add(&mut tx, &key).await? {
            return Err(AppError::changed_meanwhile("key"));
        }
        // Since this one signs, all tokens of the keys before it have ended.
        let long_ago = self.now() - self.config.token_life - PUBLISHED_BEFORE;
        if let Some(row) = rows.iter().find(|row| row.signs_from < long_ago) {
            store::token_keys::delete_before(&mut tx, row.number).await?;
        }
        let number = key.number.to_string();
        let change = Change {
            subject: "token-keys",
            after: Some(&number),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::RotateTokenKeys, change)
            .await?;
        tx.commit().await?;
        self.read_key_ring(&KeyRing::default()).await?;
        Ok(())
    }

    /// Makes a new key for registry tokens where the newest is older than `age`; gives whether it did.
    ///
    /// # Errors
    /// The database refused.
    pub async fn rotate_old_token_keys(&self, age: TimeDelta) -> Result<bool, AppError> {
        let rows = store::token_keys::list(&mut self.read().await?).await?;
        let old = rows
            .first()
            .is_some_and(|row| self.now() - row.created_at >= age);
        if !old {
            return Ok(false);
        }
        match self.rotate_token_keys(&Actor::system()).await {
            // Another node was faster.
            Err(AppError::Conflict(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Returns the public keys that the registry's access tokens are signed with.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn token_keys(&self) -> Result<trust::jws::Jwks, AppError> {
        Ok(self.key_ring().await?.public().iter().collect())
    }
}
