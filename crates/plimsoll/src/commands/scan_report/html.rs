//! One HTML file without scripts and without anything from elsewhere: a plot, then a table.

use std::fmt::Write as _;

use app::scan::ScanFinding;
use chrono::{DateTime, Utc};
use market::Class;

use super::{escape, link, rating};
use crate::{
    advisory_file::timestamp,
    commands::{
        scan::{Scan, Shown},
        scan_text::{self, CLASSES},
    },
};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1d2733;background:#fff}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #dde3ea}\
th{font-weight:600}code{font-size:.9em;overflow-wrap:anywhere}small{color:#566}\
.critical{fill:#b3261e;color:#b3261e}.major{fill:#b25e00;color:#b25e00}.minor{fill:#7a6a00;color:#7a6a00}.unscored{fill:#5b6672;color:#5b6672}.none{fill:#5b6672;color:#5b6672}\
td b{font-weight:600}svg text{fill:#1d2733;font:13px system-ui,sans-serif}";

pub(super) fn document(shown: &Shown<'_>, now: DateTime<Utc>) -> String {
    let name = escape(&shown.image.name);
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>Vulnerabilities of {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Vulnerabilities of <code>{name}</code></h1>\n"
    );
    for scan in &shown.scans {
        section(&mut text, shown, scan, now);
    }
    text.push_str("</body>\n</html>\n");
    text
}

fn section(text: &mut String, shown: &Shown<'_>, scan: &Scan<'_>, now: DateTime<Utc>) {
    let meta = shown.advisories.database.meta();
    let digest = scan.digest.map(ToString::to_string).unwrap_or_default();
    let _infallible = writeln!(
        text,
        "<h2>{}</h2>\n<p><small>{} packages · scanned {} · advisories {} of {} · <code>{}</code></small></p>",
        escape(&scan.content.platform),
        scan.inventory().components.len(),
        timestamp(now),
        escape(&meta.version.chars().take(12).collect::<String>()),
        escape(&meta.created_at),
        escape(&digest),
    );
    text.push_str(&plot(scan));
    if !scan.result.findings.is_empty() {
        text.push_str("<table>\n<thead><tr><th>Package</th><th>Installed</th><th>Fixed</th><th>Vulnerability</th><th>Class (CVSS)</th><th>Status</th><th>Why</th></tr></thead>\n<tbody>\n");
        for finding in &scan.result.findings {
            row(text, finding);
        }
        text.push_str("</tbody>\n</table>\n");
    }
    remarks(text, scan);
}

/// A bar for each class.
fn plot(scan: &Scan<'_>) -> String {
    let counts = CLASSES.map(|class| scan.count(class));
    let most = counts.into_iter().max().unwrap_or_default().max(1);
    let mut svg = String::from(
        "<svg role=\"img\" width=\"640\" height=\"116\" viewBox=\"0 0 640 116\"><title>Findings by class</title>\n",
    );
    for (place, (class, count)) in CLASSES.into_iter().zip(counts).enumerate() {
        let (top, width) = (place * 28 + 4, count * 460 / most);
        let _infallible = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><rect class=\"{}\" x=\"90\" y=\"{top}\" width=\"{width}\" height=\"20\"/><text x=\"{}\" y=\"{}\">{count}</text>",
            top + 15,
            class.title(),
            class.as_str(),
            width + 98,
            top + 15,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn row(text: &mut String, finding: &ScanFinding<'_>) {
    let matched = &finding.matched;
    let id = escape(&matched.vulnerability);
    let id = match link(finding) {
        Some(url) => format!("<a rel=\"noreferrer\" href=\"{}\">{id}</a>", escape(url)),
        None => id,
    };
    let exploited = match (&matched.kev, &matched.epss) {
        (Some(_), _) => "<br><b>known to be exploited</b>".to_owned(),
        (None, Some(epss)) => format!("<br><small>EPSS {:.1} %</small>", epss.score * 100.0),
        (None, None) => String::new(),
    };
    let unloaded = match finding.is_unloaded() {
        true => format!("<br><small>{}</small>", scan_text::UNLOADED),
        false => String::new(),
    };
    let class: Class = finding.class;
    let _infallible = writeln!(
        text,
        "<tr><td>{}<br><small><code>{}</code></small></td><td>{}</td><td>{}</td><td>{id}<br><small>{}</small></td><td><b class=\"{}\">{}</b>{exploited}{unloaded}</td><td>{}</td><td><small>{}</small></td></tr>",
        escape(&finding.component.name),
        escape(&finding.component.path),
        escape(&matched.installed),
        escape(matched.fixed_version.as_deref().unwrap_or("–")),
        escape(&matched.title),
        class.as_str(),
        escape(&rating(finding)),
        scan_text::status(finding),
        escape(&matched.explanation),
    );
}

fn remarks(text: &mut String, scan: &Scan<'_>) {
    let closed = scan.result.closed.iter().filter_map(|finding| {
        let statement = finding.vex.as_ref()?;
        let why = statement.text.as_ref().or(statement.justification.as_ref());
        Some(format!(
            "{} in {}: {} says {}{}",
            finding.matched.vulnerability,
            finding.component.name,
            statement.author,
            statement.status.as_str(),
            why.map(|why| format!(" ({why})")).unwrap_or_default(),
        ))
    });
    let uncovered = scan.result.uncovered.iter().map(|it| {
        format!(
            "Not covered: {} packages of {}: {}",
            it.packages, it.distribution, it.reason
        )
    });
    let lines: Vec<String> = closed.chain(uncovered).collect();
    if lines.is_empty() {
        return;
    }
    text.push_str("<ul>\n");
    for line in lines {
        let _infallible = writeln!(text, "<li>{}</li>", escape(&line));
    }
    text.push_str("</ul>\n");
}
