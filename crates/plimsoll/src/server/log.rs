//! Log lines, on standard error.

use tracing_subscriber::EnvFilter;

use crate::{config::Config, failure::Failure};

/// Starts logging as the configuration says.
///
/// # Errors
/// `log.level` is no level and no list of directives.
pub(crate) fn init(config: &Config, color: bool) -> Result<(), Failure> {
    let level = config.text("log.level").unwrap_or("info");
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Failure::usage(format!("`log.level`: `{level}` is no level"))
            .because(&error)
            .hint("use error, warn, info, debug or trace")
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(color);
    let started = match config.text("log.format") {
        Some("json") => lines.json().flatten_event(true).try_init(),
        _ => lines.try_init(),
    };
    started.map_err(|error| Failure::failed("cannot start logging").because(&*error))
}
