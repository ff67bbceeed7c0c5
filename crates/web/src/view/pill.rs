//! States as short words with a colour; the word alone says everything.

use std::fmt;

use askama::filters::HtmlSafe;
use market::{ListingState, PublisherState, SubmissionState, SubscriptionState};

use super::escaped;

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// On its way.
    Active,
    /// Somebody should look.
    Warning,
    /// Wrong or over.
    Bad,
    /// Neither.
    Quiet,
    /// Severity: dark red.
    Critical,
    /// Severity: red.
    High,
    /// Severity: orange.
    Major,
    /// Severity: yellow.
    Minor,
    /// Severity: grey.
    Unscored,
}

impl Tone {
    /// Returns the style class.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Active => "active",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
            Self::Critical => "critical",
            Self::High => "high",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Unscored => "unscored",
        }
    }
}

/// A short word on a coloured ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pill {
    /// Its colour.
    pub tone: Tone,
    /// Its word.
    pub word: String,
}

impl Pill {
    /// Returns a pill.
    pub fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self {
            tone,
            word: word.into(),
        }
    }
}

impl fmt::Display for Pill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<span class="pill {}">{}</span>"#,
            self.tone.as_str(),
            escaped(&self.word)
        )
    }
}

impl HtmlSafe for Pill {}

/// Returns a listing's state.
pub fn listing_pill(state: ListingState) -> Pill {
    match state {
        ListingState::Draft => Pill::new(Tone::Quiet, "Draft"),
        ListingState::Listed => Pill::new(Tone::Good, "Listed"),
        ListingState::OnHold => Pill::new(Tone::Warning, "On hold"),
        ListingState::Revoked => Pill::new(Tone::Bad, "Revoked"),
        ListingState::Withdrawn => Pill::new(Tone::Quiet, "Withdrawn"),
    }
}

/// Returns a submission's state.
pub fn submission_pill(state: SubmissionState) -> Pill {
    let tone = match state {
        SubmissionState::Inspecting | SubmissionState::InReview => Tone::Active,
        SubmissionState::ChangesRequested => Tone::Warning,
        SubmissionState::Approved | SubmissionState::Released => Tone::Good,
        SubmissionState::Rejected | SubmissionState::Failed => Tone::Bad,
        SubmissionState::Superseded => Tone::Quiet,
    };
    Pill::new(tone, state.title())
}

/// Returns a publisher's standing.
pub fn publisher_pill(state: PublisherState) -> Pill {
    match state {
        PublisherState::Applied => Pill::new(Tone::Active, "Waiting for a decision"),
        PublisherState::Verified => Pill::new(Tone::Good, "Verified publisher"),
        PublisherState::Rejected => Pill::new(Tone::Bad, "Rejected"),
        PublisherState::Suspended => Pill::new(Tone::Warning, "Suspended"),
    }
}

/// Returns a subscription's state.
pub fn subscription_pill(state: SubscriptionState) -> Pill {
    match state {
        SubscriptionState::Active => Pill::new(Tone::Good, "Active"),
        SubscriptionState::Cancelled => Pill::new(Tone::Warning, "Cancelled"),
        SubscriptionState::Lapsed => Pill::new(Tone::Quiet, "Lapsed"),
    }
}

/// Returns a check's outcome: `pass`, `fail`, `warn`, `hint`, `error`, anything else is shown as it is.
pub fn outcome_pill(outcome: &str) -> Pill {
    match outcome {
        "pass" => Pill::new(Tone::Good, "Passed"),
        "fail" => Pill::new(Tone::Bad, "Failed"),
        "warn" => Pill::new(Tone::Warning, "Warning"),
        "hint" => Pill::new(Tone::Quiet, "Hint"),
        "waived" => Pill::new(Tone::Warning, "Waived"),
        "error" => Pill::new(Tone::Bad, "Not run"),
        "skip" => Pill::new(Tone::Quiet, "Skipped"),
        other => Pill::new(Tone::Quiet, other),
    }
}
