//! Access tokens of people and robots: each is good for no more than its account, than its
//! own scopes, and than the token it was made with; all of it is looked at again at each use.

use chrono::TimeDelta;
use market::{Action, TokenId, TokenScopes};
use store::{
    Tx,
    accounts::Account,
    tokens::{self, Token},
};

use crate::{
    Actor, App, AppError,
    accounts::{hash_secret, secret_text},
    audit::Change,
    state::random,
};

/// Tokens made of tokens, and so on, at most.
const MOST_GENERATIONS: usize = 5;
/// Tokens in force of one account at most.
const MOST_TOKENS: usize = 200;

/// An access token to make.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// What its owner calls it.
    pub name: String,
    /// Whether it may change anything, or only read.
    pub may_push: bool,
    /// The repositories it is cut down to.
    pub scopes: TokenScopes,
    /// How long it lives; without it, until it is revoked.
    pub life: Option<TimeDelta>,
}

impl App {
    /// Makes an access token of the asker's; gives it and what its owner must keep: it is
    /// shown once. One that is made with another token ends with that at the latest.
    ///
    /// # Errors
    /// Nobody is signed in, the name is missing, or it would be good for more than what the asker signed in with.
    pub async fn create_token(
        &self,
        actor: &Actor,
        new: &NewToken,
    ) -> Result<(Token, String), AppError> {
        let account = actor.require_account("to make an access token")?;
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::ManageOwnTokens, None)
            .await?;
        if (new.may_push && !actor.may_write()) || !actor.scopes_contain(&new.scopes) {
            return Err(AppError::Denied(
                "an access token never does more than the one it is made with".to_owned(),
            ));
        }
        if actor.generations() >= MOST_GENERATIONS {
            return Err(AppError::Denied(format!(
                "this is a token of a token, {MOST_GENERATIONS} deep: make it with one nearer to your password"
            )));
        }
        let made = self
            .make_token(&mut tx, (actor, Action::ManageOwnTokens), account, new)
            .await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Makes an access token for an account, as `actor` was allowed to.
    pub(crate) async fn make_token(
        &self,
        tx: &mut Tx,
        (actor, allowed): (&Actor, Action),
        account: &Account,
        new: &NewToken,
    ) -> Result<(Token, String), AppError> {
        if new.name.trim().is_empty() || new.name.chars().count() > 60 {
            return Err(AppError::invalid(
                "name",
                "give the token a name of 1 to 60 characters",
            ));
        }
        let now = self.now();
        let others = tokens::of_account(tx, &account.id).await?;
        if others.iter().filter(|token| token.in_force(now)).count() >= MOST_TOKENS {
            return Err(AppError::Conflict(format!(
                "the account has {MOST_TOKENS} tokens in force: revoke some that are not needed"
            )));
        }
        let parent = actor.token().filter(|held| held.account_id == account.id);
        let asked = new.life.and_then(|life| now.checked_add_signed(life));
        let secret = secret_text(&random::<25>());
        let token = Token {
            id: self.id(TokenId::new),
            account_id: account.id.clone(),
            name: new.name.trim().to_owned(),
            secret_hash: hash_secret(&secret),
            kind: tokens::ACCESS.to_owned(),
            parent_id: parent.map(|parent| parent.id.to_string()),
            may_push: new.may_push,
            scopes: new.scopes.clone(),
            created_at: now,
            expires_at: asked.into_iter().chain(actor.ends()).min(),
            last_used_at: None,
            revoked_at: None,
        };
        tokens::create(tx, &token).await?;
        let rights = if token.may_push {
            "read-write"
        } else {
            "read-only"
        };
        let scopes = token.scopes.to_text();
        let change = Change {
            subject: token.id.as_str(),
            reason: scopes.as_deref(),
            after: Some(rights),
            ..Change::default()
        };
        self.record(tx, actor, allowed, change).await?;
        let text = secret_with_id("plm", &token.id, &secret);
        Ok((token, text))
    }

    /// Returns the asker's access tokens and clients' logins; whoever signed in with a token
    /// sees that one and those made with it.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn list_tokens(&self, actor: &Actor) -> Result<Vec<Token>, AppError> {
        let account = actor.require_account("to see your access tokens")?;
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ManageOwnTokens, None)
            .await?;
        let all = tokens::of_account(&mut tx, &account.id).await?;
        Ok(match actor.token() {
            Some(held) => line_of(held, all),
            None => all,
        })
    }

    /// Revokes one of the asker's access tokens, and with it those that were made with it.
    ///
    /// # Errors
    /// Nobody is signed in, or it is none of theirs, or not made with the token they signed in with.
    pub async fn revoke_token(&self, actor: &Actor, id: &str) -> Result<(), AppError> {
        let account = actor.require_account("to revoke an access token")?;
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::ManageOwnTokens, None)
            .await?;
        if let Some(held) = actor.token() {
            let line = line_of(held, tokens::of_account(&mut tx, &account.id).await?);
            if !line.iter().any(|token| token.id.as_str() == id) {
                return Err(AppError::not_found("access token", id));
            }
        }
        self.revoke_token_of(&mut tx, (actor, Action::ManageOwnTokens), account, id)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Revokes a token of an account, as `actor` was allowed to.
    pub(crate) async fn revoke_token_of(
        &self,
        tx: &mut Tx,
        (actor, allowed): (&Actor, Action),
        account: &Account,
        id: &str,
    ) -> Result<(), AppError> {
        let token: TokenId = id
            .parse()
            .map_err(|_malformed| AppError::not_found("access token", id))?;
        if !tokens::revoke(tx, &account.id, &token, self.now()).await? {
            return Err(AppError::not_found("access token", id));
        }
        let change = Change {
            subject: id,
            after: Some("revoked"),
            ..Change::default()
        };
        self.record(tx, actor, allowed, change).await
    }
}

/// Returns what an owner keeps: `kind_id_secret`.
pub(crate) fn secret_with_id(kind: &str, id: &TokenId, secret: &str) -> String {
    format!("{kind}_{}_{secret}", id.as_str().trim_start_matches("tok_"))
}

/// Returns `first` and the tokens that were made with it, in the order of `all`: newest first.
fn line_of(first: &Token, all: Vec<Token>) -> Vec<Token> {
    let mut line: Vec<TokenId> = vec![first.id.clone()];
    // A token is older than those made with it.
    for token in all.iter().rev() {
        let made_with = token.parent_id.as_deref();
        if made_with.is_some_and(|parent| line.iter().any(|id| id.as_str() == parent)) {
            line.push(token.id.clone());
        }
    }
    let mut all = all;
    all.retain(|token| line.contains(&token.id));
    all
}
