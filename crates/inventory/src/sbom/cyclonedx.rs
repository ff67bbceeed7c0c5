//! CycloneDX 1.6 as JSON (ECMA-424).

use serde_json::{Value, json};

use super::{Subject, license};
use crate::{Component, Distribution, Inventory};

/// Returns the bill of materials; `timestamp` is RFC 3339, `serial` a UUID.
pub fn cyclonedx(inventory: &Inventory, subject: &Subject, timestamp: &str, serial: &str) -> Value {
    let reference = subject.purl();
    let mut components: Vec<_> = inventory
        .distribution
        .iter()
        .map(operating_system)
        .collect();
    components.extend(inventory.components.iter().map(component));
    let provided: Vec<_> = components.iter().map(|c| c["bom-ref"].clone()).collect();
    let layers =
        inventory.layers.iter().enumerate().map(|(index, layer)| {
            property(&format!("plimsoll:layer:{index}"), layer.digest.as_str())
        });
    let mut properties = vec![property("plimsoll:platform", &subject.platform)];
    properties.extend(layers);
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{serial}"),
        "version": 1,
        "metadata": {
            "timestamp": timestamp,
            "tools": { "components": [{
                "type": "application",
                "name": "plimsoll",
                "version": env!("CARGO_PKG_VERSION"),
            }] },
            "component": {
                "type": "container",
                "bom-ref": reference,
                "name": subject.name,
                "version": subject.digest,
                "purl": reference,
                "properties": properties,
            },
        },
        "components": components,
        "dependencies": [{ "ref": reference, "dependsOn": provided }],
    })
}

fn operating_system(distribution: &Distribution) -> Value {
    let label = distribution.label().unwrap_or_default();
    let mut value = json!({
        "type": "operating-system",
        "bom-ref": format!("os:{label}"),
        "name": distribution.id,
        "description": distribution.name,
    });
    if let Some(version) = &distribution.version_id {
        value["version"] = json!(version);
    }
    if let Some(codename) = &distribution.version_codename {
        value["properties"] = json!([property("plimsoll:codename", codename)]);
    }
    value
}

fn component(component: &Component) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "properties": [
            property("plimsoll:layer", component.layer.as_str()),
            property("plimsoll:path", &component.path),
            property("plimsoll:source-name", &component.source_name),
            property("plimsoll:source-version", &component.source_version),
        ],
        "evidence": { "occurrences": [{ "location": component.path }] },
    });
    if let Some(maintainer) = &component.maintainer {
        value["publisher"] = json!(maintainer);
    }
    if !component.licenses.is_empty() {
        value["licenses"] = licenses(&component.licenses);
    }
    value
}

/// The schema allows one expression, or any number of names.
fn licenses(texts: &[String]) -> Value {
    match texts {
        [text] if license::is_expression(text) => json!([{ "expression": text }]),
        texts => texts
            .iter()
            .map(|text| json!({ "license": { "name": text } }))
            .collect(),
    }
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}
