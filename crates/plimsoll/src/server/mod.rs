//! The server: router, headers and logging around the crates that know the protocols, the
//! workers, and the way it stops.

mod background;
pub(crate) mod keys;
mod log;
mod router;

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use app::App;
use axum::serve::ListenerExt as _;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::log::init as init_log;
use crate::failure::{Failure, OrFail};
use crate::market_folder::Market;

/// How long requests may take to end after the signal to stop.
const GRACE: Duration = Duration::from_secs(30);

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
/// The runtime cannot take the listener, or serving fails.
pub(crate) async fn serve(
    listener: StdListener,
    market: Market,
    workers: u32,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let background = background::start(&market, workers, &stop);
    let listener = TcpListener::from_std(listener).or_fail("cannot use the listener")?;
    // Answers are small and many: waiting to fill packets would only delay them.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let router = router::router(&market.app).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, router)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .into_future();
    let served = tokio::select! {
        served = server => served.or_fail("the server failed"),
        () = out_of_patience(&stop) => {
            tracing::warn!("some requests did not end in {} seconds", GRACE.as_secs());
            Ok(())
        }
    };
    stop.cancel();
    background.end().await;
    close(&market.app).await;
    served
}

async fn close(app: &Arc<App>) {
    app.close().await;
    tracing::info!("stopped");
}

async fn out_of_patience(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
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
        tracing::info!("stopping: requests may end, new ones are refused");
        token.cancel();
    });
    Ok(stop)
}
