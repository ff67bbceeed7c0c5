//! A scan as a document for other programs and for readers elsewhere.

mod cyclonedx;
mod html;
mod junit;
mod markdown;
mod openvex;
mod sarif;

use app::scan::ScanFinding;
use chrono::{DateTime, Utc};
use clap::ValueEnum;

use super::{scan::Shown, scan_json, scan_text};
use crate::{failure::Failure, printer::Printer};

/// Kinds of reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Report {
    /// A table for people
    #[default]
    Table,
    /// Everything, in this program's own form; as --format json
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// CycloneDX 1.6: the bill of materials with its vulnerabilities
    Cyclonedx,
    /// OpenVEX 0.2.0: one statement for each finding, to be filled in
    Openvex,
    /// JUnit XML: one test for each package, failed where it has findings
    Junit,
    /// Markdown, for issues and pull requests
    Markdown,
    /// One HTML file with a plot
    Html,
}

/// Writes what is shown.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn write(
    report: Report,
    shown: &Shown<'_>,
    now: DateTime<Utc>,
    printer: &Printer,
) -> Result<(), Failure> {
    match report {
        Report::Table if printer.is_json() => printer.json(&scan_json::document(shown, now)),
        Report::Table => printer.out(&scan_text::document(shown, printer)),
        Report::Json => printer.json(&scan_json::document(shown, now)),
        Report::Sarif => printer.json(&sarif::document(shown)),
        Report::Junit => printer.out(&junit::document(shown)),
        Report::Markdown => printer.out(&markdown::document(shown)),
        Report::Html => printer.out(&html::document(shown, now)),
        Report::Cyclonedx | Report::Openvex => {
            for scan in &shown.scans {
                let document = match report {
                    Report::Cyclonedx => cyclonedx::document(shown, scan, now),
                    _ => openvex::document(shown, scan, now),
                };
                // Of several images one document a line.
                match shown.scans.len() {
                    1 => printer.json(&document)?,
                    _ => printer.json_line(&document)?,
                }
            }
            Ok(())
        }
    }
}

/// Returns class, CVSS word and score: `Critical (High 7.5)`.
fn rating(finding: &ScanFinding<'_>) -> String {
    let word = scan_text::severity(finding);
    match (&finding.score, word) {
        (Some(score), Some(word)) => format!("{} ({word} {})", finding.class.title(), score.score),
        _ => finding.class.title().to_owned(),
    }
}

/// Makes text safe within XML and HTML: markup is escaped, control characters are left out.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(character),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => {}
            other => safe.push(other),
        }
    }
    safe
}

/// Returns the first web address of a finding.
fn link<'a>(finding: &'a ScanFinding<'_>) -> Option<&'a str> {
    let urls = finding.matched.urls.iter();
    let mut urls = urls.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    urls.next().map(String::as_str)
}
