//! Access tokens of the registry (distribution, "Token Authentication Specification"):
//! short-lived, signed with ES256, holding what was granted and nothing more.

use std::{collections::HashMap, sync::Mutex};

use chrono::{DateTime, Utc};
use oci::Scope;
use serde::{Deserialize, Serialize};

use crate::{Actor, App, AppError, accounts::hash_secret, registry::Rights, state::random};

/// What a token grants on one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// `repository`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The repository's name.
    pub name: String,
    /// What may be done there.
    pub actions: Vec<String>,
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
    /// Whether it was made with a personal access token that may only read.
    #[serde(default)]
    pub read_only: bool,
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
pub(crate) struct VerifiedTokens(Mutex<HashMap<String, Access>>);

const MOST_VERIFIED: usize = 50_000;
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
                name: "catalog".to_owned(),
                actions: vec!["*".to_owned()],
            });
        }
        for scope in scopes
            .iter()
            .filter(|scope| scope.kind == "repository")
            .take(MOST_SCOPES)
        {
            let rights = self.repository_rights(actor, &scope.name).await?;
            let wanted = |action: &str| {
                scope
                    .actions
                    .iter()
                    .any(|asked| asked == action || asked == "*")
            };
            let actions = [
                ("pull", rights.pull),
                ("push", rights.push),
                ("delete", rights.push),
            ];
            let granted: Vec<_> = actions
                .into_iter()
                .filter(|(action, may)| *may && wanted(action))
                .map(|(action, _)| action.to_owned())
                .collect();
            if !granted.is_empty() {
                access.push(Grant {
                    kind: "repository".to_owned(),
                    name: scope.name.clone(),
                    actions: granted,
                });
            }
        }
        let now = self.now();
        let claims = Access {
            iss: self.config.public_url.clone(),
            sub: actor
                .signed_in()
                .map(|account| account.name.clone())
                .unwrap_or_default(),
            aud: self.config.host().to_owned(),
            exp: (now + self.config.token_life).timestamp(),
            nbf: now.timestamp() - 30,
            iat: now.timestamp(),
            jti: hex::encode(random::<12>()),
            access,
            account: actor
                .signed_in()
                .map(|account| account.id.to_string())
                .unwrap_or_default(),
            read_only: !actor.may_write(),
        };
        let token = trust::jws::sign(&self.keys.tokens, &claims).map_err(AppError::internal)?;
        Ok(IssuedToken {
            token,
            expires_in: self.config.token_life.num_seconds(),
            issued_at: now,
        })
    }

    /// Returns who holds a client's token: nobody in particular where its account is barred or gone.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn token_holder(&self, access: &Access) -> Result<Actor, AppError> {
        let Ok(id) = access.account.parse() else {
            return Ok(Actor::anonymous());
        };
        let account = store::accounts::find(&mut self.read().await?, &id).await?;
        Ok(
            match account.filter(|account| account.disabled_at.is_none()) {
                Some(account) if access.read_only => Actor::read_only(account),
                Some(account) => Actor::account(account),
                None => Actor::anonymous(),
            },
        )
    }

    /// Returns the public keys that the registry's access tokens are signed with.
    pub fn token_keys(&self) -> trust::jws::Jwks {
        [self.keys.tokens.public()].iter().collect()
    }

    /// Returns what a client's token says, if it is ours and in force.
    pub fn verify_registry_token(&self, token: &str) -> Option<Access> {
        let now = self.now().timestamp();
        let in_force = |access: &Access| {
            access.nbf <= now && now < access.exp && access.aud == self.config.host()
        };
        let hash = hash_secret(token);
        if let Some(access) = self
            .verified_tokens
            .0
            .lock()
            .expect("nobody panics while holding the tokens")
            .get(&hash)
        {
            return in_force(access).then(|| access.clone());
        }
        let access: Access = trust::jws::verify(token, &[self.keys.tokens.public()]).ok()?;
        if !in_force(&access) {
            return None;
        }
        let mut known = self
            .verified_tokens
            .0
            .lock()
            .expect("nobody panics while holding the tokens");
        if known.len() >= MOST_VERIFIED {
            known.retain(|_, access| access.exp > now);
            if known.len() >= MOST_VERIFIED {
                known.clear();
            }
        }
        known.insert(hash, access.clone());
        Some(access)
    }
}

impl Rights {
    /// Returns whether `action` is among them.
    pub fn allow(self, action: &str) -> bool {
        match action {
            "pull" => self.pull,
            "push" | "delete" => self.push,
            _ => false,
        }
    }
}
