//! Which of many ratings is shown as *the* score.

use serde::Serialize;

use crate::cvss::{BaseScore, Vector, Version};
use crate::record::{Authority, SeverityEntry};

/// A chosen score and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// CVSS version, if the score comes from a vector.
    pub version: Option<Version>,
    /// The vector as written, if there is one.
    pub vector: Option<String>,
    /// The base score.
    pub score: BaseScore,
    /// The score with the vector's threat and environmental metrics (CVSS v4.0, section 1.3),
    /// where they make it another.
    pub whole: Option<BaseScore>,
    /// Who rated it so.
    pub source: String,
    /// The weight of that source.
    pub authority: Authority,
}

impl Score {
    /// Says in a sentence why this score was chosen.
    pub fn reason(&self) -> String {
        let rank = match self.authority {
            Authority::Distribution => "the distribution's own rating comes first",
            Authority::Ecosystem => {
                "no distribution rates it, and the ecosystem's database comes next"
            }
            Authority::Nvd => "neither distribution nor ecosystem rates it, and NVD comes next",
            Authority::Other => "nobody with a better knowledge of the package rates it",
        };
        let whole = self.whole.map_or_else(String::new, |whole| {
            format!(" ({whole} with threat and environment)")
        });
        match self.version {
            Some(version) => format!(
                "{}{whole} by {}, CVSS {version}: {rank}; of one source the newest CVSS version counts",
                self.score, self.source
            ),
            None => format!(
                "{} by {}, without a vector: {rank}",
                self.score, self.source
            ),
        }
    }
}

/// Returns the newest CVSS version's score of the first source that has one.
///
/// Sources stand in the declared order distribution, ecosystem, NVD, others; within the same
/// weight, in the order given. A vector that does not parse counts as absent, a bare score as
/// older than any vector; a bare word is no score.
pub fn preferred_score(entries: &[SeverityEntry]) -> Option<Score> {
    let scores: Vec<Score> = entries.iter().filter_map(score_of).collect();
    let first = scores.iter().min_by_key(|score| score.authority)?;
    scores
        .iter()
        .filter(|score| score.authority == first.authority && score.source == first.source)
        // Of equals, `max_by_key` returns the last; reversed, the first.
        .rev()
        .max_by_key(|score| score.version)
        .cloned()
}

/// Returns the score of one rating: its vector's, else the bare one.
pub fn score_of(entry: &SeverityEntry) -> Option<Score> {
    let vector = entry
        .vector
        .as_deref()
        .and_then(|text| Vector::parse(text).ok());
    let score = vector.as_ref().map(Vector::base_score).or(entry.score)?;
    let whole = vector.as_ref().map(Vector::whole_score);
    Some(Score {
        whole: whole.filter(|whole| *whole != score),
        version: vector.as_ref().map(Vector::version),
        vector: vector.map(|vector| vector.as_str().to_owned()),
        score,
        source: entry.source.clone(),
        authority: entry.authority,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: &str, authority: Authority, vector: &str) -> SeverityEntry {
        SeverityEntry {
            source: source.to_owned(),
            authority,
            vector: Some(vector.to_owned()),
            ..SeverityEntry::default()
        }
    }

    const V2: &str = "AV:N/AC:L/Au:N/C:P/I:P/A:P";
    const V3: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    const V4: &str = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";

    #[test]
    fn prefers_the_first_source_then_its_newest_version() {
        let nvd = entry("nvd", Authority::Nvd, V4);
        let old = entry("osv", Authority::Ecosystem, V2);
        let new = entry("osv", Authority::Ecosystem, V3);
        let other = entry("second", Authority::Ecosystem, V4);
        let chosen = preferred_score(&[nvd.clone(), old, new, other]).expect("there are scores");
        assert_eq!(
            (chosen.version, chosen.source.as_str()),
            (Some(Version::V3_1), "osv")
        );
        assert_eq!(
            preferred_score(&[nvd]).map(|score| score.score.to_string()),
            Some("9.3".into())
        );
    }

    #[test]
    fn threat_and_environment_are_told_beside_the_base() {
        let vector = format!("{V4}/E:U");
        let chosen = preferred_score(&[entry("nvd", Authority::Nvd, &vector)]);
        let chosen = chosen.expect("a score");
        assert_eq!(chosen.score.to_string(), "9.3");
        let whole = chosen.whole.expect("another score").to_string();
        assert_eq!(whole, "8.1");
        assert!(
            chosen
                .reason()
                .starts_with("9.3 (8.1 with threat and environment) by nvd")
        );
        let base = preferred_score(&[entry("nvd", Authority::Nvd, V4)]);
        assert_eq!(base.expect("a score").whole, None);
    }

    #[test]
    fn skips_words_and_broken_vectors() {
        let mut word = entry("debian", Authority::Distribution, "CVSS:3.1/AV:Q");
        word.word = Some(crate::cvss::Severity::High);
        assert_eq!(preferred_score(std::slice::from_ref(&word)), None);
        let chosen = preferred_score(&[word, entry("nvd", Authority::Nvd, V2)]);
        assert_eq!(chosen.map(|score| score.score.tenths()), Some(75));
    }
}
