//! The OCI distribution API (distribution-spec 1.1), the Notary v1 service on the same paths,
//! and the token service in front of both (distribution, "Token Authentication Specification").
//!
//! What lives here is protocol: paths, methods, headers, status codes, ranges, pages.
//! [`serve`] takes every request; [`action::Action`] is what one below `/v2` asks for, and
//! routing, authorisation and the handlers share it. What does not live here: who may do
//! what, and what a push or pull changes; that is `app`. Access tokens are the only way in:
//! they say what was granted, and nothing is looked up again while one is in force.

mod action;
mod auth;
mod base;
mod blobs;
mod catalog;
mod dispatch;
mod error;
mod header;
mod manifests;
mod notary;
mod notary_upload;
mod outlet;
mod page;
mod query;
mod range;
mod referrers;
mod tags;
mod token;
mod uploads;

use std::sync::Arc;

use app::App;
use axum::{
    extract::Request,
    http::{HeaderValue, Method},
    response::Response,
};

pub use error::refuse;
pub use outlet::Outlet;

/// What was asked for, as logs and metrics name it; an extension of every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionName(pub &'static str);

/// What a request holds until its answer is on its way to the client; an extension of answers.
#[derive(Debug, Clone)]
pub struct Held(#[expect(dead_code, reason = "it is held, not looked at")] Arc<app::RequestSlot>);

/// Returns whether a request goes on with an upload that was begun before.
pub fn continues_upload(method: &Method, path: &str) -> bool {
    path.contains("/blobs/uploads/")
        && matches!(
            oci::Route::parse(path).map(|route| action::Action::of(method, route)),
            Ok(Ok(action::Action::UploadStatus(..)
                | action::Action::AppendUpload(..)
                | action::Action::FinishUpload(..)
                | action::Action::CancelUpload(..)))
        )
}

const TOKEN: &str = "/token";
const TOKEN_KEYS: &str = "/token/keys";
const NOTARY_HEALTH: &str = "/_notary_server/health";
const API: &str = "/v2";

/// Returns whether [`serve`] answers what is asked for under `path`: everything below `/v2`,
/// and the token service at `/token`.
pub fn serves(path: &str) -> bool {
    let below = path.strip_prefix(API);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || [TOKEN, TOKEN_KEYS, NOTARY_HEALTH].contains(&path)
}

/// Answers a request for a path that is served here. A router's way through its layers would
/// take longer than what most pulls ask for.
pub async fn serve(app: &Arc<App>, request: Request) -> Response {
    let (name, mut response) = match request.uri().path() {
        TOKEN => (TOKEN, token::serve(app, request).await),
        TOKEN_KEYS => (TOKEN_KEYS, token::serve_keys(app, request.method()).await),
        NOTARY_HEALTH => (NOTARY_HEALTH, notary::health(request.method())),
        _ => dispatch::serve(app, request).await,
    };
    response.extensions_mut().insert(ActionName(name));
    let headers = response.headers_mut();
    // Clients know a registry by the first; the second keeps browsers from guessing at blobs.
    headers.insert(
        "docker-distribution-api-version",
        HeaderValue::from_static("registry/2.0"),
    );
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    response
}
