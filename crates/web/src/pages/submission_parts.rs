//! The parts of the submission page.

use market::Class;

use super::compare::ChangedContent;
use crate::view::{
    Digest, Due, Html, Pill, Tone, When, class_pill, cvss_pill, megabytes, outcome_pill,
};

/// How far an inspection is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// What is under way: `Inspection` or `Release`.
    pub title: &'static str,
    /// Steps done.
    pub done: u64,
    /// Steps in all; at least 1.
    pub total: u64,
    /// What is being done.
    pub step: String,
}

/// What is different from the submission before.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The earlier one's number.
    pub number: u64,
    /// The earlier one's address.
    pub url: String,
    /// Manifest fields that differ.
    pub fields: Vec<String>,
    /// What differs in the image.
    pub content: ChangedContent,
    /// Checks that passed before and fail now, and the other way round: title and outcome.
    pub checks: Vec<(String, String)>,
}

impl Changes {
    /// Returns whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.content.is_empty() && self.checks.is_empty()
    }
}

/// What the publisher's signatures prove.
#[derive(Debug, Clone)]
pub struct SignatureReport {
    /// Whether one of them is good and made with a registered key.
    pub is_verified: bool,
    /// The verdict in one line.
    pub verdict: String,
    /// Every signature that was found.
    pub lines: Vec<SignatureLine>,
}

impl SignatureReport {
    /// Returns the verdict's pill.
    pub fn pill(&self) -> Pill {
        if self.is_verified {
            Pill::new(Tone::Good, "Verified")
        } else {
            Pill::new(Tone::Bad, "Not verified")
        }
    }
}

/// A signature.
#[derive(Debug, Clone)]
pub struct SignatureLine {
    /// For example `cosign` or `TUF`.
    pub kind: String,
    /// The key's name or id.
    pub key: String,
    /// `pass` or `fail`.
    pub outcome: String,
    /// What was proved, or why not.
    pub detail: String,
}

impl SignatureLine {
    /// Returns the outcome as a pill.
    pub fn pill(&self) -> Pill {
        outcome_pill(&self.outcome)
    }
}

/// A vulnerability in a component of a layer.
#[derive(Debug, Clone)]
pub struct Finding {
    /// For example `CVE-2022-0778`.
    pub id: String,
    /// Address of its entry.
    pub url: Option<String>,
    /// One line about it.
    pub summary: String,
    /// The programme's class.
    pub class: Class,
    /// The base score that counts.
    pub score: Option<f64>,
    /// Its vector.
    pub vector: Option<String>,
    /// Where the score is from.
    pub source: Option<String>,
    /// The component's name.
    pub component: String,
    /// The version found.
    pub version: String,
    /// The first version without it.
    pub fixed_version: Option<String>,
    /// The layer it is in.
    pub layer: Digest,
    /// When it must be fixed.
    pub due: Due,
    /// Why it was found, or why it is gone.
    pub why: String,
    /// The record that decided, and what it says.
    pub record: Option<String>,
    /// Since when it is known, and when it was first seen here.
    pub since: String,
    /// Who classified it by hand, and why.
    pub by_hand: Option<String>,
    /// Address of the form to classify it by hand, for who may.
    pub classify_url: Option<String>,
    /// Where the publisher's statement about it stands, and what it says.
    pub statement: Option<(Pill, String)>,
    /// Address of the page of statements; for who may make one, with everything filled in.
    pub statement_url: Option<String>,
}

impl Finding {
    /// Returns the class as a pill.
    pub fn class_pill(&self) -> Pill {
        class_pill(self.class)
    }

    /// Returns the CVSS word as a pill.
    pub fn cvss_pill(&self) -> Pill {
        cvss_pill(self.score)
    }

    /// Returns the score with one decimal, or a dash.
    pub fn score_text(&self) -> String {
        self.score
            .map_or_else(|| "–".to_owned(), |score| format!("{score:.1}"))
    }
}

/// A certification check with what it found.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its id.
    pub id: String,
    /// What is checked.
    pub title: String,
    /// `pass`, `warn`, `fail`, `skip` or `error`.
    pub outcome: String,
    /// What passing it proves.
    pub proves: String,
    /// What was seen.
    pub evidence: Vec<String>,
    /// What to do.
    pub suggestion: Option<String>,
    /// Why it matters.
    pub help: String,
    /// Whether it failed and nobody waived it.
    pub can_waive: bool,
    /// The id of the waiver that counts for it, and what that says.
    pub waived: Option<(String, String)>,
}

impl Check {
    /// Returns the outcome as a pill.
    pub fn pill(&self) -> Pill {
        outcome_pill(&self.outcome)
    }

    /// Returns whether it stands in the way.
    pub fn is_failed(&self) -> bool {
        matches!(self.outcome.as_str(), "fail" | "error")
    }
}

/// One platform's image.
#[derive(Debug, Clone)]
pub struct PlatformPanel {
    /// For example `linux/amd64`.
    pub platform: String,
    /// The operating system inside.
    pub os: String,
    /// Compressed size in bytes.
    pub size: u64,
    /// The manifest's digest.
    pub digest: Digest,
    /// Address of the image's own page.
    pub url: String,
    /// Its layers, oldest first.
    pub layers: Vec<LayerPanel>,
}

impl PlatformPanel {
    /// Returns the compressed size in MB.
    pub fn megabytes(&self) -> String {
        megabytes(self.size)
    }
}

/// A layer.
#[derive(Debug, Clone)]
pub struct LayerPanel {
    /// Its place, from 1.
    pub number: u64,
    /// What made it.
    pub instruction: String,
    /// Its digest.
    pub digest: Digest,
    /// Compressed size in bytes.
    pub size: u64,
    /// Components it adds; perhaps only the first of them.
    pub components: Vec<ComponentLine>,
    /// How many components it adds.
    pub component_count: u64,
    /// How many of them are vulnerable.
    pub vulnerable_count: u64,
}

impl LayerPanel {
    /// Returns the compressed size in MB.
    pub fn megabytes(&self) -> String {
        megabytes(self.size)
    }

    /// Returns how many components are not shown.
    pub fn left_out(&self) -> u64 {
        self.component_count
            .saturating_sub(u64::try_from(self.components.len()).unwrap_or(u64::MAX))
    }
}

/// A component.
#[derive(Debug, Clone)]
pub struct ComponentLine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its kind, for example `apk`, `deb` or `npm`.
    pub kind: String,
    /// Its findings, gravest first: id and class.
    pub findings: Vec<(String, Class)>,
}

impl ComponentLine {
    /// Returns the gravest class.
    pub fn gravest(&self) -> Option<Pill> {
        self.findings.first().map(|(_, class)| class_pill(*class))
    }

    /// Returns the ids of the findings.
    pub fn ids(&self) -> String {
        let ids: Vec<&str> = self.findings.iter().map(|(id, _)| id.as_str()).collect();
        ids.join(", ")
    }
}

/// An item of a manifest.
#[derive(Debug, Clone)]
pub struct ManifestItem {
    /// The field's name in the manifest's JSON.
    pub field: String,
    /// Its name for people.
    pub title: String,
    /// What stands there; sanitised.
    pub value: Html,
    /// Whether it differs from what was there before.
    pub is_changed: bool,
}

/// A remark in the review thread.
#[derive(Debug, Clone)]
pub struct Remark {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// In which role, for example `Reviewer` or `Publisher`.
    pub role: String,
    /// When.
    pub at: When,
    /// What it is about, for people.
    pub about: String,
    /// Sanitised.
    pub body: Html,
    /// The decision it explains, if it came with one.
    pub decision: Option<Pill>,
    /// When it was resolved.
    pub resolved: Option<When>,
    /// Whether the viewer may resolve it or open it again.
    pub can_resolve: bool,
}

impl Remark {
    /// Returns whether somebody must still answer it.
    pub fn is_open(&self) -> bool {
        self.decision.is_none() && self.resolved.is_none()
    }
}

/// Something a remark can be pinned to.
#[derive(Debug, Clone)]
pub struct AnchorChoice {
    /// As [`market::Anchor`] writes it.
    pub value: String,
    /// For people.
    pub label: String,
}
