//! Arch Linux's tracker, `https://security.archlinux.org/all.json`: an array of groups, each
//! about some packages and some vulnerabilities.

use serde::Deserialize;

use crate::cvss::Severity;
use crate::record::{
    Advisory, Affected, Authority, Event, Range, RangeKind, Reference, SeverityEntry, Status,
};

use super::json::{Context, from_slice, nullable};

#[derive(Deserialize)]
struct Group {
    name: String,
    packages: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    affected: String,
    #[serde(default)]
    fixed: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    severity: String,
    #[serde(default, deserialize_with = "nullable")]
    status: String,
    #[serde(default, deserialize_with = "nullable", rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    issues: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    advisories: Vec<String>,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let group: Group = from_slice(text)?;
    if !group.name.starts_with("AVG-") {
        return Err(format!("`{}` is no group of Arch Linux", group.name));
    }
    let packages = group.packages.iter().map(|package| group.affected(package));
    let affected = packages.collect();
    let url = format!("https://security.archlinux.org/{}", group.name);
    let known = !["", "Unknown"].contains(&group.severity.as_str());
    let rating = known.then(|| SeverityEntry {
        source: context.source.to_owned(),
        authority: Authority::Distribution,
        word: Severity::parse(&group.severity),
        label: Some(group.severity.clone()),
        ..SeverityEntry::default()
    });
    Ok(vec![Advisory {
        id: group.name,
        source: context.source.to_owned(),
        authority: Authority::Distribution,
        upstream: group.issues,
        related: group.advisories,
        summary: group.kind,
        severities: rating.into_iter().collect(),
        references: vec![Reference {
            kind: "ADVISORY".to_owned(),
            url,
        }],
        affected,
        ..Advisory::default()
    }])
}

impl Group {
    fn affected(&self, package: &str) -> Affected {
        let status = match self.status.as_str() {
            "Not affected" => Status::NotAffected,
            "Unknown" => Status::UnderInvestigation,
            _ => Status::Affected,
        };
        let mut events = vec![Event::Introduced("0".to_owned())];
        events.extend(self.fixed.clone().map(Event::Fixed));
        let range = Range {
            kind: RangeKind::Ecosystem,
            events,
        };
        Affected {
            ecosystem: "Arch Linux".to_owned(),
            package: package.to_owned(),
            status,
            status_word: Some(self.status.clone()).filter(|word| !word.is_empty()),
            ranges: (status != Status::NotAffected)
                .then_some(range)
                .into_iter()
                .collect(),
            // The tracker names one affected version, usually the newest before the fix.
            reason: Some(&self.affected)
                .filter(|version| !version.is_empty())
                .map(|version| format!("seen in {version}")),
            ..Affected::default()
        }
    }
}
