//! CycloneDX 1.6: the bill of materials, and beside it what is known to be wrong with it.

use advisory::{cvss, record::SeverityEntry, vex};
use app::scan::ScanFinding;
use chrono::{DateTime, Utc};
use inventory::sbom;
use serde_json::{Value, json};

use crate::{
    advisory_file::timestamp,
    commands::{
        sbom as sbom_command,
        scan::{Scan, Shown},
        scan_text,
    },
};

pub(super) fn document(shown: &Shown<'_>, scan: &Scan<'_>, now: DateTime<Utc>) -> Value {
    let subject = sbom_command::subject(shown.reference, scan.digest, scan.content);
    let (time, serial) = (
        timestamp(now),
        subject.serial(scan.inventory(), now.timestamp()),
    );
    let mut document = sbom::cyclonedx(scan.inventory(), &subject, &time, &serial);
    let all = scan.result.findings.iter().chain(&scan.result.closed);
    document["vulnerabilities"] = all.map(vulnerability).collect();
    document
}

fn vulnerability(finding: &ScanFinding<'_>) -> Value {
    let matched = &finding.matched;
    let aliases = matched.aliases.iter();
    let mut value = json!({
        "bom-ref": format!("{}:{}", matched.vulnerability, finding.component.purl),
        "id": matched.vulnerability,
        "source": { "name": matched.source },
        "references": aliases
            .map(|alias| json!({ "id": alias, "source": { "name": matched.source } }))
            .collect::<Vec<_>>(),
        "ratings": matched.severities.iter().filter_map(rating).collect::<Vec<_>>(),
        "detail": matched.explanation,
        "advisories": matched.urls.iter().map(|url| json!({ "url": url })).collect::<Vec<_>>(),
        "affects": [{
            "ref": finding.component.purl,
            "versions": [{ "version": finding.component.version, "status": "affected" }],
        }],
        "properties": [
            { "name": "plimsoll:class", "value": finding.class.as_str() },
            { "name": "plimsoll:status", "value": scan_text::status(finding) },
        ],
    });
    let description = [&matched.description, &matched.title];
    if let Some(text) = description.into_iter().find(|text| !text.is_empty()) {
        value["description"] = json!(text);
    }
    if let Some(version) = &matched.fixed_version {
        let name = &finding.component.name;
        value["recommendation"] = json!(format!("Upgrade {name} to {version} or later"));
    }
    if let Some(statement) = &finding.vex {
        value["analysis"] = analysis(statement);
    }
    value
}

fn rating(entry: &SeverityEntry) -> Option<Value> {
    let vector = entry.vector.as_deref().map(cvss::Vector::parse);
    let (method, score) = match vector {
        Some(Ok(vector)) => {
            let method = match vector.version() {
                cvss::Version::V2 => "CVSSv2",
                cvss::Version::V3_0 => "CVSSv3",
                cvss::Version::V3_1 => "CVSSv31",
                cvss::Version::V4 => "CVSSv4",
            };
            (method, Some(vector.base_score()))
        }
        _ => ("other", entry.score),
    };
    let word = score.map(|score| score.severity()).or(entry.word)?;
    let mut rating = json!({
        "source": { "name": entry.source },
        "severity": word,
        "method": method,
    });
    if let Some(score) = score {
        rating["score"] = json!(score.value());
    }
    if let Some(vector) = &entry.vector {
        rating["vector"] = json!(vector);
    }
    Some(rating)
}

fn analysis(statement: &vex::Statement) -> Value {
    let state = match statement.status {
        vex::Status::Affected => "exploitable",
        vex::Status::UnderInvestigation => "in_triage",
        vex::Status::Fixed => "resolved",
        vex::Status::NotAffected => "not_affected",
    };
    let why = statement.text.as_ref().or(statement.justification.as_ref());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    json!({ "state": state, "detail": format!("{}{why}", statement.author) })
}
