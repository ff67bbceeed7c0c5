//! `plimsoll advisories status`: what the compiled advisories are made of, and how old they are.

use std::path::PathBuf;

use advisory::health::{self, SourceHealth};
use chrono::{DateTime, TimeDelta, Utc};
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

/// Say what the compiled advisories are made of, how old they are, and how each source fares
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The compiled database
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &StatusArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.data.flags())?;
    let now = context.now();
    let file = args.advisories.as_deref();
    let advisories = advisory_file::open(file, &config, now, context.printer)?;
    let meta = advisories.database.meta();
    let age = age(&meta.created_at, now);
    let health = advisories
        .file
        .as_deref()
        .map(health::load)
        .unwrap_or_default();
    if context.printer.is_json() {
        context.printer.json(&json!({
            "schema_version": 1,
            "file": advisories.file,
            "starter": advisories.file.is_none(),
            "age_seconds": age.map(|age| age.num_seconds()),
            "meta": meta,
            "health": health,
        }))?;
        return Ok(Exit::Success);
    }
    let place = advisories.file.as_ref();
    let days = age.map_or_else(String::new, |age| format!(" ({} days old)", age.num_days()));
    let row = |name: &str, value: &str| vec![Cell::new(name), Cell::new(value)];
    let mut text = columns(&[
        row(
            "File",
            &place.map_or_else(
                || "starter set".to_owned(),
                |file| file.display().to_string(),
            ),
        ),
        row("Version", &meta.version),
        row("Compiled", &format!("{}{days}", meta.created_at)),
        row("Advisories", &meta.records.to_string()),
        row("Packages", &meta.packages.to_string()),
        row("Ecosystems", &meta.ecosystems.join(", ")),
    ]);
    text.push('\n');
    let head = ["SOURCE", "FILES", "ADVISORIES", "MALFORMED", "NEWEST"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect()];
    for source in &meta.sources {
        rows.push(vec![
            Cell::new(&source.name),
            Cell::new(&source.files.to_string()),
            Cell::new(&source.records.to_string()),
            Cell::new(&source.malformed.to_string()),
            Cell::new(source.newest.as_deref().unwrap_or("-")),
        ]);
    }
    text.push_str(&columns(&rows));
    for source in &meta.sources {
        let mut problems = source.problems.iter().chain(&source.broken).peekable();
        if problems.peek().is_some() {
            text.push_str(&format!("\nNot read of {}:\n", source.name));
        }
        for problem in problems {
            let (place, reason) = (plain(&problem.place), plain(&problem.reason));
            text.push_str(&format!("  {place}: {reason}\n"));
        }
    }
    if !health.is_empty() {
        text.push('\n');
        text.push_str(&columns(&health_rows(&health, now)));
    }
    context.printer.out(&text)?;
    Ok(Exit::Success)
}

/// One line per source of the last update: when it was had, how often it failed since, and why.
fn health_rows(health: &[SourceHealth], now: DateTime<Utc>) -> Vec<Vec<Cell>> {
    let head = ["SOURCE", "LAST SUCCESS", "FAILURES", "ERROR"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect()];
    for source in health {
        let last = source.last_success.as_deref();
        let success = last.map_or_else(
            || "never".to_owned(),
            |last| match age(last, now) {
                Some(age) if age >= TimeDelta::zero() => {
                    format!("{} ({} h ago)", plain(last), age.num_hours())
                }
                _ => plain(last),
            },
        );
        rows.push(vec![
            Cell::new(&source.name),
            Cell::new(&success),
            Cell::new(&source.failures.to_string()),
            Cell::new(&plain(source.error.as_deref().unwrap_or("-"))),
        ]);
    }
    rows
}

fn age(created_at: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let created = DateTime::parse_from_rfc3339(created_at).ok()?;
    Some(now.signed_duration_since(created))
}
