//! For whoever watches the process: whether it lives, whether it can work, and its numbers.

use std::{net::IpAddr, sync::Arc, time::Duration};

use app::{Actor, App, AppError, ClientAddress};
use axum::{
    Extension, Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use tokio::{
    sync::Mutex,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use super::{
    activity::Activity,
    connections::Connections,
    metrics::{Metrics, Present},
};

/// How long an outcome holds: the check writes, and anybody may ask as often as they like.
const HOLDS: Duration = Duration::from_secs(2);
/// A database or store that takes longer is not ready.
const LONGEST: Duration = Duration::from_secs(5);
/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What can be seen of the server.
#[derive(Debug)]
pub(super) struct Watch {
    /// The marketplace.
    pub(super) app: Arc<App>,
    /// What was counted.
    pub(super) metrics: Arc<Metrics>,
    /// What is under way.
    pub(super) activity: Arc<Activity>,
    /// What is connected.
    pub(super) connections: Arc<Connections>,
    /// Whether the server is about to end.
    pub(super) stop: CancellationToken,
    /// When it was last looked, and what was found.
    pub(super) looked: Mutex<Option<(Instant, bool)>>,
}

/// Returns the routes for the world: the numbers are for the operator.
pub(super) fn guarded(watch: Arc<Watch>) -> Router {
    Router::new()
        .route("/metrics", get(guarded_metrics))
        .merge(probes())
        .with_state(watch)
}

/// Returns the routes for a listener that the world does not reach.
pub(super) fn open(watch: Arc<Watch>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .merge(probes())
        .with_state(watch)
}

fn probes() -> Router<Arc<Watch>> {
    Router::new()
        .route("/healthz", get(async || Json(json!({ "alive": true }))))
        .route("/readyz", get(ready))
}

/// Why it is not ready is for the log: the answer goes to anybody.
async fn ready(State(watch): State<Arc<Watch>>) -> Response {
    if watch.stop.is_cancelled() {
        let answer = json!({ "ready": false, "stopping": true });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response();
    }
    match watch.is_ready().await {
        true => Json(json!({ "ready": true })).into_response(),
        false => {
            let answer = json!({ "ready": false });
            (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
        }
    }
}

impl Watch {
    /// Whoever asks while somebody looks gets what they find.
    async fn is_ready(&self) -> bool {
        let mut looked = self.looked.lock().await;
        if let Some((at, ready)) = *looked
            && at.elapsed() < HOLDS
        {
            return ready;
        }
        let found = time::timeout(LONGEST, self.app.ready()).await;
        match &found {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(error = error as &dyn std::error::Error, "not ready");
            }
            Err(_) => tracing::error!(
                "not ready: database and blobs gave no answer in {} seconds",
                LONGEST.as_secs()
            ),
        }
        let ready = matches!(found, Ok(Ok(())));
        *looked = Some((Instant::now(), ready));
        ready
    }
}

async fn metrics(State(watch): State<Arc<Watch>>) -> Response {
    let measures = match watch.app.measure().await {
        Ok(measures) => measures,
        Err(error) => return failed(&error),
    };
    let present = Present {
        under_way: watch.activity.under_way(),
        connections: watch.connections.total(),
    };
    match watch.metrics.text(present, &measures) {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => failed(&error),
    }
}

/// The operator signs in with name and password, or with an access token as either.
async fn guarded_metrics(
    State(watch): State<Arc<Watch>>,
    from: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
) -> Response {
    let from = from.map(|Extension(ClientAddress(from))| from);
    let actor = match who(&watch.app, &headers, from).await {
        Ok(actor) => actor,
        Err(error) => return refuse(&error),
    };
    match watch.app.may_measure(&actor).await {
        Ok(()) => metrics(State(watch)).await,
        Err(error) => refuse(&error),
    }
}

async fn who(app: &App, headers: &HeaderMap, from: Option<IpAddr>) -> Result<Actor, AppError> {
    let given = headers.get(header::AUTHORIZATION);
    let Some((scheme, value)) = given
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
    else {
        return Ok(Actor::anonymous());
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        return app.authenticate_bearer(value.trim()).await;
    }
    let decoded = STANDARD.decode(value.trim()).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((name, password)) => app.authenticate(name, password, from).await,
        None => Err(AppError::WrongPassword),
    }
}

fn refuse(error: &AppError) -> Response {
    let status = match error {
        AppError::Unauthenticated(_) | AppError::WrongPassword => StatusCode::UNAUTHORIZED,
        AppError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        AppError::Internal(_) => return failed(error),
        _ => StatusCode::FORBIDDEN,
    };
    let mut response = (status, format!("{error}\n")).into_response();
    let headers = response.headers_mut();
    match error {
        AppError::TooMany(_) => {
            let seconds = error.retry_after().unwrap_or(1);
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        _ if status == StatusCode::UNAUTHORIZED => {
            let challenge = HeaderValue::from_static("Basic realm=\"metrics\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        _ => {}
    }
    response
}

fn failed(error: &dyn std::error::Error) -> Response {
    tracing::error!(error = error.to_string(), "the metrics cannot be read");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
