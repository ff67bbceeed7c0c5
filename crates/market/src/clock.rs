//! A finding's clock: what its publisher was told, and by when it must be fixed (programme and
//! policies, "Classification of Issues").
//!
//! | what happens to a finding of a release | its clock |
//! |---|---|
//! | it stands, or stands again | starts with the notice of that |
//! | it gets a higher class | that class's time from the notice of the change, but no later than was promised before |
//! | it gets a milder class | the milder class's time, if it has any, from the first notice of a class with a time |
//! | a newer release has it too | goes on |
//!
//! So whoever raises and lowers a class, or releases the same again, gains no time by it.

use chrono::{DateTime, Utc};

use crate::{Class, Deadline, FindingState, deadline};

/// A finding's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingClock {
    /// Since when its publisher knows that it has a class with a time, whichever.
    pub told_at: Option<DateTime<Utc>>,
    /// When its publisher was told of what it is now; the running promise begins with it.
    pub notified_at: Option<DateTime<Utc>>,
    /// When the promise is broken; nothing where the class has no time.
    pub due_at: Option<DateTime<Utc>>,
}

impl FindingClock {
    /// Starts with a notice of a finding of `class`.
    pub fn start(class: Class, now: DateTime<Utc>) -> Self {
        let due_at = deadline(class, Some(now)).at();
        Self {
            told_at: due_at.map(|_| now),
            notified_at: Some(now),
            due_at,
        }
    }

    /// Returns the clock of a finding of a release that was one thing and is another at `now`,
    /// when its publisher is told of it. What does not stand keeps its clock, which does not count.
    #[must_use]
    pub fn after(
        self,
        (state, class): (FindingState, Class),
        (new_state, new_class): (FindingState, Class),
        now: DateTime<Utc>,
    ) -> Self {
        if new_state != FindingState::Open {
            return self;
        }
        let fresh = Self::start(new_class, now);
        if state != FindingState::Open || self.notified_at.is_none() {
            return fresh;
        }
        if new_class == class {
            return self;
        }
        match self.told_at {
            _ if fresh.due_at.is_none() => Self {
                told_at: None,
                due_at: None,
                ..self
            },
            None => fresh,
            Some(told) if new_class < class => Self::start(new_class, told),
            Some(_) if self.due_at <= fresh.due_at => self,
            told_at => Self { told_at, ..fresh },
        }
    }

    /// Returns by when a finding of `class` with this clock must be fixed.
    pub fn deadline(self, class: Class) -> Deadline {
        match (self.due_at, class.time_to_fix()) {
            (Some(due), _) => Deadline::Due(due),
            (None, Some(_)) => Deadline::NotNotified,
            (None, None) => Deadline::None,
        }
    }

    /// Returns whether a promise begins by which `self` followed `before`.
    pub fn begins_after(self, before: Self) -> bool {
        self.due_at.is_some() && (self.notified_at > before.notified_at || before.due_at.is_none())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn hour(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time") + TimeDelta::hours(number)
    }

    const OPEN: FindingState = FindingState::Open;

    #[test]
    fn a_higher_class_is_no_delay_and_a_milder_one_counts_from_the_first_notice() {
        let major = FindingClock::start(Class::Major, hour(0));
        let raise = |at| major.after((OPEN, Class::Major), (OPEN, Class::Critical), hour(at));
        assert_eq!(raise(24).due_at, Some(hour(24 + 72)));
        assert_eq!(raise(160), major, "the earlier promise stands");
        let lowered = raise(24).after((OPEN, Class::Critical), (OPEN, Class::Major), hour(30));
        assert_eq!(lowered, major, "nothing is gained");
        let minor = major.after((OPEN, Class::Major), (OPEN, Class::Minor), hour(1));
        assert_eq!((minor.notified_at, minor.due_at), (Some(hour(0)), None));
        assert!(!minor.begins_after(major));
        let again = minor.after((OPEN, Class::Minor), (OPEN, Class::Critical), hour(2));
        assert_eq!(again.due_at, Some(hour(74)));
        assert!(again.begins_after(minor));
    }

    #[test]
    fn what_stands_again_has_a_new_notice() {
        let first = FindingClock::start(Class::Critical, hour(0));
        let answered = first.after(
            (OPEN, Class::Critical),
            (FindingState::Answered, Class::Critical),
            hour(5),
        );
        assert_eq!(answered, first, "kept, and it does not count");
        let back = answered.after(
            (FindingState::Answered, Class::Critical),
            (OPEN, Class::Critical),
            hour(100),
        );
        assert_eq!(back.due_at, Some(hour(172)));
    }

    fn changes() -> impl Strategy<Value = Vec<(i64, FindingState, Class)>> {
        let state = prop::sample::select(FindingState::ALL.to_vec());
        let class = prop::sample::select(Class::ALL.to_vec());
        prop::collection::vec((0_i64..200, state, class), 1..12)
    }

    proptest! {
        /// Whatever happens to it: what stands is due when the first of its classes' times is
        /// over, each from the moment since which it stands with at least that class.
        #[test]
        fn no_promise_is_lost_or_put_off(mut changes in changes()) {
            changes.sort_by_key(|(at, ..)| *at);
            let mut clock = FindingClock::default();
            let mut is = (FindingState::Fixed, Class::None);
            // Since when it stands with at least each class that has a time.
            let mut since: [Option<i64>; 2] = [None; 2];
            for (at, state, class) in changes {
                let before = clock;
                clock = clock.after(is, (state, class), hour(at));
                is = (state, class);
                for (least, since) in [Class::Major, Class::Critical].into_iter().zip(&mut since) {
                    *since = match state == OPEN && class >= least {
                        true => since.or(Some(at)),
                        false => None,
                    };
                }
                if state != OPEN {
                    prop_assert_eq!(clock, before);
                    continue;
                }
                let promised = [168, 72].into_iter().zip(since);
                let latest = promised.filter_map(|(hours, since)| Some(hour(since? + hours))).min();
                prop_assert_eq!(clock.due_at, latest);
                prop_assert!(clock.notified_at.expect("it was told") <= hour(at));
            }
        }
    }
}
