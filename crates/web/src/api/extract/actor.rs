//! Who asks: by `Authorization: Bearer plm_…`, by `Authorization: Basic …`, or, for reading
//! only, by a browser's session. A browser sends its cookie along with requests that other
//! sites make, so the cookie changes nothing here; the pages' forms have their own token.

use std::{net::IpAddr, sync::Arc};

use app::{Actor, App, ClientAddress};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{api::error::ApiError, cookie};

/// The name of the cookie that holds a browser's session; the pages set it.
const SESSION_COOKIE: &str = "plimsoll_session";

/// Whoever asks; nobody in particular where nothing is sent.
#[derive(Debug, Clone)]
pub(in crate::api) struct Asker(pub(in crate::api) Actor);

/// Somebody who is signed in; anybody else is told to before anything else is looked at.
pub(in crate::api) struct SignedIn(pub(in crate::api) Actor);

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        match parts.headers.get(header::AUTHORIZATION) {
            Some(value) => {
                let from = parts.extensions.get::<ClientAddress>().map(|from| from.0);
                by_header(app, value, from).await.map(Self)
            }
            None if parts.method == Method::GET || parts.method == Method::HEAD => {
                Ok(Self(by_session(app, &parts.headers).await?))
            }
            None => Ok(Self(Actor::anonymous())),
        }
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Asker(actor) = Asker::from_request_parts(parts, app).await?;
        if actor.signed_in().is_none() {
            return Err(ApiError::bad_credentials(
                "sign in first: send `Authorization: Bearer plm_…`, or `Basic` with a name and a password or token",
            ));
        }
        Ok(Self(actor))
    }
}

async fn by_header(
    app: &Arc<App>,
    value: &HeaderValue,
    from: Option<IpAddr>,
) -> Result<Actor, ApiError> {
    let unusable = || {
        ApiError::bad_credentials(
            "the header `Authorization` cannot be read: send `Bearer plm_…`, or `Basic` with name and password in base64",
        )
    };
    let (scheme, rest) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(unusable)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(app.authenticate_bearer(rest).await?);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unusable());
    }
    let bytes = STANDARD.decode(rest).map_err(|_malformed| unusable())?;
    let text = String::from_utf8(bytes).map_err(|_malformed| unusable())?;
    let (name, password) = text.split_once(':').ok_or_else(unusable)?;
    Ok(app.authenticate(name, password, from).await?)
}

async fn by_session(app: &Arc<App>, headers: &HeaderMap) -> Result<Actor, ApiError> {
    let Some(secret) = cookie::find(headers, SESSION_COOKIE) else {
        return Ok(Actor::anonymous());
    };
    let session = app.find_session(secret).await?;
    Ok(session.map_or_else(Actor::anonymous, |session| Actor::account(session.account)))
}
