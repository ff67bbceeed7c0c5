//! `/token`: the token service (distribution, "Token Authentication Specification" and its
//! OAuth2 form). Credentials in, a short-lived access token out, for what of the scopes
//! asked for the account has; an empty grant rather than an error, so that signing in
//! without a scope works.
//!
//! Who asks to stay signed in (`offline_token=true`, or `access_type=offline` in the form)
//! gets a refresh token too, which clients keep instead of a password.

use std::{net::IpAddr, sync::Arc};

use app::{Actor, App, AppError, ClientAddress, Scope};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci::ErrorCode;

use crate::{
    error::Failure,
    header::{quoted, text},
    query::{Query, bad},
};

const MAX_FORM_BYTES: usize = 16 << 10;
/// With these, a token stays well below the size that is ever verified.
const MOST_SCOPES: usize = 50;
const MOST_SCOPE_BYTES: usize = 4 << 10;

/// Answers `GET /token?…` and `POST /token` with a form.
pub(crate) async fn serve(app: &Arc<App>, request: Request) -> Response {
    let mut response = match answer(app, request).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Publishes the keys that tokens are signed with, for others that accept them (RFC 7517).
pub(crate) async fn serve_keys(app: &Arc<App>, method: &Method) -> Response {
    match *method {
        Method::GET | Method::HEAD => match app.token_keys().await {
            Ok(keys) => Json(keys).into_response(),
            Err(error) => Failure::from(error).into_response(),
        },
        _ => Failure::method("GET, HEAD").into_response(),
    }
}

async fn answer(app: &Arc<App>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let from = parts.extensions.get::<ClientAddress>().map(|from| from.0);
    let (asked, actor) = match parts.method {
        Method::GET => {
            let asked = Query::parse(parts.uri.query().unwrap_or_default())?;
            (asked, who(app, basic(&parts.headers)?, from).await?)
        }
        Method::POST => {
            let form = form(&parts.headers, body).await?;
            let credentials = granted(&form)?.or(basic(&parts.headers)?);
            let actor = who(app, credentials, from).await?;
            (form, actor)
        }
        _ => return Err(Failure::method("GET, POST")),
    };
    if let Some(service) = asked.one("service")?
        && service != app.config().host()
    {
        let host = app.config().host();
        return Err(bad(format!(
            "tokens for the service `{host}` are made here, for no other"
        )));
    }
    let issued = app.issue_registry_token(&actor, &scopes(&asked)?).await?;
    // `token` for Docker, `access_token` for OAuth2 clients; they are the same.
    let mut answer = serde_json::json!({
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "issued_at": issued.issued_at,
    });
    if stays(&asked)? {
        let client = asked.one("client_id")?.unwrap_or_default();
        if let Some(login) = app.issue_login(&actor, client).await? {
            answer["refresh_token"] = login.into();
        }
    }
    Ok(Json(answer).into_response())
}

/// Returns whether a client wants to stay signed in.
fn stays(asked: &Query) -> Result<bool, Failure> {
    Ok(asked.one("offline_token")? == Some("true") || asked.one("access_type")? == Some("offline"))
}

/// Reads every `scope`, several of which may stand in one parameter. What is no scope grants
/// nothing, as with Docker's own service.
fn scopes(asked: &Query) -> Result<Vec<Scope>, Failure> {
    let texts: Vec<_> = asked
        .all("scope")
        .flat_map(str::split_ascii_whitespace)
        .collect();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    if texts.len() > MOST_SCOPES || bytes > MOST_SCOPE_BYTES {
        return Err(bad(format!(
            "{} scopes of {bytes} bytes were asked for; one token holds {MOST_SCOPES} of {MOST_SCOPE_BYTES} bytes at most",
            texts.len()
        )));
    }
    Ok(texts.into_iter().filter_map(Scope::parse).collect())
}

async fn who(
    app: &Arc<App>,
    credentials: Option<Credentials>,
    from: Option<IpAddr>,
) -> Result<Actor, Failure> {
    let found = match credentials {
        None => return Ok(Actor::anonymous()),
        Some(Credentials::Password(name, password)) => {
            app.authenticate(&name, &password, from).await
        }
        Some(Credentials::Login(login)) => match app.authenticate_login(&login).await {
            Err(AppError::WrongPassword) => {
                let message = format!(
                    "this sign-in has ended: sign in again (docker login {})",
                    app.config().host()
                );
                return Err(challenged(
                    app,
                    Failure::new(ErrorCode::Unauthorized, message),
                ));
            }
            found => found,
        },
    };
    found.map_err(|error| challenged(app, error.into()))
}

fn challenged(app: &App, failure: Failure) -> Failure {
    let realm = quoted(&app.config().public_url);
    failure.challenged(&format!("Basic realm={realm}"))
}

enum Credentials {
    /// A name with a password or access token.
    Password(String, String),
    /// A refresh token.
    Login(String),
}

/// Reads `Authorization: Basic`; nothing where nobody signs in.
fn basic(headers: &HeaderMap) -> Result<Option<Credentials>, Failure> {
    let Some(found) = text(headers, &header::AUTHORIZATION)? else {
        return Ok(None);
    };
    let refuse = || {
        let message = "sign in with name and password (`Authorization: Basic`)";
        Failure::new(ErrorCode::Unauthorized, message)
    };
    let (scheme, encoded) = found.split_once(' ').ok_or_else(refuse)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refuse());
    }
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| refuse())?;
    let decoded = String::from_utf8(bytes).map_err(|_| refuse())?;
    let (name, password) = decoded.split_once(':').ok_or_else(refuse)?;
    Ok(credentials(name, password))
}

/// Some clients send an empty name and password for nobody.
fn credentials(name: &str, password: &str) -> Option<Credentials> {
    let given = !name.is_empty() || !password.is_empty();
    given.then(|| Credentials::Password(name.to_owned(), password.to_owned()))
}

fn granted(form: &Query) -> Result<Option<Credentials>, Failure> {
    match form.one("grant_type")? {
        Some("password") => {
            let name = form.one("username")?.unwrap_or_default();
            let password = form.one("password")?.unwrap_or_default();
            Ok(credentials(name, password))
        }
        Some("refresh_token") => {
            let login = form.one("refresh_token")?.unwrap_or_default();
            Ok(Some(Credentials::Login(login.to_owned())))
        }
        _ => Err(bad("`grant_type` must be `password` or `refresh_token`")),
    }
}

async fn form(headers: &HeaderMap, body: Body) -> Result<Query, Failure> {
    let kind = text(headers, &header::CONTENT_TYPE)?.unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(bad("send a form (`application/x-www-form-urlencoded`)"));
    }
    let bytes = to_bytes(body, MAX_FORM_BYTES).await.map_err(|_| {
        bad(format!(
            "the form broke off or has more than {MAX_FORM_BYTES} bytes"
        ))
    })?;
    let text = str::from_utf8(&bytes).map_err(|_| bad("the form is not UTF-8"))?;
    Ok(Query::parse(text)?)
}
