//! The asker's own access tokens.

use std::sync::Arc;

use app::{
    App, AppError, NewToken, Token,
    market::{RepositoryScope, ScopeError, TokenScopes},
};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, OlderQuery, SignedIn, within},
    words::{ListJson, TokenIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TokenPath {
    /// The token's identifier.
    #[param(inline)]
    token: TokenIdJson,
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenJson {
    /// What its owner calls it.
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    name: String,
    /// Whether it may change anything, or only read.
    #[serde(default)]
    may_push: bool,
    /// The repositories it is cut down to, each with what may be done there, such as
    /// `staging/acme/*:pull,push`; none is no limit.
    #[serde(default)]
    #[schema(max_items = 20)]
    scopes: Vec<ScopeJson>,
    /// Days until it ends; 3650 at most. One made with another token ends with that at the latest.
    #[serde(default = "a_quarter", deserialize_with = "within::<_, 1, 3_650>")]
    #[schema(minimum = 1, maximum = 3_650, default = 90)]
    days: i64,
}

fn a_quarter() -> i64 {
    90
}

impl NewTokenJson {
    /// Returns what is to be made.
    pub(super) fn wanted(self) -> Result<NewToken, AppError> {
        let scopes = TokenScopes::parse(self.scopes.iter().map(|scope| scope.0.as_str()))
            .map_err(|error| AppError::invalid("scopes", error.to_string()))?;
        Ok(NewToken {
            name: self.name,
            may_push: self.may_push,
            scopes,
            life: Some(TimeDelta::days(self.days)),
        })
    }
}

/// A scope: a repository's name or the beginning of names and `*`, a colon, and actions.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct ScopeJson(String);

impl TryFrom<String> for ScopeJson {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse::<RepositoryScope>()?;
        Ok(Self(text))
    }
}

impl PartialSchema for ScopeJson {
    fn schema() -> RefOr<Schema> {
        let actions = "(pull|push|delete)(,(pull|push|delete))*";
        let name = "([a-z0-9._-][a-z0-9._/-]{0,254}|([a-z0-9._-][a-z0-9._/-]{0,253})?\\*)";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^{name}:{actions}$")))
            .max_length(Some(300))
            .into()
    }
}

impl ToSchema for ScopeJson {
    fn name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
}

/// An access token without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenJson {
    /// Its identifier.
    id: TokenIdJson,
    /// What its owner calls it.
    name: String,
    /// `access`, or `login` for what a client keeps that signed in.
    kind: String,
    /// The token it was made with; it is good for no more than that.
    parent: Option<String>,
    /// Whether it may change anything, or only read.
    may_push: bool,
    /// The repositories it is cut down to; none is no limit.
    scopes: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends.
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the hour.
    last_used_at: Option<DateTime<Utc>>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedTokenJson {
    /// What is known of it later.
    pub(super) token: TokenJson,
    /// What to sign in with, `plm_…`; it is shown this once.
    pub(super) secret: String,
}

/// Returns the asker's tokens that were not revoked; asked with a token, that one and those made with it. Newest first.
#[utoipa::path(get, path = "/account/tokens", tag = "accounts", params(OlderQuery),
    responses((status = 200, description = "The tokens.", body = ListJson<TokenJson>)))]
async fn list_tokens(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<TokenJson>>> {
    // The line of a token is found in all of an account's, which has 200 in force at most.
    let tokens = app.list_tokens(&actor).await?;
    Ok(ListJson::of(
        query
            .part()
            .of(tokens, |token, from| token.id.as_str() < from),
    ))
}

/// Makes an access token; its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/account/tokens", tag = "accounts", request_body = NewTokenJson,
    responses((status = 201, description = "The token with its secret.", body = CreatedTokenJson)))]
async fn create_token(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewTokenJson>,
) -> Answer<(StatusCode, Json<CreatedTokenJson>)> {
    let (token, secret) = app.create_token(&actor, &new.wanted()?).await?;
    let made = CreatedTokenJson {
        token: token.into(),
        secret,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revokes one of the asker's tokens, and with it those that were made with it.
#[utoipa::path(delete, path = "/account/tokens/{token}", tag = "accounts", params(TokenPath),
    responses((status = 204, description = "It is revoked.")))]
async fn revoke_token(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<TokenPath>,
) -> Answer<StatusCode> {
    app.revoke_token(&actor, at.token.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Token> for TokenJson {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.into(),
            name: token.name,
            kind: token.kind,
            parent: token.parent_id,
            may_push: token.may_push,
            scopes: token.scopes.texts(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}
