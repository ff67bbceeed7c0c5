//! CVE records 5.x (<https://cveproject.github.io/cve-schema/>), as in CISA's Vulnrichment
//! (`https://github.com/cisagov/vulnrichment`): the CNA's container and those of others ("ADP"),
//! with CVSS vectors, weaknesses, CISA's SSVC decision points and KEV dates.

use serde::Deserialize;
use serde_json::Value;

use crate::record::{Advisory, Authority, Kev, Reference, SeverityEntry, Ssvc};

use super::json::{Context, from_slice, nullable};
use super::nvd::{Configuration, Text, applicability, english};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    cve_metadata: Metadata,
    #[serde(default, deserialize_with = "nullable")]
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    #[serde(default, deserialize_with = "nullable")]
    state: String,
    date_published: Option<String>,
    date_updated: Option<String>,
    date_rejected: Option<String>,
}

#[derive(Deserialize, Default)]
struct Containers {
    #[serde(default, deserialize_with = "nullable")]
    cna: Container,
    #[serde(default, deserialize_with = "nullable")]
    adp: Vec<Container>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default, deserialize_with = "nullable")]
    provider_metadata: Provider,
    #[serde(default, deserialize_with = "nullable")]
    title: String,
    #[serde(default, deserialize_with = "nullable")]
    descriptions: Vec<Text>,
    #[serde(default, deserialize_with = "nullable")]
    rejected_reasons: Vec<Text>,
    #[serde(default, deserialize_with = "nullable")]
    metrics: Vec<Value>,
    #[serde(default, deserialize_with = "nullable")]
    problem_types: Vec<ProblemType>,
    #[serde(default, deserialize_with = "nullable")]
    cpe_applicability: Vec<Configuration>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Link>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Provider {
    #[serde(default, deserialize_with = "nullable")]
    short_name: String,
}

#[derive(Deserialize)]
struct ProblemType {
    #[serde(default, deserialize_with = "nullable")]
    descriptions: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    #[serde(default, deserialize_with = "nullable")]
    cwe_id: String,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default, deserialize_with = "nullable")]
    url: String,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let record: Record = from_slice(text)?;
    let about = record.cve_metadata;
    if !about.cve_id.starts_with("CVE-") {
        return Err(format!("`{}` is no CVE id", about.cve_id));
    }
    let cna = &record.containers.cna;
    let all = || std::iter::once(cna).chain(&record.containers.adp);
    let metrics = || all().flat_map(|it| it.metrics.iter().map(move |metric| (it, metric)));
    let is_rejected = about.state == "REJECTED";
    let mut weaknesses: Vec<String> = all()
        .flat_map(|it| &it.problem_types)
        .flat_map(|it| &it.descriptions)
        .map(|it| it.cwe_id.clone())
        .filter(|id| id.starts_with("CWE-"))
        .collect();
    weaknesses.sort();
    weaknesses.dedup();
    Ok(vec![Advisory {
        id: about.cve_id,
        source: context.source.to_owned(),
        authority: Authority::Other,
        summary: cna.title.clone(),
        details: english(&cna.descriptions),
        published: about.date_published,
        modified: about.date_updated.clone(),
        withdrawn: is_rejected.then(|| {
            about
                .date_rejected
                .or(about.date_updated)
                .unwrap_or_default()
        }),
        withdrawn_reason: is_rejected.then(|| english(&cna.rejected_reasons)),
        weaknesses,
        severities: metrics()
            .filter_map(|(it, metric)| severity(it, metric))
            .collect(),
        ssvc: metrics().find_map(|(_, metric)| ssvc(metric)),
        kev: metrics().find_map(|(_, metric)| kev(metric)),
        references: all()
            .flat_map(|it| &it.references)
            .map(|link| Reference {
                kind: "WEB".to_owned(),
                url: link.url.clone(),
            })
            .collect(),
        affected: all()
            .flat_map(|it| applicability(&it.cpe_applicability))
            .collect(),
        ..Advisory::default()
    }])
}

fn severity(container: &Container, metric: &Value) -> Option<SeverityEntry> {
    let versions = ["cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"];
    let vector = versions
        .iter()
        .find_map(|key| metric[*key]["vectorString"].as_str())?;
    Some(SeverityEntry {
        source: container.provider_metadata.short_name.clone(),
        authority: Authority::Other,
        vector: Some(vector.to_owned()),
        ..SeverityEntry::default()
    })
}

fn content<'m>(metric: &'m Value, kind: &str) -> Option<&'m Value> {
    let other = &metric["other"];
    (other["type"].as_str()? == kind).then(|| &other["content"])
}

fn ssvc(metric: &Value) -> Option<Ssvc> {
    let options = content(metric, "ssvc")?["options"].as_array()?;
    let of = |key: &str| {
        let found = options.iter().find_map(|option| option[key].as_str());
        found.unwrap_or_default().to_ascii_lowercase()
    };
    Some(Ssvc {
        exploitation: of("Exploitation"),
        automatable: of("Automatable"),
        technical_impact: of("Technical Impact"),
    })
}

fn kev(metric: &Value) -> Option<Kev> {
    let added = content(metric, "kev")?["dateAdded"].as_str()?;
    Some(Kev {
        added: added.to_owned(),
        ..Kev::default()
    })
}
