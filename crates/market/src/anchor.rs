//! What a remark in a review thread is about.

use std::{fmt, str::FromStr};

/// What a remark is pinned to. Written `submission`, `field:logo`, `check:non-root-user`,
/// `finding:CVE-2022-0778`, `component:openssl` or `layer:sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// The submission as a whole.
    Submission,
    /// A field of the product manifest.
    Field(String),
    /// A certification check.
    Check(String),
    /// A vulnerability.
    Finding(String),
    /// A component by name.
    Component(String),
    /// A layer by digest.
    Layer(String),
}

/// An anchor that is malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names nothing a remark can be pinned to: use `submission`, `field:NAME`, `check:ID`, `finding:ID`, `component:NAME` or `layer:DIGEST`"
)]
pub struct AnchorError(String);

impl FromStr for Anchor {
    type Err = AnchorError;

    fn from_str(text: &str) -> Result<Self, AnchorError> {
        let refuse = || AnchorError(text.chars().take(120).collect());
        if text == "submission" {
            return Ok(Self::Submission);
        }
        let (kind, name) = text.split_once(':').ok_or_else(refuse)?;
        if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(refuse());
        }
        let name = name.to_owned();
        match kind {
            "field" => Ok(Self::Field(name)),
            "check" => Ok(Self::Check(name)),
            "finding" => Ok(Self::Finding(name)),
            "component" => Ok(Self::Component(name)),
            "layer" => Ok(Self::Layer(name)),
            _ => Err(refuse()),
        }
    }
}

impl TryFrom<String> for Anchor {
    type Error = AnchorError;

    fn try_from(text: String) -> Result<Self, AnchorError> {
        text.parse()
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submission => f.write_str("submission"),
            Self::Field(name) => write!(f, "field:{name}"),
            Self::Check(name) => write!(f, "check:{name}"),
            Self::Finding(name) => write!(f, "finding:{name}"),
            Self::Component(name) => write!(f, "component:{name}"),
            Self::Layer(name) => write!(f, "layer:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for text in [
            "submission",
            "field:logo",
            "layer:sha256:00",
            "finding:CVE-2022-0778",
        ] {
            assert_eq!(
                text.parse::<Anchor>()
                    .map(|anchor| anchor.to_string())
                    .as_deref(),
                Ok(text)
            );
        }
        assert!("field:".parse::<Anchor>().is_err());
        assert!("moon:x".parse::<Anchor>().is_err());
    }
}
