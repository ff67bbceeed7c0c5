//! "May be put on hold" (programme and policies, "Classification of Issues"): by itself, or once
//! an operator confirms it. An operator who does not confirm gives a grace, which is about the
//! promises that were broken when it was given, and after which the hold begins by itself. A
//! promise that comes to stand later is not meant, however long ago it was due.

use chrono::{DateTime, TimeDelta, Utc};

use crate::severity::HOLD_DAYS;

/// What operators were asked about a listing, and what they answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldQuestion {
    /// When they were asked last.
    pub asked_at: DateTime<Utc>,
    /// What they gave.
    pub grace: Option<Grace>,
}

/// Time that an operator gave beyond what was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// When; what was broken then is meant.
    pub given_at: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// What is broken of what was promised about a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breach {
    /// Whether any of it is what the grace is about that was given last.
    pub meant: bool,
    /// Whether any of it is not.
    pub other: bool,
}

/// What comes next for a listing that is on the market and not on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldStep {
    /// Nothing is broken: questions and graces are over.
    Settle,
    /// An operator's answer, or the end of a grace, is waited for.
    Wait,
    /// Operators are asked.
    Ask,
    /// It is put on hold.
    Hold,
}

/// Returns what comes next for a listing of which this is broken.
pub fn hold_step(
    needs_operator: bool,
    question: Option<HoldQuestion>,
    broken: Breach,
    now: DateTime<Utc>,
) -> HoldStep {
    if broken == Breach::default() {
        return HoldStep::Settle;
    }
    match question.and_then(|question| question.grace) {
        Some(grace) if grace.until <= now && broken.meant => return HoldStep::Hold,
        Some(grace) if now < grace.until && !broken.other => return HoldStep::Wait,
        _ => {}
    }
    match question {
        _ if !needs_operator => HoldStep::Hold,
        Some(question) if question.is_open() => HoldStep::Wait,
        _ => HoldStep::Ask,
    }
}

impl HoldQuestion {
    /// Returns whether operators were asked and have not answered since.
    pub fn is_open(&self) -> bool {
        self.grace
            .is_none_or(|grace| grace.given_at < self.asked_at)
    }
}

/// No grace ends at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a grace ends at a time to come, at most {HOLD_DAYS} days from now")]
pub struct NoGrace;

impl Grace {
    /// Gives a grace at `now`, for no longer than a hold may last.
    ///
    /// # Errors
    /// It would be over, or last longer.
    pub fn give(now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Self, NoGrace> {
        let is_good = now < until && until <= now + TimeDelta::days(HOLD_DAYS);
        is_good
            .then_some(Self {
                given_at: now,
                until,
            })
            .ok_or(NoGrace)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hour(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(number)
    }

    #[test]
    fn a_grace_is_to_come_and_no_longer_than_a_hold() {
        let give = |until| Grace::give(hour(10), hour(until)).is_ok();
        assert_eq!(
            [give(10), give(11), give(10 + 24 * 30), give(11 + 24 * 30)],
            [false, true, true, false]
        );
    }

    #[test]
    fn whoever_is_asked_once_is_waited_for() {
        let asked = HoldQuestion {
            asked_at: hour(2),
            grace: None,
        };
        let broken = Breach {
            meant: false,
            other: true,
        };
        assert_eq!(hold_step(false, None, broken, hour(2)), HoldStep::Hold);
        assert_eq!(hold_step(true, None, broken, hour(2)), HoldStep::Ask);
        assert_eq!(
            hold_step(true, Some(asked), broken, hour(900)),
            HoldStep::Wait
        );
        assert_eq!(
            hold_step(false, Some(asked), broken, hour(3)),
            HoldStep::Hold,
            "the policy was changed"
        );
        assert_eq!(
            hold_step(true, Some(asked), Breach::default(), hour(3)),
            HoldStep::Settle
        );
    }

    #[test]
    fn a_grace_and_its_end_are_about_what_was_broken_when_it_was_given() {
        let grace = Grace {
            given_at: hour(5),
            until: hour(20),
        };
        let given = Some(HoldQuestion {
            asked_at: hour(2),
            grace: Some(grace),
        });
        let step = |meant, other, now| hold_step(true, given, Breach { meant, other }, hour(now));
        assert_eq!(step(true, false, 19), HoldStep::Wait);
        assert_eq!(step(true, false, 20), HoldStep::Hold);
        assert_eq!(
            step(true, true, 7),
            HoldStep::Ask,
            "what came later is not meant"
        );
        assert_eq!(step(true, true, 20), HoldStep::Hold);
        assert_eq!(
            step(false, true, 20),
            HoldStep::Ask,
            "what was meant is mended"
        );
    }

    /// A listing that is looked at every hour.
    #[derive(Debug, Default)]
    struct Listing {
        question: Option<HoldQuestion>,
        broken: Vec<usize>,
        /// What the grace is about.
        meant: Vec<usize>,
        is_held: bool,
        asked: usize,
    }

    #[derive(Debug, Clone)]
    enum Step {
        Breaks,
        IsMended,
        Confirmed,
        GivenGrace(i64),
        Hours(i64),
    }

    impl Listing {
        fn look(&mut self, needs_operator: bool, now: DateTime<Utc>) {
            let is_meant = |broken: &usize| self.meant.contains(broken);
            let broken = Breach {
                meant: self.broken.iter().any(is_meant),
                other: !self.broken.iter().all(is_meant),
            };
            if self.is_held {
                self.is_held = !self.broken.is_empty();
                return;
            }
            match hold_step(needs_operator, self.question, broken, now) {
                HoldStep::Settle => self.settle(),
                HoldStep::Wait => {}
                HoldStep::Ask => {
                    let grace = self.question.and_then(|question| question.grace);
                    self.question = Some(HoldQuestion {
                        asked_at: now,
                        grace,
                    });
                    self.asked += 1;
                }
                HoldStep::Hold => self.hold(),
            }
        }

        fn settle(&mut self) {
            self.question = None;
            self.meant.clear();
        }

        fn hold(&mut self) {
            self.is_held = true;
            self.settle();
        }
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Breaks),
            Just(Step::IsMended),
            Just(Step::Confirmed),
            (1_i64..800).prop_map(Step::GivenGrace),
            (1_i64..100).prop_map(Step::Hours),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn nothing_broken_is_ever_forgotten(needs_operator in any::<bool>(), steps in steps()) {
            let mut listing = Listing::default();
            let mut now = hour(1);
            for (number, step) in steps.into_iter().enumerate() {
                now += TimeDelta::minutes(1);
                match step {
                    Step::Breaks => listing.broken.push(number),
                    Step::IsMended => {
                        listing.broken.pop();
                    }
                    Step::Confirmed if listing.question.is_some() => listing.hold(),
                    Step::GivenGrace(hours) => {
                        if let (Some(question), Ok(grace)) = (&mut listing.question, Grace::give(now, now + TimeDelta::hours(hours))) {
                            question.grace = Some(grace);
                            listing.meant.clone_from(&listing.broken);
                        }
                    }
                    Step::Confirmed => {}
                    Step::Hours(hours) => now += TimeDelta::hours(hours),
                }
                listing.look(needs_operator, now);
                // Whatever is broken is held for, waits for an operator who was told, or has a
                // grace that was given when it was broken and is not over.
                let is_answered = |broken: &usize| listing.question.is_some_and(|question| {
                    question.is_open() || question.grace.is_some_and(|grace| listing.meant.contains(broken) && now < grace.until)
                });
                prop_assert!(listing.is_held || listing.broken.iter().all(is_answered), "{listing:?}");
                prop_assert!(!listing.is_held || !listing.broken.is_empty());
                prop_assert!(needs_operator || listing.asked == 0);
            }
        }
    }
}
