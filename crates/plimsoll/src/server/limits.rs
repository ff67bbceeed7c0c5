//! What one client may take of the server, as configured.

use std::time::Duration;

use crate::{config::Config, market_folder::limit};

/// Time without judging the rate: short bodies and slow starts are nobody's fault.
const UNJUDGED: Duration = Duration::from_secs(60);
/// HTTP itself is read up to so many times the limit, so that the answer can say what is wrong.
const ROOM_TO_ANSWER: usize = 4;
/// hyper reads so many headers without being told; telling it costs an allocation a request.
const HEADERS_UNASKED: usize = 100;
/// Whatever is configured, a request has no more.
const MOST_HEADERS: usize = 10_000;
/// Bytes of a body read at a time, at most: hyper's own three times as much would be gone from the
/// processor's cache when it is hashed, and each of many uploads holds several.
const READ_AT_ONCE: usize = 128 << 10;

/// Limits on connections, headers and bodies.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Connections at once.
    pub(super) connections: usize,
    /// Connections at once from one address.
    pub(super) connections_per_address: usize,
    /// Requests at once on one HTTP/2 connection.
    pub(super) streams: u32,
    /// Bytes of all headers of a request.
    pub(super) header_bytes: usize,
    /// Headers of a request.
    pub(super) header_count: usize,
    /// Bytes of path and query.
    pub(super) target_bytes: usize,
    /// Time for a handshake, for headers, and between requests.
    pub(super) header_time: Duration,
    /// Time without a byte of a body that is awaited, or of an answer taken.
    pub(super) idle_time: Duration,
    /// Bytes a second that a body must bring once its client was waited for for [`UNJUDGED`].
    pub(super) body_rate: u64,
}

impl Limits {
    /// Reads them.
    pub(super) fn of(config: &Config) -> Self {
        let bytes = |name| usize::try_from(config.bytes(name)).unwrap_or(usize::MAX);
        Self {
            connections: limit(config, "server.limits.connections"),
            connections_per_address: limit(config, "server.limits.connections_per_address"),
            streams: config.number("server.limits.streams_per_connection").max(1),
            header_bytes: bytes("server.limits.header_bytes"),
            header_count: limit(config, "server.limits.header_count"),
            target_bytes: bytes("server.limits.target_bytes"),
            header_time: config.duration("server.limits.header_time"),
            idle_time: config.duration("server.limits.idle_time"),
            body_rate: config.bytes("server.limits.body_rate"),
        }
    }

    /// Returns how long a body that brought so many bytes may have been waited for in all.
    pub(super) fn patience(&self, bytes: u64) -> Duration {
        match bytes.checked_div(self.body_rate) {
            Some(seconds) => UNJUDGED.saturating_add(Duration::from_secs(seconds)),
            None => Duration::MAX,
        }
    }

    /// Returns how HTTP/1.1 is spoken.
    pub(super) fn http1(&self) -> hyper::server::conn::http1::Builder {
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(hyper_util::rt::TokioTimer::new())
            .header_read_timeout(self.header_time)
            .max_header_size(self.most_read())
            .max_buf_size(self.most_read().max(READ_AT_ONCE));
        if self.header_count >= HEADERS_UNASKED {
            http.max_headers(self.header_count.saturating_mul(2).min(MOST_HEADERS));
        }
        http
    }

    /// Returns how HTTP/2 is spoken. hyper itself ends connections that reset streams in floods.
    pub(super) fn http2(
        &self,
    ) -> hyper::server::conn::http2::Builder<hyper_util::rt::TokioExecutor> {
        const STREAM_WINDOW: u32 = 1 << 20;
        const CONNECTION_WINDOW: u32 = 4 << 20;
        let mut http =
            hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
        http.timer(hyper_util::rt::TokioTimer::new())
            .max_concurrent_streams(self.streams)
            .max_header_list_size(u32::try_from(self.most_read()).unwrap_or(u32::MAX))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(self.idle_time)
            .keep_alive_timeout(self.header_time);
        http
    }

    fn most_read(&self) -> usize {
        self.header_bytes
            .saturating_add(self.target_bytes)
            .saturating_mul(ROOM_TO_ANSWER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Environment;

    #[test]
    fn a_body_is_waited_for_as_long_as_what_came_is_worth() {
        let of = |rate: &str| {
            let environment = Environment::of(&[("PLIMSOLL_SERVER_LIMITS_BODY_RATE", rate)]);
            Limits::of(&Config::load(None, environment, Vec::new()).expect("a configuration"))
        };
        assert_eq!(of("1KiB").patience(0), UNJUDGED);
        let after = of("1KiB").patience(10 << 10);
        assert_eq!(after, UNJUDGED + Duration::from_secs(10));
        assert_eq!(of("0").patience(0), Duration::MAX);
    }

    #[test]
    fn zero_stands_for_no_limit() {
        let environment = Environment::of(&[("PLIMSOLL_SERVER_LIMITS_CONNECTIONS", "0")]);
        let config = Config::load(None, environment, Vec::new()).expect("a configuration");
        assert_eq!(Limits::of(&config).connections, usize::MAX);
    }
}
