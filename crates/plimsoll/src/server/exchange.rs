//! One request and its answer, around the routes: names it, keeps limits, counts what goes
//! in and out, and says it all in one log line once the answer is on its way.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use app::ClientAddress;
use axum::{
    body::{Body, HttpBody as _},
    extract::MatchedPath,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header,
        request::Parts,
    },
};
use hyper::{Request, body::Incoming};
use tower_service::Service as _;
use tracing::{Instrument as _, Level, Span, field::Empty};

use super::{
    Server,
    body::{Intake, Received, Record, Sent},
    client_address,
    connection::Connection,
    refusal::Refusal,
    router, telemetry,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What asks for these comes from machines that watch, every few seconds.
const WATCHING: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Answers a request.
pub(super) async fn answer(
    server: Arc<Server>,
    connection: Arc<Connection>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<Sent<Exchange>> {
    let (mut parts, body) = request.into_parts();
    let body = Received::new(body, &server.limits, server.cut.clone());
    let intake = body.intake();
    let (id, version) = (request_id(&parts.headers), parts.version);
    parts.headers.insert(REQUEST_ID, id.clone());
    let client = client_address::find(peer.ip(), &parts.headers, &server.proxies);
    parts.extensions.insert(ClientAddress(client));
    if let Some(outlet) = connection.outlet() {
        parts.extensions.insert(outlet);
    }
    let exchange = Exchange::begin(
        (&server, connection),
        peer,
        &parts,
        (id, Arc::clone(&intake)),
    );
    let response = match refuse(&server, &parts) {
        Some(refusal) => refusal.answer(&exchange.path),
        None => {
            let span = exchange.span.clone();
            let body = match body.is_end_stream() {
                true => Body::empty(),
                false => Body::new(body),
            };
            let request = Request::from_parts(parts, body);
            serve(&server, request).instrument(span).await
        }
    };
    let mut response = match intake.broken() {
        Some(broken) if !response.status().is_success() => {
            instead(response, Refusal::broken(broken).answer(&exchange.path))
        }
        _ => response,
    };
    if version == Version::HTTP_2 {
        // It has a frame for that instead (RFC 9113, section 8.2.2).
        response.headers_mut().remove(header::CONNECTION);
    }
    exchange.answered(response)
}

async fn serve(server: &Server, request: Request<Body>) -> Response<Body> {
    if registry::serves(request.uri().path()) {
        return registry::serve(&server.app, request).await;
    }
    let mut router = server.router.clone();
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// While the server stops, uploads may be finished and nothing else is begun.
fn refuse(server: &Server, parts: &Parts) -> Option<Refusal> {
    if let Some(refusal) = Refusal::head(parts, &server.limits) {
        return Some(refusal);
    }
    if !server.stop.is_cancelled() {
        return None;
    }
    let path = parts.uri.path();
    let goes_on = WATCHING.contains(&path) || registry::continues_upload(&parts.method, path);
    (!goes_on).then(Refusal::stopping)
}

/// Says why a body was broken off, and keeps where an upload goes on.
fn instead(mut answer: Response<Body>, refusal: Response<Body>) -> Response<Body> {
    let (parts, body) = refusal.into_parts();
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    answer.headers_mut().extend(parts.headers);
    *answer.status_mut() = parts.status;
    *answer.body_mut() = body;
    answer
}

fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(&REQUEST_ID).filter(|id| is_sane(id)).cloned();
    given.unwrap_or_else(new_request_id)
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

/// What is known of a request; it is logged and counted when this is dropped, with the last
/// byte of the answer on its way or the client gone.
pub(super) struct Exchange {
    server: Arc<Server>,
    connection: Arc<Connection>,
    client: SocketAddr,
    span: Span,
    id: HeaderValue,
    method: Method,
    path: String,
    begun: Instant,
    intake: Arc<Intake>,
    answered: Option<(StatusCode, Duration)>,
    route: Route,
    sent: u64,
    complete: bool,
    /// What the answer takes of the account's share.
    held: Option<registry::Held>,
}

/// What was asked for, of a bounded number of things.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// An action of the registry.
    Registry(&'static str),
    /// A route's template.
    Matched(MatchedPath),
    /// Nothing that is served.
    Unknown,
}

impl Route {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Registry(name) => name,
            Self::Matched(path) => path.as_str(),
            Self::Unknown => "none",
        }
    }
}

/// What is logged on the way bears the request's id. The names are OpenTelemetry's.
fn span(id: &HeaderValue, parts: &Parts) -> Span {
    let span = tracing::info_span!(
        "request",
        request.id = id.to_str().unwrap_or_default(),
        http.request.method = parts.method.as_str(),
        url.path = web::loggable(parts.uri.path()).as_ref(),
        http.route = Empty,
        http.response.status_code = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
    );
    telemetry::follow(&span, &parts.headers);
    span
}

impl Exchange {
    fn begin(
        (server, connection): (&Arc<Server>, Arc<Connection>),
        client: SocketAddr,
        parts: &Parts,
        (id, intake): (HeaderValue, Arc<Intake>),
    ) -> Self {
        connection.begin();
        server.activity.begin();
        Self {
            server: Arc::clone(server),
            connection,
            client,
            span: span(&id, parts),
            id,
            method: parts.method.clone(),
            // The path only: queries may carry secrets.
            path: web::loggable(parts.uri.path()).into_owned(),
            begun: Instant::now(),
            intake,
            answered: None,
            route: Route::Unknown,
            sent: 0,
            complete: false,
            held: None,
        }
    }

    fn answered(mut self, mut response: Response<Body>) -> Response<Sent<Self>> {
        self.answered = Some((response.status(), self.begun.elapsed()));
        let extensions = response.extensions_mut();
        self.held = extensions.remove();
        self.route = match (extensions.remove(), extensions.remove()) {
            (Some(registry::ActionName(name)), _) => Route::Registry(name),
            (None, Some(matched)) => Route::Matched(matched),
            (None, None) => Route::Unknown,
        };
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id.clone());
        router::complete(headers);
        response.map(|body| Sent::new(body, self))
    }

    /// Writes the one line, outside of the span, whose fields it has itself.
    #[expect(
        clippy::cognitive_complexity,
        reason = "three times the same macro, for a level must be a constant"
    )]
    fn log(&self) {
        let status = self.answered.map(|(status, _)| status.as_u16());
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    parent: None,
                    $level,
                    request.id = self.id.to_str().unwrap_or_default(),
                    http.request.method = self.method.as_str(),
                    http.route = self.route.as_str(),
                    url.path = self.path,
                    http.response.status_code = status,
                    duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                    http.request.body.size = self.intake.bytes(),
                    http.response.body.size = self.sent,
                    client.address = %self.client.ip(),
                    "{}",
                    if self.complete { "answered" } else { "the client went away" }
                )
            };
        }
        match status {
            Some(500..) => line!(Level::WARN),
            _ if WATCHING.contains(&self.path.as_str()) => line!(Level::DEBUG),
            _ => line!(Level::INFO),
        }
    }

    fn trace(&self) {
        let Some((status, _)) = self.answered.filter(|_| !self.span.is_disabled()) else {
            return;
        };
        let route = self.route.as_str();
        self.span.record("http.route", route);
        self.span
            .record("http.response.status_code", i64::from(status.as_u16()));
        telemetry::name(&self.span, format!("{} {route}", self.method));
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl Record for Exchange {
    fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    fn complete(&mut self) {
        self.complete = true;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // A client that knows the length needs not wait for the end; an answer to HEAD has none.
        self.complete |= self.method == Method::HEAD && self.answered.is_some();
        self.log();
        self.trace();
        self.server.metrics.exchanged(
            (&self.method, self.route.as_str()),
            self.answered.filter(|_| self.complete),
            (self.intake.bytes(), self.sent),
        );
        drop(self.held.take());
        self.connection.end();
        let upload = registry::continues_upload(&self.method, &self.path);
        self.server.activity.end(upload);
    }
}
