//! CISA's Vulnrichment with one short line per CVE, as converters write it: who rated how, the
//! weaknesses, the decision points, and the CPE names.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::record::{Advisory, Authority, Kev, SeverityEntry, Ssvc};

use super::json::{Context, from_slice, nullable};

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    state: String,
    published: Option<String>,
    updated: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    cvss: Vec<Rating>,
    #[serde(default, deserialize_with = "nullable")]
    cwe: Vec<String>,
    ssvc: Option<BTreeMap<String, String>>,
    kev: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    desc: String,
}

#[derive(Deserialize)]
struct Rating {
    src: String,
    vector: String,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let line: Line = from_slice(text)?;
    if !line.id.starts_with("CVE-") {
        return Err(format!("`{}` is no CVE id", line.id));
    }
    let is_rejected = line.state == "REJECTED";
    let ratings = line.cvss.into_iter().map(|rating| SeverityEntry {
        source: rating.src,
        authority: Authority::Other,
        vector: Some(rating.vector),
        ..SeverityEntry::default()
    });
    Ok(vec![Advisory {
        id: line.id,
        source: context.source.to_owned(),
        authority: Authority::Other,
        published: line.published,
        withdrawn: is_rejected.then(|| line.updated.clone().unwrap_or_default()),
        modified: line.updated,
        weaknesses: line.cwe,
        severities: ratings.collect(),
        ssvc: line.ssvc.map(|points| {
            let of = |key: &str| points.get(key).map(|word| word.to_ascii_lowercase());
            Ssvc {
                exploitation: of("Exploitation").unwrap_or_default(),
                automatable: of("Automatable").unwrap_or_default(),
                technical_impact: of("Technical Impact").unwrap_or_default(),
            }
        }),
        kev: line.kev.map(|added| Kev {
            added,
            ..Kev::default()
        }),
        details: line.desc,
        ..Advisory::default()
    }])
}
