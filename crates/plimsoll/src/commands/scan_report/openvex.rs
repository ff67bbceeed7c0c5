//! An OpenVEX document to begin with: every finding under investigation, in one statement each.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    advisory_file::timestamp,
    commands::{
        sbom as sbom_command,
        scan::{Scan, Shown},
    },
};

pub(super) fn document(shown: &Shown<'_>, scan: &Scan<'_>, now: DateTime<Utc>) -> Value {
    let subject = sbom_command::subject(shown.reference, scan.digest, scan.content);
    let product = subject.purl();
    let mut statements: Vec<Value> = Vec::new();
    for finding in &scan.result.findings {
        let matched = &finding.matched;
        let part = json!({ "@id": finding.component.purl });
        let known = statements
            .iter_mut()
            .find(|it| it["vulnerability"]["name"] == matched.vulnerability.as_str());
        if let Some(parts) = known.and_then(|it| it["products"][0]["subcomponents"].as_array_mut())
        {
            if !parts.contains(&part) {
                parts.push(part);
            }
            continue;
        }
        let mut vulnerability = json!({ "name": matched.vulnerability });
        if !matched.aliases.is_empty() {
            vulnerability["aliases"] = json!(matched.aliases);
        }
        statements.push(json!({
            "vulnerability": vulnerability,
            "products": [{ "@id": product, "subcomponents": [part] }],
            "status": "under_investigation",
        }));
    }
    let serial = subject.serial(scan.inventory(), now.timestamp());
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:uuid:{serial}"),
        "author": "unknown",
        "timestamp": timestamp(now),
        "version": 1,
        "tooling": format!("plimsoll {}", env!("CARGO_PKG_VERSION")),
        "statements": statements,
    })
}
