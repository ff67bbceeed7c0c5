//! Signing in: by password, by access token, for a browser's session.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use market::{PublisherState, TokenId};
use store::{
    Tx,
    accounts::{Account, Session},
    tokens::{self, Token},
};
use subtle::ConstantTimeEq;

use crate::{
    Actor, App, AppError,
    accounts::{LONGEST_NAME, hash_secret, secret_text},
    passwords,
    state::random,
};

/// How long a browser stays signed in.
const SESSION_LIFE: TimeDelta = TimeDelta::hours(12);

/// Where a request came from, as far as that can be trusted; beside it when it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

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
    /// Returns who signs in with a name and a password or access token, from an address
    /// where that is known.
    ///
    /// # Errors
    /// They do not fit, or there were too many attempts.
    pub async fn authenticate(
        &self,
        name: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<Actor, AppError> {
        match password.strip_prefix("plm_") {
            // A token cannot be guessed, so nobody is kept from using theirs.
            Some(token) => {
                self.authenticate_token(Some(name), (tokens::ACCESS, token))
                    .await
            }
            None => self.authenticate_password(name, password, from).await,
        }
    }

    /// Returns who holds an access token.
    ///
    /// # Errors
    /// It is unknown, revoked or expired.
    pub async fn authenticate_bearer(&self, token: &str) -> Result<Actor, AppError> {
        let token = token.strip_prefix("plm_").ok_or(AppError::WrongPassword)?;
        self.authenticate_token(None, (tokens::ACCESS, token)).await
    }

    /// Returns who keeps a login, made by [`App::issue_login`].
    ///
    /// # Errors
    /// It is unknown, revoked or expired.
    pub async fn authenticate_login(&self, login: &str) -> Result<Actor, AppError> {
        let login = login.strip_prefix("plr_").ok_or(AppError::WrongPassword)?;
        self.authenticate_token(None, (tokens::LOGIN, login)).await
    }

    async fn authenticate_password(
        &self,
        name: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<Actor, AppError> {
        // Nobody has such a name, and PostgreSQL cannot even be asked for one with a zero byte.
        if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(AppError::WrongPassword);
        }
        self.require_patience(name, from)?;
        let turn = passwords::turn().await;
        // Guesses sent all at once have been counted meanwhile.
        self.require_patience(name, from)?;
        let account = store::accounts::find_by_name(&mut self.read().await?, name).await?;
        let account = account.filter(|account| !account.is_robot());
        // A hash is computed for unknown names too, so that time does not tell which names exist.
        let hash = account
            .as_ref()
            .map_or(passwords::NOBODYS, |account| account.password_hash.as_str())
            .to_owned();
        let (turn, fits) = turn.fits(password.to_owned(), hash).await?;
        let outcome = match account {
            Some(account) if fits && account.disabled_at.is_none() => {
                self.throttle.succeeded(name, from, self.now());
                Ok(Actor::account(account))
            }
            _ => {
                self.throttle.failed(name, from, self.now());
                Err(AppError::WrongPassword)
            }
        };
        drop(turn);
        outcome
    }

    fn require_patience(&self, name: &str, from: Option<IpAddr>) -> Result<(), AppError> {
        match self.throttle.wait(name, from, self.now()) {
            Some(wait) => Err(AppError::TooMany(wait)),
            None => Ok(()),
        }
    }

    async fn authenticate_token(
        &self,
        name: Option<&str>,
        (kind, token): (&str, &str),
    ) -> Result<Actor, AppError> {
        let (id, secret) = token.split_once('_').ok_or(AppError::WrongPassword)?;
        let id: TokenId = format!("tok_{id}")
            .parse()
            .map_err(|_malformed| AppError::WrongPassword)?;
        let mut tx = self.read().await?;
        let held = tokens::with_ancestors(&mut tx, &id).await?;
        let token = held.first().ok_or(AppError::WrongPassword)?;
        let fits = bool::from(
            hash_secret(secret)
                .as_bytes()
                .ct_eq(token.secret_hash.as_bytes()),
        );
        if !fits || token.kind != kind {
            return Err(AppError::WrongPassword);
        }
        let used = token.last_used_at;
        let actor = self.token_actor(&mut tx, held).await?;
        drop(tx);
        let actor = actor.ok_or(AppError::WrongPassword)?;
        if name.is_some() && actor.signed_in().map(|account| account.name.as_str()) != name {
            return Err(AppError::WrongPassword);
        }
        let now = self.now();
        if used.is_none_or(|last| now - last > TimeDelta::hours(1)) {
            let mut tx = self.begin().await?;
            tokens::record_use(&mut tx, &id, now).await?;
            tx.commit().await?;
        }
        Ok(actor)
    }

    /// Returns who holds a token, given with those it was made with, if all of them and the
    /// account are in force.
    pub(crate) async fn token_actor(
        &self,
        tx: &mut Tx,
        held: Vec<Token>,
    ) -> Result<Option<Actor>, AppError> {
        let now = self.now();
        let Some(token) = held.first() else {
            return Ok(None);
        };
        if !held.iter().all(|token| token.in_force(now)) {
            return Ok(None);
        }
        let Some(account) = store::accounts::find(tx, &token.account_id).await? else {
            return Ok(None);
        };
        let stands = self.stands(tx, &account).await?;
        Ok(stands.then(|| Actor::holding(account, held)))
    }

    /// Returns whether an account may sign in at all: it is not barred, and a robot has not
    /// ended, nor its publisher been suspended, nor its person been barred.
    pub(crate) async fn stands(&self, tx: &mut Tx, account: &Account) -> Result<bool, AppError> {
        let ended = account
            .robot
            .expires_at
            .is_some_and(|end| end <= self.now());
        if ended || account.disabled_at.is_some() {
            return Ok(false);
        }
        if let Some(publisher) = account.robot_publisher() {
            let publisher = store::publishers::find(tx, &publisher).await?;
            return Ok(publisher.is_some_and(|publisher| {
                matches!(
                    publisher.state,
                    PublisherState::Applied | PublisherState::Verified
                )
            }));
        }
        if let Some(owner) = account.robot_owner() {
            let owner = store::accounts::find(tx, &owner).await?;
            return Ok(owner.is_some_and(|owner| owner.disabled_at.is_none()));
        }
        Ok(true)
    }

    /// Begins a browser's session. Only the password does: a session may do everything its
    /// account may, an access token need not.
    ///
    /// # Errors
    /// Name and password do not fit, or there were too many attempts.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<SignedIn, AppError> {
        let actor = self.authenticate_password(name, password, from).await?;
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
