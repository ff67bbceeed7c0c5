//! `plimsoll advisories show`: one vulnerability, merged, with what each source says.

use std::{fmt::Write as _, path::PathBuf};

use advisory::{
    database::{Exploitation, Statement, Vulnerability},
    record::{Affected, Event, SeverityEntry},
    score::preferred_score,
};
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

/// Packages listed for each source unless --all is given.
const PACKAGES_SHOWN: usize = 20;

/// Show one vulnerability: every source's statement, ratings, exploitation
///
/// ID is a CVE or any other name a source gives it (GHSA-…, DSA-…, RUSTSEC-…). Records that
/// name each other as aliases are one vulnerability; each source's own statement is kept.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories show CVE-2022-37434
  plimsoll advisories show GHSA-jfh8-c2jp-5v3q --format json

Ends with 2 where no source knows the name.")]
pub(crate) struct ShowArgs {
    /// CVE, GHSA, DSA or any other name of it
    id: String,
    /// List every package
    #[arg(long)]
    all: bool,
    /// The compiled database
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &ShowArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.data.flags())?;
    let file = args.advisories.as_deref();
    let advisories = advisory_file::open(file, &config, context.now(), context.printer)?;
    let database = &advisories.database;
    let found = database
        .vulnerability(&args.id)
        .map_err(|error| advisory_file::failure(&error))?;
    let Some(found) = found else {
        return Err(
            Failure::usage(format!("no source knows `{}`", plain(&args.id))).hint(
                "names are written as their source does; find them with `plimsoll advisories search`",
            ),
        );
    };
    if context.printer.is_json() {
        context.printer.json(&json!({
            "schema_version": 1,
            "database": database.meta().version,
            "score": preferred_score(&found.severities),
            "vulnerability": found,
        }))?;
        return Ok(Exit::Success);
    }
    let most = if args.all { usize::MAX } else { PACKAGES_SHOWN };
    context.printer.out(&text(&found, most))?;
    Ok(Exit::Success)
}

fn text(found: &Vulnerability, most: usize) -> String {
    let mut text = format!("{}  {}\n\n", plain(&found.id), plain(&found.summary));
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![Cell::new(name), Cell::new(&value)]);
        }
    };
    row("Aliases", plain(&found.aliases.join(", ")));
    if let Some(score) = preferred_score(&found.severities) {
        let of = plain(&score.source);
        row(
            "Score",
            format!("{} {} ({of})", score.score, score.score.severity()),
        );
    }
    for line in exploitation(&found.exploitation) {
        row(line.0, line.1);
    }
    row(
        "Published",
        found.published.as_deref().map(plain).unwrap_or_default(),
    );
    row(
        "Modified",
        found.modified.as_deref().map(plain).unwrap_or_default(),
    );
    row("Weaknesses", plain(&found.weaknesses.join(", ")));
    text.push_str(&columns(&rows));
    if !found.severities.is_empty() {
        let ratings = found.severities.iter().map(rating);
        text.push('\n');
        text.push_str(&columns(&ratings.collect::<Vec<_>>()));
    }
    for statement in &found.statements {
        text.push('\n');
        write_statement(&mut text, statement, most);
    }
    if let Some(link) = found.references.first() {
        let more = found.references.len() - 1;
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let _always = write!(text, "\nReferences: {}{more}\n", plain(&link.url));
    }
    text
}

fn exploitation(known: &Exploitation) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(kev) = &known.kev {
        let due = kev
            .due
            .as_deref()
            .map_or_else(String::new, |due| format!(", due {due}"));
        let ransomware = if kev.ransomware {
            ", used by ransomware"
        } else {
            ""
        };
        lines.push((
            "Exploited",
            plain(&format!("since {}{due}{ransomware} (CISA KEV)", kev.added)),
        ));
    }
    if let Some(epss) = &known.epss {
        let (score, above) = (epss.score * 100.0, epss.percentile * 100.0);
        let date = plain(&epss.date);
        lines.push((
            "EPSS",
            format!("{score:.2} % in 30 days, above {above:.1} % of all ({date})"),
        ));
    }
    if let Some(ssvc) = &known.ssvc {
        let words = format!(
            "exploitation {}, automatable {}, impact {}",
            ssvc.exploitation, ssvc.automatable, ssvc.technical_impact
        );
        lines.push(("SSVC", plain(&words)));
    }
    lines
}

fn rating(entry: &SeverityEntry) -> Vec<Cell> {
    let score = entry
        .vector
        .as_deref()
        .and_then(|vector| advisory::cvss::Vector::parse(vector).ok())
        .map(|vector| vector.base_score())
        .or(entry.score);
    let score = score.map_or_else(|| "-".to_owned(), |score| score.to_string());
    let word = entry
        .label
        .clone()
        .or(entry.word.map(|word| word.to_string()));
    let said = entry.vector.clone().or(word).unwrap_or_default();
    let cells = [plain(&entry.source), score, plain(&said)];
    cells.iter().map(|cell| Cell::new(cell)).collect()
}

fn write_statement(text: &mut String, statement: &Statement, most: usize) {
    let _always = write!(
        text,
        "{}: {}",
        plain(&statement.source),
        plain(&statement.advisory)
    );
    if let Some(word) = &statement.informational {
        let _always = write!(text, " (informational: {})", plain(word));
    }
    if let Some(date) = &statement.withdrawn {
        let why = statement
            .withdrawn_reason
            .as_deref()
            .unwrap_or("no reason given");
        let _always = write!(text, " (withdrawn {}: {})", plain(date), plain(why));
    }
    text.push('\n');
    let shown = statement.affected.iter().take(most);
    let rows: Vec<_> = shown.map(package).collect();
    for line in columns(&rows).lines() {
        let _always = writeln!(text, "  {line}");
    }
    let rest = statement.affected.len().saturating_sub(most);
    if rest > 0 {
        let _always = writeln!(text, "  … and {rest} more; --all lists them");
    }
}

fn package(affected: &Affected) -> Vec<Cell> {
    let mut said = vec![
        affected
            .status_word
            .as_deref()
            .unwrap_or(affected.status.as_str())
            .to_owned(),
    ];
    let events = affected.ranges.iter().flat_map(|range| &range.events);
    said.extend(events.filter_map(|event| match event {
        Event::Introduced(version) if version != "0" => Some(format!("from {version}")),
        Event::Introduced(_) => None,
        Event::Fixed(version) => Some(format!("fixed in {version}")),
        Event::LastAffected(version) => Some(format!("up to {version}")),
        Event::Limit(version) => Some(format!("before {version}")),
    }));
    said.extend(
        affected
            .qualifiers
            .module
            .iter()
            .map(|module| format!("module {module}")),
    );
    said.extend(affected.reason.clone());
    let cells = [
        plain(&affected.ecosystem),
        plain(&affected.package),
        plain(&said.join(", ")),
    ];
    cells.iter().map(|cell| Cell::new(cell)).collect()
}
