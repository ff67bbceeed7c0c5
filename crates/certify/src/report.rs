//! All checks run, and the verdict.

use serde::{Deserialize, Serialize};

use crate::{CHECKS, Check, Evidence, Level, Outcome, Subject};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Passed,
    /// It is not.
    Failed,
    /// The question makes no sense for this image.
    NotApplicable,
}

/// What one check said, complete enough to be kept and shown alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// [`Check::id`].
    pub id: String,
    /// [`Check::title`].
    pub title: String,
    /// [`Check::level`].
    pub level: Level,
    /// How it ended.
    pub status: Status,
    /// What was seen, or why the check does not apply; empty after a failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// How many more reasons were found than are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub evidence_left_out: usize,
    /// What to do; only after a failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suggestion: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A result keeps this many pieces of evidence, so that an image with a million odd files
/// does not make a report of a million lines.
const MAX_EVIDENCE: usize = 100;

impl CheckResult {
    fn of(check: &Check, outcome: Outcome) -> Self {
        let (status, mut note, mut evidence) = match outcome {
            Outcome::Pass(note) => (Status::Passed, note, Vec::new()),
            Outcome::NotApplicable(reason) => (Status::NotApplicable, reason, Vec::new()),
            Outcome::Fail(evidence) => (Status::Failed, String::new(), evidence),
        };
        shorten(&mut note);
        evidence.iter_mut().for_each(|item| shorten(&mut item.note));
        let evidence_left_out = evidence.len().saturating_sub(MAX_EVIDENCE);
        evidence.truncate(MAX_EVIDENCE);
        let failed = status == Status::Failed;
        Self {
            id: check.id.to_owned(),
            title: check.title.to_owned(),
            level: check.level,
            status,
            note,
            evidence,
            evidence_left_out,
            suggestion: if failed { check.suggestion } else { "" }.to_owned(),
        }
    }

    /// Tells whether the check failed.
    pub fn failed(&self) -> bool {
        self.status == Status::Failed
    }
}

/// Notes quote names and values of the image, which may be of any length.
fn shorten(note: &mut String) {
    const MOST: usize = 500;
    if let Some((end, _)) = note.char_indices().nth(MOST) {
        note.truncate(end);
        note.push('…');
    }
}

/// Runs every check, in the order of [`CHECKS`].
pub fn run_all(subject: &Subject<'_>) -> Vec<CheckResult> {
    CHECKS
        .iter()
        .map(|check| CheckResult::of(check, (check.run)(subject)))
        .collect()
}

/// How many checks ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Checks passed.
    pub passed: usize,
    /// Checks failed at [`Level::Error`].
    pub errors: usize,
    /// Checks failed at [`Level::Warning`].
    pub warnings: usize,
    /// Checks failed at [`Level::Info`].
    pub infos: usize,
    /// Checks that do not apply.
    pub not_applicable: usize,
}

/// The results of all checks over one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whether nothing failed at [`Level::Error`].
    pub passes: bool,
    /// The counts.
    pub summary: Summary,
    /// What each check said.
    pub results: Vec<CheckResult>,
}

impl Report {
    /// Runs every check over `subject`.
    pub fn of(subject: &Subject<'_>) -> Self {
        run_all(subject).into()
    }
}

impl From<Vec<CheckResult>> for Report {
    fn from(results: Vec<CheckResult>) -> Self {
        let mut summary = Summary::default();
        for result in &results {
            let count = match (result.status, result.level) {
                (Status::Passed, _) => &mut summary.passed,
                (Status::NotApplicable, _) => &mut summary.not_applicable,
                (Status::Failed, Level::Error) => &mut summary.errors,
                (Status::Failed, Level::Warning) => &mut summary.warnings,
                (Status::Failed, Level::Info) => &mut summary.infos,
            };
            *count += 1;
        }
        Self {
            passes: summary.errors == 0,
            summary,
            results,
        }
    }
}

/// Writes a number of bytes for people, in decimal units.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if count >= unit {
            let tenths = count / (unit / 10);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{count} B")
}
