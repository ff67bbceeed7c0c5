//! CISA's Known Exploited Vulnerabilities catalogue,
//! `https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json`.

use serde::Deserialize;

use crate::record::{Advisory, Authority, Kev, Reference};

use super::json::{Context, from_slice, nullable};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    id: String,
    date_added: String,
    #[serde(default)]
    due_date: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    vulnerability_name: String,
    #[serde(default, deserialize_with = "nullable")]
    required_action: String,
    #[serde(default, deserialize_with = "nullable")]
    known_ransomware_campaign_use: String,
    #[serde(default, deserialize_with = "nullable")]
    notes: String,
    #[serde(default, deserialize_with = "nullable")]
    cwes: Vec<String>,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let entry: Entry = from_slice(text)?;
    if !entry.id.starts_with("CVE-") {
        return Err(format!("`{}` is no CVE id", entry.id));
    }
    let links = entry.notes.split(" ; ").map(str::trim);
    let links = links.filter(|link| link.starts_with("http"));
    Ok(vec![Advisory {
        id: entry.id,
        source: context.source.to_owned(),
        authority: Authority::Other,
        summary: entry.vulnerability_name,
        weaknesses: entry.cwes,
        modified: Some(entry.date_added.clone()),
        kev: Some(Kev {
            added: entry.date_added,
            due: entry.due_date,
            action: entry.required_action,
            ransomware: entry
                .known_ransomware_campaign_use
                .eq_ignore_ascii_case("known"),
        }),
        references: links
            .map(|url| Reference {
                kind: "WEB".to_owned(),
                url: url.to_owned(),
            })
            .collect(),
        ..Advisory::default()
    }])
}
