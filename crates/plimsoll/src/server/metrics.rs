//! Numbers for Prometheus. Labels come from the table of routes, never from a path, so their
//! number is bounded.

use std::{fs, time::Duration};

use axum::http::{Method, StatusCode};
use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Seconds; from what memory answers to what a large layer takes.
const BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0,
];

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    durations: HistogramVec,
    received: IntCounterVec,
    sent: IntCounterVec,
    refused: IntCounterVec,
    under_way: IntGauge,
    connections: IntGauge,
    jobs: IntGaugeVec,
    uploads: IntGauge,
    trust_ends: IntGaugeVec,
    /// When each cosigned last, and how often it was asked in vain since.
    witnesses: [IntGaugeVec; 2],
    advisories: IntGauge,
    feeds: IntGaugeVec,
    webhook_requests: IntCounterVec,
    waiting_events: IntGauge,
    webhooks: IntGaugeVec,
    database: IntGaugeVec,
    memory: IntGauge,
    files: IntGauge,
}

/// What is asked for at the moment of reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    /// Requests under way.
    pub(super) under_way: usize,
    /// Connections open.
    pub(super) connections: usize,
}

impl Metrics {
    /// Makes them, all at zero.
    ///
    /// # Errors
    /// Never: names and labels are fixed.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let made = Maker(&registry);
        let by_route = &["route", "method"];
        let metrics = Self {
            durations: made.durations()?,
            received: made.counters(
                "plimsoll_http_request_bytes_total",
                "Bytes of request bodies received.",
                by_route,
            )?,
            sent: made.counters(
                "plimsoll_http_response_bytes_total",
                "Bytes of answers' bodies sent.",
                by_route,
            )?,
            refused: made.counters(
                "plimsoll_connections_refused_total",
                "Connections refused because too many were open: in all (server) or from one address.",
                &["reason"],
            )?,
            under_way: made.gauge("plimsoll_http_requests_in_flight", "Requests under way.")?,
            connections: made.gauge("plimsoll_connections_open", "Connections open.")?,
            jobs: made.gauges("plimsoll_jobs", "Jobs in the queue, by kind and state.", &["kind", "state"])?,
            uploads: made.gauge("plimsoll_uploads_open", "Uploads begun and not yet finished.")?,
            trust_ends: made.gauges(
                "plimsoll_trust_metadata_ends_timestamp_seconds",
                "When the first piece of trust metadata ends that clients come to, by its place (`released` or `staging`) and role, in seconds since 1970.",
                &["place", "role"],
            )?,
            witnesses: made.witnesses()?,
            advisories: made.gauge(
                "plimsoll_advisories_compiled_timestamp_seconds",
                "When the advisories in use were compiled, in seconds since 1970.",
            )?,
            feeds: made.gauges(
                "plimsoll_advisory_feed_failures",
                "Attempts to have a feed of advisories that failed since it was had last.",
                &["feed"],
            )?,
            webhook_requests: made.counters(
                "plimsoll_webhook_requests_total",
                "Requests to webhooks, by what became of them: delivered, refused or unanswered.",
                &["outcome"],
            )?,
            waiting_events: made.gauge(
                "plimsoll_webhook_deliveries_waiting",
                "Events that wait to be sent to a webhook, for the first time or again.",
            )?,
            webhooks: made.gauges(
                "plimsoll_webhooks",
                "Webhooks: those that work, that took nothing last (failing), and disabled ones.",
                &["state"],
            )?,
            database: made.gauges(
                "plimsoll_database_connections",
                "Connections to the database: in use, idle, and the most there may be.",
                &["state"],
            )?,
            memory: made.gauge(
                "process_resident_memory_bytes",
                "Bytes of memory the process occupies.",
            )?,
            files: made.gauge("process_open_fds", "Files and connections the process has open.")?,
            registry: registry.clone(),
        };
        let build = made.gauges(
            "plimsoll_build_info",
            "Always 1; the label says which version runs.",
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(metrics)
    }

    /// Counts an answer with the time to its head; one without a status was not taken to its end.
    pub(super) fn exchanged(
        &self,
        (method, route): (&Method, &str),
        answered: Option<(StatusCode, Duration)>,
        (received, sent): (u64, u64),
    ) {
        let method = word(method);
        let (class, took) = match answered {
            Some((status, took)) => (class(status), took),
            None => ("aborted", Duration::ZERO),
        };
        self.durations
            .with_label_values(&[route, method, class])
            .observe(took.as_secs_f64());
        for (counters, bytes) in [(&self.received, received), (&self.sent, sent)] {
            if bytes > 0 {
                counters.with_label_values(&[route, method]).inc_by(bytes);
            }
        }
    }

    /// Counts a connection that found no room.
    pub(super) fn connection_refused(&self, reason: &str) {
        self.refused.with_label_values(&[reason]).inc();
    }

    /// Counts a request to a webhook by what became of it.
    pub(super) fn webhook_called(&self, outcome: &str) {
        self.webhook_requests.with_label_values(&[outcome]).inc();
    }

    /// Writes everything in Prometheus' text format.
    ///
    /// # Errors
    /// Never: it is written to memory.
    pub(super) fn text(
        &self,
        present: Present,
        measures: &app::Measures,
    ) -> Result<String, prometheus::Error> {
        self.under_way.set(whole(present.under_way));
        self.connections.set(whole(present.connections));
        self.jobs.reset();
        for (kind, state, count) in &measures.jobs {
            let labels = [kind.as_str(), state.as_str()];
            self.jobs.with_label_values(&labels).set(*count);
        }
        self.uploads.set(measures.open_uploads);
        self.trust_ends.reset();
        for first in &measures.trust_ends {
            let labels = [first.place.as_str(), first.role.as_str()];
            let ends = first.ends.timestamp();
            self.trust_ends.with_label_values(&labels).set(ends);
        }
        let [cosigned, failures] = &self.witnesses;
        cosigned.reset();
        failures.reset();
        for witness in &measures.witnesses {
            let name = [witness.name.as_str()];
            cosigned.with_label_values(&name).set(witness.cosigned_at);
            failures.with_label_values(&name).set(witness.failures);
        }
        self.advisories.set(measures.advisories.timestamp());
        self.feeds.reset();
        for (feed, failures) in &measures.feed_failures {
            let failures = (*failures).into();
            self.feeds.with_label_values(&[feed.as_str()]).set(failures);
        }
        self.waiting_events.set(measures.waiting_events);
        for (state, count) in ["working", "failing", "disabled"]
            .iter()
            .zip(measures.webhooks)
        {
            self.webhooks.with_label_values(&[state]).set(count);
        }
        let pool = measures.database;
        for (state, count) in [
            ("used", pool.open.saturating_sub(pool.idle)),
            ("idle", pool.idle),
            ("most", pool.most),
        ] {
            self.database.with_label_values(&[state]).set(count.into());
        }
        let (memory, files) = process();
        self.memory.set(memory);
        self.files.set(files);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Makes metrics and registers them.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn durations(&self) -> Result<HistogramVec, prometheus::Error> {
        let options = HistogramOpts::new(
            "plimsoll_http_request_duration_seconds",
            "Time from a request's head to its answer's head, by route, method and class of status.",
        );
        let made = HistogramVec::new(
            options.buckets(BUCKETS.to_vec()),
            &["route", "method", "status"],
        )?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn witnesses(&self) -> Result<[IntGaugeVec; 2], prometheus::Error> {
        let cosigned = self.gauges(
            "plimsoll_log_witness_cosigned_timestamp_seconds",
            "When a witness cosigned the log's head last, by its own clock, in seconds since 1970; 0 for never.",
            &["witness"],
        )?;
        let failures = self.gauges(
            "plimsoll_log_witness_failures",
            "How often a witness was asked in vain since it cosigned the log's head last.",
            &["witness"],
        )?;
        Ok([cosigned, failures])
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        let made = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        let made = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        let made = IntGauge::new(name, help)?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }
}

/// Clients may make up methods; those are one.
fn word(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns resident bytes and open files, as Linux tells; zero where it does not.
fn process() -> (i64, i64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes: usize = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap_or_default();
    let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    (whole(kibibytes * 1024), whole(files))
}
