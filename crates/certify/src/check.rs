//! What a check is, and what it answers.

use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::Subject;

/// A question about an image. To add one: write its file below `checks` with a static
/// `CHECK`, list it in [`crate::CHECKS`], give it a passing and a failing fixture, and
/// rewrite `docs/checks.md`.
#[derive(Debug)]
pub struct Check {
    /// Its name for machines, kebab-case, never reused.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What is known about an image that passes.
    pub proves: &'static str,
    /// Why it matters, and where the rule comes from.
    pub help: &'static str,
    /// What to do when it fails.
    pub suggestion: &'static str,
    /// How much a failure weighs.
    pub level: Level,
    /// Looks at the image; never panics.
    pub run: fn(&Subject<'_>) -> Outcome,
}

/// How much a failure weighs, the heaviest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Should be mended.
    Warning,
    /// Must be mended before the image is certified.
    Error,
}

impl Level {
    /// Returns the word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a check answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All is well; the note says what was seen.
    Pass(String),
    /// It is not, and here is why; never empty.
    Fail(Vec<Evidence>),
    /// The question makes no sense for this image; the reason says why.
    NotApplicable(String),
}

impl Outcome {
    /// Passes with `note` when there is no evidence against it.
    pub(crate) fn from_evidence(evidence: Vec<Evidence>, note: impl Into<String>) -> Self {
        if evidence.is_empty() {
            Self::Pass(note.into())
        } else {
            Self::Fail(evidence)
        }
    }

    /// Fails with one note.
    pub(crate) fn fail(note: impl Into<String>) -> Self {
        Self::Fail(vec![Evidence::new(note)])
    }
}

/// One reason for a failure: what, and where in the image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The layer, by the digest that the manifest gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Digest>,
    /// The file, without leading slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line of history, as the builder wrote it, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// What is wrong; never a secret itself.
    pub note: String,
}

impl Evidence {
    /// Evidence that is about the image as a whole.
    pub(crate) fn new(note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..Self::default()
        }
    }

    /// Adds the layer.
    pub(crate) fn in_layer(mut self, layer: Option<&Digest>) -> Self {
        self.layer = layer.cloned();
        self
    }

    /// Adds the file.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Adds the line of history.
    pub(crate) fn with_line(mut self, line: &str) -> Self {
        const MOST: usize = 200;
        let mut text: String = line.chars().take(MOST).collect();
        if text.len() < line.len() {
            text.push('…');
        }
        self.history = Some(text);
        self
    }
}
