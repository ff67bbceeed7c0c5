//! The JSON API below `/api/v1`: one file a resource, and one document that describes it.
//!
//! A handler takes its arguments apart, calls one use case and answers; who may do what is
//! decided in `app`. What a client sends is read in `extract`, what it is refused with
//! comes out of `error`, and `openapi` makes the document of the handlers' own
//! annotations. Wire types end in `Json` and are made by hand, so that nothing private is
//! sent because a row grew a column.

#![expect(
    unused_qualifications,
    reason = "the macros that make the document write them"
)]

use std::sync::Arc;

use app::App;
use axum::{
    Router,
    extract::Request,
    http::{Method, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use utoipa::{OpenApi as _, openapi::OpenApi};
use utoipa_axum::router::OpenApiRouter;

mod accounts;
mod advisories;
mod agreements;
mod audit;
mod classifications;
mod comments;
mod draft_versions;
mod drafts;
mod error;
mod extract;
mod finding_json;
mod forecast;
mod holds;
mod imports;
mod jobs;
mod keys;
mod layer_files;
mod letters;
mod listings;
mod manifest;
mod notices;
mod once;
mod openapi;
mod own_advisories;
mod partnership;
mod pictures;
mod previews;
mod products;
mod proofs;
mod publication;
mod publishers;
mod releases;
mod releases_json;
mod retention;
mod review;
mod robots;
mod storage;
mod submission_json;
mod submissions;
mod subscriptions;
mod support;
mod team;
mod templates;
mod terms;
mod tokens;
mod vex;
mod waivers;
mod webhooks;
mod words;

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// Returns the API's routes, its document at `/api/v1/openapi.json` among them.
///
/// # Panics
/// Two resources share a path and method, or the document cannot be written as JSON: both
/// show in every test.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let (routes, document) = resources().split_for_parts();
    let document = openapi::finish(document)
        .to_json()
        .expect("the document is plain data");
    let serve = move || async move { ([(header::CONTENT_TYPE, "application/json")], document) };
    let routes = routes
        .route("/openapi.json", get(serve))
        .layer(from_fn_with_state(Arc::clone(app), once::once))
        .layer(from_fn(crate::etag::tag))
        .layer(from_fn(heed))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method);
    Router::new().nest(BASE, routes)
}

/// Returns the document that describes the API (OpenAPI 3.1); its paths begin at [`BASE`].
pub fn document() -> OpenApi {
    let (_, document) = resources().split_for_parts();
    openapi::finish(document)
}

fn resources() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::ApiDocument::openapi())
        .merge(products::routes())
        .merge(releases::routes())
        .merge(layer_files::routes())
        .merge(subscriptions::routes())
        .merge(publishers::routes())
        .merge(proofs::routes())
        .merge(letters::routes())
        .merge(team::routes())
        .merge(terms::routes())
        .merge(partnership::routes())
        .merge(forecast::routes())
        .merge(holds::routes())
        .merge(agreements::routes())
        .merge(keys::routes())
        .merge(pictures::routes())
        .merge(drafts::routes())
        .merge(draft_versions::routes())
        .merge(previews::routes())
        .merge(imports::routes())
        .merge(submissions::routes())
        .merge(publication::routes())
        .merge(comments::routes())
        .merge(review::routes())
        .merge(templates::routes())
        .merge(vex::routes())
        .merge(waivers::routes())
        .merge(classifications::routes())
        .merge(own_advisories::routes())
        .merge(listings::routes())
        .merge(accounts::routes())
        .merge(tokens::routes())
        .merge(robots::routes())
        .merge(advisories::routes())
        .merge(audit::routes())
        .merge(notices::routes())
        .merge(webhooks::routes())
        .merge(jobs::routes())
        .merge(storage::routes())
        .merge(retention::routes())
}

/// Refuses a change that hangs on a condition which is not looked at: to do it all the same
/// would be worse.
async fn heed(request: Request, next: Next) -> Response {
    match crate::etag::is_unheeded(&request) {
        true => error::ApiError::malformed(
            "conditions are looked at where a product's manifest is replaced, as `If-Match`: send this request without",
        )
        .into_response(),
        false => next.run(request).await,
    }
}

async fn no_such_path(uri: Uri) -> error::ApiError {
    error::ApiError::no_such_path(uri.path())
}

/// The router adds `Allow`.
async fn no_such_method(method: Method) -> error::ApiError {
    error::ApiError::no_such_method(&method)
}
