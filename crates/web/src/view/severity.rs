//! Severities: the programme's class decides, the CVSS word stands beside it.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};
use market::{Class, Deadline};

use super::{Pill, Tone, When, calendar_date};

/// Narrowest part of the bar, in percent, so that one in a thousand is still seen.
const NARROWEST: u64 = 2;

/// How many findings each class has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeverityCounts {
    /// Class Critical.
    pub critical: u64,
    /// Class Major.
    pub major: u64,
    /// Class Minor.
    pub minor: u64,
    /// Without a score.
    pub unscored: u64,
}

impl SeverityCounts {
    /// Returns how many there are.
    pub fn total(&self) -> u64 {
        self.critical + self.major + self.minor + self.unscored
    }

    /// Returns class, style class and count, from the gravest.
    pub fn parts(&self) -> [(Class, &'static str, u64); 4] {
        [
            (Class::Critical, "critical", self.critical),
            (Class::Major, "major", self.major),
            (Class::Minor, "minor", self.minor),
            (Class::Unscored, "unscored", self.unscored),
        ]
    }

    /// Returns the stacked bar.
    pub fn bar(&self) -> SeverityBar {
        SeverityBar(*self)
    }

    /// Returns the classes that have any in words, from the gravest: `1 Critical, 4 Major`.
    pub fn present(&self) -> String {
        let parts = self.parts().into_iter().filter(|(_, _, count)| *count > 0);
        let words: Vec<_> = parts
            .map(|(class, _, count)| format!("{count} {}", class.title()))
            .collect();
        words.join(", ")
    }

    /// Returns the counts in words, from the gravest: `1 Critical, 4 Major, …`.
    pub fn words(&self) -> String {
        self.parts()
            .map(|(class, _, count)| format!("{count} {}", class.title()))
            .join(", ")
    }
}

/// A stacked bar of the classes, with the numbers as words for those who do not see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeverityBar(SeverityCounts);

impl fmt::Display for SeverityBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SeverityBar(counts) = self;
        let total = counts.total();
        write!(
            f,
            r#"<svg class="severity-bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="{}"><rect class="clean" width="100" height="4"/>"#,
            counts.words()
        )?;
        let parts = counts.parts();
        let shares = parts.map(|(_, _, count)| match (count, total) {
            (0, _) | (_, 0) => 0,
            (count, total) => (count.saturating_mul(100) / total).max(NARROWEST),
        });
        let whole: u64 = shares.iter().sum();
        let mut x = 0;
        for ((_, style, _), share) in parts.iter().zip(shares) {
            if share > 0 {
                let width = share * 10_000 / whole;
                write!(
                    f,
                    r#"<rect class="{style}" x="{}.{:02}" width="{}.{:02}" height="4"/>"#,
                    x / 100,
                    x % 100,
                    width / 100,
                    width % 100
                )?;
                x += width;
            }
        }
        f.write_str("</svg>")
    }
}

impl HtmlSafe for SeverityBar {}

/// Returns the programme's class as a pill.
pub fn class_pill(class: Class) -> Pill {
    let tone = match class {
        Class::Critical => Tone::Critical,
        Class::Major => Tone::Major,
        Class::Minor => Tone::Minor,
        Class::Unscored | Class::None => Tone::Unscored,
    };
    Pill::new(tone, class.title())
}

/// Returns the CVSS qualitative word of a base score as a pill: None, Low, Medium, High, Critical.
pub fn cvss_pill(score: Option<f64>) -> Pill {
    match score {
        None => Pill::new(Tone::Unscored, "Unknown"),
        Some(score) if score >= 9.0 => Pill::new(Tone::Critical, "Critical"),
        Some(score) if score >= 7.0 => Pill::new(Tone::High, "High"),
        Some(score) if score >= 4.0 => Pill::new(Tone::Major, "Medium"),
        Some(score) if score > 0.0 => Pill::new(Tone::Minor, "Low"),
        Some(_) => Pill::new(Tone::Unscored, "None"),
    }
}

/// When a finding must be fixed, as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    deadline: Deadline,
    now: DateTime<Utc>,
}

impl Due {
    /// Returns `deadline` as seen from `now`.
    pub fn new(deadline: Deadline, now: DateTime<Utc>) -> Self {
        Self { deadline, now }
    }

    /// Returns whether the promise is broken.
    pub fn is_breached(&self) -> bool {
        matches!(self.deadline, Deadline::Due(at) if at <= self.now)
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.deadline {
            Deadline::None => f.write_str(r#"<span class="muted">no clock</span>"#),
            Deadline::NotNotified => {
                f.write_str(r#"<span class="muted">starts with the release</span>"#)
            }
            Deadline::Due(at) if at <= self.now => write!(
                f,
                r#"<strong class="overdue">overdue since {}</strong>"#,
                calendar_date(at)
            ),
            Deadline::Due(at) => write!(f, "due {}", When::new(at, self.now)),
        }
    }
}

impl HtmlSafe for Due {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_even_the_rare() {
        let counts = SeverityCounts {
            critical: 1,
            major: 10,
            minor: 989,
            unscored: 0,
        };
        insta::assert_snapshot!(counts.bar(), @r#"<svg class="severity-bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="1 Critical, 10 Major, 989 Minor, 0 Unscored"><rect class="clean" width="100" height="4"/><rect class="critical" x="0.00" width="1.96" height="4"/><rect class="major" x="1.96" width="1.96" height="4"/><rect class="minor" x="3.92" width="96.07" height="4"/></svg>"#);
        let empty = SeverityCounts::default().bar().to_string();
        assert!(empty.contains("0 Critical") && !empty.contains(r#"class="critical""#));
    }

    #[test]
    fn words_follow_cvss() {
        let word = |score| cvss_pill(score).word;
        assert_eq!(word(Some(9.0)), "Critical");
        assert_eq!(word(Some(8.9)), "High");
        assert_eq!(word(Some(6.9)), "Medium");
        assert_eq!(word(Some(3.9)), "Low");
        assert_eq!(word(Some(0.0)), "None");
        assert_eq!(word(None), "Unknown");
    }
}
