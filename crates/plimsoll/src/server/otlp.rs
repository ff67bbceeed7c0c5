//! Spans on their way to a collector: OTLP over HTTP in its JSON encoding (OpenTelemetry
//! Protocol 1.x, "JSON Protobuf Encoding": identifiers in hexadecimal, 64-bit numbers as text).
//!
//! The public exporter brings protocol buffers and an HTTP client of its own; what is sent
//! here is one kind of message, and the program has both JSON and a client.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    Key, Value,
    trace::{SpanId, SpanKind, Status},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
use serde_json::{Value as Json, json};

/// How long a collector may take to accept a batch.
const LONGEST: Duration = Duration::from_secs(10);
/// What OTLP/HTTP adds to a base address for traces.
const TRACES: &str = "/v1/traces";

/// Sends spans to a collector.
pub(super) struct Exporter {
    agent: ureq::Agent,
    url: String,
    resource: Vec<Json>,
}

impl Exporter {
    /// Sends to the collector at a base address.
    pub(super) fn new(endpoint: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LONGEST))
            .max_redirects(0)
            .build();
        Self {
            agent: config.into(),
            url: format!("{}{TRACES}", endpoint.trim_end_matches('/')),
            resource: Vec::new(),
        }
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl SpanExporter for Exporter {
    /// Blocks, which keeps up only the thread that sends. What is not taken is lost: traces
    /// are worth less than the memory that hoarding them would take.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans: Vec<_> = batch.iter().map(span).collect();
        let message = json!({ "resourceSpans": [{
            "resource": { "attributes": self.resource },
            "scopeSpans": [{ "scope": { "name": "plimsoll" }, "spans": spans }],
        }] });
        let sent = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .send(message.to_string());
        sent.map(drop).map_err(|error| {
            tracing::debug!(%error, "a batch of traces was not taken");
            OTelSdkError::InternalFailure(error.to_string())
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource
            .iter()
            .map(|(key, value)| attribute(key, value))
            .collect();
    }
}

fn span(span: &SpanData) -> Json {
    let context = &span.span_context;
    let mut json = json!({
        "traceId": context.trace_id().to_string(),
        "spanId": context.span_id().to_string(),
        "flags": context.trace_flags().to_u8(),
        "name": span.name,
        "kind": kind(&span.span_kind),
        "startTimeUnixNano": nanos(span.start_time),
        "endTimeUnixNano": nanos(span.end_time),
        "attributes": span.attributes.iter().map(|pair| attribute(&pair.key, &pair.value)).collect::<Vec<_>>(),
        "status": status(&span.status),
    });
    if span.parent_span_id != SpanId::INVALID {
        json["parentSpanId"] = span.parent_span_id.to_string().into();
    }
    json
}

/// The numbers of `SpanKind` in opentelemetry/proto/trace/v1/trace.proto.
fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// The numbers of `StatusCode` in the same place.
fn status(status: &Status) -> Json {
    match status {
        Status::Unset => json!({}),
        Status::Ok => json!({ "code": 1 }),
        Status::Error { description } => json!({ "code": 2, "message": description }),
    }
}

fn nanos(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string()
}

fn attribute(key: &Key, value: &Value) -> Json {
    let value = match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::I64(value) => json!({ "intValue": value.to_string() }),
        Value::F64(value) => json!({ "doubleValue": value }),
        other => json!({ "stringValue": other.as_str() }),
    };
    json!({ "key": key.as_str(), "value": value })
}
