//! Traces for OpenTelemetry, where an endpoint is configured: one span a request, sent in
//! batches by a thread of its own.

use axum::http::HeaderMap;
use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, Registry, filter::Targets};

use super::otlp::Exporter;
use crate::config::Config;

/// The spans that are sent: those of requests.
const REQUESTS: &str = "plimsoll::server::exchange";

/// Sends traces for as long as it lives, and at its end what is left.
pub(crate) struct Telemetry(SdkTracerProvider);

impl Telemetry {
    /// Starts sending, where the configuration says where to.
    pub(super) fn start(config: &Config) -> Option<Self> {
        let endpoint = config.text("telemetry.otlp_endpoint")?;
        let share = f64::from(config.number("telemetry.sample_percent").min(100)) / 100.0;
        // Whoever calls has decided already, where it says so.
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)));
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder()
            .with_service_name("plimsoll")
            .with_attribute(version);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Exporter::new(endpoint))
            .with_sampler(sampler)
            .with_resource(resource.build());
        Some(Self(provider.build()))
    }

    /// Returns what takes the spans.
    pub(super) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("plimsoll"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        let requests = Targets::new().with_target(REQUESTS, tracing::Level::INFO);
        layer.with_filter(requests).boxed()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces cannot be sent");
        }
    }
}

/// Makes `span` part of the trace that the client is in (W3C Trace Context).
pub(super) fn follow(span: &Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        let context = TraceContextPropagator::new().extract(&Headers(headers));
        // Without traces there is nothing that could have a parent.
        drop(span.set_parent(context));
    }
}

/// Names the span, which is known only when the request was understood.
pub(super) fn name(span: &Span, name: String) {
    span.context().span().update_name(name);
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
