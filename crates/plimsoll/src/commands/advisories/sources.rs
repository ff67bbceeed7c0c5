//! `plimsoll advisories sources`: the feeds that are known by name.

use advisory::feeds;
use clap::Args;
use serde_json::json;

use super::Context;
use crate::{
    cli::DataArgs,
    exit::Exit,
    failure::Failure,
    printer::{Cell, columns},
};

/// List the feeds that are known by name, and which are configured
///
/// A known feed needs only its name in `advisories.sources`. One that comes in several files is
/// configured once for each, with a name that goes on after a dot: `alpine.v3.20-main`,
/// `nvd.2024`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories sources
  PLIMSOLL_ADVISORIES_SOURCES=debian,kev,epss plimsoll advisories update")]
pub(crate) struct SourcesArgs {
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &SourcesArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.data.flags())?;
    let configured = config.sources();
    let is_configured = |known: &feeds::FeedSource| {
        let feed = |name: &str| feeds::source(name).map(|feed| feed.name);
        configured
            .iter()
            .any(|source| feed(&source.name) == Some(known.name))
    };
    if context.printer.is_json() {
        let known = feeds::SOURCES.iter().map(|known| {
            json!({
                "name": known.name,
                "format": known.format,
                "urls": known.urls,
                "licence": known.licence,
                "attribution": known.attribution,
                "configured": is_configured(known),
            })
        });
        let known: Vec<_> = known.collect();
        context
            .printer
            .json(&json!({ "schema_version": 1, "sources": known }))?;
        return Ok(Exit::Success);
    }
    let head = ["NAME", "USED", "HOLDS", "WHOSE", "LICENCE"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect()];
    for known in feeds::SOURCES {
        rows.push(vec![
            Cell::new(known.name),
            Cell::new(if is_configured(known) { "yes" } else { "-" }),
            Cell::new(&known.format.to_string()),
            Cell::new(known.attribution),
            Cell::new(known.licence),
        ]);
    }
    context.printer.out(&columns(&rows))?;
    Ok(Exit::Success)
}
