//! Access tokens of the registry (distribution, "Token Authentication Specification"):
//! short-lived, signed with ES256, holding what was granted and nothing more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use chrono::{DateTime, TimeDelta, Utc};
use market::{RepositoryAction, TokenId, TokenScopes};
use oci::Scope;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::tokens::{self, Token};

use crate::{
    Actor, App, AppError,
    access_tokens::secret_with_id,
    accounts::{hash_secret, secret_text},
    registry::Rights,
    state::random,
};

/// What a token grants on one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// `repository`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `plugin`, where it was asked for so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The repository's name.
    pub name: String,
    /// What may be done there.
    pub actions: Vec<String>,
    /// Whether reading is open for some of it only, so that each pull asks for what.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Who made it.
    pub iss: String,
    /// For whom, by account name; empty for nobody in particular.
    pub sub: String,
    /// For which service.
    pub aud: String,
    /// Not after, seconds since 1970.
    pub exp: i64,
    /// Not before, seconds since 1970.
    pub nbf: i64,
    /// Made at, seconds since 1970.
    pub iat: i64,
    /// Its own name.
    pub jti: String,
    /// What it grants.
    pub access: Vec<Grant>,
    /// The account's identifier; empty for nobody in particular.
    pub account: String,
    /// The access token or login it was asked for with; empty for a password.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
}

impl Access {
    /// Returns whether `action` on `repository` was granted.
    pub fn grants(&self, repository: &str, action: &str) -> bool {
        self.grants_on("repository", repository, action)
    }

    /// Returns whether listing the repositories was granted.
    pub fn grants_catalog(&self) -> bool {
        self.grants_on("registry", "catalog", "*")
    }

    /// Returns whether pulling from `repository` was granted for some of what is there only.
    pub(crate) fn is_limited(&self, repository: &str) -> bool {
        let of = |grant: &&Grant| grant.kind == "repository" && grant.name == repository;
        self.access.iter().filter(of).any(|grant| grant.limited)
    }

    fn grants_on(&self, kind: &str, name: &str, action: &str) -> bool {
        self.access.iter().any(|grant| {
            grant.kind == kind
                && grant.name == name
                && grant.actions.iter().any(|granted| granted == action)
        })
    }
}

/// A token that was made for a client.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// What the client sends.
    pub token: String,
    /// Seconds it lives.
    pub expires_in: i64,
    /// When it was made.
    pub issued_at: DateTime<Utc>,
}

/// Tokens whose signatures were verified, so that each is verified once.
#[derive(Debug, Default)]
pub(crate) struct VerifiedTokens(Mutex<HashMap<[u8; 32], Arc<Access>>>);

const MOST_VERIFIED: usize = 50_000;
/// How long a client stays signed in.
const LOGIN_LIFE: TimeDelta = TimeDelta::days(90);
/// Clients of one account that stay signed in; those who signed in longest ago are forgotten.
const MOST_LOGINS: i64 = 50;
/// Scopes looked at in one request.
const MOST_SCOPES: usize = 100;

impl App {
    /// Makes a token for what `actor` may do of what was asked: an empty grant rather than an error.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn issue_registry_token(
        &self,
        actor: &Actor,
        scopes: &[Scope],
    ) -> Result<IssuedToken, AppError> {
        let mut access = Vec::new();
        // The catalogue shows nothing but what its reader may pull, so anybody may ask for it.
        if scopes.iter().any(Scope::is_catalog) {
            access.push(Grant {
                kind: "registry".to_owned(),
                class: None,
                name: "catalog".to_owned(),
                actions: vec!["*".to_owned()],
                limited: false,
            });
        }
        for scope in scopes
            .iter()
            .filter(|scope| scope.kind == "repository")
            .take(MOST_SCOPES)
        {
            let rights = self.repository_rights(actor, &scope.name).await?;
            access.extend(granted(scope, rights));
        }
        let now = self.now();
        let account = actor.signed_in();
        let claims = Access {
            iss: self.config.public_url.clone(),
            sub: account
                .map(|account| account.name.clone())
                .unwrap_or_default(),
            aud: self.config.host().to_owned(),
            exp: (now + self.config.token_life).timestamp(),
            nbf: now.timestamp() - 30,
            iat: now.timestamp(),
            jti: hex::encode(random::<12>()),
            access,
            account: account
                .map(|account| account.id.to_string())
                .unwrap_or_default(),
            token: actor
                .token()
                .map(|token| token.id.to_string())
                .unwrap_or_default(),
        };
        let ring = self.key_ring().await?;
        let key = ring
            .signing(now)
            .ok_or_else(|| AppError::internal("there is no key to sign tokens with"))?;
        let token = trust::jws::sign(key, &claims).map_err(AppError::internal)?;
        Ok(IssuedToken {
            token,
            expires_in: self.config.token_life.num_seconds(),
            issued_at: now,
        })
    }

    /// Makes what a client keeps instead of the password or token it signed in with (the
    /// OAuth2 form's refresh token). It stands for that, is good for registry tokens only,
    /// and ends with it, with a new password, or after ninety days. Nobody gets none.
    ///
    /// # Errors
    /// The database refused.
    pub async fn issue_login(
        &self,
        actor: &Actor,
        client: &str,
    ) -> Result<Option<String>, AppError> {
        let login = actor.token().is_some_and(Token::is_login);
        let Some(account) = actor.signed_in().filter(|_| !login) else {
            return Ok(None);
        };
        let now = self.now();
        let ends = [now + LOGIN_LIFE].into_iter().chain(actor.ends()).min();
        let name: String = client
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect();
        let secret = secret_text(&random::<32>());
        let login = Token {
            id: self.id(TokenId::new),
            account_id: account.id.clone(),
            name,
            secret_hash: hash_secret(&secret),
            kind: tokens::LOGIN.to_owned(),
            parent_id: actor.token().map(|token| token.id.to_string()),
            // Its parent says what it may do.
            may_push: true,
            scopes: TokenScopes::UNLIMITED,
            created_at: now,
            expires_at: ends,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx = self.begin().await?;
        tokens::create(&mut tx, &login).await?;
        tokens::delete_old_logins(&mut tx, &account.id, now, MOST_LOGINS).await?;
        tx.commit().await?;
        Ok(Some(secret_with_id("plr", &login.id, &secret)))
    }

    /// Returns who holds a registry token: nobody in particular where what it was asked for
    /// with, or its account, is no longer in force.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn token_holder(&self, access: &Access) -> Result<Actor, AppError> {
        let mut tx = self.read().await?;
        if let Ok(token) = access.token.parse() {
            let held = tokens::with_ancestors(&mut tx, &token).await?;
            let holder = self.token_actor(&mut tx, held).await?;
            return Ok(holder.unwrap_or_default());
        }
        let Ok(id) = access.account.parse() else {
            return Ok(Actor::anonymous());
        };
        let Some(account) = store::accounts::find(&mut tx, &id).await? else {
            return Ok(Actor::anonymous());
        };
        let stands = self.stands(&mut tx, &account).await?;
        Ok(if stands {
            Actor::account(account)
        } else {
            Actor::anonymous()
        })
    }

    /// Returns what a client's token says, if it is ours and in force.
    ///
    /// # Errors
    /// The database cannot be read; it is seldom asked.
    pub async fn verify_registry_token(
        &self,
        token: &str,
    ) -> Result<Option<Arc<Access>>, AppError> {
        let now = self.now().timestamp();
        let in_force = |access: &Access| {
            access.nbf <= now && now < access.exp && access.aud == self.config.host()
        };
        let hash = Sha256::digest(token).into();
        if let Some(access) = self.verified_tokens.map().get(&hash) {
            return Ok(in_force(access).then(|| Arc::clone(access)));
        }
        let ring = self.key_ring().await?;
        let verified = trust::jws::verify::<Access>(token, ring.public()).ok();
        let Some(access) = verified.filter(in_force).map(Arc::new) else {
            return Ok(None);
        };
        let mut known = self.verified_tokens.map();
        if known.len() >= MOST_VERIFIED {
            known.retain(|_, access| access.exp > now);
            if known.len() >= MOST_VERIFIED {
                known.clear();
            }
        }
        known.insert(hash, Arc::clone(&access));
        Ok(Some(access))
    }
}

/// Returns what of a scope `rights` allow, if any.
fn granted(scope: &Scope, rights: Rights) -> Option<Grant> {
    let asked = |action: &str| {
        scope
            .actions
            .iter()
            .any(|asked| asked == action || asked == "*")
    };
    let actions: Vec<_> = RepositoryAction::ALL
        .iter()
        .filter(|action| rights.allow(**action) && asked(action.as_str()))
        .map(|action| action.as_str().to_owned())
        .collect();
    (!actions.is_empty()).then(|| Grant {
        kind: scope.kind.clone(),
        class: scope.class.clone(),
        name: scope.name.clone(),
        actions,
        limited: rights.limited,
    })
}

impl VerifiedTokens {
    fn map(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Access>>> {
        self.0
            .lock()
            .expect("nobody panics while holding the tokens")
    }
}
