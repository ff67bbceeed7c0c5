//! How many people must approve a submission. One does, but where the operator's policy asks
//! for two: then a product's first release needs the approvals of two different people,
//! neither of whom belongs to the publisher.

use crate::{AccountId, Decision, SubmissionEvent};

/// Returns how many different people must approve a submission of a product.
pub fn approvals_needed(two_for_first_release: bool, was_released_before: bool) -> usize {
    if two_for_first_release && !was_released_before {
        2
    } else {
        1
    }
}

/// What an approval leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// It is kept, and another person has to approve, too.
    NeedsAnother,
    /// There are enough: the submission is approved.
    Suffices,
}

/// Somebody approved twice where two people must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("you approved it already: a first release needs the approval of two different people")]
pub struct SamePerson;

/// Returns what the approval of `by` leads to, where those of `given` count already.
///
/// # Errors
/// The same person approved before, and one is not enough.
pub fn approve(given: &[AccountId], by: &AccountId, needed: usize) -> Result<Approval, SamePerson> {
    let is_new = !given.contains(by);
    if given.len() + usize::from(is_new) >= needed {
        Ok(Approval::Suffices)
    } else if is_new {
        Ok(Approval::NeedsAnother)
    } else {
        Err(SamePerson)
    }
}

impl SubmissionEvent {
    /// Returns whether approvals given before no longer count after it: whatever is not an
    /// approval or the release itself begins the review anew.
    pub fn clears_approvals(self) -> bool {
        !matches!(self, Self::Decided(Decision::Approve) | Self::Released)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::SubmissionState;

    fn person(number: u8) -> AccountId {
        AccountId::new(DateTime::UNIX_EPOCH, [number; 10])
    }

    #[test]
    fn one_is_enough_unless_policy_asks_for_two() {
        assert_eq!(approvals_needed(false, false), 1);
        assert_eq!(approvals_needed(true, true), 1);
        assert_eq!(approvals_needed(true, false), 2);
        let (a, b) = (person(1), person(2));
        assert_eq!(approve(&[], &a, 1), Ok(Approval::Suffices));
        assert_eq!(approve(&[], &a, 2), Ok(Approval::NeedsAnother));
        assert_eq!(approve(std::slice::from_ref(&a), &a, 2), Err(SamePerson));
        assert_eq!(approve(&[a], &b, 2), Ok(Approval::Suffices));
    }

    /// A first release under review, moved only by the rules.
    #[derive(Debug)]
    struct Review {
        state: SubmissionState,
        approvals: Vec<AccountId>,
    }

    impl Review {
        fn happens(&mut self, event: SubmissionEvent) {
            let Ok(state) = self.state.after(event) else {
                return;
            };
            self.state = state;
            if event.clears_approvals() {
                self.approvals.clear();
            }
        }

        fn decides(&mut self, by: AccountId, decision: Decision) {
            let event = SubmissionEvent::Decided(decision);
            if self.state.after(event).is_err() {
                return;
            }
            if decision == Decision::Approve {
                let Ok(approval) = approve(&self.approvals, &by, 2) else {
                    return;
                };
                self.approvals.push(by);
                if approval == Approval::NeedsAnother {
                    return;
                }
            }
            self.happens(event);
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Event(SubmissionEvent),
        Decision(u8, Decision),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        use SubmissionEvent as E;
        let events = vec![
            E::Inspected,
            E::InspectionFailed,
            E::Released,
            E::ReleaseFailed,
            E::ReleaseRefused,
            E::Superseded,
        ];
        let event = prop::sample::select(events).prop_map(Step::Event);
        let decisions = prop::sample::select(vec![
            Decision::Approve,
            Decision::Approve,
            Decision::RequestChanges,
            Decision::Reject,
        ]);
        let decision = (0_u8..3, decisions).prop_map(|(who, what)| Step::Decision(who, what));
        prop::collection::vec(prop_oneof![event, decision], 0..40)
    }

    proptest! {
        #[test]
        fn no_sequence_of_events_releases_a_first_release_with_fewer_than_two_people(steps in steps()) {
            let mut review = Review { state: SubmissionState::Inspecting, approvals: Vec::new() };
            // Who approved since anything else happened, as an onlooker notes it.
            let mut seen = BTreeSet::new();
            for step in steps {
                let before = review.state;
                match step {
                    Step::Event(event) => {
                        review.happens(event);
                        if review.state != before && event != SubmissionEvent::Released {
                            seen.clear();
                        }
                    }
                    Step::Decision(who, decision) => {
                        review.decides(person(who), decision);
                        if decision == Decision::Approve {
                            seen.extend((before == SubmissionState::InReview).then_some(who));
                        } else if review.state != before {
                            seen.clear();
                        }
                    }
                }
                if matches!(review.state, SubmissionState::Approved | SubmissionState::Released) {
                    prop_assert!(seen.len() >= 2, "{seen:?}");
                }
                prop_assert!(review.approvals.len() <= 2);
            }
        }
    }
}
