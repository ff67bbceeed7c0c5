//! CSAF 2.0, profile VEX (<https://docs.oasis-open.org/csaf/csaf/v2.0/>).

use std::collections::HashMap;

use serde_json::Value;

use super::{Product, Statement, Status, list, text};

/// Branches may hold branches (the schema sets no end); deeper ones are not looked at.
const DEPTH: usize = 64;

pub(super) fn is(document: &Value) -> bool {
    text(document, &["document", "csaf_version"]).is_some()
}

/// Names of products by their identifiers; a relationship is a part within a product.
#[derive(Default)]
struct Products<'a> {
    names: HashMap<&'a str, Vec<String>>,
    within: HashMap<&'a str, (&'a str, &'a str)>,
}

const STATES: [(&str, Status); 7] = [
    ("known_not_affected", Status::NotAffected),
    ("fixed", Status::Fixed),
    ("first_fixed", Status::Fixed),
    ("known_affected", Status::Affected),
    ("first_affected", Status::Affected),
    ("last_affected", Status::Affected),
    ("under_investigation", Status::UnderInvestigation),
];

pub(super) fn read(document: &Value) -> Vec<Statement> {
    let mut products = Products::default();
    let tree = document.get("product_tree").unwrap_or(&Value::Null);
    branches(tree, &mut products, 0);
    for product in list(tree, "full_product_names") {
        products.add(product);
    }
    for relation in list(tree, "relationships") {
        products.relate(relation);
    }
    let mut statements = Vec::new();
    for vulnerability in list(document, "vulnerabilities") {
        let ids = list(vulnerability, "ids")
            .iter()
            .filter_map(|id| text(id, &["text"]));
        let names: Vec<String> = text(vulnerability, &["cve"])
            .into_iter()
            .chain(ids)
            .map(str::to_owned)
            .collect();
        let states = vulnerability.get("product_status").unwrap_or(&Value::Null);
        for (key, status) in STATES {
            let ids: Vec<&str> = list(states, key).iter().filter_map(Value::as_str).collect();
            if names.is_empty() || ids.is_empty() {
                continue;
            }
            let release = |key| text(document, &["document", "tracking", key]);
            statements.push(Statement {
                vulnerability: names.clone(),
                products: ids.iter().filter_map(|id| products.get(id)).collect(),
                status,
                justification: flag(vulnerability, &ids),
                text: threat(vulnerability, &ids),
                author: text(document, &["document", "publisher", "name"])
                    .unwrap_or("unknown")
                    .to_owned(),
                timestamp: release("current_release_date")
                    .unwrap_or_default()
                    .to_owned(),
                document: release("id").unwrap_or_default().to_owned(),
            });
        }
    }
    statements
}

fn branches<'a>(value: &'a Value, products: &mut Products<'a>, depth: usize) {
    for branch in list(value, "branches") {
        if let Some(product) = branch.get("product") {
            products.add(product);
        }
        if depth < DEPTH {
            branches(branch, products, depth + 1);
        }
    }
}

impl<'a> Products<'a> {
    fn add(&mut self, product: &'a Value) {
        let Some(id) = text(product, &["product_id"]) else {
            return;
        };
        let helper = product
            .get("product_identification_helper")
            .unwrap_or(&Value::Null);
        let named = ["purl", "cpe"]
            .iter()
            .filter_map(|key| text(helper, &[key]));
        let mut names: Vec<String> = named.map(str::to_owned).collect();
        for hashes in list(helper, "hashes") {
            let files = list(hashes, "file_hashes").iter();
            let digests = files.filter(|it| text(it, &["algorithm"]) == Some("sha256"));
            let digests = digests.filter_map(|it| text(it, &["value"]));
            names.extend(digests.map(|value| format!("sha256:{value}")));
        }
        names.extend(text(product, &["name"]).map(str::to_owned));
        self.names.insert(id, names);
    }

    fn relate(&mut self, relation: &'a Value) {
        let Some(product) = relation.get("full_product_name") else {
            return;
        };
        self.add(product);
        let part = text(relation, &["product_reference"]);
        let whole = text(relation, &["relates_to_product_reference"]);
        if let (Some(id), Some(part), Some(whole)) = (text(product, &["product_id"]), part, whole) {
            self.within.insert(id, (part, whole));
        }
    }

    fn get(&self, id: &str) -> Option<Product> {
        let names = |id: &str| self.names.get(id).cloned().unwrap_or_default();
        match self.within.get(id) {
            // A part of a distribution is the package; of anything else, the part of that.
            Some((part, whole)) => {
                let whole_names = names(whole);
                let is_image = whole_names
                    .iter()
                    .any(|name| name.starts_with("pkg:oci/") || name.contains("sha256:"));
                Some(match is_image {
                    true => Product {
                        names: whole_names,
                        parts: vec![names(part)],
                    },
                    false => Product {
                        names: names(part),
                        parts: Vec::new(),
                    },
                })
            }
            None => Some(Product {
                names: self.names.get(id)?.clone(),
                parts: Vec::new(),
            }),
        }
    }
}

/// Returns the label of the flag that names any of the products.
fn flag(vulnerability: &Value, ids: &[&str]) -> Option<String> {
    let mut flags = list(vulnerability, "flags")
        .iter()
        .filter(|it| is_about(it, ids));
    flags.find_map(|it| text(it, &["label"])).map(str::to_owned)
}

fn threat(vulnerability: &Value, ids: &[&str]) -> Option<String> {
    let threats = list(vulnerability, "threats").iter();
    let mut impacts = threats.filter(|it| text(it, &["category"]) == Some("impact"));
    let impact = impacts.find(|it| is_about(it, ids));
    impact
        .and_then(|it| text(it, &["details"]))
        .map(str::to_owned)
}

/// What names no product is about all.
fn is_about(value: &Value, ids: &[&str]) -> bool {
    let products = list(value, "product_ids");
    products.is_empty()
        || products
            .iter()
            .filter_map(Value::as_str)
            .any(|id| ids.contains(&id))
}
