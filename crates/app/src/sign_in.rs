//! Signing in: by password, by access token, for a browser's session.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordVerifier, phc::PasswordHash},
};
use chrono::{DateTime, TimeDelta, Utc};
use market::TokenId;
use store::accounts::{Account, Session};
use subtle::ConstantTimeEq;

use crate::{
    Actor, App, AppError,
    accounts::{HASHING, LONGEST_NAME, hash_secret, secret_text},
    state::random,
};

/// How long a browser stays signed in.
const SESSION_LIFE: TimeDelta = TimeDelta::hours(12);

/// The hash of a password that nobody has.
const UNKNOWN_ACCOUNT_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$3jz0xbFIS2CzRzyoPxEqG9E9Sx/5yXl4mUdsJHqSSHg";

/// A browser's session that has just begun or was found.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The cookie's secret.
    pub secret: String,
    /// Who.
    pub account: Account,
    /// What forms must carry.
    pub csrf: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl App {
    /// Returns who signs in with a name and a password or personal access token.
    ///
    /// # Errors
    /// They do not fit, or there were too many attempts.
    pub async fn authenticate(
        self: &Arc<Self>,
        name: &str,
        password: &str,
    ) -> Result<Actor, AppError> {
        match password.strip_prefix("plm_") {
            // A token cannot be guessed, so nobody is kept from using theirs.
            Some(token) => self.authenticate_token(Some(name), token).await,
            None if name.len() > LONGEST_NAME => Err(AppError::WrongPassword),
            None => {
                self.throttled(name, self.authenticate_password(name, password))
                    .await
            }
        }
    }

    async fn throttled(
        &self,
        name: &str,
        attempt: impl Future<Output = Result<Actor, AppError>>,
    ) -> Result<Actor, AppError> {
        if let Some(wait) = self.throttle.wait(name, self.now()) {
            return Err(AppError::TooMany(wait));
        }
        let outcome = attempt.await;
        match &outcome {
            Ok(_) => self.throttle.succeeded(name),
            Err(AppError::WrongPassword) => self.throttle.failed(name, self.now()),
            Err(_) => {}
        }
        outcome
    }

    /// Returns who holds a personal access token.
    ///
    /// # Errors
    /// It is unknown, revoked or expired.
    pub async fn authenticate_bearer(&self, token: &str) -> Result<Actor, AppError> {
        let token = token.strip_prefix("plm_").ok_or(AppError::WrongPassword)?;
        self.authenticate_token(None, token).await
    }

    async fn authenticate_password(&self, name: &str, password: &str) -> Result<Actor, AppError> {
        let account = store::accounts::find_by_name(&mut self.read().await?, name).await?;
        // A hash is computed for unknown names too, so that time does not tell which names exist.
        let hash = account
            .as_ref()
            .map_or(UNKNOWN_ACCOUNT_HASH, |account| {
                account.password_hash.as_str()
            })
            .to_owned();
        let fits = verify_password(password.to_owned(), hash).await?;
        match account {
            Some(account) if fits && account.disabled_at.is_none() => Ok(Actor::account(account)),
            _ => Err(AppError::WrongPassword),
        }
    }

    async fn authenticate_token(&self, name: Option<&str>, token: &str) -> Result<Actor, AppError> {
        let (id, secret) = token.split_once('_').ok_or(AppError::WrongPassword)?;
        let id: TokenId = format!("tok_{id}")
            .parse()
            .map_err(|_malformed| AppError::WrongPassword)?;
        let mut tx = self.read().await?;
        let token = store::tokens::find(&mut tx, &id)
            .await?
            .ok_or(AppError::WrongPassword)?;
        let now = self.now();
        let fits = bool::from(
            hash_secret(secret)
                .as_bytes()
                .ct_eq(token.secret_hash.as_bytes()),
        );
        let in_force = token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > now);
        let account = store::accounts::find(&mut tx, &token.account_id)
            .await?
            .ok_or(AppError::WrongPassword)?;
        if !fits
            || !in_force
            || account.disabled_at.is_some()
            || name.is_some_and(|name| name != account.name)
        {
            return Err(AppError::WrongPassword);
        }
        drop(tx);
        if token
            .last_used_at
            .is_none_or(|last| now - last > TimeDelta::hours(1))
        {
            let mut tx = self.begin().await?;
            store::tokens::record_use(&mut tx, &id, now).await?;
            tx.commit().await?;
        }
        Ok(if token.may_push {
            Actor::account(account)
        } else {
            Actor::read_only(account)
        })
    }

    /// Begins a browser's session. Only the password does: a session may do everything its
    /// account may, an access token need not.
    ///
    /// # Errors
    /// Name and password do not fit, or there were too many attempts.
    pub async fn sign_in(
        self: &Arc<Self>,
        name: &str,
        password: &str,
    ) -> Result<SignedIn, AppError> {
        let actor = self
            .throttled(name, self.authenticate_password(name, password))
            .await?;
        let account = actor.require_account("to begin a session")?.clone();
        let secret = secret_text(&random::<32>());
        let session = Session {
            secret_hash: hash_secret(&secret),
            account_id: account.id.clone(),
            csrf: secret_text(&random::<16>()),
            created_at: self.now(),
            expires_at: self.now() + SESSION_LIFE,
        };
        let mut tx = self.begin().await?;
        store::accounts::create_session(&mut tx, &session).await?;
        tx.commit().await?;
        Ok(SignedIn {
            secret,
            account,
            csrf: session.csrf,
            expires_at: session.expires_at,
        })
    }

    /// Returns the session behind a cookie's secret, if it is in force.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find_session(&self, secret: &str) -> Result<Option<SignedIn>, AppError> {
        let mut tx = self.read().await?;
        let Some(session) =
            store::accounts::find_session(&mut tx, &hash_secret(secret), self.now()).await?
        else {
            return Ok(None);
        };
        let account = store::accounts::find(&mut tx, &session.account_id).await?;
        Ok(account
            .filter(|account| account.disabled_at.is_none())
            .map(|account| SignedIn {
                secret: secret.to_owned(),
                account,
                csrf: session.csrf,
                expires_at: session.expires_at,
            }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database refused.
    pub async fn sign_out(&self, secret: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        store::accounts::delete_session(&mut tx, &hash_secret(secret)).await?;
        Ok(tx.commit().await?)
    }
}

async fn verify_password(password: String, hash: String) -> Result<bool, AppError> {
    let _turn = HASHING.acquire().await.map_err(AppError::internal)?;
    let fits = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    });
    fits.await.map_err(AppError::internal)
}
