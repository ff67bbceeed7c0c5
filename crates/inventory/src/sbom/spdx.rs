//! SPDX 2.3 as JSON.

use std::collections::BTreeMap;

use oci::Digest;
use serde_json::{Value, json};

use super::{Subject, license};
use crate::{Component, Distribution, Inventory};

const IMAGE: &str = "SPDXRef-image";
const SYSTEM: &str = "SPDXRef-operating-system";

/// Returns the bill of materials; `timestamp` is RFC 3339 in UTC, `serial` a UUID.
pub fn spdx(inventory: &Inventory, subject: &Subject, timestamp: &str, serial: &str) -> Value {
    let mut references = BTreeMap::new();
    let mut packages = vec![image(subject)];
    let mut relationships = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE)];
    if let Some(distribution) = &inventory.distribution {
        packages.push(operating_system(distribution));
        relationships.push(relation(IMAGE, "CONTAINS", SYSTEM));
    }
    let names = super::unique(inventory.components.iter().map(|c| c.purl.clone()));
    for (component, name) in inventory.components.iter().zip(&names) {
        let package = package(component, name, &mut references);
        let id = package["SPDXID"].as_str().unwrap_or_default();
        relationships.push(relation(IMAGE, "CONTAINS", id));
        packages.push(package);
    }
    let extracted: Vec<_> = references
        .iter()
        .map(|(id, text)| json!({ "licenseId": id, "name": text, "extractedText": text }))
        .collect();
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": subject.name,
        "documentNamespace": format!("urn:uuid:{serial}"),
        "creationInfo": {
            "created": timestamp,
            "creators": [format!("Tool: plimsoll-{}", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    });
    if !extracted.is_empty() {
        document["hasExtractedLicensingInfos"] = json!(extracted);
    }
    document
}

fn image(subject: &Subject) -> Value {
    json!({
        "SPDXID": IMAGE,
        "name": subject.name,
        "versionInfo": subject.digest,
        "primaryPackagePurpose": "CONTAINER",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "comment": format!("Platform {}", subject.platform),
        "checksums": [{
            "algorithm": subject.digest.algorithm().as_str().to_uppercase(),
            "checksumValue": subject.digest.hex(),
        }],
        "externalRefs": [purl(&subject.purl())],
    })
}

fn operating_system(distribution: &Distribution) -> Value {
    let mut value = json!({
        "SPDXID": SYSTEM,
        "name": distribution.id,
        "description": distribution.name,
        "primaryPackagePurpose": "OPERATING_SYSTEM",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
    });
    if let Some(version) = &distribution.version_id {
        value["versionInfo"] = json!(version);
    }
    value
}

fn package(component: &Component, name: &str, references: &mut BTreeMap<String, String>) -> Value {
    let mut identifiers = vec![purl(&component.purl)];
    identifiers.extend(component.cpes.iter().map(|cpe| {
        json!({
            "referenceCategory": "SECURITY",
            "referenceType": "cpe23Type",
            "referenceLocator": cpe,
        })
    }));
    let mut value = json!({
        // The purl tells components apart; its digest has only legal characters.
        "SPDXID": format!(
            "SPDXRef-{}-{}",
            component.kind.as_str(),
            &Digest::of(name.as_bytes()).hex()[..16],
        ),
        "name": component.name,
        "versionInfo": component.version,
        "primaryPackagePurpose": "LIBRARY",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": declared(&component.licenses, references),
        "copyrightText": "NOASSERTION",
        "sourceInfo": format!(
            "from {}, brought by layer {}; built from {} {}",
            component.path, component.layer, component.source_name, component.source_version,
        ),
        "externalRefs": identifiers,
    });
    if let Some(maintainer) = &component.maintainer {
        value["supplier"] = json!(supplier(maintainer));
    }
    value
}

/// `Name <address>` is written `Name (address)`.
fn supplier(maintainer: &str) -> String {
    match maintainer.split_once('<') {
        Some((name, address)) if !name.trim().is_empty() => {
            format!(
                "Person: {} ({})",
                name.trim(),
                address.trim_end_matches('>').trim()
            )
        }
        _ => format!("Person: {maintainer}"),
    }
}

fn declared(licenses: &[String], references: &mut BTreeMap<String, String>) -> String {
    if licenses.is_empty() {
        return "NOASSERTION".to_owned();
    }
    let mut expression = |text: &String| {
        if license::is_expression(text) {
            let single = licenses.len() == 1 || !text.contains(' ');
            return if single {
                text.clone()
            } else {
                format!("({text})")
            };
        }
        let id = license::reference(text);
        references.insert(id.clone(), text.clone());
        id
    };
    licenses
        .iter()
        .map(&mut expression)
        .collect::<Vec<_>>()
        .join(" AND ")
}

fn purl(locator: &str) -> Value {
    json!({
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": locator,
    })
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}
