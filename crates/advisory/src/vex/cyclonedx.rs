//! CycloneDX' vulnerabilities with an analysis, within a bill of materials or beside it.

use std::collections::HashMap;

use serde_json::Value;

use super::{Product, Statement, Status, list, text};

/// Components may hold components; deeper ones are not looked at.
const DEPTH: usize = 16;

pub(super) fn is(document: &Value) -> bool {
    text(document, &["bomFormat"]) == Some("CycloneDX")
}

pub(super) fn read(document: &Value) -> Vec<Statement> {
    let mut purls = HashMap::new();
    if let Some(component) = document.get("metadata").and_then(|it| it.get("component")) {
        collect(component, &mut purls, 0);
    }
    for component in list(document, "components") {
        collect(component, &mut purls, 0);
    }
    let of = |vulnerability: &Value| {
        let analysis = vulnerability.get("analysis")?;
        let response = list(analysis, "response").iter().find_map(Value::as_str);
        let id = text(vulnerability, &["id"])?;
        let references = list(vulnerability, "references").iter();
        let aliases = references.filter_map(|it| text(it, &["id"]));
        let affects = list(vulnerability, "affects").iter();
        Some(Statement {
            vulnerability: std::iter::once(id)
                .chain(aliases)
                .map(str::to_owned)
                .collect(),
            products: affects.filter_map(|it| product(it, &purls)).collect(),
            status: status(text(analysis, &["state"])?)?,
            justification: text(analysis, &["justification"]).map(str::to_owned),
            text: text(analysis, &["detail"]).or(response).map(str::to_owned),
            author: author(document),
            timestamp: ["lastUpdated", "firstIssued"]
                .iter()
                .find_map(|key| text(analysis, &[key]))
                .or_else(|| text(document, &["metadata", "timestamp"]))
                .unwrap_or_default()
                .to_owned(),
            document: text(document, &["serialNumber"])
                .unwrap_or_default()
                .to_owned(),
        })
    };
    list(document, "vulnerabilities")
        .iter()
        .filter_map(of)
        .collect()
}

fn collect<'a>(component: &'a Value, purls: &mut HashMap<&'a str, &'a str>, depth: usize) {
    if let (Some(reference), Some(purl)) =
        (text(component, &["bom-ref"]), text(component, &["purl"]))
    {
        purls.insert(reference, purl);
    }
    if depth < DEPTH {
        for inner in list(component, "components") {
            collect(inner, purls, depth + 1);
        }
    }
}

/// A reference is a component of the document, one of another (`urn:cdx:serial/1#ref`, where the
/// reference most often is the package URL), or a package URL.
fn product(affects: &Value, purls: &HashMap<&str, &str>) -> Option<Product> {
    let reference = text(affects, &["ref"])?;
    let local = reference
        .rsplit_once('#')
        .map_or(reference, |(before, local)| {
            if before.starts_with("urn:cdx:") {
                local
            } else {
                reference
            }
        });
    let name = purls.get(local).copied().unwrap_or(local);
    Some(Product {
        names: vec![name.to_owned()],
        parts: Vec::new(),
    })
}

fn author(document: &Value) -> String {
    let metadata = document.get("metadata").unwrap_or(&Value::Null);
    let authors = list(metadata, "authors").iter();
    let mut people = authors.filter_map(|it| text(it, &["name"]).or_else(|| text(it, &["email"])));
    let organisation = || {
        text(metadata, &["supplier", "name"]).or_else(|| text(metadata, &["manufacturer", "name"]))
    };
    people
        .next()
        .or_else(organisation)
        .unwrap_or("unknown")
        .to_owned()
}

fn status(word: &str) -> Option<Status> {
    Some(match word {
        "not_affected" | "false_positive" => Status::NotAffected,
        "exploitable" => Status::Affected,
        "resolved" | "resolved_with_pedigree" => Status::Fixed,
        "in_triage" => Status::UnderInvestigation,
        _ => return None,
    })
}
