//! Whose turn a submission is, and how long each side had it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{SubmissionState, text::text_enum};

text_enum! {
    /// Whom a submission under way waits for.
    Side {
        /// The certification team.
        Reviewers = "reviewers",
        /// Its publisher.
        Publisher = "publisher",
        /// Inspection or release, which nobody can hurry.
        Machine = "machine",
    }
}

text_enum! {
    /// Whose submissions of the review queue are meant.
    Assigned {
        /// All of them.
        Everybody = "everybody",
        /// Those that the asker took.
        Mine = "mine",
        /// Those that nobody took.
        Nobody = "nobody",
    }
}

impl SubmissionState {
    /// Returns whose turn it is; nobody's once its way has ended.
    pub fn waits_for(self) -> Option<Side> {
        match self {
            Self::Inspecting | Self::Approved => Some(Side::Machine),
            Self::InReview => Some(Side::Reviewers),
            // Only a new submission goes on from a failed inspection.
            Self::ChangesRequested | Self::Failed => Some(Side::Publisher),
            Self::Released | Self::Rejected | Self::Superseded => None,
        }
    }

    /// Returns whether people may still take it into their hands: it is neither over nor failed.
    pub fn is_under_way(self) -> bool {
        matches!(
            self,
            Self::Inspecting | Self::InReview | Self::ChangesRequested | Self::Approved
        )
    }
}

/// How long a review waited for each side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// For the certification team.
    pub reviewers: TimeDelta,
    /// For the publisher.
    pub publisher: TimeDelta,
    /// For inspection and release.
    pub machine: TimeDelta,
}

impl Waiting {
    /// Sums up a review: the states that it came into, in order, each with when. What takes
    /// the place of a submission goes on with its review, so a publisher's time between
    /// requested changes and the next submission counts. The last state lasts until `now`.
    pub fn of(events: &[(DateTime<Utc>, SubmissionState)], now: DateTime<Utc>) -> Self {
        let mut sum = Self::default();
        for (place, (from, state)) in events.iter().enumerate() {
            let until = events.get(place + 1).map_or(now, |(at, _)| *at);
            // Nodes' clocks differ a little; nobody waits less than not at all.
            let time = (until - *from).max(TimeDelta::zero());
            match state.waits_for() {
                Some(Side::Reviewers) => sum.reviewers += time,
                Some(Side::Publisher) => sum.publisher += time,
                Some(Side::Machine) => sum.machine += time,
                None => {}
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(number)
    }

    #[test]
    fn each_side_waits_for_the_other() {
        use SubmissionState as S;
        let events = [
            (minute(0), S::Inspecting),
            (minute(5), S::InReview),
            (minute(65), S::ChangesRequested),
            (minute(365), S::Superseded),
            (minute(365), S::Inspecting),
            (minute(367), S::InReview),
        ];
        let waiting = Waiting::of(&events, minute(400));
        let minutes = |time: TimeDelta| time.num_minutes();
        assert_eq!(
            (
                minutes(waiting.reviewers),
                minutes(waiting.publisher),
                minutes(waiting.machine)
            ),
            (60 + 33, 300, 7)
        );
        assert_eq!(Waiting::of(&[], minute(400)), Waiting::default());
    }

    proptest! {
        #[test]
        fn no_minute_under_way_is_lost_or_counted_twice(steps in prop::collection::vec((0_i64..1_000, prop::sample::select(SubmissionState::ALL.to_vec())), 0..20)) {
            let mut at = 0;
            let mut events = Vec::new();
            for (step, state) in steps {
                at += step;
                events.push((minute(at), state));
            }
            let now = minute(at + 7);
            let waiting = Waiting::of(&events, now);
            let ends = events.iter().skip(1).map(|(at, _)| *at).chain([now]);
            let under_way = events.iter().zip(ends).filter(|((_, state), _)| state.waits_for().is_some());
            let expect: TimeDelta = under_way.map(|((from, _), until)| until - *from).sum();
            prop_assert_eq!(waiting.reviewers + waiting.publisher + waiting.machine, expect);
        }

        #[test]
        fn clocks_that_go_back_take_no_time_away(times in prop::collection::vec(-1_000_i64..1_000, 0..10)) {
            let events: Vec<_> = times.iter().map(|at| (minute(*at), SubmissionState::InReview)).collect();
            prop_assert!(Waiting::of(&events, minute(0)).reviewers >= TimeDelta::zero());
        }
    }
}
