//! OpenVEX 0.0.1 to 0.2.0 (<https://github.com/openvex/spec>).

use serde_json::Value;

use super::{Product, Statement, Status, list, text};

pub(super) fn is(document: &Value) -> bool {
    text(document, &["@context"]).is_some_and(|context| context.contains("openvex"))
}

pub(super) fn read(document: &Value) -> Vec<Statement> {
    let of = |statement: &Value| {
        let time = |from: &Value| {
            let last = text(from, &["last_updated"]).or_else(|| text(from, &["timestamp"]));
            last.map(str::to_owned)
        };
        let products = list(statement, "products").iter().map(product);
        Some(Statement {
            vulnerability: vulnerability(statement.get("vulnerability")?)?,
            products: products.collect(),
            status: status(text(statement, &["status"])?)?,
            justification: text(statement, &["justification"]).map(str::to_owned),
            text: ["impact_statement", "action_statement", "status_notes"]
                .iter()
                .find_map(|key| text(statement, &[key]))
                .map(str::to_owned),
            author: text(document, &["author"]).unwrap_or("unknown").to_owned(),
            timestamp: time(statement)
                .or_else(|| time(document))
                .unwrap_or_default(),
            document: text(document, &["@id"]).unwrap_or_default().to_owned(),
        })
    };
    list(document, "statements").iter().filter_map(of).collect()
}

/// A name alone in the first edition, an object since.
fn vulnerability(value: &Value) -> Option<Vec<String>> {
    if let Some(name) = value.as_str() {
        return Some(vec![name.to_owned()]);
    }
    let name = text(value, &["name"])?;
    let aliases = list(value, "aliases").iter().filter_map(Value::as_str);
    Some(
        std::iter::once(name)
            .chain(aliases)
            .map(str::to_owned)
            .collect(),
    )
}

fn product(value: &Value) -> Product {
    let parts = list(value, "subcomponents").iter();
    Product {
        names: names(value),
        parts: parts.map(names).filter(|names| !names.is_empty()).collect(),
    }
}

fn names(value: &Value) -> Vec<String> {
    if let Some(name) = value.as_str() {
        return vec![name.to_owned()];
    }
    let identifiers = value.get("identifiers").and_then(Value::as_object);
    let identifiers = identifiers.into_iter().flat_map(|map| map.values());
    let id = value.get("@id").into_iter();
    let named = id.chain(identifiers).filter_map(Value::as_str);
    let hashes = text(value, &["hashes", "sha-256"]).map(|hash| format!("sha256:{hash}"));
    named.map(str::to_owned).chain(hashes).collect()
}

fn status(word: &str) -> Option<Status> {
    Some(match word {
        "not_affected" => Status::NotAffected,
        "affected" => Status::Affected,
        "fixed" => Status::Fixed,
        "under_investigation" => Status::UnderInvestigation,
        _ => return None,
    })
}
