//! All routes in one: the registry's, the web's, and those for whoever watches the process;
//! around them the headers every answer bears.

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Response, header},
    middleware::{self, Next},
};
use tower_http::set_header::SetResponseHeaderLayer;

/// For answers that bring none of their own. Everything comes from here; pictures may also
/// be written into the page.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Returns the routes with what is around all of them.
pub(super) fn router(routes: Router) -> Router {
    routes
        .layer(default_header(
            header::CONTENT_SECURITY_POLICY,
            CONTENT_POLICY,
        ))
        .layer(default_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(default_header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(default_header(header::REFERRER_POLICY, "same-origin"))
        .layer(middleware::from_fn(tell_route))
}

fn default_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
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
