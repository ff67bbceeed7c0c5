//! A scan for people: a header, then findings by package.

use std::fmt::Write as _;

use advisory::{cvss::Severity, record::Status};
use app::scan::ScanFinding;
use clap::builder::styling::{AnsiColor, Style};
use market::Class;

use super::scan::{Scan, Shown};
use crate::printer::{Cell, Printer, color, columns, count, plain, short};

const TITLE_WIDTH: usize = 60;
/// The classes that are counted, the worst first.
pub(super) const CLASSES: [Class; 4] =
    [Class::Critical, Class::Major, Class::Minor, Class::Unscored];

/// Returns the whole text.
pub(super) fn document(shown: &Shown<'_>, printer: &Printer) -> String {
    let mut text = String::new();
    for (place, scan) in shown.scans.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        text.push_str(&header(shown, scan, printer));
        if !scan.result.findings.is_empty() {
            text.push('\n');
            text.push_str(&table(shown, scan, printer));
        }
        if shown.layers {
            text.push('\n');
            text.push_str(&layers(scan));
        }
        text.push_str(&closed(scan));
        for uncovered in &scan.result.uncovered {
            let packages = usize::try_from(uncovered.packages).unwrap_or(usize::MAX);
            let _infallible = writeln!(
                text,
                "\nNot covered: {} of {}: {}",
                count(packages, "package", "packages"),
                plain(&uncovered.distribution),
                plain(&uncovered.reason),
            );
        }
    }
    text
}

/// Names what statements closed, and who said so.
fn closed(scan: &Scan<'_>) -> String {
    let mut text = String::new();
    let closed = scan.result.closed.iter();
    for said in closed.filter_map(|finding| stated(finding, plain)) {
        let _infallible = writeln!(text, "\nClosed: {said}");
    }
    text
}

/// Says of a finding what a statement says of it, whose it is and why; `safe` makes what others
/// wrote safe where this is to stand.
pub(super) fn stated(finding: &ScanFinding<'_>, safe: fn(&str) -> String) -> Option<String> {
    let statement = finding.vex.as_ref()?;
    let why = statement.text.as_ref().or(statement.justification.as_ref());
    let why = why
        .map(|why| format!(" ({})", safe(why)))
        .unwrap_or_default();
    Some(format!(
        "{} in {}: {} says {}{why}",
        safe(&finding.matched.vulnerability),
        safe(&finding.component.name),
        safe(&statement.author),
        statement.status.as_str(),
    ))
}

fn header(shown: &Shown<'_>, scan: &Scan<'_>, printer: &Printer) -> String {
    let meta = shown.advisories.database.meta();
    let system = scan.inventory().distribution.as_ref();
    let mut rows = vec![("Target", shown.image.name.clone())];
    let digest = scan.digest.map(ToString::to_string);
    rows.extend(digest.map(|digest| ("Digest", digest)));
    rows.push(("Platform", scan.content.platform.clone()));
    rows.push((
        "System",
        system.map_or_else(|| "unknown".to_owned(), |system| system.name.clone()),
    ));
    rows.push(("Packages", scan.inventory().components.len().to_string()));
    let set = if shown.advisories.file.is_none() {
        "starter set, "
    } else {
        ""
    };
    rows.push((
        "Advisories",
        format!(
            "{set}{} records, compiled {}",
            meta.records, meta.created_at
        ),
    ));
    let problems = &scan.inventory().problems;
    let cut_off: Vec<_> = problems
        .iter()
        .filter(|it| it.is_cut_off())
        .map(|it| plain(&it.text))
        .collect();
    rows.extend(cut_off.into_iter().map(|text| ("Layer", text)));
    let problems = problems.iter().filter(|it| !it.is_cut_off()).count();
    if problems > 0 {
        rows.push((
            "Problems",
            format!(
                "{} not understood; see --format json",
                count(problems, "entry", "entries")
            ),
        ));
    }
    let mut cells: Vec<_> = rows
        .iter()
        .map(|(name, value)| vec![Cell::new(name), Cell::new(value)])
        .collect();
    let line = columns(&std::mem::take(&mut cells));
    format!(
        "{line}{}\n",
        ["Found       ", &summary(scan, printer)].concat()
    )
}

fn summary(scan: &Scan<'_>, printer: &Printer) -> String {
    let classes = CLASSES.map(|class| {
        let text = format!("{} {}", scan.count(class), class.title());
        printer.paint(style(class), &text)
    });
    let words = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ];
    let words = words.map(|word| {
        let findings = scan.result.findings.iter();
        let number = findings.filter(|f| severity(f) == Some(word)).count();
        format!("{number} {}", word.to_string().to_lowercase())
    });
    format!("{}  (CVSS: {})", classes.join("  "), words.join(", "))
}

fn table(shown: &Shown<'_>, scan: &Scan<'_>, printer: &Printer) -> String {
    let mut head = vec!["LIBRARY", "VULNERABILITY", "CLASS (CVSS)", "STATUS"];
    head.extend(["INSTALLED", "FIXED"]);
    if shown.layers {
        head.push("LAYER");
    }
    head.push("TITLE");
    let mut rows = vec![head.into_iter().map(Cell::new).collect()];
    for (package, findings) in by_package(&scan.result.findings) {
        for (place, finding) in findings.into_iter().enumerate() {
            let name = if place == 0 { package } else { "" };
            let [first, second] = lines(name, finding, shown.layers, printer);
            rows.push(first);
            rows.extend(Some(second).filter(|row| !row.is_empty()));
        }
    }
    columns(&rows)
}

/// Groups findings by package, those with the worst findings first.
fn by_package<'a>(findings: &'a [ScanFinding<'a>]) -> Vec<(&'a str, Vec<&'a ScanFinding<'a>>)> {
    let mut groups: Vec<(&str, Vec<&ScanFinding<'_>>)> = Vec::new();
    for finding in findings {
        let name = finding.component.name.as_str();
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(finding),
            None => groups.push((name, vec![finding])),
        }
    }
    groups
}

fn lines(name: &str, finding: &ScanFinding<'_>, layers: bool, printer: &Printer) -> [Vec<Cell>; 2] {
    let matched = &finding.matched;
    let rating = match (&finding.score, severity(finding)) {
        (Some(score), Some(word)) => format!("{} ({word} {})", finding.class.title(), score.score),
        _ => finding.class.title().to_owned(),
    };
    let mut first = vec![
        Cell::new(name),
        Cell::new(&matched.vulnerability),
        Cell::styled(printer, style(finding.class), &rating),
        Cell::new(status(finding)),
        Cell::new(&matched.installed),
        Cell::new(matched.fixed_version.as_deref().unwrap_or("-")),
    ];
    if layers {
        first.push(Cell::new(&(finding.component.layer_index + 1).to_string()));
    }
    let url = matched.urls.first();
    let mut second = Vec::new();
    if let Some(url) = url {
        second = vec![Cell::new(""); first.len()];
        second.push(Cell::new(url));
    }
    first.push(Cell::new(&short(&title(finding), TITLE_WIDTH)));
    [first, second]
}

/// Stands where a package has libraries and nothing in the image is linked with them.
pub(super) const UNLOADED: &str = "nothing is linked with it";

/// Returns the title after what stands out.
fn title(finding: &ScanFinding<'_>) -> String {
    let matched = &finding.matched;
    let exploited = matched.kev.as_ref().map(|_| "known to be exploited");
    let unloaded = finding.is_unloaded().then_some(UNLOADED);
    let marks = exploited.into_iter().chain(unloaded);
    let marks: String = marks.map(|mark| format!("[{mark}] ")).collect();
    marks + &matched.title
}

fn layers(scan: &Scan<'_>) -> String {
    let mut rows = vec![
        ["LAYER", "DIGEST", "PACKAGES", "INSTRUCTION"]
            .into_iter()
            .map(Cell::new)
            .collect(),
    ];
    for (place, (summary, layer)) in scan.layers().iter().zip(&scan.content.layers).enumerate() {
        let instruction = layer.instruction.as_deref().unwrap_or("-");
        rows.push(vec![
            Cell::new(&(place + 1).to_string()),
            Cell::new(summary.digest.as_str()),
            Cell::new(&format!("+{}", summary.components_added)),
            Cell::new(&short(instruction, TITLE_WIDTH)),
        ]);
    }
    columns(&rows)
}

/// Returns the CVSS word of the score that decides.
pub(super) fn severity(finding: &ScanFinding<'_>) -> Option<Severity> {
    finding.score.as_ref().map(|score| score.score.severity())
}

/// Returns the status in the words that users of other scanners know.
pub(super) fn status(finding: &ScanFinding<'_>) -> &'static str {
    match finding.matched.status {
        Status::Affected if finding.matched.fixed_version.is_some() => "fixed",
        Status::Affected => "affected",
        Status::NotAffected => "not_affected",
        Status::FixDeferred => "fix_deferred",
        Status::WillNotFix => "will_not_fix",
        Status::Unimportant => "unimportant",
        Status::EndOfLife => "end_of_life",
        Status::Undetermined | Status::UnderInvestigation => "under_investigation",
    }
}

fn style(class: Class) -> Style {
    match class {
        Class::Critical => color(AnsiColor::Red).bold(),
        Class::Major => color(AnsiColor::Yellow).bold(),
        Class::Minor => color(AnsiColor::Yellow),
        Class::Unscored | Class::None => color(AnsiColor::BrightBlack),
    }
}
