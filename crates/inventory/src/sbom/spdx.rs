//! SPDX 2.3 as JSON.

use std::collections::BTreeMap;

use oci::Digest;
use serde_json::{Value, json};

use super::{Subject, brings};
use crate::{BaseImage, Claim, Component, Confidence, Distribution, Inventory, licenses::spdx};

const IMAGE: &str = "SPDXRef-image";
const TOOL: &str = concat!("Tool: plimsoll-", env!("CARGO_PKG_VERSION"));
const SYSTEM: &str = "SPDXRef-operating-system";
const BASE: &str = "SPDXRef-base-image";

/// Returns the bill of materials; `timestamp` is RFC 3339 in UTC, `serial` a UUID.
pub fn spdx(inventory: &Inventory, subject: &Subject, timestamp: &str, serial: &str) -> Value {
    let mut references = BTreeMap::new();
    let brings = brings(inventory);
    let notes = |texts: Vec<String>| annotations(texts, timestamp);
    let mut packages = vec![image(subject)];
    if !inventory.removed.is_empty() {
        let removed = inventory.removed.iter().map(super::gone);
        packages[0]["annotations"] = notes(removed.collect());
    }
    let mut relationships = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE)];
    if let Some(distribution) = &inventory.distribution {
        packages.push(operating_system(distribution));
        relationships.push(relation(IMAGE, "CONTAINS", SYSTEM));
    }
    if let Some(image) = &subject.base {
        packages.push(base(image));
        relationships.push(relation(IMAGE, "DESCENDANT_OF", BASE));
    }
    let names = super::unique(inventory.components.iter().map(|c| c.purl.clone()));
    for (component, name) in inventory.components.iter().zip(&names) {
        let mut package = package(component, name, &mut references);
        let mut texts = vec![seen(component)];
        let parts = brings.get(component.purl.as_str()).into_iter().flatten();
        texts.extend(parts.map(|part| format!("Brings and answers for {part}.")));
        package["annotations"] = notes(texts);
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
            "creators": [TOOL],
        },
        "packages": packages,
        "relationships": relationships,
    });
    if !extracted.is_empty() {
        document["hasExtractedLicensingInfos"] = json!(extracted);
    }
    if !inventory.problems.is_empty() {
        let problems = inventory.problems.iter().map(super::problem);
        document["annotations"] = notes(problems.collect());
    }
    document
}

fn annotations(texts: Vec<String>, timestamp: &str) -> Value {
    let annotation = |text| {
        json!({
            "annotationDate": timestamp,
            "annotationType": "OTHER",
            "annotator": TOOL,
            "comment": text,
        })
    };
    texts.into_iter().map(annotation).collect()
}

/// Says how a component stands to the image, how sure that is, and what shows it.
fn seen(component: &Component) -> String {
    let claim = match component.claim {
        Claim::Installed => "Installed",
        Claim::Declared => "Only declared by a lock file, not seen to be installed",
        Claim::Claimed => "Only claimed by a bill of materials found inside, not seen",
    };
    let confidence = match component.confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    };
    let places = component.evidence.iter().map(|one| {
        let within = match one.within.as_str() {
            "" => String::new(),
            within => format!("!/{within}"),
        };
        format!(
            "{}{within} of layer {} ({})",
            one.path, one.layer, one.analyser
        )
    });
    let places = places.collect::<Vec<_>>().join(", ");
    format!("{claim}. Confidence: {confidence}. Shown by {places}.")
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

fn base(image: &BaseImage) -> Value {
    let mut value = json!({
        "SPDXID": BASE,
        "name": image.name,
        "primaryPackagePurpose": "CONTAINER",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
    });
    if let Some(digest) = &image.digest {
        value["versionInfo"] = json!(digest);
    }
    if let Some(layers) = image.layers {
        value["comment"] = json!(format!("The lowest layers are its own: {layers}"));
    }
    value
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
    let expression = |text: &String| {
        if spdx::is_expression(text) {
            return text.clone();
        }
        let id = spdx::reference(text);
        references.insert(id.clone(), text.clone());
        id
    };
    let all: Vec<_> = licenses.iter().map(expression).collect();
    spdx::all_of(&all)
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
