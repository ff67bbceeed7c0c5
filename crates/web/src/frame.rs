//! What happens around every page: who looks is found before, errors become pages and
//! the headers that protect a browser are set after.

use std::sync::Arc;

use app::App;
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    assets::CONTENT_SECURITY_POLICY,
    failure::{Asked, Failure},
    viewer::Viewer,
};

/// Runs a page's handler for whoever looks.
pub(crate) async fn frame(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let asked = Asked::of(&request);
    let (viewer, mut response) = match Viewer::find(&app, request.headers(), request.uri()).await {
        Ok(viewer) => {
            request.extensions_mut().insert(viewer.clone());
            (viewer, next.run(request).await)
        }
        Err(error) => {
            let viewer = Viewer::nobody(&app, request.uri());
            (viewer, Failure::from(error).into_response())
        }
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failure.page(viewer.layout.clone(), &asked);
    }
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page && viewer.layout.flash.is_some() {
        viewer.forget_notice(&mut response);
    }
    response
}

/// Tells browsers to load nothing from elsewhere, to guess no type and to tell nobody where one came from.
pub(crate) async fn protect(mut response: Response) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
    ];
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
