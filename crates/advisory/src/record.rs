//! What an advisory says, in one shape for every feed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::cvss::{BaseScore, Severity};

/// One feed's statement about one vulnerability, or about several fixed together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Advisory {
    /// The feed's own identifier, such as `DSA-5417-1` or `CVE-2023-0464`.
    pub id: String,
    /// Name of the feed it came from.
    pub source: String,
    /// How much weight the feed's word has.
    pub authority: Authority,
    /// Other identifiers of the same vulnerability.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Vulnerabilities this advisory deals with without being the same thing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<String>,
    /// Loosely connected identifiers; never used for matching.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// One line; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Longer text, Markdown; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// RFC 3339, as the feed wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// RFC 3339, as the feed wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// RFC 3339; present if the advisory was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// Why it was taken back, where the feed says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_reason: Option<String>,
    /// Whether it is about a vulnerability at all.
    #[serde(skip_serializing_if = "Kind::is_vulnerability")]
    pub kind: Kind,
    /// The feed's word for an informational record: RustSec's `unmaintained`, `unsound`, `notice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub informational: Option<String>,
    /// Every rating the feed gives for the whole advisory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<SeverityEntry>,
    /// Weaknesses, such as `CWE-79`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weaknesses: Vec<String>,
    /// How likely it is to be exploited, by FIRST's EPSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss: Option<Epss>,
    /// Its entry in CISA's list of known exploited vulnerabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kev: Option<Kev>,
    /// CISA's decision points (Vulnrichment).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssvc: Option<Ssvc>,
    /// Further reading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// The packages it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<Affected>,
}

impl Advisory {
    /// Returns the vulnerabilities it is about: every CVE among id, aliases and upstream, or its
    /// own id where it names none.
    pub fn vulnerabilities(&self) -> Vec<&str> {
        let named = std::iter::once(&self.id)
            .chain(&self.aliases)
            .chain(&self.upstream);
        let cves: BTreeSet<&str> = named
            .map(String::as_str)
            .filter(|id| id.starts_with("CVE-"))
            .collect();
        if cves.is_empty() {
            vec![&self.id]
        } else {
            cves.into_iter().collect()
        }
    }
}

/// What an advisory is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A vulnerability.
    #[default]
    Vulnerability,
    /// A package made to do harm (OSV's `MAL-` records); whoever has it is compromised.
    Malicious,
    /// No vulnerability: unmaintained, unsound, a notice. Shown, never a finding by itself.
    Informational,
}

impl Kind {
    fn is_vulnerability(&self) -> bool {
        *self == Self::Vulnerability
    }
}

/// The Exploit Prediction Scoring System's estimate (<https://www.first.org/epss/>).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epss {
    /// Probability of exploitation in the next 30 days, 0 to 1.
    pub score: f64,
    /// Share of all vulnerabilities with the same or a lower score, 0 to 1.
    pub percentile: f64,
    /// The day of the estimate, `2026-11-20`.
    pub date: String,
}

/// An entry of CISA's Known Exploited Vulnerabilities catalogue; dates are `2026-11-20`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kev {
    /// When it was added.
    pub added: String,
    /// By when federal agencies must have acted.
    pub due: Option<String>,
    /// What CISA demands.
    pub action: String,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
}

/// Stakeholder-Specific Vulnerability Categorization: CISA's words, lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ssvc {
    /// `none`, `poc` or `active`.
    pub exploitation: String,
    /// `yes` or `no`.
    pub automatable: String,
    /// `partial` or `total`.
    pub technical_impact: String,
}

/// The weight of a feed's word, in the order in which scores and statements are preferred.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The distribution that built the package.
    Distribution,
    /// The database of the package's ecosystem, or a general one in OSV format.
    #[default]
    Ecosystem,
    /// The National Vulnerability Database.
    Nvd,
    /// Anybody else.
    Other,
}

/// One rating of how bad it is; at least one of vector, score and word is present.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SeverityEntry {
    /// Who rates: the name of the feed, or of its own source.
    pub source: String,
    /// The weight of that source.
    #[serde(default)]
    pub authority: Authority,
    /// A CVSS vector as written, not necessarily valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// A bare score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<BaseScore>,
    /// A bare word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Severity>,
    /// The word as the source writes it (`Important`, `negligible`), where it is not the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// OSV's type: `ADVISORY`, `FIX`, `REPORT`, `WEB` ….
    pub kind: String,
    /// Where it leads; not checked.
    pub url: String,
}

/// What the advisory says about one package.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Affected {
    /// OSV ecosystem with its release: `Debian:11`, `Alpine:v3.18`.
    pub ecosystem: String,
    /// Source package (Debian), origin (Alpine), binary package (rpm), `part:vendor:product`
    /// (in [`CPE`]), or the ecosystem's package name.
    pub package: String,
    /// What the feed says besides the ranges.
    pub status: Status,
    /// The feed's own word for the status, such as `no-dsa`, `Fix deferred` or `ignored`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_word: Option<String>,
    /// What else must hold of a package for the entry to be about it.
    #[serde(skip_serializing_if = "Qualifiers::is_empty")]
    pub qualifiers: Qualifiers,
    /// NVD's applicability statement, in [`CPE`] only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe: Option<CpeMatch>,
    /// Ranges of affected versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Single affected versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// The feed's own word of urgency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    /// Why the status is what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Ratings for this package only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<SeverityEntry>,
}

/// The ecosystem of entries that name a product by CPE instead of a package.
pub const CPE: &str = "CPE";

/// Conditions on a package beside its name and version; an empty list sets none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Qualifiers {
    /// The rpm module stream, `nodejs:18`; a package outside modules is not meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Architectures, as the ecosystem writes them: `x86_64`, `aarch64`; Go's `goarch`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<String>,
    /// Operating systems: Go's `goos`, RustSec's `os`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operating_systems: Vec<String>,
    /// Go: the packages and symbols of the module that are affected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Import>,
    /// CPE names (`cpe:/a:redhat:enterprise_linux:9::appstream`) or names of the repositories
    /// the package must come from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
}

impl Qualifiers {
    /// Returns whether there is no condition.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One affected package of a Go module, with its own limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Import {
    /// Import path.
    pub path: String,
    /// Affected functions and methods; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
    /// Operating systems it is limited to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goos: Vec<String>,
    /// Architectures it is limited to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goarch: Vec<String>,
}

/// One `cpeMatch` of an NVD configuration. The version is within all bounds that are present;
/// without any, it is the one in the name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpeMatch {
    /// The whole CPE 2.3 name; its `target_sw` tells one ecosystem's product from another's.
    pub criteria: String,
    /// First affected version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_including: Option<String>,
    /// Last version before the affected ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_excluding: Option<String>,
    /// Last affected version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_including: Option<String>,
    /// First version no longer affected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_excluding: Option<String>,
    /// CPE names of which one must be there as well ("running on"); empty for no condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub running_on: Vec<String>,
}

/// The state of a package with regard to a vulnerability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Affected in the ranges and versions given; fixed after them.
    #[default]
    Affected,
    /// Never affected, whatever the version.
    NotAffected,
    /// Affected; the fix waits for a later update (Debian: no-dsa, postponed).
    FixDeferred,
    /// Affected; the distribution decided not to fix it (Debian: ignored).
    WillNotFix,
    /// Present in the source, but no security problem in the package as built.
    Unimportant,
    /// Affected; the package is no longer supported in this release.
    EndOfLife,
    /// Nobody has decided; never matches.
    Undetermined,
    /// The distribution looks into it; affected until it says otherwise.
    UnderInvestigation,
}

impl Status {
    /// Returns the word used in explanations and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::NotAffected => "not affected",
            Self::FixDeferred => "fix deferred",
            Self::WillNotFix => "will not be fixed",
            Self::Unimportant => "unimportant",
            Self::EndOfLife => "end of life",
            Self::Undetermined => "undetermined",
            Self::UnderInvestigation => "under investigation",
        }
    }
}

/// A range of affected versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// In which order the events' versions stand.
    pub kind: RangeKind,
    /// What happened when; not necessarily sorted.
    pub events: Vec<Event>,
}

impl Range {
    /// Returns the range from the beginning to before `fixed`, or without end.
    pub fn before(fixed: Option<&str>) -> Self {
        let mut events = vec![Event::Introduced("0".to_owned())];
        events.extend(fixed.map(|version| Event::Fixed(version.to_owned())));
        Self {
            kind: RangeKind::Ecosystem,
            events,
        }
    }
}

/// The order a range's versions follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeKind {
    /// The ecosystem's own.
    Ecosystem,
    /// Semantic versioning.
    Semver,
    /// Commits; kept, never matched.
    Git,
}

/// A version at which something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The first affected version; `0` is before every version.
    Introduced(String),
    /// The first version no longer affected.
    Fixed(String),
    /// The last affected version.
    LastAffected(String),
    /// The first version the range says nothing about.
    Limit(String),
}

impl Event {
    /// Returns the version, whatever happened there.
    pub fn version(&self) -> &str {
        match self {
            Self::Introduced(version)
            | Self::Fixed(version)
            | Self::LastAffected(version)
            | Self::Limit(version) => version,
        }
    }
}
