//! Log lines, on standard error, and the traces beside them.

use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::telemetry::Telemetry;
use crate::{
    config::Config,
    failure::{Failure, OrFail as _},
};

/// Starts logging, and traces where they are wanted, as the configuration says. Traces are
/// sent for as long as the result lives.
///
/// # Errors
/// `log.level` is no level and no list of directives.
pub(crate) fn init(config: &Config, color: bool) -> Result<Option<Telemetry>, Failure> {
    let level = config.text("log.level").unwrap_or("info");
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Failure::usage(format!("`log.level`: `{level}` is no level"))
            .because(&error)
            .hint("use error, warn, info, debug or trace")
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(color);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.text("log.format") {
        Some("json") => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            lines.with_filter(filter).boxed()
        }
        _ => lines.with_filter(filter).boxed(),
    };
    let telemetry = Telemetry::start(config);
    let mut layers = vec![lines];
    layers.extend(telemetry.as_ref().map(Telemetry::layer));
    let subscriber = tracing_subscriber::registry().with(layers);
    subscriber.try_init().or_fail("cannot start logging")?;
    Ok(telemetry)
}
