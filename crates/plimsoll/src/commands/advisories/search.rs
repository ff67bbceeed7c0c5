//! `plimsoll advisories search`: names of vulnerabilities and packages that hold a word.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Context;
use crate::{
    advisory_file,
    cli::DataArgs,
    exit::Exit,
    failure::Failure,
    printer::{Cell, columns, plain},
};

/// Find vulnerabilities and packages by a part of their name
///
/// Looks at every id and alias, and at every package name, in any case.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories search CVE-2022-3743
  plimsoll advisories search openssl --limit 100")]
pub(crate) struct SearchArgs {
    /// Part of a name
    text: String,
    /// How many vulnerabilities, and how many packages, are listed at most
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// The compiled database
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &SearchArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.data.flags())?;
    let printer = context.printer;
    let file = args.advisories.as_deref();
    let advisories = advisory_file::open(file, &config, context.now(), printer)?;
    let found = advisories.database.search(&args.text, args.limit);
    let found = found.map_err(|error| advisory_file::failure(&error))?;
    if printer.is_json() {
        printer.json(&json!({ "schema_version": 1, "found": found }))?;
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for name in &found.vulnerabilities {
        text.push_str(&plain(name));
        text.push('\n');
    }
    let rows = found.packages.iter().map(|it| {
        vec![
            Cell::new(&plain(&it.ecosystem)),
            Cell::new(&plain(&it.package)),
            Cell::new(&it.advisories.to_string()),
        ]
    });
    let mut rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        let head = ["ECOSYSTEM", "PACKAGE", "ADVISORIES"];
        rows.insert(0, head.into_iter().map(Cell::new).collect());
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&columns(&rows));
    }
    if text.is_empty() {
        printer.note(&format!("nothing has `{}` in its name", plain(&args.text)));
    }
    if found.more {
        printer.note("there is more; --limit lists it");
    }
    printer.out(&text)?;
    Ok(Exit::Success)
}
