//! Markdown with tables, as forges show it.

use std::fmt::Write as _;

use app::scan::ScanFinding;

use super::{link, rating};
use crate::commands::{
    scan::{Scan, Shown},
    scan_text::{self, CLASSES, stated},
};

pub(super) fn document(shown: &Shown<'_>) -> String {
    let mut text = String::new();
    for scan in &shown.scans {
        section(&mut text, shown, scan);
    }
    text
}

fn section(text: &mut String, shown: &Shown<'_>, scan: &Scan<'_>) {
    let counts = CLASSES.map(|class| format!("{} {}", scan.count(class), class.title()));
    let meta = shown.advisories.database.meta();
    let _infallible = writeln!(
        text,
        "## Vulnerabilities of {}\n\n{}, {} packages, advisories of {}.\n\n**{}**\n",
        plain(&shown.image.name),
        plain(&scan.content.platform),
        scan.inventory().components.len(),
        meta.created_at,
        counts.join(", "),
    );
    let findings = &scan.result.findings;
    if !findings.is_empty() {
        text.push_str("| Package | Installed | Fixed | Vulnerability | Class (CVSS) | Status | Title |\n|---|---|---|---|---|---|---|\n");
    }
    for finding in findings {
        row(text, finding);
    }
    if !findings.is_empty() {
        text.push('\n');
    }
    let closed = scan.result.closed.iter();
    for said in closed.filter_map(|finding| stated(finding, plain)) {
        let _infallible = writeln!(text, "* {said}.");
    }
    for uncovered in &scan.result.uncovered {
        let _infallible = writeln!(
            text,
            "* Not covered: {} packages of {}: {}.",
            uncovered.packages,
            plain(&uncovered.distribution),
            plain(&uncovered.reason),
        );
    }
}

fn row(text: &mut String, finding: &ScanFinding<'_>) {
    let matched = &finding.matched;
    let id = plain(&matched.vulnerability);
    let id = match link(finding) {
        // What could end the link is escaped in it.
        Some(url) => format!(
            "[{id}]({})",
            url.replace('(', "%28")
                .replace(')', "%29")
                .replace('|', "%7C")
                .replace(' ', "%20")
        ),
        None => id,
    };
    let cells = [
        plain(&finding.component.name),
        plain(&matched.installed),
        plain(matched.fixed_version.as_deref().unwrap_or("-")),
        id,
        rating(finding),
        match finding.is_unloaded() {
            true => format!("{}, {}", scan_text::status(finding), scan_text::UNLOADED),
            false => scan_text::status(finding).to_owned(),
        },
        plain(&matched.title),
    ];
    let _infallible = writeln!(text, "| {} |", cells.join(" | "));
}

/// Takes the meaning off characters that Markdown gives one, and HTML with them.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '@' => {
                safe.push('\\');
                safe.push(character);
            }
            '&' => safe.push_str("&amp;"),
            other if other.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}
