//! What a use case answers when it cannot do what was asked, in the user's words.

use std::time::Duration;

use market::Problem;
use store::{StoreError, blobs::BlobError};

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Nobody is signed in.
    #[error("sign in first: {0}")]
    Unauthenticated(String),
    /// The name or password is wrong; it does not say which.
    #[error("the name or the password is wrong")]
    WrongPassword,
    /// Signed in, but not allowed.
    #[error("{0}")]
    Denied(String),
    /// It does not exist, or the asker may not know that it does.
    #[error("there is no {what} `{name}` that you can see")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// The input breaks rules; every problem at once.
    #[error("{}", join(.0))]
    Invalid(Vec<Problem>),
    /// It cannot be done in the present state.
    #[error("{0}")]
    Conflict(String),
    /// It is not as the asker says it must be for the change.
    #[error("{0}")]
    Changed(String),
    /// Too many attempts.
    #[error("too many attempts: try again in {} seconds", seconds(*.0))]
    TooMany(Duration),
    /// A limit on size or count was passed.
    #[error("{0}")]
    TooLarge(String),
    /// The store has no room left.
    #[error("the storage is full: nothing was changed; the operator must make room")]
    Full,
    /// The database has too much to do, or is out of reach.
    #[error("the database cannot answer at present: try again in a moment")]
    Busy,
    /// The key for releases did not sign.
    #[error("nothing can be signed at present")]
    Unsigned(#[source] trust::SignError),
    /// The server failed.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Rounds up, so that whoever waits this long is let in.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn join(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.field, problem.message))
        .collect();
    lines.join("; ")
}

impl AppError {
    /// Returns the error for something that is not there.
    pub fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            name: name.into(),
        }
    }

    /// Returns the error for one bad field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem {
            field: field.to_owned(),
            message: message.into(),
        }])
    }

    /// Returns the error for a thing that somebody else changed between reading and writing it.
    pub(crate) fn changed_meanwhile(what: &'static str) -> Self {
        Self::Conflict(format!(
            "somebody else changed the {what} at the same moment: look at it again"
        ))
    }

    /// Returns the error for a failure that is not the asker's.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Returns how many seconds to wait before trying again, where that helps.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(seconds(*wait)),
            Self::Busy => Some(1),
            Self::Unsigned(_) => Some(30),
            _ => None,
        }
    }

    /// Returns the machine-readable word for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::WrongPassword => "wrong-password",
            Self::Denied(_) => "denied",
            Self::NotFound { .. } => "not-found",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::Changed(_) => "changed",
            Self::TooMany(_) => "too-many-attempts",
            Self::TooLarge(_) => "too-large",
            Self::Full => "storage-full",
            Self::Busy => "busy",
            Self::Unsigned(_) => "unsigned",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        if let StoreError::BeingCollected(_) = error {
            Self::Conflict(error.to_string())
        } else if error.is_full() {
            Self::Full
        } else if error.is_busy() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database is busy or out of reach"
            );
            Self::Busy
        } else if error.is_nul() {
            Self::invalid(
                "text",
                "a text holds the character NUL, which cannot be stored",
            )
        } else {
            Self::internal(error)
        }
    }
}

impl From<trust::SignError> for AppError {
    fn from(error: trust::SignError) -> Self {
        // Where the key is, and what is wrong with it, is the operator's to know.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "nothing can be signed at present"
        );
        Self::Unsigned(error)
    }
}

impl From<BlobError> for AppError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full { .. } => Self::Full,
            other => Self::internal(other),
        }
    }
}

impl From<market::IllegalTransition> for AppError {
    fn from(error: market::IllegalTransition) -> Self {
        Self::Conflict(error.to_string())
    }
}
