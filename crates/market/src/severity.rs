//! Severity classes and the time to fix (programme and policies, "Classification of Issues").
//!
//! | CVSS base score | class | fix |
//! |---|---|---|
//! | 7.0 to 10.0 | Critical | within 72 hours of notification |
//! | 4.0 to 6.9 | Major | within 7 days of notification |
//! | 0.1 to 3.9 | Minor | no clock: best effort, or addressed in documentation |
//!
//! A score of 0.0 is no issue; without any score a finding is unscored: it has no clock
//! and waits for the security team's classification.

use chrono::{DateTime, TimeDelta, Utc};

use crate::text::text_enum;

/// The longest a listing stays on hold, in days; after that it is revoked.
pub const HOLD_DAYS: i64 = 30;

text_enum! {
    /// The programme's severity class, from the mildest.
    Class {
        /// Score 0.0: not an issue.
        None = "none",
        /// No score yet: waits for classification.
        Unscored = "unscored",
        /// 0.1 to 3.9.
        Minor = "minor",
        /// 4.0 to 6.9.
        Major = "major",
        /// 7.0 to 10.0.
        Critical = "critical",
    }
}

impl Class {
    /// Returns the class of a CVSS base score, 0.0 to 10.0 with one decimal.
    pub fn of_score(score: Option<f64>) -> Self {
        match score {
            None => Self::Unscored,
            Some(score) if score.is_nan() => Self::Unscored,
            Some(score) if score >= 7.0 => Self::Critical,
            Some(score) if score >= 4.0 => Self::Major,
            Some(score) if score > 0.0 => Self::Minor,
            Some(_) => Self::None,
        }
    }

    /// Returns the time to fix, counted from the publisher's notice.
    pub fn time_to_fix(self) -> Option<TimeDelta> {
        match self {
            Self::Critical => Some(TimeDelta::hours(72)),
            Self::Major => Some(TimeDelta::days(7)),
            Self::Minor | Self::Unscored | Self::None => None,
        }
    }

    /// Returns the class as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Critical => "Critical",
            Self::Major => "Major",
            Self::Minor => "Minor",
            Self::Unscored => "Unscored",
            Self::None => "None",
        }
    }
}

/// When a finding must be fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The class has no clock.
    None,
    /// Nobody was told yet, so no time runs.
    NotNotified,
    /// The time at which the promise is broken.
    Due(DateTime<Utc>),
}

impl Deadline {
    /// Returns the time at which the promise is broken, if any time runs.
    pub fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Due(at) => Some(at),
            Self::None | Self::NotNotified => None,
        }
    }
}

/// Returns when a finding of `class` must be fixed; the clock starts with the notice, not the discovery.
pub fn deadline(class: Class, notified_at: Option<DateTime<Utc>>) -> Deadline {
    match (class.time_to_fix(), notified_at) {
        (None, _) => Deadline::None,
        (Some(_), None) => Deadline::NotNotified,
        (Some(time), Some(notified)) => Deadline::Due(notified + time),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn classes_have_the_programmes_edges() {
        let check = |score: f64, class| assert_eq!(Class::of_score(Some(score)), class, "{score}");
        check(10.0, Class::Critical);
        check(7.0, Class::Critical);
        check(6.9, Class::Major);
        check(4.0, Class::Major);
        check(3.9, Class::Minor);
        check(0.1, Class::Minor);
        check(0.0, Class::None);
        assert_eq!(Class::of_score(None), Class::Unscored);
    }

    #[test]
    fn clock_starts_with_the_notice() {
        let noon = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(deadline(Class::Critical, None), Deadline::NotNotified);
        assert_eq!(
            deadline(Class::Critical, Some(noon)),
            Deadline::Due(noon + TimeDelta::hours(72))
        );
        assert_eq!(
            deadline(Class::Major, Some(noon)),
            Deadline::Due(noon + TimeDelta::days(7))
        );
        assert_eq!(deadline(Class::Minor, Some(noon)), Deadline::None);
    }

    proptest! {
        #[test]
        fn a_higher_score_is_never_a_milder_class(a in 0.0_f64..=10.0, b in 0.0_f64..=10.0) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let rank = |score| match Class::of_score(Some(score)) { Class::None => 0, class => class as u8 };
            prop_assert!(rank(low) <= rank(high));
        }
    }
}
