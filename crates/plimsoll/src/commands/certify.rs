//! `plimsoll certify`: the certification checks, as the marketplace runs them.

use std::fmt::Write as _;

use certify::{CHECKS, CheckResult, Evidence, Level, Report, Status};
use clap::{
    Args,
    builder::styling::{AnsiColor, Style},
};
use inventory::DiffId;
use serde_json::json;

use super::Context;
use crate::{
    exit::Exit,
    failure::Failure,
    image::{self, ImageArgs, Loaded},
    printer::{Printer, color, count, plain},
};

const EVIDENCE_SHOWN: usize = 10;

/// Run the certification checks over an image
///
/// The same checks that a submission goes through. What fails is shown with its evidence,
/// why it matters and what to do. An image passes when no check of level error fails.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll certify registry.example/team/app:1.4
  plimsoll certify --all --platform all oci:build/app

Ends with 0 when the image passes, with 1 when a check of level error fails.
docs/checks.md describes every check.")]
pub(crate) struct CertifyArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// Show passed checks and those that do not apply, too
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: &CertifyArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(Vec::new())?;
    let printer = context.printer;
    let loaded = image::load(&args.image, &config.environment, DiffId::Compute, printer)?;
    let tag = loaded.tag.as_deref();
    let reports: Vec<_> = loaded
        .platforms
        .iter()
        .map(|(_, content)| content.certify(tag, context.now()))
        .collect();
    let passes = reports.iter().all(|report| report.passes);
    if printer.is_json() {
        printer.json(&document(&loaded, &reports, passes))?;
    } else {
        let mut text = String::new();
        for ((digest, content), report) in loaded.platforms.iter().zip(&reports) {
            let _infallible = writeln!(text, "Target    {}", plain(&loaded.name));
            if let Some(digest) = digest {
                let _infallible = writeln!(text, "Digest    {digest}");
            }
            let _infallible = writeln!(text, "Platform  {}\n", plain(&content.platform));
            write_report(&mut text, report, args.all, printer);
        }
        printer.out(&text)?;
    }
    Ok(if passes {
        Exit::Success
    } else {
        Exit::Findings
    })
}

fn document(loaded: &Loaded, reports: &[Report], passes: bool) -> serde_json::Value {
    let images = loaded.platforms.iter().zip(reports);
    let images = images.map(|((digest, content), report)| {
        json!({
            "platform": content.platform,
            "digest": digest,
            "passes": report.passes,
            "summary": report.summary,
            "results": report.results,
        })
    });
    json!({
        "schema_version": 1,
        "target": loaded.name,
        "digest": loaded.digest,
        "passes": passes,
        "images": images.collect::<Vec<_>>(),
    })
}

fn write_report(text: &mut String, report: &Report, all: bool, printer: &Printer) {
    let mut failed: Vec<_> = report.results.iter().filter(|r| r.failed()).collect();
    failed.sort_by_key(|result| std::cmp::Reverse(result.level));
    for result in failed {
        write_failed(text, result, printer);
    }
    for result in report.results.iter().filter(|r| all && !r.failed()) {
        let word = match result.status {
            Status::NotApplicable => "n/a",
            _ => "passed",
        };
        let word = printer.paint(color(AnsiColor::Green), &format!("{word:8}"));
        let note = plain(&result.note);
        let _infallible = writeln!(text, "{word} {}: {note}", result.id);
    }
    if all && report.results.iter().any(|result| !result.failed()) {
        text.push('\n');
    }
    let summary = &report.summary;
    let verdict = if report.passes { "passes" } else { "fails" };
    let _infallible = writeln!(
        text,
        "The image {verdict}: {}, {}, {}; {} passed, {} not applicable",
        count(summary.errors, "error", "errors"),
        count(summary.warnings, "warning", "warnings"),
        count(summary.infos, "info", "infos"),
        summary.passed,
        summary.not_applicable,
    );
}

fn write_failed(text: &mut String, result: &CheckResult, printer: &Printer) {
    let word = printer.paint(style(result.level), &format!("{:8}", result.level.as_str()));
    let _infallible = writeln!(text, "{word} {} ({})", result.title, result.id);
    for evidence in result.evidence.iter().take(EVIDENCE_SHOWN) {
        let _infallible = writeln!(text, "         - {}", line(evidence));
    }
    let more = result.evidence.len().saturating_sub(EVIDENCE_SHOWN) + result.evidence_left_out;
    if more > 0 {
        let _infallible = writeln!(text, "         - and {more} more");
    }
    if let Some(check) = CHECKS.iter().find(|check| check.id == result.id) {
        let _infallible = writeln!(text, "         Why: {}", check.help);
    }
    let _infallible = writeln!(text, "         Do:  {}\n", result.suggestion);
}

fn line(evidence: &Evidence) -> String {
    let mut line = plain(&evidence.note);
    if let Some(path) = &evidence.path {
        line = format!("/{}: {line}", plain(path));
    }
    if let Some(history) = &evidence.history {
        line = format!("{line} [{}]", plain(history));
    }
    line
}

fn style(level: Level) -> Style {
    match level {
        Level::Error => color(AnsiColor::Red).bold(),
        Level::Warning => color(AnsiColor::Yellow).bold(),
        Level::Info => color(AnsiColor::Cyan),
    }
}
