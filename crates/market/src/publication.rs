//! When an approved submission goes public.

use chrono::{DateTime, TimeDelta, Utc};

use crate::text::text_enum;

text_enum! {
    /// When an approved submission goes public.
    Publication {
        /// As soon as it is approved.
        AtOnce = "at-once",
        /// At a time, if it is approved by then; else as soon as it is.
        AtTime = "at-time",
        /// When its publisher or the operator says so.
        Held = "held",
    }
}

/// How far away the time of a publication may be, in days.
pub const MOST_PUBLICATION_DAYS: i64 = 366;

impl Publication {
    /// Returns whether an approved submission goes public at `now`.
    pub fn is_due(self, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        match self {
            Self::AtOnce => true,
            Self::AtTime => at.is_some_and(|at| at <= now),
            Self::Held => false,
        }
    }
}

/// Returns whether something can be set to go public at `at`.
pub fn can_be_published_at(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now < at && at <= now + TimeDelta::days(MOST_PUBLICATION_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_at_its_time_and_not_before() {
        let now: DateTime<Utc> = "2026-11-27T20:00:00Z".parse().expect("a time");
        let (before, after) = (now - TimeDelta::seconds(1), now + TimeDelta::seconds(1));
        assert!(Publication::AtOnce.is_due(None, now));
        assert!(!Publication::Held.is_due(Some(before), now));
        assert!(Publication::AtTime.is_due(Some(before), now));
        assert!(Publication::AtTime.is_due(Some(now), now));
        assert!(!Publication::AtTime.is_due(Some(after), now));
        assert!(!Publication::AtTime.is_due(None, now));
        assert!(!can_be_published_at(now, now) && can_be_published_at(after, now));
        assert!(!can_be_published_at(now + TimeDelta::days(367), now));
    }
}
