//! All routes but the registry's in one, and the headers that every answer bears.

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Response, header},
    middleware::{self, Next},
};

/// For answers that bring none of their own. In the policy, everything comes from here;
/// pictures may also be written into the page.
const DEFAULTS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; img-src 'self' data:; object-src 'none'; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
];

/// Returns the routes with what is around all of them.
pub(super) fn router(routes: Router) -> Router {
    routes.layer(middleware::from_fn(tell_route))
}

/// Adds to an answer's headers what it lacks.
pub(super) fn complete(headers: &mut HeaderMap) {
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
}

/// Leaves the route's template with the answer, for the log and the metrics.
async fn tell_route(request: Request, next: Next) -> Response<axum::body::Body> {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(matched) = matched {
        response.extensions_mut().insert(matched);
    }
    response
}
