//! `updateinfo.xml` of rpm repositories: Amazon Linux, Rocky, Alma, Oracle, Fedora.
//!
//! The distribution's release follows from the erratum's id (`ALAS2023-…`) or from the packages'
//! own releases (`….el9_4`). Errata that are no security updates are informational.

use std::io::BufRead;

use crate::cvss::Severity;
use crate::record::{Advisory, Authority, Kind, Reference, SeverityEntry};

use super::collect::Collector;
use super::rpm::{Fix, Fixes, evr, module, release_after};
use super::xml::{self, Element};

pub(super) fn read(reader: &mut dyn BufRead, collector: &mut Collector<'_>) {
    xml::elements(
        reader,
        collector,
        &["update"],
        &mut |update, collector| match advisory(update, collector.source) {
            Ok(advisory) => collector.accept(advisory),
            Err(reason) => {
                collector.reject(update.text_of("id"), &reason);
                Ok(())
            }
        },
    );
}

fn advisory(update: &Element, source: &str) -> Result<Advisory, String> {
    let id = update.text_of("id");
    if id.is_empty() {
        return Err("the update has no id".to_owned());
    }
    let mut collections = Vec::new();
    update.descendants("collection", &mut collections);
    let mut fixes = Fixes::default();
    for collection in collections {
        add(collection, id, &mut fixes)?;
    }
    let mut links = Vec::new();
    update.descendants("reference", &mut links);
    let is_cve = |link: &&&Element| {
        link.attribute("type") == "cve" || link.attribute("id").starts_with("CVE-")
    };
    let cves = links
        .iter()
        .filter(is_cve)
        .map(|link| link.attribute("id").to_owned());
    let kind = update.attribute("type");
    let is_security = kind.is_empty() || kind == "security";
    let word = update.text_of("severity");
    let rating = (is_security && !["", "None"].contains(&word)).then(|| SeverityEntry {
        source: source.to_owned(),
        authority: Authority::Distribution,
        word: Severity::parse(word),
        label: Some(word.to_owned()),
        ..SeverityEntry::default()
    });
    let date = |name: &str| {
        let date = update.first(name)?.attribute("date");
        (!date.is_empty()).then(|| date.to_owned())
    };
    Ok(Advisory {
        id: id.to_owned(),
        source: source.to_owned(),
        authority: Authority::Distribution,
        upstream: cves.collect(),
        kind: if is_security {
            Kind::Vulnerability
        } else {
            Kind::Informational
        },
        informational: (!is_security).then(|| kind.to_owned()),
        summary: update.text_of("title").to_owned(),
        details: update.text_of("description").to_owned(),
        published: date("issued"),
        modified: date("updated").or_else(|| date("issued")),
        severities: rating.into_iter().collect(),
        references: links
            .iter()
            .map(|link| link.attribute("href"))
            .filter(|url| url.starts_with("http"))
            .map(|url| Reference {
                kind: "WEB".to_owned(),
                url: url.to_owned(),
            })
            .collect(),
        affected: fixes.into_affected(),
        ..Advisory::default()
    })
}

fn add(collection: &Element, id: &str, fixes: &mut Fixes) -> Result<(), String> {
    let stream = collection.first("module").map(|it| {
        module(&format!(
            "{}:{}",
            it.attribute("name"),
            it.attribute("stream")
        ))
    });
    let short = collection.attribute("short");
    // Amazon's extras are repositories of their own, which nobody has unless they asked for them.
    let repository = short.contains("extras").then(|| short.to_owned());
    for package in collection.all("package") {
        let release = package.attribute("release");
        let fix = Fix {
            ecosystem: ecosystem(id, release).ok_or_else(|| {
                format!("neither the id nor the release `{release}` tells the distribution")
            })?,
            name: package.attribute("name").to_owned(),
            evr: evr(
                package.attribute("epoch"),
                package.attribute("version"),
                release,
            ),
            module: stream.clone(),
            repository: repository.clone(),
        };
        fixes.add(fix, package.attribute("arch"));
    }
    Ok(())
}

/// Returns the ecosystem of an erratum's package.
fn ecosystem(id: &str, release: &str) -> Option<String> {
    if let Some(rest) = id.strip_prefix("ALAS") {
        let digits = rest.split('-').next().unwrap_or_default();
        let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
        let amazon = if digits.is_empty() { "1" } else { &digits };
        return Some(format!("Amazon Linux:{amazon}"));
    }
    let after = |name: &str, mark: &str| {
        let major = release_after(release, mark)?;
        Some(format!("{name}:{major}"))
    };
    match id.get(..2)? {
        "RL" | "RX" => after("Rocky Linux", "el"),
        "AL" => after("AlmaLinux", "el"),
        "EL" => after("Oracle Linux", "el"),
        "RH" => after("Red Hat", "el"),
        "FE" => after("Fedora", "fc"),
        "BR" => Some("Bottlerocket".to_owned()),
        _ => None,
    }
}
