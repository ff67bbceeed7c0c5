//! From when until when signatures by a publisher's key count.

use chrono::{DateTime, Utc};

use crate::text::text_enum;

text_enum! {
    /// Whether signatures by a key count.
    KeyStanding {
        /// Its owner has not proven to hold its private half.
        Unproven = "unproven",
        /// They will, later.
        NotYet = "not-yet",
        /// They do.
        InForce = "in-force",
        /// They do no more.
        Ended = "ended",
    }
}

/// What happened to a key, and when.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyTimes {
    /// When its owner proved to hold its private half.
    pub proven_at: Option<DateTime<Utc>>,
    /// From when on it counts; once it is proven, if none is given.
    pub valid_from: Option<DateTime<Utc>>,
    /// Since when it does not; may be yet to come.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl KeyTimes {
    /// Returns how the key stands at a time.
    pub fn standing(self, now: DateTime<Utc>) -> KeyStanding {
        if self.revoked_at.is_some_and(|at| at <= now) {
            return KeyStanding::Ended;
        }
        match (self.proven_at, self.valid_from) {
            (None, _) => KeyStanding::Unproven,
            (_, Some(from)) if from > now => KeyStanding::NotYet,
            _ => KeyStanding::InForce,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_key_counts_from_its_proof_to_its_end() {
        let at = |hours| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        let key = KeyTimes::default();
        assert_eq!(key.standing(at(9)), KeyStanding::Unproven);
        let proven = KeyTimes {
            proven_at: Some(at(1)),
            ..key
        };
        assert_eq!(proven.standing(at(1)), KeyStanding::InForce);
        let planned = KeyTimes {
            valid_from: Some(at(5)),
            revoked_at: Some(at(7)),
            ..proven
        };
        let expected = [
            (4, KeyStanding::NotYet),
            (5, KeyStanding::InForce),
            (6, KeyStanding::InForce),
            (7, KeyStanding::Ended),
        ];
        for (hours, standing) in expected {
            assert_eq!(planned.standing(at(hours)), standing, "at {hours}");
        }
        let lost = KeyTimes {
            revoked_at: Some(at(2)),
            ..key
        };
        assert_eq!(lost.standing(at(3)), KeyStanding::Ended);
    }
}
