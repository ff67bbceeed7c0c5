//! CVSS vectors of every version in use, and the words for their scores.

use std::fmt;

use cvss::{Cvss, v3};
use serde::{Deserialize, Serialize};

/// A CVSS version; later variants are newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// CVSS v2.0, whose vectors bear no prefix.
    #[serde(rename = "2.0")]
    V2,
    /// CVSS v3.0.
    #[serde(rename = "3.0")]
    V3_0,
    /// CVSS v3.1.
    #[serde(rename = "3.1")]
    V3_1,
    /// CVSS v4.0.
    #[serde(rename = "4.0")]
    V4,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2 => "2.0",
            Self::V3_0 => "3.0",
            Self::V3_1 => "3.1",
            Self::V4 => "4.0",
        })
    }
}

/// A score from 0.0 to 10.0, held in exact tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct BaseScore(u8);

impl BaseScore {
    /// Returns the score of so many tenths, `None` above 100.
    pub fn from_tenths(tenths: u8) -> Option<Self> {
        (tenths <= 100).then_some(Self(tenths))
    }

    /// Returns the score in tenths, 0 to 100.
    pub fn tenths(self) -> u8 {
        self.0
    }

    /// Returns the score as a number, 0.0 to 10.0.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// Returns the word of CVSS v3.1 section 5 and v4.0 section 6.
    pub fn severity(self) -> Severity {
        match self.0 {
            0 => Severity::None,
            1..=39 => Severity::Low,
            40..=69 => Severity::Medium,
            70..=89 => Severity::High,
            _ => Severity::Critical,
        }
    }
}

impl fmt::Display for BaseScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl From<BaseScore> for f64 {
    fn from(score: BaseScore) -> Self {
        score.value()
    }
}

impl TryFrom<f64> for BaseScore {
    type Error = CvssError;

    fn try_from(score: f64) -> Result<Self, CvssError> {
        if !(0.0..=10.0).contains(&score) {
            return Err(CvssError::Score {
                score: score.to_string(),
            });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the value was just checked to lie between 0 and 100"
        )]
        Ok(Self((score * 10.0).round() as u8))
    }
}

/// The qualitative severity of CVSS v3 and v4; later variants are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 0.0
    None,
    /// 0.1 to 3.9
    Low,
    /// 4.0 to 6.9
    Medium,
    /// 7.0 to 8.9
    High,
    /// 9.0 to 10.0
    Critical,
}

impl Severity {
    /// Reads the words feeds use, in any case; `moderate` and `important` are Red Hat's and
    /// GitHub's names for medium and high.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "none" => Some(Self::None),
            "low" | "minor" => Some(Self::Low),
            "medium" | "moderate" => Some(Self::Medium),
            "high" | "important" => Some(Self::High),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        })
    }
}

/// Why a text is not a CVSS vector or score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CvssError {
    /// The text does not follow the vector grammar of its version.
    #[error("`{vector}` is not a CVSS vector: {reason}")]
    Vector {
        /// The text, cut to 128 characters.
        vector: String,
        /// What the grammar expects instead.
        reason: String,
    },
    /// A number outside the scale.
    #[error("{score} is not a CVSS score: scores lie between 0.0 and 10.0")]
    Score {
        /// The number found.
        score: String,
    },
}

/// A valid CVSS vector with its score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    text: String,
    version: Version,
    base: BaseScore,
    whole: BaseScore,
}

impl Vector {
    /// Reads a vector of CVSS 2.0 (`AV:N/AC:L/Au:N/C:P/I:P/A:P`), 3.0, 3.1 or 4.0.
    pub fn parse(text: &str) -> Result<Self, CvssError> {
        // NVD's old feeds wrap version 2 vectors in parentheses.
        let text = text.trim().trim_start_matches('(').trim_end_matches(')');
        let error = |reason: String| CvssError::Vector {
            vector: text.chars().take(128).collect(),
            reason,
        };
        let parsed: Cvss = text
            .parse()
            .map_err(|reason: cvss::Error| error(reason.to_string()))?;
        let version = match &parsed {
            Cvss::CvssV20(_) => Version::V2,
            Cvss::CvssV30(_) => Version::V3_0,
            Cvss::CvssV31(_) => Version::V3_1,
            Cvss::CvssV40(_) => Version::V4,
            _ => return Err(error("its version is unknown".into())),
        };
        let whole = score(&parsed).ok_or_else(|| error("a base metric is missing".into()))?;
        let base = match version {
            Version::V4 => v4_base(text).unwrap_or(whole),
            _ => whole,
        };
        Ok(Self {
            text: text.to_owned(),
            version,
            base: BaseScore::try_from(base)?,
            whole: BaseScore::try_from(whole)?,
        })
    }

    /// Returns the vector as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the CVSS version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the score of the base metrics alone (of v4.0, CVSS-B), which classes go by.
    pub fn base_score(&self) -> BaseScore {
        self.base
    }

    /// Returns the score of a v4.0 vector with its threat and environmental metrics (CVSS-BT,
    /// -BE, -BTE); of older versions the base score.
    pub fn whole_score(&self) -> BaseScore {
        self.whole
    }

    /// Returns the word for the score.
    pub fn severity(&self) -> Severity {
        self.base.severity()
    }
}

fn score(vector: &Cvss) -> Option<f64> {
    match vector {
        Cvss::CvssV20(vector) => Some(vector.score().value()),
        Cvss::CvssV30(vector) | Cvss::CvssV31(vector) => v3_base(vector),
        Cvss::CvssV40(vector) => Some(vector.score().value()),
        _ => None,
    }
}

/// Scores the eleven base metrics of a v4.0 vector, which stand first.
fn v4_base(text: &str) -> Option<f64> {
    let base: Vec<&str> = text.split('/').take(12).collect();
    score(&base.join("/").parse().ok()?)
}

/// The crate scores an absent metric as 0 instead of refusing it.
fn v3_base(vector: &v3::Vector) -> Option<f64> {
    let complete = vector.av.is_some()
        && vector.ac.is_some()
        && vector.pr.is_some()
        && vector.ui.is_some()
        && vector.s.is_some()
        && vector.c.is_some()
        && vector.i.is_some()
        && vector.a.is_some();
    complete.then(|| vector.base_score().value())
}
