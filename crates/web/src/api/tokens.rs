//! The asker's own access tokens.

use std::sync::Arc;

use app::{App, Token};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn, within},
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
struct NewTokenJson {
    /// What its owner calls it.
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    name: String,
    /// Whether it may change anything, or only read.
    #[serde(default)]
    may_push: bool,
    /// Days until it ends; 3650 at most.
    #[serde(default = "a_quarter", deserialize_with = "within::<_, 1, 3_650>")]
    #[schema(minimum = 1, maximum = 3_650, default = 90)]
    days: i64,
}

fn a_quarter() -> i64 {
    90
}

/// An access token without its secret.
#[derive(Serialize, ToSchema)]
struct TokenJson {
    /// Its identifier.
    id: TokenIdJson,
    /// What its owner calls it.
    name: String,
    /// Whether it may change anything, or only read.
    may_push: bool,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it ends.
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the hour.
    last_used_at: Option<DateTime<Utc>>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
struct CreatedTokenJson {
    /// What is known of it later.
    token: TokenJson,
    /// What to sign in with, `plm_…`; it is shown this once.
    secret: String,
}

/// Returns the asker's access tokens that were not revoked.
#[utoipa::path(get, path = "/account/tokens", tag = "accounts",
    responses((status = 200, description = "The tokens.", body = ListJson<TokenJson>)))]
async fn list_tokens(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<TokenJson>>> {
    Ok(ListJson::of(app.list_tokens(&actor).await?))
}

/// Makes an access token; its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/account/tokens", tag = "accounts", request_body = NewTokenJson,
    responses((status = 201, description = "The token with its secret.", body = CreatedTokenJson)))]
async fn create_token(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewTokenJson>,
) -> Answer<(StatusCode, Json<CreatedTokenJson>)> {
    let life = TimeDelta::days(new.days);
    let (token, secret) = app
        .create_token(&actor, &new.name, new.may_push, Some(life))
        .await?;
    let made = CreatedTokenJson {
        token: token.into(),
        secret,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revokes one of the asker's access tokens.
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
            may_push: token.may_push,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}
