//! Takes connections: counts them, finds out what they speak, and hands them on.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use registry::Outlet;
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Server,
    connection::{Protocol, serve_connection},
    connections::Crowded,
    plain::Plain,
    refusal,
};

/// How long to rest when the system has no more connections to give.
const REST: Duration = Duration::from_millis(200);
/// Between two looks at a connection of which too little is seen to tell what it speaks.
const LOOK: Duration = Duration::from_millis(20);
/// So many refused clients are told why at one time; more are only cut off.
const MOST_TOLD: usize = 64;
/// How long a refused client may take to read that it is.
const TELL: Duration = Duration::from_secs(2);
/// What HTTP/2 without TLS begins with (RFC 9113, section 3.4); no method begins with these.
const HTTP2_PREFACE: &[u8] = b"PRI ";
/// What TLS begins with: the content type of a handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

static TOLD: Semaphore = Semaphore::const_new(MOST_TOLD);

/// Takes connections until the server closes.
pub(super) async fn accept(server: Arc<Server>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = server.close.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => take(&server, stream, peer, tls.as_ref()),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "no connection can be taken; trying again"
                );
                time::sleep(REST).await;
            }
        }
    }
}

/// Clients may go away before they are taken.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

fn take(server: &Arc<Server>, stream: TcpStream, peer: SocketAddr, tls: Option<&TlsAcceptor>) {
    let limits = &server.limits;
    let admitted = server.connections.admit(
        peer.ip(),
        limits.connections,
        limits.connections_per_address,
    );
    let admission = match admitted {
        Ok(admission) => admission,
        Err(crowded) => return turn_away(server, stream, peer, crowded, tls.is_some()),
    };
    set_up(&stream, limits.idle_time);
    let (server, tls) = (Arc::clone(server), tls.cloned());
    let close = server.close.clone();
    server.tasks.clone().spawn(async move {
        let served = close.run_until_cancelled(speak(server, stream, peer, tls));
        if let Some(Err(error)) = served.await {
            // Clients come and go as they like; this is for whoever looks for a fault.
            tracing::debug!(client.address = %peer.ip(), error = &*error, "a connection ended");
        }
        drop(admission);
    });
}

/// Answers are small and many: waiting to fill packets would only delay them. A client that
/// takes nothing of what was sent is given up by the system.
fn set_up(stream: &TcpStream, idle: Duration) {
    let idle = u32::try_from(idle.as_millis()).unwrap_or(u32::MAX);
    let set = stream
        .set_nodelay(true)
        .and_then(|()| Ok(set_tcp_user_timeout(stream, idle)?));
    if let Err(error) = set {
        tracing::debug!(%error, "a connection's options cannot be set");
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

async fn speak(
    server: Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
) -> Result<(), AnyError> {
    let time = server.limits.header_time;
    let Some(tls) = tls else {
        let protocol = match time::timeout(time, first_bytes(&stream)).await?? {
            Start::Http2 => Protocol::Http2,
            Start::Other => Protocol::Http1,
            Start::Tls => {
                // docker tries TLS first, and goes on without only after an answer in HTTP.
                tell(stream, refusal::SPEAKS_NO_TLS).await?;
                return Err("the client speaks TLS, the server does not".into());
            }
        };
        return match protocol {
            Protocol::Http1 => {
                let outlet = Outlet::default();
                let plain = Plain::new(stream, outlet.clone());
                serve_connection(server, plain, protocol, (peer, Some(outlet))).await
            }
            Protocol::Http2 => serve_connection(server, stream, protocol, (peer, None)).await,
        };
    };
    let handshake = async {
        if first_bytes(&stream).await? != Start::Tls {
            tell(stream, refusal::NEEDS_TLS).await?;
            return Err(io::Error::other("the client does not speak TLS"));
        }
        tls.accept(stream).await
    };
    let stream = time::timeout(time, handshake).await??;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    serve_connection(server, stream, protocol, (peer, None)).await
}

/// What a connection begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Tls,
    Http2,
    Other,
}

/// Looks at the first bytes and leaves them where they are.
async fn first_bytes(stream: &TcpStream) -> io::Result<Start> {
    let mut bytes = [0; HTTP2_PREFACE.len()];
    loop {
        let seen = stream.peek(&mut bytes).await?;
        match &bytes[..seen] {
            [] => return Err(io::ErrorKind::UnexpectedEof.into()),
            [TLS_HANDSHAKE, ..] => return Ok(Start::Tls),
            start if start == HTTP2_PREFACE => return Ok(Start::Http2),
            start if HTTP2_PREFACE.starts_with(start) => time::sleep(LOOK).await,
            _ => return Ok(Start::Other),
        }
    }
}

/// Says one thing on a connection and closes it.
async fn tell(mut stream: TcpStream, words: &[u8]) -> io::Result<()> {
    let told = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        // Closing with bytes unread would take the answer away from the client.
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    time::timeout(TELL, told).await?
}

/// Tells a client that there is no room; over TLS a handshake would cost more than it is worth.
fn turn_away(
    server: &Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
    crowded: Crowded,
    tls: bool,
) {
    server.metrics.connection_refused(crowded.as_str());
    if server.connections.is_worth_telling() {
        tracing::warn!(
            client.address = %peer.ip(),
            reason = crowded.as_str(),
            "connections are refused, as too many are open"
        );
    }
    let Ok(permit) = TOLD.try_acquire() else {
        return;
    };
    if tls {
        return;
    }
    server.tasks.spawn(async move {
        // Whether the client heard it is its own affair.
        drop(tell(stream, refusal::crowded(crowded).as_bytes()).await);
        drop(permit);
    });
}
