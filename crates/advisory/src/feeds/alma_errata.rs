//! AlmaLinux's `https://errata.almalinux.org/9/errata.json`: an array of errata with packages.

use serde::Deserialize;

use crate::cvss::Severity;
use crate::record::{Advisory, Authority, Kind, Reference, SeverityEntry};

use super::json::{Context, from_slice, nullable};
use super::rpm::{Fix, Fixes, evr, module, release_after};

#[derive(Deserialize)]
struct Erratum {
    updateinfo_id: String,
    #[serde(default, deserialize_with = "nullable")]
    title: String,
    #[serde(default, deserialize_with = "nullable")]
    description: String,
    #[serde(default, deserialize_with = "nullable")]
    severity: String,
    #[serde(default, deserialize_with = "nullable", rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pkglist: PackageList,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Link>,
}

#[derive(Deserialize, Default)]
struct PackageList {
    #[serde(default, deserialize_with = "nullable")]
    packages: Vec<Package>,
    #[serde(default, deserialize_with = "nullable")]
    module: Module,
}

#[derive(Deserialize, Default)]
struct Module {
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    stream: String,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    release: String,
    #[serde(default, deserialize_with = "nullable")]
    epoch: String,
    #[serde(default, deserialize_with = "nullable")]
    arch: String,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default, deserialize_with = "nullable")]
    href: String,
    #[serde(default, deserialize_with = "nullable")]
    id: String,
    #[serde(default, deserialize_with = "nullable", rename = "type")]
    kind: String,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let erratum: Erratum = from_slice(text)?;
    let stream = &erratum.pkglist.module;
    let stream =
        (!stream.name.is_empty()).then(|| module(&format!("{}:{}", stream.name, stream.stream)));
    let mut fixes = Fixes::default();
    for package in &erratum.pkglist.packages {
        let major = release_after(&package.release, "el")
            .ok_or_else(|| format!("the release `{}` tells no AlmaLinux", package.release))?;
        let fix = Fix {
            ecosystem: format!("AlmaLinux:{major}"),
            name: package.name.clone(),
            evr: evr(&package.epoch, &package.version, &package.release),
            module: stream.clone(),
            repository: None,
        };
        fixes.add(fix, &package.arch);
    }
    let is_security = erratum.kind == "security";
    let cves = erratum.references.iter().filter(|link| link.kind == "cve");
    let rating = (is_security && !erratum.severity.is_empty()).then(|| SeverityEntry {
        source: context.source.to_owned(),
        authority: Authority::Distribution,
        word: Severity::parse(&erratum.severity),
        label: Some(erratum.severity.clone()),
        ..SeverityEntry::default()
    });
    Ok(vec![Advisory {
        id: erratum.updateinfo_id,
        source: context.source.to_owned(),
        authority: Authority::Distribution,
        upstream: cves.map(|link| link.id.clone()).collect(),
        kind: if is_security {
            Kind::Vulnerability
        } else {
            Kind::Informational
        },
        informational: (!is_security).then_some(erratum.kind),
        summary: erratum.title,
        details: erratum.description,
        severities: rating.into_iter().collect(),
        references: erratum
            .references
            .into_iter()
            .filter(|link| !link.href.is_empty())
            .map(|link| Reference {
                kind: "WEB".to_owned(),
                url: link.href,
            })
            .collect(),
        affected: fixes.into_affected(),
        ..Advisory::default()
    }])
}
