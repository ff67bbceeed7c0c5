//! What can go wrong between a client and its registry.

use std::path::PathBuf;

use serde::Deserialize;

use crate::{ManifestError, SourceError, VerifyError};

/// One error in a registry's answer (distribution-spec, "Error Codes").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ApiError {
    /// The code, such as `DENIED`.
    #[serde(default)]
    pub code: String,
    /// The registry's words.
    #[serde(default)]
    pub message: String,
}

/// Why a call to a registry failed. No variant carries a credential.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The text is no host.
    #[error("`{0}` is no registry host: write it as `name` or `name:port`")]
    Host(String),
    /// The file of trusted certificates is unusable.
    #[error("cannot use the certificates in `{}`: {why}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The registry answered with an error.
    #[error("{place}: {}", answer(*status, errors))]
    Answer {
        /// Host and repository.
        place: String,
        /// The HTTP status.
        status: u16,
        /// What it said; empty where it said nothing that can be read.
        errors: Vec<ApiError>,
    },
    /// No answer came.
    #[error("{host}: {}; {}", error.to_string().trim_end_matches('.'), advice(error))]
    Connection {
        /// Host and port.
        host: String,
        /// What happened.
        error: Box<ureq::Error>,
    },
    /// A stream broke while it was read.
    #[error("{place}: the connection broke: {source}; try again")]
    Broken {
        /// Host and repository.
        place: String,
        /// What happened.
        source: std::io::Error,
    },
    /// Content is not what its descriptor says.
    #[error("{place}: {source}")]
    Damaged {
        /// Host and repository.
        place: String,
        /// What differs.
        source: VerifyError,
    },
    /// An answer breaks the protocol.
    #[error("{place}: {why}")]
    Protocol {
        /// Host and repository.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A manifest cannot be understood.
    #[error("{place}: {source}")]
    Manifest {
        /// Host, repository and tag or digest.
        place: String,
        /// What is wrong.
        source: ManifestError,
    },
    /// The layout or archive on the other side.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl ClientError {
    /// Returns the HTTP status of an answer with an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub(super) fn protocol(place: &str, why: impl Into<String>) -> Self {
        Self::Protocol {
            place: place.to_owned(),
            why: why.into(),
        }
    }

    /// Returns whether the host has no address that may be connected to.
    pub fn is_kept_from(&self) -> bool {
        let Self::Connection { error, .. } = self else {
            return false;
        };
        matches!(&**error, ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
    }

    /// Returns whether the same call may do better a while later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Answer { status, .. } => *status == 429 || *status >= 500,
            Self::Connection { .. } => !self.is_kept_from(),
            Self::Broken { .. } => true,
            _ => false,
        }
    }

    /// Returns what a reader of a blob failed with.
    pub fn from_read(place: &str, source: std::io::Error) -> Self {
        let place = place.to_owned();
        match VerifyError::in_io(&source) {
            Some(found) => Self::Damaged {
                source: found.clone(),
                place,
            },
            None => Self::Broken { place, source },
        }
    }
}

/// The body of an answer with an error.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    pub(super) errors: Vec<ApiError>,
}

/// Writes `denied: the words (DENIED, 403)`.
fn answer(status: u16, errors: &[ApiError]) -> String {
    const SHOWN: usize = 4;
    let one = |error: &ApiError| {
        let plain = clean(&error.code).to_lowercase().replace('_', " ");
        let (code, message) = (clean(&error.code), clean(&error.message));
        match (plain.is_empty(), message.is_empty()) {
            (true, _) => format!("{message} ({status})"),
            (_, true) => format!("{plain} ({code}, {status})"),
            _ => format!("{plain}: {message} ({code}, {status})"),
        }
    };
    let said: Vec<_> = errors.iter().take(SHOWN).map(one).collect();
    if !said.is_empty() {
        return said.join("; ");
    }
    let meaning = match status {
        401 => "not signed in, or with wrong credentials: check user and password",
        403 => "not allowed",
        404 => "not found: check the name; a repository that is private may look absent",
        413 => "too large for the registry",
        429 => "too many requests: try again later",
        300..=399 => "an unexpected redirect",
        500..=599 => "the registry failed: try again, or look into its log",
        _ => "an unexpected answer: check that this is a registry",
    };
    format!("{meaning} ({status})")
}

/// Keeps a stranger's words from moving the cursor of a terminal or filling it.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect()
}

const TLS_ADVICE: &str = "check that the port speaks TLS and that its certificate is trusted";

fn advice(error: &ureq::Error) -> &'static str {
    use std::io::ErrorKind;
    match error {
        ureq::Error::HostNotFound => "check the host's name",
        ureq::Error::Io(e) if e.kind() == ErrorKind::ConnectionRefused => {
            "check that the registry runs and that the port is right"
        }
        ureq::Error::Io(e) if e.kind() == ErrorKind::PermissionDenied => {
            "this server may reach public registries only; the operator can permit others"
        }
        ureq::Error::Timeout(_) => "check that the registry runs and can be reached from here",
        // Within a handshake, what rustls refuses arrives as invalid data.
        ureq::Error::Io(e) if e.kind() == ErrorKind::InvalidData => TLS_ADVICE,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => TLS_ADVICE,
        _ => "check host and port, and whether the registry speaks http or https",
    }
}
