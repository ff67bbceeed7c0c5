//! Files: style, mark, uploaded pictures, badges, the key that releases are signed with, and its certificate.

use std::sync::Arc;

use app::{App, AppError};
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use market::ListingState;

use crate::{
    assets::{MARK_SVG, PAGE_JS, STYLE_CSS},
    badge::{BadgeTone, badge_svg},
    cache::Cache,
};

const SVG: &str = "image/svg+xml";

/// `GET /static/style.css`
pub(crate) async fn style() -> Response {
    file(Cache::File, "text/css; charset=utf-8", STYLE_CSS)
}

/// `GET /static/page.js`
pub(crate) async fn script() -> Response {
    file(Cache::File, "text/javascript; charset=utf-8", PAGE_JS)
}

/// `GET /static/mark.svg`, and what browsers ask for by themselves.
pub(crate) async fn mark() -> Response {
    file(Cache::File, SVG, MARK_SVG)
}

/// `GET /.well-known/plimsoll/release.pub`
pub(crate) async fn release_key(State(app): State<Arc<App>>) -> Response {
    let pem = app.release_key().to_pem();
    file(Cache::File, "application/x-pem-file", pem)
}

/// `GET /.well-known/plimsoll/release.crt`
pub(crate) async fn release_certificate(State(app): State<Arc<App>>) -> Response {
    match app.release_certificate().await {
        Ok(pem) => file(Cache::File, "application/x-pem-file", pem),
        Err(error) => broken(&error),
    }
}

/// `GET /pictures/{digest}`
pub(crate) async fn picture(State(app): State<Arc<App>>, Path(digest): Path<String>) -> Response {
    match app.picture(&digest).await {
        Ok((kind, bytes)) => file(Cache::Immutable, &kind, bytes),
        Err(AppError::NotFound { .. }) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => broken(&error),
    }
}

pub(super) fn broken(error: &AppError) -> Response {
    tracing::error!(?error, "a file cannot be made");
    match error {
        AppError::Unsigned(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
    .into_response()
}

/// `GET /p/{publisher}/{product}/badge.svg`: other sites show it, so it is a picture even where there is no product.
pub(crate) async fn badge(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
) -> Response {
    match app.badge(&publisher, &product).await {
        Ok((state, certified, tag)) => {
            let (label, tone) = badge_words(state, certified);
            file(Cache::Badge, SVG, badge_svg(label, &tag, tone))
        }
        Err(AppError::NotFound { .. }) => {
            let svg = badge_svg("not listed", "unknown", BadgeTone::Revoked);
            (StatusCode::NOT_FOUND, file(Cache::Badge, SVG, svg)).into_response()
        }
        Err(error) => broken(&error),
    }
}

fn badge_words(state: ListingState, certified: bool) -> (&'static str, BadgeTone) {
    match state {
        ListingState::Listed if certified => ("certified", BadgeTone::Certified),
        ListingState::Listed => ("listed", BadgeTone::Listed),
        ListingState::OnHold => ("on hold", BadgeTone::Hold),
        ListingState::Revoked => ("revoked", BadgeTone::Revoked),
        ListingState::Draft | ListingState::Withdrawn => ("withdrawn", BadgeTone::Revoked),
    }
}

pub(super) fn file(cache: Cache, kind: &str, content: impl IntoResponse) -> Response {
    let headers = [cache.header(), content_type(kind)];
    (headers, content).into_response()
}

fn content_type(kind: &str) -> (header::HeaderName, header::HeaderValue) {
    let octets = header::HeaderValue::from_static("application/octet-stream");
    (header::CONTENT_TYPE, kind.parse().unwrap_or(octets))
}
