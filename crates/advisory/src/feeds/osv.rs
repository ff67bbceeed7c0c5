//! OSV records (<https://ossf.github.io/osv-schema/>): one document, one a line, an array, or
//! one per file of a zip archive.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Seek};

use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::cvss::{Severity, Vector};
use crate::record::{
    Advisory, Affected, Authority, Event, Range, RangeKind, Reference, SeverityEntry, Status,
};

use super::collect::{Collector, Stop};

/// Bytes of `details` kept; feeds hold whole reports, and nobody reads more in a finding.
const DETAILS_KEPT: usize = 16 << 10;

pub(super) fn read(reader: &mut dyn BufRead, collector: &mut Collector<'_>) {
    let mut first = Vec::new();
    // The first line tells lines from one document printed over many.
    while first.trim_ascii().is_empty() {
        match reader.read_until(b'\n', &mut first) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return collector.break_off(&error.to_string()),
        }
        if let Some(rest) = first.strip_prefix(b"\xef\xbb\xbf") {
            first = rest.to_vec();
        }
    }
    let is_array = first.trim_ascii_start().starts_with(b"[");
    let spans_lines = serde_json::from_slice::<&RawValue>(&first).is_err_and(|e| e.is_eof());
    if is_array {
        read_array(first.chain(reader), collector);
    } else if spans_lines {
        read_documents(first.chain(reader), collector);
    } else {
        read_lines(first, reader, collector);
    }
}

/// Reads a zip archive; files that do not end in `.json` are passed over.
pub(super) fn read_zip<R: Read + Seek>(input: R, collector: &mut Collector<'_>) {
    let mut archive = match zip::ZipArchive::new(input) {
        Ok(archive) => archive,
        Err(error) => return collector.break_off(&error.to_string()),
    };
    let mut left = collector.limits.input;
    for index in 0..archive.len() {
        let file = match archive.by_index(index) {
            Ok(file) => file,
            Err(error) => {
                collector.reject(&format!("file {}", index + 1), &error.to_string());
                continue;
            }
        };
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        if !name.ends_with(".json") {
            continue;
        }
        let limit = collector.limits.record.min(left);
        let mut text = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut text);
        if text.len() as u64 > limit {
            collector.reject(
                &name,
                &format!("the file is larger than the limit of {limit} bytes"),
            );
            if limit == left {
                return collector.break_off("the archive, unpacked, is larger than the limit");
            }
            continue;
        }
        left -= text.len() as u64;
        let outcome = match read {
            Ok(_) => take_record(&text, &name, collector),
            Err(error) => {
                collector.reject(&name, &error.to_string());
                Ok(())
            }
        };
        if outcome.is_err() {
            return;
        }
    }
}

fn read_lines(first: Vec<u8>, reader: &mut dyn BufRead, collector: &mut Collector<'_>) {
    let mut line = first;
    loop {
        if !line.trim_ascii().is_empty() {
            let place = format!("record {}", collector.number());
            if take_record(&line, &place, collector).is_err() {
                return;
            }
        }
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return collector.break_off(&error.to_string()),
        }
    }
}

fn read_documents(input: impl Read, collector: &mut Collector<'_>) {
    let documents =
        serde_json::Deserializer::from_reader(BufReader::new(input)).into_iter::<Box<RawValue>>();
    for document in documents {
        let place = format!("record {}", collector.number());
        let outcome = match document {
            Ok(raw) => take_record(raw.get().as_bytes(), &place, collector),
            Err(error) => return collector.break_off(&error.to_string()),
        };
        if outcome.is_err() {
            return;
        }
    }
}

fn read_array(input: impl Read, collector: &mut Collector<'_>) {
    struct Elements<'c, 'a>(&'c mut Collector<'a>);
    impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_seq(self)
        }
    }
    impl<'de> Visitor<'de> for Elements<'_, '_> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of OSV records")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
            while let Some(raw) = elements.next_element::<Box<RawValue>>()? {
                let place = format!("record {}", self.0.number());
                take_record(raw.get().as_bytes(), &place, self.0)
                    .map_err(|Stop| de::Error::custom("reading was stopped"))?;
            }
            Ok(())
        }
    }
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(input));
    if let Err(error) = Elements(collector).deserialize(&mut deserializer) {
        collector.break_off(&error.to_string());
    }
}

fn take_record(text: &[u8], place: &str, collector: &mut Collector<'_>) -> Result<(), Stop> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    match serde_json::from_slice::<OsvRecord>(text) {
        Ok(record) if record.id.trim().is_empty() => {
            collector.reject(place, "the record has no id");
            Ok(())
        }
        Ok(record) => collector.accept(record.into_advisory(collector.source)),
        Err(error) => {
            collector.reject(place, &error.to_string());
            Ok(())
        }
    }
}

/// Takes JSON's `null` for an absent value, as several feeds write it.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
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
        let affected = self
            .affected
            .into_iter()
            .map(|entry| entry.into_affected(&rater));
        Advisory {
            id: self.id,
            source: source.to_owned(),
            authority,
            aliases: self.aliases,
            upstream: self.upstream,
            related: self.related,
            summary: self.summary,
            details: cut(self.details),
            published: self.published,
            modified: self.modified,
            withdrawn: self.withdrawn,
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

/// OSV's home databases, by the prefix of the id (OSV schema, section "id").
fn authority_of(id: &str) -> Authority {
    const DISTRIBUTIONS: [&str; 6] = ["DSA-", "DLA-", "DTSA-", "DEBIAN-", "ALPINE-", "ALSA-"];
    if DISTRIBUTIONS.iter().any(|prefix| id.starts_with(prefix)) {
        Authority::Distribution
    } else if id.starts_with("CVE-") {
        // OSV's bare CVE records are converted from NVD and the CVE list.
        Authority::Nvd
    } else {
        Authority::Ecosystem
    }
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
        let vector = (is_vector && word.is_none() && !self.score.is_empty()).then_some(self.score);
        let (source, authority) = (source.clone(), *authority);
        (vector.is_some() || word.is_some()).then_some(SeverityEntry {
            source,
            authority,
            vector,
            word,
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
        let ranges: Vec<Range> = self.ranges.into_iter().map(OsvRange::into_range).collect();
        let mut events = ranges.iter().flat_map(|range| &range.events);
        let is_fixed = events.any(|event| matches!(event, Event::Fixed(_)));
        // Debian's records in OSV carry the tracker's urgency, which tells more than "open".
        let status = match urgency.as_deref() {
            Some("unimportant") if !is_fixed => Status::Unimportant,
            Some("end-of-life") if !is_fixed => Status::EndOfLife,
            _ => Status::Affected,
        };
        let severities = self.severity.into_iter();
        Affected {
            ecosystem: self.package.ecosystem,
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
