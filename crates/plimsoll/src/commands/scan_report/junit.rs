//! JUnit XML, as build servers read it: a suite for each image, a test for each package.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use app::scan::ScanFinding;

use super::{escape, rating};
use crate::commands::scan::{Scan, Shown};

pub(super) fn document(shown: &Shown<'_>) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"plimsoll\">\n",
    );
    for scan in &shown.scans {
        suite(&mut text, shown, scan);
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(text: &mut String, shown: &Shown<'_>, scan: &Scan<'_>) {
    let mut by_package: BTreeMap<&str, Vec<&ScanFinding<'_>>> = BTreeMap::new();
    for component in &scan.inventory().components {
        by_package.entry(&component.purl).or_default();
    }
    for finding in &scan.result.findings {
        by_package
            .entry(&finding.component.purl)
            .or_default()
            .push(finding);
    }
    let failures = by_package.values().filter(|findings| !findings.is_empty());
    let _infallible = writeln!(
        text,
        "  <testsuite name=\"{}\" package=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"0\">",
        escape(&format!("{} {}", shown.image.name, scan.content.platform)),
        escape(&scan.content.platform),
        by_package.len(),
        failures.count(),
    );
    for (purl, findings) in by_package {
        let name = escape(purl);
        let Some(first) = findings.first() else {
            let _infallible = writeln!(
                text,
                "    <testcase classname=\"packages\" name=\"{name}\" time=\"0\"/>"
            );
            continue;
        };
        let _infallible = writeln!(
            text,
            "    <testcase classname=\"packages\" name=\"{name}\" time=\"0\">\n      <failure type=\"{}\" message=\"{}\">",
            escape(first.class.as_str()),
            escape(&format!(
                "{} vulnerabilities, the worst {}",
                findings.len(),
                rating(first)
            )),
        );
        for finding in findings {
            let line = format!(
                "{} {}: {} {}",
                finding.matched.vulnerability,
                rating(finding),
                finding.matched.title,
                finding.matched.explanation
            );
            let _infallible = writeln!(text, "{}", escape(&line));
        }
        text.push_str("      </failure>\n    </testcase>\n");
    }
    text.push_str("  </testsuite>\n");
}
