//! Retention: which tags of a staging repository are dropped by rule.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::Problem;

/// Most patterns of a rule, and characters of each.
const MOST_PATTERNS: usize = 50;
const LONGEST_PATTERN: usize = 128;

/// Which tags of each staging repository are kept. Without any of the first two fields
/// nothing is dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetentionRules {
    /// The newest so many are kept, by when they were set.
    pub keep_newest: Option<u32>,
    /// What was set or pulled within so many days is kept.
    pub unused_days: Option<u32>,
    /// Tags that match any of these are kept; `*` stands for any characters, `?` for one.
    pub keep_tags: Vec<String>,
}

/// A tag as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedTag {
    /// Its name.
    pub name: String,
    /// When it was set.
    pub updated_at: DateTime<Utc>,
    /// When it was pulled last.
    pub pulled_at: Option<DateTime<Utc>>,
    /// Whether a submission under way holds what it names.
    pub is_held: bool,
}

impl RetentionRules {
    /// Returns whether they drop anything at all.
    pub fn is_empty(&self) -> bool {
        self.keep_newest.is_none() && self.unused_days.is_none()
    }

    /// Returns everything that is wrong with them.
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |field: &str, message: &str| Problem {
            field: field.to_owned(),
            message: message.to_owned(),
        };
        let mut problems = Vec::new();
        if self.keep_newest == Some(0) || self.keep_newest > Some(1_000_000) {
            problems.push(problem("keep_newest", "write 1 to 1000000 tags"));
        }
        if self.unused_days == Some(0) || self.unused_days > Some(36_500) {
            problems.push(problem("unused_days", "write 1 to 36500 days"));
        }
        let is_pattern = |pattern: &String| {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-*?".contains(&b);
            !pattern.is_empty() && pattern.len() <= LONGEST_PATTERN && pattern.bytes().all(legal)
        };
        if self.keep_tags.len() > MOST_PATTERNS || !self.keep_tags.iter().all(is_pattern) {
            problems.push(problem(
                "keep_tags",
                "write up to 50 patterns of letters, digits, `.`, `_`, `-`, `*` and `?`",
            ));
        }
        problems
    }

    /// Returns the tags of one repository that the rules drop at `now`.
    ///
    /// A tag goes only if every rule that is there lets it go: it is not among the newest, not
    /// used lately, matches no pattern, and no submission under way holds what it names.
    /// Signatures and the like are not looked at: [`is_beside_an_image`].
    pub fn dropped<'a>(&self, tags: &'a [StagedTag], now: DateTime<Utc>) -> Vec<&'a StagedTag> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut newest_first: Vec<_> = tags
            .iter()
            .filter(|tag| !is_beside_an_image(&tag.name))
            .collect();
        newest_first.sort_by(|a, b| (b.updated_at, &b.name).cmp(&(a.updated_at, &a.name)));
        let keep = self.keep_newest.unwrap_or(0);
        let is_old = |tag: &StagedTag| match self.unused_days {
            None => true,
            Some(days) => {
                let used = tag.pulled_at.max(Some(tag.updated_at));
                used < Some(now - TimeDelta::days(i64::from(days)))
            }
        };
        let is_kept = |tag: &StagedTag| {
            tag.is_held || self.keep_tags.iter().any(|glob| matches(glob, &tag.name))
        };
        newest_first
            .into_iter()
            .skip(usize::try_from(keep).unwrap_or(usize::MAX))
            .filter(|tag| is_old(tag) && !is_kept(tag))
            .collect()
    }
}

/// Returns whether a tag is the kind under which clients keep signatures, attestations and
/// SBOMs beside an image: `sha256-<hex>`, with a word behind it or without. They go when
/// their image does.
pub fn is_beside_an_image(tag: &str) -> bool {
    beside(tag).is_some()
}

/// Returns the digest of the image that such a tag stands beside.
pub fn beside(tag: &str) -> Option<String> {
    let (algorithm, rest) = tag.split_once('-')?;
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return None,
    };
    let (hex, after) = rest.split_at_checked(length)?;
    let is_hex = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let ends = after.is_empty() || after.starts_with(['.', '-', '_']);
    (is_hex && ends).then(|| format!("{algorithm}:{hex}"))
}

/// Returns whether `glob` matches all of `text`. Takes time of their product at most.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut g, mut t) = (0, 0);
    // Where the last star stands, and how far into the text it reaches so far.
    let mut star = None;
    while t < text.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(b'?') => (g, t) = (g + 1, t + 1),
            Some(byte) if *byte == text[t] => (g, t) = (g + 1, t + 1),
            _ => {
                let Some((at, reached)) = star else {
                    return false;
                };
                star = Some((at, reached + 1));
                (g, t) = (at + 1, reached + 1);
            }
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + day * 86_400, 0).expect("a time")
    }

    fn tag(name: &str, day: i64) -> StagedTag {
        StagedTag {
            name: name.to_owned(),
            updated_at: at(day),
            pulled_at: None,
            is_held: false,
        }
    }

    fn check(rules: &RetentionRules, tags: &[StagedTag], expect: &[&str]) {
        let dropped: Vec<_> = rules
            .dropped(tags, at(100))
            .into_iter()
            .map(|tag| tag.name.as_str())
            .collect();
        assert_eq!(dropped, expect, "{rules:?}");
    }

    #[test]
    fn a_tag_goes_only_if_every_rule_lets_it_go() {
        let mut tags = vec![
            tag("latest", 99),
            tag("1.2", 90),
            tag("1.1", 60),
            tag("1.0", 30),
            tag("held", 20),
            tag("pulled", 10),
        ];
        tags[4].is_held = true;
        tags[5].pulled_at = Some(at(95));
        let newest = RetentionRules {
            keep_newest: Some(2),
            ..RetentionRules::default()
        };
        check(&RetentionRules::default(), &tags, &[]);
        check(&newest, &tags, &["1.1", "1.0", "pulled"]);
        let unused = RetentionRules {
            unused_days: Some(30),
            ..newest.clone()
        };
        check(&unused, &tags, &["1.1", "1.0"]);
        let patterns = RetentionRules {
            keep_tags: vec!["1.?".to_owned()],
            ..newest
        };
        check(&patterns, &tags, &["pulled"]);
        let only_patterns = RetentionRules {
            keep_newest: None,
            ..patterns
        };
        check(&only_patterns, &tags, &[]);
    }

    #[test]
    fn signatures_neither_count_nor_go_by_rule() {
        let name = format!("sha256-{}.sig", "a".repeat(64));
        assert_eq!(beside(&name), Some(format!("sha256:{}", "a".repeat(64))));
        assert_eq!(beside("sha256-abc.sig"), None);
        assert_eq!(beside(&format!("sha256-{}é", "a".repeat(64))), None);
        let rules = RetentionRules {
            keep_newest: Some(1),
            ..RetentionRules::default()
        };
        check(&rules, &[tag(&name, 99), tag("b", 2), tag("a", 1)], &["a"]);
    }

    #[test]
    fn patterns_match_the_whole_name() {
        for (glob, text, expect) in [
            ("*", "", true),
            ("v*", "v1.0", true),
            ("v*", "rv1", false),
            ("*-rc?", "1.0-rc1", true),
            ("*-rc?", "1.0-rc12", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("", "a", false),
            ("latest", "latest", true),
        ] {
            assert_eq!(matches(glob, text), expect, "{glob} {text}");
        }
        // Not exponential.
        assert!(!matches(
            &"*a".repeat(60),
            &"a".repeat(120).replace('a', "b")
        ));
    }

    #[test]
    fn nonsense_is_refused() {
        let rules = RetentionRules {
            keep_newest: Some(0),
            unused_days: Some(0),
            keep_tags: vec!["a b".to_owned()],
        };
        let fields: Vec<_> = rules.problems().into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["keep_newest", "unused_days", "keep_tags"]);
        assert_eq!(RetentionRules::default().problems(), []);
    }
}
