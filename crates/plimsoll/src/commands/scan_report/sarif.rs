//! SARIF 2.1.0 (OASIS). A rule is a vulnerability, a result one of it in one package.

use std::collections::BTreeMap;

use app::scan::ScanFinding;
use market::Class;
use serde_json::{Value, json};

use super::{link, rating};
use crate::commands::scan::{Scan, Shown};

pub(super) fn document(shown: &Shown<'_>) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": shown.scans.iter().map(|scan| run(shown, scan)).collect::<Vec<_>>(),
    })
}

fn run(shown: &Shown<'_>, scan: &Scan<'_>) -> Value {
    let all = || scan.result.findings.iter().chain(&scan.result.closed);
    let mut worst: BTreeMap<&str, &ScanFinding<'_>> = BTreeMap::new();
    for finding in all() {
        let tenths = |it: &ScanFinding<'_>| it.score.as_ref().map(|score| score.score.tenths());
        let kept = worst
            .entry(&finding.matched.vulnerability)
            .or_insert(finding);
        if tenths(finding) > tenths(kept) {
            *kept = finding;
        }
    }
    let place = |finding: &ScanFinding<'_>| {
        let id = finding.matched.vulnerability.as_str();
        worst.keys().position(|known| *known == id)
    };
    let results: Vec<Value> = all().map(|it| result(it, place(it))).collect();
    let meta = shown.advisories.database.meta();
    json!({
        "tool": { "driver": {
            "name": "Plimsoll",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": worst.values().map(|finding| rule(finding)).collect::<Vec<_>>(),
        } },
        "automationDetails": { "id": format!("plimsoll/{}/", scan.content.platform) },
        "columnKind": "utf16CodeUnits",
        "properties": {
            "target": shown.image.name,
            "digest": scan.digest,
            "platform": scan.content.platform,
            "advisories": meta.version,
        },
        "results": results,
    })
}

fn rule(finding: &ScanFinding<'_>) -> Value {
    let matched = &finding.matched;
    let title = match matched.title.as_str() {
        "" => matched.vulnerability.as_str(),
        title => title,
    };
    let full = if matched.description.is_empty() {
        title
    } else {
        &matched.description
    };
    let mut rule = json!({
        "id": matched.vulnerability,
        "shortDescription": { "text": title },
        "fullDescription": { "text": full },
        "defaultConfiguration": { "level": level(finding.class) },
        "help": { "text": format!("{title}\n{}", matched.urls.join("\n")) },
        "properties": {
            "tags": ["security", "vulnerability", finding.class.title()],
            "precision": "very-high",
        },
    });
    if let Some(score) = &finding.score {
        // By this name and form code scanning shows it.
        rule["properties"]["security-severity"] = json!(score.score.to_string());
    }
    if let Some(url) = link(finding) {
        rule["helpUri"] = json!(url);
    }
    rule
}

fn result(finding: &ScanFinding<'_>, rule: Option<usize>) -> Value {
    let (component, matched) = (finding.component, &finding.matched);
    let fix = match &matched.fixed_version {
        Some(version) => format!("fixed in {version}"),
        None => "no fixed version".to_owned(),
    };
    let mut result = json!({
        "ruleId": matched.vulnerability,
        "level": level(finding.class),
        "message": { "text": format!(
            "{} {}: {}, {}, {fix}. {}",
            component.name, component.version, matched.vulnerability, rating(finding), matched.explanation
        ) },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": uri(&component.path) } },
            "logicalLocations": [{ "fullyQualifiedName": component.purl, "kind": "package" }],
        }],
        "partialFingerprints": {
            "vulnerabilityAndPackage/v1": format!("{} {}", matched.vulnerability, component.purl),
        },
        "properties": {
            "class": finding.class,
            "confidence": finding.confidence,
            "layer": component.layer,
            "fixedVersion": matched.fixed_version,
        },
    });
    if let Some(rule) = rule {
        result["ruleIndex"] = json!(rule);
    }
    if let Some(statement) = finding.vex.as_ref().filter(|it| it.status.closes()) {
        let why = statement.text.as_ref().or(statement.justification.as_ref());
        let why = why.map(String::as_str).unwrap_or_default();
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": format!("{}: {} {why}", statement.author, statement.status.as_str()),
        }]);
    }
    result
}

fn level(class: Class) -> &'static str {
    match class {
        Class::Critical => "error",
        Class::Major => "warning",
        _ => "note",
    }
}

/// A relative reference (RFC 3986): what has a meaning in it is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'+' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
