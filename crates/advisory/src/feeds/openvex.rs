//! OpenVEX documents about Debian packages, as Ubuntu publishes one per CVE and per notice
//! (`https://security-metadata.canonical.com/vex/vex-all.tar.xz`).
//!
//! Products are package URLs with the release in `distro`; the entries for sources say all.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::purl::Parts;
use crate::record::{Advisory, Affected, Authority, Qualifiers, Range, Status};

use super::json::{Context, from_slice, nullable};

#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "nullable")]
    timestamp: String,
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    status: String,
    #[serde(default, deserialize_with = "nullable")]
    status_notes: String,
    #[serde(default, deserialize_with = "nullable")]
    justification: String,
    #[serde(default, deserialize_with = "nullable")]
    impact_statement: String,
    #[serde(default, deserialize_with = "nullable")]
    products: Vec<Product>,
    #[serde(default)]
    timestamp: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    description: String,
}

#[derive(Deserialize)]
struct Product {
    #[serde(rename = "@id")]
    id: String,
}

/// Ubuntu's codenames and releases.
const RELEASES: [(&str, &str); 20] = [
    ("precise", "12.04"),
    ("trusty", "14.04"),
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let document: Document = from_slice(text)?;
    let mut advisories: BTreeMap<String, Advisory> = BTreeMap::new();
    for statement in document.statements {
        let status = match statement.status.as_str() {
            "fixed" | "affected" => Status::Affected,
            "not_affected" => Status::NotAffected,
            "under_investigation" => Status::UnderInvestigation,
            other => return Err(format!("`{other}` is no status of OpenVEX")),
        };
        let advisory = advisories
            .entry(statement.vulnerability.name.clone())
            .or_insert_with(|| Advisory {
                id: statement.vulnerability.name.clone(),
                source: context.source.to_owned(),
                authority: Authority::Distribution,
                details: statement.vulnerability.description.clone(),
                published: statement.timestamp.clone(),
                modified: Some(document.timestamp.clone()).filter(|it| !it.is_empty()),
                ..Advisory::default()
            });
        let entries = statement.products.iter();
        let entries = entries.filter_map(|product| entry(&product.id, &statement, status));
        for entry in entries {
            if !advisory.affected.contains(&entry) {
                advisory.affected.push(entry);
            }
        }
    }
    let found: Vec<Advisory> = advisories.into_values().collect();
    if found.iter().all(|advisory| advisory.affected.is_empty()) {
        return Err("no product of it is a Debian package of a known release".to_owned());
    }
    Ok(found)
}

/// Reads `pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=esm-infra/jammy`.
fn entry(purl: &str, statement: &Statement, status: Status) -> Option<Affected> {
    let parts = Parts::of(purl).filter(|parts| parts.kind == "deb")?;
    let name = parts.name.strip_prefix("ubuntu/")?;
    (parts.qualifier("arch") == Some("source")).then_some(())?;
    let distro = parts.qualifier("distro")?;
    let (pocket, codename) = distro.rsplit_once('/').unwrap_or(("", distro));
    let (_, release) = RELEASES.iter().find(|(name, _)| *name == codename)?;
    let version = parts.version.as_str();
    let is_fix = statement.status == "fixed";
    let fixed = (is_fix && !version.is_empty()).then_some(version);
    let reason = [
        &statement.justification,
        &statement.impact_statement,
        &statement.status_notes,
    ];
    Some(Affected {
        ecosystem: match pocket {
            "" => format!("Ubuntu:{release}"),
            _ => format!("Ubuntu:Pro:{release}"),
        },
        package: name.to_owned(),
        status,
        status_word: Some(statement.status.clone()),
        ranges: (status != Status::NotAffected)
            .then(|| Range::before(fixed))
            .into_iter()
            .collect(),
        reason: reason.into_iter().find(|text| !text.is_empty()).cloned(),
        qualifiers: Qualifiers {
            repositories: Some(pocket.to_owned())
                .filter(|it| !it.is_empty())
                .into_iter()
                .collect(),
            ..Qualifiers::default()
        },
        ..Affected::default()
    })
}
