//! CycloneDX 1.6 as JSON (ECMA-424).

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::{Subject, brings};
use crate::{
    BaseImage, Claim, Component, Confidence, Distribution, Inventory, Kind, licenses::spdx,
};

/// Returns the bill of materials; `timestamp` is RFC 3339, `serial` a UUID.
pub fn cyclonedx(inventory: &Inventory, subject: &Subject, timestamp: &str, serial: &str) -> Value {
    let reference = subject.purl();
    let mut components: Vec<_> = inventory
        .distribution
        .iter()
        .map(operating_system)
        .collect();
    let references = super::unique(inventory.components.iter().map(|c| c.purl.clone()));
    let all = inventory.components.iter().zip(&references);
    let brings = brings(inventory);
    components.extend(all.map(|(one, reference)| {
        let mut value = component(one, reference);
        if let Some(Value::Array(properties)) = value.get_mut("properties") {
            let parts = brings.get(one.purl.as_str()).into_iter().flatten();
            properties.extend(parts.map(|part| property("plimsoll:covers", part)));
        }
        value
    }));
    let provided: Vec<_> = components.iter().map(|c| c["bom-ref"].clone()).collect();
    let mut dependencies = vec![json!({ "ref": reference, "dependsOn": provided })];
    dependencies.extend(needs(inventory, &references));
    let layers =
        inventory.layers.iter().enumerate().map(|(index, layer)| {
            property(&format!("plimsoll:layer:{index}"), layer.digest.as_str())
        });
    let mut properties = vec![property("plimsoll:platform", &subject.platform)];
    properties.extend(layers);
    let removed = inventory.removed.iter().map(super::gone);
    properties.extend(removed.map(|text| property("plimsoll:removed", &text)));
    let problems = inventory.problems.iter().map(super::problem);
    properties.extend(problems.map(|text| property("plimsoll:problem", &text)));
    let mut document = json!({
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
        "dependencies": dependencies,
    });
    if let Some(base) = &subject.base {
        document["metadata"]["component"]["pedigree"] = json!({ "ancestors": [ancestor(base)] });
    }
    if !inventory.problems.is_empty() {
        let part = json!({ "aggregate": "incomplete", "assemblies": [subject.purl()] });
        document["compositions"] = json!([part]);
    }
    document
}

/// Returns the image that another is built on.
fn ancestor(base: &BaseImage) -> Value {
    let mut value = json!({ "type": "container", "name": base.name });
    if let Some(digest) = &base.digest {
        value["version"] = json!(digest);
    }
    if let Some(layers) = base.layers {
        value["properties"] = json!([property("plimsoll:layers", &layers.to_string())]);
    }
    value
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

/// Returns who needs whom, as far as packages of one ecosystem name each other.
fn needs<'i>(inventory: &'i Inventory, references: &'i [String]) -> impl Iterator<Item = Value> {
    let mut by_name = HashMap::new();
    for (component, reference) in inventory.components.iter().zip(references) {
        let name = match component.namespace.as_str() {
            "" => component.name.clone(),
            namespace => format!("{namespace}/{}", component.name),
        };
        by_name.entry((component.kind, name)).or_insert(reference);
    }
    let all = inventory.components.iter().zip(references);
    all.filter_map(move |(component, reference)| {
        let found = component.dependencies.iter();
        let found = found.filter_map(|name| by_name.get(&(component.kind, name.clone())));
        let found: BTreeSet<_> = found.filter(|other| **other != reference).collect();
        (!found.is_empty()).then(|| json!({ "ref": reference, "dependsOn": found }))
    })
}

fn component(component: &Component, reference: &str) -> Value {
    let is_program = component.kind == Kind::Generic;
    let mut value = json!({
        "type": if is_program { "application" } else { "library" },
        "bom-ref": reference,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "properties": properties(component),
        "evidence": evidence(component),
    });
    if !component.namespace.is_empty() {
        value["group"] = json!(component.namespace);
    }
    if let Some(maintainer) = &component.maintainer {
        value["publisher"] = json!(maintainer);
    }
    if let Some(cpe) = component.cpes.first() {
        value["cpe"] = json!(cpe);
    }
    if !component.licenses.is_empty() {
        value["licenses"] = licenses(&component.licenses);
    }
    value
}

fn properties(component: &Component) -> Vec<Value> {
    let mut properties = vec![
        property("plimsoll:layer", component.layer.as_str()),
        property("plimsoll:path", &component.path),
        property("plimsoll:source-name", &component.source_name),
        property("plimsoll:source-version", &component.source_version),
    ];
    let claim = match component.claim {
        Claim::Installed => None,
        Claim::Declared => Some("declared"),
        Claim::Claimed => Some("claimed"),
    };
    properties.extend(claim.map(|claim| property("plimsoll:claim", claim)));
    let vendor = component.vendor.as_deref();
    properties.extend(vendor.map(|vendor| property("plimsoll:vendor", vendor)));
    let linked = component.linked.map(|linked| linked.to_string());
    properties.extend(linked.map(|linked| property("plimsoll:linked", &linked)));
    properties
}

fn evidence(component: &Component) -> Value {
    let confidence = match component.confidence {
        Confidence::High => 1.0,
        Confidence::Medium => 0.7,
        Confidence::Low => 0.3,
    };
    let technique = match component.confidence {
        Confidence::High => "manifest-analysis",
        Confidence::Medium => "binary-analysis",
        Confidence::Low => "filename",
    };
    let places = component.evidence.iter().map(|evidence| {
        let location = match evidence.within.as_str() {
            "" => evidence.path.clone(),
            within => format!("{}!/{within}", evidence.path),
        };
        json!({
            "location": location,
            "additionalContext": format!("{} in {}", evidence.analyser, evidence.layer),
        })
    });
    json!({
        "identity": [{
            "field": "purl",
            "confidence": confidence,
            "methods": [{ "technique": technique, "confidence": confidence }],
        }],
        "occurrences": places.collect::<Vec<_>>(),
    })
}

/// The schema allows one expression, or any number of identifiers and names.
fn licenses(texts: &[String]) -> Value {
    let all = |is: fn(&str) -> bool| texts.iter().all(|text| is(text));
    if all(spdx::is_expression) && !all(spdx::is_id) {
        return json!([{ "expression": spdx::all_of(texts) }]);
    }
    let one = |text: &String| match spdx::is_id(text) {
        true => json!({ "license": { "id": text } }),
        false => json!({ "license": { "name": text } }),
    };
    texts.iter().map(one).collect()
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}
