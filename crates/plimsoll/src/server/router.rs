//! All routes in one: the registry's, the web's, and two for whoever watches the process;
//! around them request ids, log lines and the headers every answer bears.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use app::App;
use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
    middleware::{self, Next},
    routing::get,
};
use serde_json::{Value, json};
use tower_http::{set_header::SetResponseHeaderLayer, trace::TraceLayer};
use tracing::Span;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For answers that bring none of their own. Everything comes from here; pictures may also
/// be written into the page.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Returns the whole server as one service.
pub(super) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .merge(registry::router(Arc::clone(app)))
        .merge(web::router(Arc::clone(app)))
        .merge(watch(app))
        .layer(default_header(
            header::CONTENT_SECURITY_POLICY,
            CONTENT_POLICY,
        ))
        .layer(default_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(default_header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(default_header(header::REFERRER_POLICY, "same-origin"))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(())
                .on_response(log_response)
                .on_failure(()),
        )
        .layer(middleware::from_fn(give_request_id))
}

fn watch(app: &Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || Json(json!({ "alive": true }))))
        .route("/readyz", get(ready))
        .with_state(Arc::clone(app))
}

/// Why it is not ready is for the log: the answer goes to anybody.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    match app.ready().await {
        Ok(()) => (StatusCode::OK, Json(json!({ "ready": true }))),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            let answer = json!({ "ready": false });
            (StatusCode::SERVICE_UNAVAILABLE, Json(answer))
        }
    }
}

fn default_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Names each request, so that log lines and a user's report can be brought together.
async fn give_request_id(mut request: Request, next: Next) -> Response<Body> {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .filter(|id| is_sane(id))
        .cloned();
    let id = given.unwrap_or_else(new_request_id);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_sane(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Ids need to differ, not to be secret: random for the process, then counted.
fn new_request_id() -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static PROCESS: std::sync::LazyLock<[u8; 6]> = std::sync::LazyLock::new(|| {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    });
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let id = format!("{}-{number:06x}", hex::encode(*PROCESS));
    HeaderValue::try_from(id).expect("hexadecimal digits may stand in a header")
}

/// The path only: queries may carry tokens.
fn span(request: &Request) -> Span {
    let id = request.headers().get(&REQUEST_ID);
    tracing::info_span!(
        "request",
        id = id.and_then(|id| id.to_str().ok()).unwrap_or_default(),
        method = %request.method(),
        path = request.uri().path(),
    )
}

fn log_response(response: &Response<Body>, latency: Duration, _span: &Span) {
    let (status, ms) = (response.status().as_u16(), latency.as_millis());
    match status {
        500.. => tracing::warn!(status, ms, "answered"),
        _ => tracing::info!(status, ms, "answered"),
    }
}
