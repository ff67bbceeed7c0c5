//! The OCI distribution API (distribution-spec 1.1), the Notary v1 service on the same paths,
//! and the token service in front of both (distribution, "Token Authentication Specification").
//!
//! What lives here is protocol: paths, methods, headers, status codes, ranges, pages. One
//! catch-all takes every request below `/v2`; [`action::Action`] is what it asks for, and
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
    Router,
    http::{HeaderValue, Method},
    middleware::map_response,
    response::Response,
    routing::any,
};

pub use error::refuse;
pub use outlet::Outlet;

/// What was asked for, as logs and metrics name it; an extension of every answer below `/v2`
/// to a request that asks for something there is.
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

/// Returns the routes of the registry: everything below `/v2`, and the token service at `/token`.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v2", any(dispatch::serve))
        .route("/v2/", any(dispatch::serve))
        .route("/v2/{*path}", any(dispatch::serve))
        .route("/token", any(token::serve))
        .route("/token/keys", any(token::serve_keys))
        .route("/_notary_server/health", any(notary::health))
        .layer(map_response(common_headers))
        .with_state(app)
}

/// Clients know a registry by the first; the second keeps browsers from guessing at blobs.
async fn common_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
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
