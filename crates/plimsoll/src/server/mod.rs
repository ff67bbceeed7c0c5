//! The server: connections, limits, logging and numbers around the crates that know the
//! protocols; the workers; and the way it stops.

mod accept;
mod activity;
mod background;
mod body;
mod client_address;
mod connection;
mod connections;
mod domains;
mod exchange;
mod key_files;
pub(crate) mod keys;
mod limits;
mod log;
mod mail;
mod metrics;
mod otlp;
mod outgoing;
pub(crate) mod passphrase;
mod plain;
mod refusal;
mod router;
mod telemetry;
mod tls;
mod token;
mod watch;
mod webhooks;
mod witnesses;

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use app::App;
use axum::Router;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    activity::Activity, background::Errands, connections::Connections, limits::Limits,
    metrics::Metrics, watch::Watch,
};
pub(crate) use self::{log::init as init_log, tls::Tls};
use crate::{
    config::Config,
    failure::{Failure, OrFail},
    market_folder::Market,
};

/// How long requests may take to end in good order after they were broken off.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long clients may take to see that their connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all connections share.
pub(crate) struct Server {
    app: Arc<App>,
    router: Router,
    proxies: Arc<[IpNet]>,
    limits: Limits,
    metrics: Arc<Metrics>,
    activity: Arc<Activity>,
    connections: Arc<Connections>,
    /// Nothing new is begun.
    stop: CancellationToken,
    /// Bodies still on their way in are broken off.
    cut: CancellationToken,
    /// Connections are dropped.
    close: CancellationToken,
    tasks: TaskTracker,
}

/// What the server listens on.
pub(crate) struct Doors {
    /// For the world.
    pub(crate) main: StdListener,
    /// For whoever watches.
    pub(crate) metrics: Option<StdListener>,
    /// What the main one speaks beneath HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
}

/// Takes the port, before anything else is made.
///
/// # Errors
/// The address is unknown, in use or not allowed.
pub(crate) fn bind(address: &str) -> Result<StdListener, Failure> {
    let what = || format!("cannot listen on {address}");
    let resolved: Vec<SocketAddr> = address.to_socket_addrs().or_fail(what())?.collect();
    let listener = StdListener::bind(resolved.as_slice()).map_err(|error| {
        let failure = Failure::failed(what()).because(&error);
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.hint("another program has the port: choose another with --listen")
            }
            io::ErrorKind::PermissionDenied => {
                failure.hint("ports below 1024 need privileges: choose another with --listen")
            }
            io::ErrorKind::AddrNotAvailable => {
                failure.hint("this machine has no such address; 0.0.0.0 stands for all of them")
            }
            _ => failure,
        }
    })?;
    listener.set_nonblocking(true).or_fail(what())?;
    Ok(listener)
}

/// Serves until `stop`, then ends requests and jobs in good order.
///
/// # Errors
/// The runtime cannot take a listener.
pub(crate) async fn serve(
    doors: Doors,
    market: Market,
    config: &Config,
    stop: CancellationToken,
) -> Result<(), Failure> {
    raise_file_limit();
    let listener = TcpListener::from_std(doors.main).or_fail("cannot use the listener")?;
    let metrics = Arc::new(Metrics::new().or_fail("cannot make the metrics")?);
    let post = mail::Post::open(config)?;
    let errands = Errands {
        post,
        caller: webhooks::Caller::new(config.webhook_networks(), Arc::clone(&metrics)),
        lookout: domains::Lookout::new(config.dns_server())?,
        petitioner: witnesses::Petitioner::new(config.witness_networks()),
    };
    let workers = (config.workers(), config.number("imports.workers"));
    let background = background::start(&market, errands, workers, &stop);
    let (server, watch) = put_together(&market, config, metrics, &stop)?;
    let tls = doors.tls.as_ref().map(Tls::acceptor).transpose()?;
    if let Some(tls) = doors.tls {
        tokio::spawn(tls.follow(stop.clone()));
    }
    if let Some(metrics) = doors.metrics {
        show_metrics(metrics, watch, server.close.clone())?;
    }
    let accepting = tokio::spawn(accept::accept(Arc::clone(&server), listener, tls));
    stop.cancelled().await;
    end(&server, config.duration("server.shutdown_grace")).await;
    accepting.await.or_fail("the server failed")?;
    background.end().await;
    market.app.close().await;
    tracing::info!("stopped");
    Ok(())
}

fn put_together(
    market: &Market,
    config: &Config,
    metrics: Arc<Metrics>,
    stop: &CancellationToken,
) -> Result<(Arc<Server>, Arc<Watch>), Failure> {
    let (activity, connections) = (Arc::default(), Arc::default());
    let watch = Arc::new(Watch {
        app: Arc::clone(&market.app),
        metrics: Arc::clone(&metrics),
        activity: Arc::clone(&activity),
        connections: Arc::clone(&connections),
        stop: stop.clone(),
        looked: tokio::sync::Mutex::default(),
    });
    let routes = Router::new()
        .merge(web::router(Arc::clone(&market.app)))
        .merge(watch::guarded(Arc::clone(&watch)));
    let server = Server {
        app: Arc::clone(&market.app),
        router: router::router(routes),
        proxies: Arc::clone(&market.trusted_proxies),
        limits: Limits::of(config),
        metrics,
        activity,
        connections,
        stop: stop.clone(),
        cut: CancellationToken::new(),
        close: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    Ok((Arc::new(server), watch))
}

fn show_metrics(
    listener: StdListener,
    watch: Arc<Watch>,
    close: CancellationToken,
) -> Result<(), Failure> {
    let listener = TcpListener::from_std(listener).or_fail("cannot use the metrics' listener")?;
    let served = axum::serve(listener, watch::open(watch))
        .with_graceful_shutdown(close.cancelled_owned())
        .into_future();
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no metrics any more"
            );
        }
    });
    Ok(())
}

/// Lets what is under way end; then breaks it off, which leaves uploads where they can go on.
async fn end(server: &Server, grace: Duration) {
    if time::timeout(grace, server.activity.at_rest())
        .await
        .is_err()
    {
        let left = server.activity.under_way();
        tracing::warn!(
            requests = left,
            "some requests did not end in {} seconds; uploads among them can be resumed",
            grace.as_secs()
        );
        server.cut.cancel();
        // What does not end now is dropped.
        drop(time::timeout(LAST_WORDS, server.activity.at_rest()).await);
    }
    server.tasks.close();
    drop(time::timeout(FAREWELL, server.tasks.wait()).await);
    server.close.cancel();
    server.tasks.wait().await;
}

/// Every connection and every blob on its way takes one; the usual limit is from another time.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// Returns what SIGTERM and SIGINT cancel. From here on they no longer end the process.
///
/// # Errors
/// The system does not let signals be handled.
pub(crate) fn stop_on_signal() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    let handle = |kind| signal(kind).or_fail("cannot handle signals");
    let mut terminate = handle(SignalKind::terminate())?;
    let mut interrupt = handle(SignalKind::interrupt())?;
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests and uploads may end, new ones are refused");
        token.cancel();
    });
    Ok(stop)
}
