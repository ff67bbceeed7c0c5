//! One connection: HTTP/1.1 or HTTP/2 on anything that can be read and written.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use registry::Outlet;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::{self, Instant},
};

use super::{Server, exchange};

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1 and HTTP/1.0.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What happens on one connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    begun: AtomicUsize,
    ended: AtomicUsize,
    first: Notify,
    outlet: Option<Outlet>,
}

impl Connection {
    /// Returns where files can be sent from, if that can be done.
    pub(super) fn outlet(&self) -> Option<Outlet> {
        self.outlet.clone()
    }

    /// Notes that a request came.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.first.notify_one();
    }

    /// Notes that a request was answered, or given up.
    pub(super) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many requests came, where none is under way.
    fn at_rest(&self) -> Option<usize> {
        let ended = self.ended.load(Ordering::Relaxed);
        (self.begun.load(Ordering::Relaxed) == ended).then_some(ended)
    }

    async fn first_request(&self) {
        if self.begun.load(Ordering::Relaxed) == 0 {
            self.first.notified().await;
        }
    }
}

/// Answers what is asked on a connection, until either side ends it.
///
/// # Errors
/// The connection breaks, or what comes is not HTTP.
pub(super) async fn serve_connection<I>(
    server: Arc<Server>,
    io: I,
    protocol: Protocol,
    (peer, outlet): (SocketAddr, Option<Outlet>),
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = Arc::new(Connection {
        outlet,
        ..Connection::default()
    });
    let service = {
        let (server, connection) = (Arc::clone(&server), Arc::clone(&connection));
        service_fn(move |request: Request<Incoming>| {
            let (server, connection) = (Arc::clone(&server), Arc::clone(&connection));
            async move { Ok::<_, Infallible>(exchange::answer(server, connection, peer, request).await) }
        })
    };
    let io = TokioIo::new(io);
    match protocol {
        Protocol::Http1 => {
            let http = pin!(server.limits.http1().serve_connection(io, service));
            see_through(&server, &connection, http, |http| http.graceful_shutdown()).await?;
        }
        Protocol::Http2 => {
            let http = pin!(server.limits.http2().serve_connection(io, service));
            see_through(&server, &connection, http, |http| http.graceful_shutdown()).await?;
        }
    }
    Ok(())
}

/// Drives a connection to its end; bids it `farewell` when nothing is asked on it for long,
/// and when the server stops.
async fn see_through<C: Future<Output = hyper::Result<()>>>(
    server: &Server,
    connection: &Connection,
    mut http: Pin<&mut C>,
    farewell: fn(Pin<&mut C>),
) -> hyper::Result<()> {
    // What was only just opened gets its answer first, for that says why it is not wanted.
    let mut stopping = pin!(async {
        server.stop.cancelled().await;
        connection.first_request().await;
    });
    let rest = server.limits.header_time;
    let mut ticks = time::interval_at(Instant::now() + rest, rest);
    let (mut resting, mut ending) = (None, false);
    loop {
        tokio::select! {
            ended = http.as_mut() => return ended,
            () = &mut stopping, if !ending => {
                ending = true;
                farewell(http.as_mut());
            }
            _ = ticks.tick() => {
                let found = connection.at_rest();
                let rested = found.is_some() && found == resting;
                resting = found;
                match (rested, ending) {
                    (false, _) => {}
                    (true, false) => {
                        ending = true;
                        farewell(http.as_mut());
                    }
                    // It was asked and did not.
                    (true, true) => return Ok(()),
                }
            }
        }
    }
}
