//! OSV records (<https://ossf.github.io/osv-schema/>).
//!
//! Malicious packages are records with an id `MAL-…`; what is taken back bears `withdrawn`.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cvss::{Severity, Vector};
use crate::ecosystem;
use crate::record::{
    Advisory, Affected, Authority, Event, Import, Kind, Qualifiers, Range, RangeKind, Reference,
    SeverityEntry, Status,
};

use super::json::{Context, from_slice, nullable};
use crate::version::npm_ranges;

/// Bytes of `details` kept; feeds hold whole reports, and nobody reads more in a finding.
const DETAILS_KEPT: usize = 16 << 10;

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let record: OsvRecord = from_slice(text)?;
    if record.id.trim().is_empty() {
        return Err("the record has no id".to_owned());
    }
    Ok(vec![record.into_advisory(context.source)])
}

#[derive(Deserialize)]
struct OsvRecord {
    id: String,
    #[serde(default, deserialize_with = "nullable")]
    aliases: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    upstream: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    related: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    summary: String,
    #[serde(default, deserialize_with = "nullable")]
    details: String,
    published: Option<String>,
    modified: Option<String>,
    withdrawn: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    severity: Vec<OsvSeverity>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<OsvReference>,
    #[serde(default, deserialize_with = "nullable")]
    affected: Vec<OsvAffected>,
    #[serde(default, deserialize_with = "nullable")]
    database_specific: Map<String, Value>,
}

#[derive(Deserialize)]
struct OsvSeverity {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    score: String,
}

#[derive(Deserialize)]
struct OsvReference {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct OsvAffected {
    #[serde(default, deserialize_with = "nullable")]
    package: OsvPackage,
    #[serde(default, deserialize_with = "nullable")]
    ranges: Vec<OsvRange>,
    #[serde(default, deserialize_with = "nullable")]
    versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    severity: Vec<OsvSeverity>,
    #[serde(default, deserialize_with = "nullable")]
    ecosystem_specific: Map<String, Value>,
    #[serde(default, deserialize_with = "nullable")]
    database_specific: Map<String, Value>,
}

#[derive(Deserialize, Default)]
struct OsvPackage {
    #[serde(default)]
    ecosystem: String,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    purl: String,
}

#[derive(Deserialize)]
struct OsvRange {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default, deserialize_with = "nullable")]
    events: Vec<OsvEvent>,
}

#[derive(Deserialize)]
struct OsvEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

impl OsvRecord {
    fn into_advisory(self, source: &str) -> Advisory {
        let authority = authority_of(&self.id);
        let rater = self.severity_source(source, authority);
        let mut severities: Vec<SeverityEntry> = self
            .severity
            .into_iter()
            .filter_map(|entry| entry.into_entry(&rater))
            .collect();
        let word = self
            .database_specific
            .get("severity")
            .and_then(Value::as_str);
        if let Some(word) = word.and_then(Severity::parse) {
            let (source, authority) = rater.clone();
            let word = Some(word);
            severities.push(SeverityEntry {
                source,
                authority,
                word,
                ..SeverityEntry::default()
            });
        }
        let informational = informational(&self.id, &self.affected, &self.aliases, &self.related);
        let kind = match &informational {
            _ if self.id.starts_with("MAL-") => Kind::Malicious,
            Some(_) => Kind::Informational,
            None => Kind::Vulnerability,
        };
        let (mut upstream, mut related) = (self.upstream, self.related);
        let mut named = std::iter::once(&self.id)
            .chain(&self.aliases)
            .chain(&upstream);
        // Before OSV 1.7 distributions' advisories named the vulnerabilities they fix "related".
        if authority == Authority::Distribution && !named.any(|id| id.starts_with("CVE-")) {
            upstream.extend(related.extract_if(.., |id| id.starts_with("CVE-")));
        }
        let withdrawn_reason = self
            .withdrawn
            .as_ref()
            .and_then(|_| withdrawn_reason(&self.details));
        let affected = self
            .affected
            .into_iter()
            .map(|entry| entry.into_affected(&rater));
        Advisory {
            id: self.id,
            source: source.to_owned(),
            authority,
            aliases: self.aliases,
            upstream,
            related,
            kind,
            informational,
            summary: self.summary,
            details: cut(self.details),
            published: self.published,
            modified: self.modified,
            withdrawn: self.withdrawn,
            withdrawn_reason,
            weaknesses: texts(self.database_specific.get("cwe_ids")),
            severities,
            references: self
                .references
                .into_iter()
                .map(OsvReference::into_reference)
                .collect(),
            affected: affected.collect(),
            ..Advisory::default()
        }
    }

    /// Returns who rated: `database_specific.severity_source`, which our starter set and some
    /// converters write, or the feed itself.
    fn severity_source(&self, source: &str, authority: Authority) -> (String, Authority) {
        match self
            .database_specific
            .get("severity_source")
            .and_then(Value::as_str)
        {
            Some(name) if name.eq_ignore_ascii_case("nvd") => (name.to_owned(), Authority::Nvd),
            Some(name) => (name.to_owned(), Authority::Other),
            None => (source.to_owned(), authority),
        }
    }
}

/// Returns the feed's word if the record is no vulnerability: RustSec's kinds, and the bug fixes
/// and enhancements among distributions' errata.
fn informational(
    id: &str,
    affected: &[OsvAffected],
    aliases: &[String],
    related: &[String],
) -> Option<String> {
    const ERRATA: [(&str, &str); 6] = [
        ("ALBA-", "bugfix"),
        ("RLBA-", "bugfix"),
        ("RHBA-", "bugfix"),
        ("ALEA-", "enhancement"),
        ("RLEA-", "enhancement"),
        ("RHEA-", "enhancement"),
    ];
    let word = |entry: &OsvAffected| {
        let word = entry.database_specific.get("informational")?.as_str()?;
        Some(word.to_owned())
    };
    let erratum = ERRATA.iter().find(|(prefix, _)| id.starts_with(prefix));
    let names_a_cve = aliases
        .iter()
        .chain(related)
        .any(|id| id.starts_with("CVE-"));
    match erratum {
        Some((_, word)) if !names_a_cve => Some((*word).to_owned()),
        _ => affected.iter().find_map(word),
    }
}

/// Finds the sentence GitHub's records begin with when they are taken back.
fn withdrawn_reason(details: &str) -> Option<String> {
    let start = details
        .find("withdrawn because")
        .or_else(|| details.find("was withdrawn"))?;
    let start = details[..start].rfind(['\n', '#']).map_or(0, |at| at + 1);
    let sentence = details.get(start..)?.lines().next()?.trim();
    Some(sentence.chars().take(300).collect())
}

/// OSV's home databases, by the prefix of the id (OSV schema, section "id").
fn authority_of(id: &str) -> Authority {
    const DISTRIBUTIONS: [&str; 32] = [
        "DSA-",
        "DLA-",
        "DTSA-",
        "DEBIAN-",
        "ALPINE-",
        "ALSA-",
        "ALBA-",
        "ALEA-",
        "RLSA-",
        "RLBA-",
        "RLEA-",
        "RXSA-",
        "RHSA-",
        "RHBA-",
        "RHEA-",
        "SUSE-",
        "openSUSE-",
        "USN-",
        "UBUNTU-",
        "LSN-",
        "CGA-",
        "MGASA-",
        "ELSA-",
        "ALAS",
        "AZL-",
        "PHSA-",
        "OESA-",
        "MINI-",
        "ECHO-",
        "BELL-",
        "CLEANSTART-",
        "FEDORA-",
    ];
    if DISTRIBUTIONS.iter().any(|prefix| id.starts_with(prefix)) {
        Authority::Distribution
    } else if id.starts_with("CVE-") {
        // OSV's bare CVE records are converted from NVD and the CVE list.
        Authority::Nvd
    } else {
        Authority::Ecosystem
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn cut(mut details: String) -> String {
    if details.len() > DETAILS_KEPT {
        details.truncate(details.floor_char_boundary(DETAILS_KEPT));
        details.push_str(" […]");
    }
    details
}

impl OsvSeverity {
    fn into_entry(self, (source, authority): &(String, Authority)) -> Option<SeverityEntry> {
        let is_vector = self.kind.starts_with("CVSS") || Vector::parse(&self.score).is_ok();
        let word = Severity::parse(&self.score);
        let (vector, label) = match (is_vector && word.is_none(), self.score) {
            (_, text) if text.is_empty() => return None,
            (true, text) => (Some(text), None),
            // Ubuntu's own words, such as "negligible".
            (false, text) => (None, Some(text)),
        };
        Some(SeverityEntry {
            source: source.clone(),
            authority: *authority,
            vector,
            word,
            label,
            ..SeverityEntry::default()
        })
    }
}

impl OsvReference {
    fn into_reference(self) -> Reference {
        Reference {
            kind: self.kind,
            url: self.url,
        }
    }
}

impl OsvAffected {
    fn into_affected(self, rater: &(String, Authority)) -> Affected {
        let urgency = self
            .ecosystem_specific
            .get("urgency")
            .and_then(Value::as_str);
        let urgency = urgency.map(str::to_owned);
        let ours = self
            .database_specific
            .get("plimsoll")
            .cloned()
            .unwrap_or_default();
        let stated = Status::deserialize(&ours["status"]).ok();
        let mut ranges: Vec<Range> = self.ranges.into_iter().map(OsvRange::into_range).collect();
        // The Node Security Working Group's records have npm's own words instead of events.
        if let (true, Some(text)) = (
            ranges.is_empty() && self.versions.is_empty(),
            self.database_specific
                .get("node_range")
                .and_then(Value::as_str),
        ) {
            ranges = npm_ranges(text).unwrap_or_default();
        }
        let mut events = ranges.iter().flat_map(|range| &range.events);
        let is_fixed = events.any(|event| matches!(event, Event::Fixed(_)));
        // Debian's records in OSV carry the tracker's urgency, which tells more than "open".
        let status = match urgency.as_deref() {
            Some("unimportant") if !is_fixed => Status::Unimportant,
            Some("end-of-life") if !is_fixed => Status::EndOfLife,
            _ => Status::Affected,
        };
        let mut qualifiers = qualifiers(&self.ecosystem_specific, &self.package.purl);
        let (ecosystem, product) = ecosystem::normal(&self.package.ecosystem);
        qualifiers.repositories.extend(product);
        let severities = self.severity.into_iter();
        Affected {
            ecosystem: ecosystem.into_owned(),
            qualifiers,
            package: self.package.name,
            // Our own records may say what the distribution decided.
            status: stated.unwrap_or(status),
            ranges,
            versions: self.versions,
            urgency,
            reason: ours["reason"].as_str().map(str::to_owned),
            severities: severities
                .filter_map(|entry| entry.into_entry(rater))
                .collect(),
            ..Affected::default()
        }
    }
}

/// Limits of Go's and RustSec's records, the architecture of a package URL and its module.
fn qualifiers(specific: &Map<String, Value>, purl: &str) -> Qualifiers {
    let imports = specific.get("imports").and_then(Value::as_array);
    let imports = imports.into_iter().flatten().map(|import| Import {
        path: import["path"].as_str().unwrap_or_default().to_owned(),
        symbols: texts(import.get("symbols")),
        goos: texts(import.get("goos")),
        goarch: texts(import.get("goarch")),
    });
    let affects = specific.get("affects").unwrap_or(&Value::Null);
    let query = purl.split_once('?').map_or("", |(_, query)| query);
    let of_purl = |key: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    };
    let mut architectures = texts(affects.get("arch"));
    architectures.extend(
        of_purl("arch")
            .filter(|arch| !["source", "src", "noarch", "any"].contains(arch))
            .map(str::to_owned),
    );
    Qualifiers {
        module: of_purl("rpmmod").map(super::rpm::module),
        architectures,
        operating_systems: texts(affects.get("os")),
        imports: imports.collect(),
        repositories: Vec::new(),
    }
}

impl OsvRange {
    fn into_range(self) -> Range {
        let kind = match self.kind.as_str() {
            "GIT" => RangeKind::Git,
            "SEMVER" => RangeKind::Semver,
            _ => RangeKind::Ecosystem,
        };
        let events = self.events.into_iter().flat_map(|event| {
            [
                event.introduced.map(Event::Introduced),
                event.fixed.map(Event::Fixed),
                event.last_affected.map(Event::LastAffected),
                event.limit.map(Event::Limit),
            ]
        });
        Range {
            kind,
            events: events.flatten().collect(),
        }
    }
}
