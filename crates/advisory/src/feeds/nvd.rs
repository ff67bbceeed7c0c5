//! The National Vulnerability Database 2.0: pages of the API
//! (`https://services.nvd.nist.gov/rest/json/cves/2.0`), feeds per year, and single items.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::record::{
    Advisory, Affected, Authority, CPE, CpeMatch, Reference, SeverityEntry, Status,
};

use super::json::{Context, from_slice, nullable};

#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Wrapped { cve: Cve },
    Bare(Cve),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cve {
    id: String,
    #[serde(default)]
    published: Option<String>,
    #[serde(default)]
    last_modified: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    vuln_status: String,
    #[serde(default, deserialize_with = "nullable")]
    descriptions: Vec<Text>,
    #[serde(default, deserialize_with = "nullable")]
    metrics: BTreeMap<String, Vec<Metric>>,
    #[serde(default, deserialize_with = "nullable")]
    weaknesses: Vec<Weakness>,
    #[serde(default, deserialize_with = "nullable")]
    configurations: Vec<Configuration>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Link>,
}

#[derive(Deserialize)]
pub(super) struct Text {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) lang: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    #[serde(default, deserialize_with = "nullable")]
    source: String,
    cvss_data: CvssData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CvssData {
    vector_string: String,
}

#[derive(Deserialize)]
struct Weakness {
    #[serde(default, deserialize_with = "nullable")]
    description: Vec<Text>,
}

#[derive(Deserialize)]
struct Link {
    url: String,
    #[serde(default, deserialize_with = "nullable")]
    tags: Vec<String>,
}

/// What must be there for the vulnerability to apply.
#[derive(Deserialize)]
pub(super) struct Configuration {
    #[serde(default, deserialize_with = "nullable")]
    operator: String,
    #[serde(default, deserialize_with = "nullable")]
    negate: bool,
    #[serde(default, deserialize_with = "nullable")]
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    #[serde(default, deserialize_with = "nullable")]
    negate: bool,
    #[serde(default, deserialize_with = "nullable")]
    cpe_match: Vec<Match>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerable: bool,
    criteria: String,
    version_start_including: Option<String>,
    version_start_excluding: Option<String>,
    version_end_including: Option<String>,
    version_end_excluding: Option<String>,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let cve = match from_slice(text)? {
        Item::Wrapped { cve } | Item::Bare(cve) => cve,
    };
    if !cve.id.starts_with("CVE-") {
        return Err(format!("`{}` is no CVE id", cve.id));
    }
    let details = english(&cve.descriptions);
    let is_rejected = cve.vuln_status == "Rejected";
    let mut weaknesses: Vec<String> = cve
        .weaknesses
        .iter()
        .flat_map(|weakness| &weakness.description)
        .map(|text| text.value.clone())
        .filter(|id| id.starts_with("CWE-"))
        .collect();
    weaknesses.sort();
    weaknesses.dedup();
    let metrics = cve.metrics.values().flatten();
    Ok(vec![Advisory {
        id: cve.id,
        source: context.source.to_owned(),
        authority: Authority::Nvd,
        withdrawn: is_rejected.then(|| cve.last_modified.clone().unwrap_or_default()),
        withdrawn_reason: is_rejected.then(|| details.clone()),
        details,
        published: cve.published,
        modified: cve.last_modified,
        weaknesses,
        severities: metrics.map(Metric::entry).collect(),
        references: cve
            .references
            .into_iter()
            .map(|link| Reference {
                kind: if link.tags.iter().any(|tag| tag == "Patch") {
                    "FIX"
                } else {
                    "WEB"
                }
                .to_owned(),
                url: link.url,
            })
            .collect(),
        affected: applicability(&cve.configurations),
        ..Advisory::default()
    }])
}

pub(super) fn english(texts: &[Text]) -> String {
    let found = texts.iter().find(|text| text.lang.starts_with("en"));
    found
        .or(texts.first())
        .map(|text| text.value.clone())
        .unwrap_or_default()
}

impl Metric {
    /// NVD shows other raters' vectors beside its own.
    fn entry(&self) -> SeverityEntry {
        let is_own = self.source.ends_with("@nist.gov") || self.source.is_empty();
        SeverityEntry {
            source: if is_own {
                "nvd".to_owned()
            } else {
                self.source.clone()
            },
            authority: if is_own {
                Authority::Nvd
            } else {
                Authority::Other
            },
            vector: Some(self.cvss_data.vector_string.clone()),
            ..SeverityEntry::default()
        }
    }
}

/// Returns one entry per vulnerable product. In an "and" of nodes, what is named without being
/// vulnerable is what the others run on; what is negated says nothing that can be looked up.
pub(super) fn applicability(configurations: &[Configuration]) -> Vec<Affected> {
    let mut found: Vec<Affected> = Vec::new();
    for configuration in configurations.iter().filter(|it| !it.negate) {
        let nodes = || configuration.nodes.iter().filter(|node| !node.negate);
        let all = || nodes().flat_map(|node| &node.cpe_match);
        let platforms: Vec<String> = match configuration.operator.as_str() {
            "AND" => all()
                .filter(|it| !it.vulnerable)
                .map(|it| it.criteria.clone())
                .collect(),
            _ => Vec::new(),
        };
        for it in all().filter(|it| it.vulnerable) {
            let Some(package) = product(&it.criteria) else {
                continue;
            };
            let entry = Affected {
                ecosystem: CPE.to_owned(),
                package,
                status: Status::Affected,
                cpe: Some(CpeMatch {
                    criteria: it.criteria.clone(),
                    start_including: it.version_start_including.clone(),
                    start_excluding: it.version_start_excluding.clone(),
                    end_including: it.version_end_including.clone(),
                    end_excluding: it.version_end_excluding.clone(),
                    running_on: platforms.clone(),
                }),
                ..Affected::default()
            };
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}

/// Returns `part:vendor:product` of a CPE 2.3 name, lower case; an escaped colon is no separator.
fn product(criteria: &str) -> Option<String> {
    let rest = criteria.strip_prefix("cpe:2.3:")?;
    let mut end = 0;
    let mut colons = 0;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => {
                colons += 1;
                if colons == 3 {
                    end = at;
                    break;
                }
            }
            _ => {}
        }
    }
    (end > 0).then(|| rest[..end].to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::product;

    #[test]
    fn products_are_named_by_three_fields() {
        assert_eq!(
            product(r"cpe:2.3:a:themeisle:wp_\&_soon:*:*:*:*:*:wordpress:*:*").as_deref(),
            Some(r"a:themeisle:wp_\&_soon")
        );
        assert_eq!(
            product(r"cpe:2.3:a:x:a\:b:1:*").as_deref(),
            Some(r"a:x:a\:b")
        );
        assert_eq!(product("cpe:2.3:a:x"), None);
    }
}
