//! States and the transitions between them. An illegal one is a typed error that names
//! what stands, what was asked and what would be possible.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{severity::HOLD_DAYS, text::text_enum};

/// A transition that the rules do not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {thing} that is {from} cannot be {event}")]
pub struct IllegalTransition {
    /// What kind of thing.
    pub thing: &'static str,
    /// The state it is in.
    pub from: &'static str,
    /// What was asked.
    pub event: &'static str,
}

text_enum! {
    /// A publisher's standing.
    PublisherState {
        /// Waits for the operator.
        Applied = "applied",
        /// May publish.
        Verified = "verified",
        /// Was refused.
        Rejected = "rejected",
        /// May not publish at present.
        Suspended = "suspended",
    }
}

text_enum! {
    /// What the operator decides on a publisher: the standing that it has from then on.
    PublisherDecision {
        /// It may publish: its e-mail and its domain are proven.
        Verify = "verified",
        /// It may publish although one of these is not proven, for a reason that is kept.
        VerifyWithoutProofs = "verified-without-proofs",
        /// It is refused.
        Reject = "rejected",
        /// It may not publish at present.
        Suspend = "suspended",
    }
}

impl PublisherDecision {
    /// Returns the standing that it leads to.
    pub fn state(self) -> PublisherState {
        match self {
            Self::Verify | Self::VerifyWithoutProofs => PublisherState::Verified,
            Self::Reject => PublisherState::Rejected,
            Self::Suspend => PublisherState::Suspended,
        }
    }

    /// Returns whether the operator must say why.
    pub fn needs_reason(self) -> bool {
        self != Self::Verify
    }
}

impl PublisherState {
    /// Returns the state after the operator decided on an application or a standing.
    ///
    /// # Errors
    /// The decision does not fit the standing.
    pub fn decide(self, decision: PublisherDecision) -> Result<Self, IllegalTransition> {
        let to = decision.state();
        match (self, to) {
            (Self::Applied | Self::Rejected | Self::Suspended, Self::Verified)
            | (Self::Applied, Self::Rejected)
            | (Self::Verified, Self::Suspended) => Ok(to),
            _ => Err(IllegalTransition {
                thing: "publisher",
                from: self.as_str(),
                event: to.as_str(),
            }),
        }
    }
}

text_enum! {
    /// A listing: the public side of a product.
    ListingState {
        /// Never released.
        Draft = "draft",
        /// On the market.
        Listed = "listed",
        /// On the market with a warning; no new subscriptions.
        OnHold = "on-hold",
        /// Off the market by the operator or by a hold that lasted too long.
        Revoked = "revoked",
        /// Off the market by its publisher.
        Withdrawn = "withdrawn",
    }
}

/// What happens to a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingEvent {
    /// A submission was released.
    Release,
    /// A promise to fix was broken, or the operator decided so.
    Hold,
    /// The reason for the hold is gone.
    Reinstate,
    /// The operator decided so, or the hold lasted too long.
    Revoke,
    /// The publisher decided so.
    Withdraw,
}

impl ListingEvent {
    fn word(self) -> &'static str {
        match self {
            Self::Release => "released",
            Self::Hold => "put on hold",
            Self::Reinstate => "reinstated",
            Self::Revoke => "revoked",
            Self::Withdraw => "withdrawn",
        }
    }
}

impl ListingState {
    /// Returns the state after `event`.
    ///
    /// # Errors
    /// The event does not fit the state.
    pub fn after(self, event: ListingEvent) -> Result<Self, IllegalTransition> {
        use ListingEvent as E;
        match (self, event) {
            (Self::Draft | Self::Listed, E::Release) | (Self::OnHold, E::Reinstate) => {
                Ok(Self::Listed)
            }
            // A fix is reviewed and released while on hold; the hold itself is lifted apart.
            (Self::OnHold, E::Release) | (Self::Listed, E::Hold) => Ok(Self::OnHold),
            (Self::Listed | Self::OnHold, E::Revoke) => Ok(Self::Revoked),
            (Self::Draft | Self::Listed | Self::OnHold, E::Withdraw) => Ok(Self::Withdrawn),
            _ => Err(IllegalTransition {
                thing: "listing",
                from: self.as_str(),
                event: event.word(),
            }),
        }
    }

    /// Returns whether consumers see it.
    pub fn is_public(self) -> bool {
        matches!(self, Self::Listed | Self::OnHold)
    }

    /// Returns when a listing on hold since `held_at` is revoked.
    pub fn revoked_at(held_at: DateTime<Utc>) -> DateTime<Utc> {
        held_at + TimeDelta::days(HOLD_DAYS)
    }
}

text_enum! {
    /// A submission: an immutable snapshot on its way through review.
    SubmissionState {
        /// The machine looks at it.
        Inspecting = "inspecting",
        /// Waits for the reviewer.
        InReview = "in-review",
        /// Waits for the publisher.
        ChangesRequested = "changes-requested",
        /// Waits to be signed and released.
        Approved = "approved",
        /// Signed and public.
        Released = "released",
        /// Refused.
        Rejected = "rejected",
        /// Replaced by a newer submission of the same product.
        Superseded = "superseded",
        /// The machine could not look at it; says why.
        Failed = "failed",
    }
}

text_enum! {
    /// What a reviewer decides.
    Decision {
        /// The publisher must change something.
        RequestChanges = "request-changes",
        /// Ready for release.
        Approve = "approve",
        /// Refused for good.
        Reject = "reject",
    }
}

impl Decision {
    /// Returns what is decided, as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::RequestChanges => "Request changes",
            Self::Approve => "Approve",
            Self::Reject => "Reject",
        }
    }
}

/// What happens to a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionEvent {
    /// Inspection ended; people can look.
    Inspected,
    /// Inspection could not be done.
    InspectionFailed,
    /// A reviewer decided.
    Decided(Decision),
    /// Everything is signed and public.
    Released,
    /// The release could not be done; the reviewer may approve again.
    ReleaseFailed,
    /// The product left the market.
    ReleaseRefused,
    /// A newer one came.
    Superseded,
}

impl SubmissionEvent {
    fn word(self) -> &'static str {
        match self {
            Self::Inspected => "opened for review",
            Self::InspectionFailed => "marked as failed",
            Self::Decided(Decision::RequestChanges) => "sent back for changes",
            Self::Decided(Decision::Approve) => "approved",
            Self::Decided(Decision::Reject) => "rejected",
            Self::Released => "released",
            Self::ReleaseFailed => "sent back to review",
            Self::ReleaseRefused => "ended with its product",
            Self::Superseded => "superseded",
        }
    }
}

impl SubmissionState {
    /// Returns the state after `event`.
    ///
    /// # Errors
    /// The event does not fit the state.
    pub fn after(self, event: SubmissionEvent) -> Result<Self, IllegalTransition> {
        use SubmissionEvent as E;
        match (self, event) {
            (Self::Inspecting, E::Inspected) => Ok(Self::InReview),
            (Self::Inspecting, E::InspectionFailed) => Ok(Self::Failed),
            (Self::InReview, E::Decided(Decision::RequestChanges)) => Ok(Self::ChangesRequested),
            (Self::InReview, E::Decided(Decision::Approve)) => Ok(Self::Approved),
            (Self::InReview | Self::ChangesRequested, E::Decided(Decision::Reject))
            | (
                Self::Inspecting | Self::InReview | Self::ChangesRequested | Self::Approved,
                E::ReleaseRefused,
            ) => Ok(Self::Rejected),
            (Self::Approved, E::ReleaseFailed) => Ok(Self::InReview),
            (Self::Approved, E::Released) => Ok(Self::Released),
            // An approved one only while it is held back, which is the caller's to know.
            (
                Self::Inspecting
                | Self::InReview
                | Self::ChangesRequested
                | Self::Approved
                | Self::Failed,
                E::Superseded,
            ) => Ok(Self::Superseded),
            _ => Err(IllegalTransition {
                thing: "submission",
                from: self.as_str(),
                event: event.word(),
            }),
        }
    }

    /// Returns whether a newer submission may take its place.
    pub fn can_be_superseded(self) -> bool {
        self.after(SubmissionEvent::Superseded).is_ok()
    }

    /// Returns whether it is on its way to a release and the machine has looked at it.
    pub fn may_be_released(self) -> bool {
        matches!(
            self,
            Self::InReview | Self::ChangesRequested | Self::Approved
        )
    }

    /// Returns the state as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Inspecting => "Inspecting",
            Self::InReview => "In review",
            Self::ChangesRequested => "Changes requested",
            Self::Approved => "Approved",
            Self::Released => "Released",
            Self::Rejected => "Rejected",
            Self::Superseded => "Superseded",
            Self::Failed => "Inspection failed",
        }
    }
}

text_enum! {
    /// What became of a finding.
    FindingState {
        /// Stands.
        Open = "open",
        /// Gone by a newer release.
        Fixed = "fixed",
        /// Closed by a statement of its publisher that was accepted.
        Answered = "answered",
    }
}

text_enum! {
    /// A subscription to a plan.
    SubscriptionState {
        /// In force.
        Active = "active",
        /// Ends with the period that was paid.
        Cancelled = "cancelled",
        /// Over.
        Lapsed = "lapsed",
    }
}

impl SubscriptionState {
    /// Returns whether it entitles to pull.
    pub fn entitles(self) -> bool {
        matches!(self, Self::Active | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [ListingEvent; 5] = [
        ListingEvent::Release,
        ListingEvent::Hold,
        ListingEvent::Reinstate,
        ListingEvent::Revoke,
        ListingEvent::Withdraw,
    ];

    fn events() -> impl Strategy<Value = Vec<ListingEvent>> {
        prop::collection::vec(prop::sample::select(EVENTS.to_vec()), 0..20)
    }

    proptest! {
        #[test]
        fn revoked_and_withdrawn_are_final(events in events()) {
            let mut state = ListingState::Draft;
            for event in events {
                let was = state;
                if let Ok(next) = state.after(event) {
                    prop_assert!(!matches!(was, ListingState::Revoked | ListingState::Withdrawn));
                    state = next;
                }
            }
        }
    }

    #[test]
    fn only_an_approved_submission_is_released() {
        for state in SubmissionState::ALL {
            assert_eq!(
                state.after(SubmissionEvent::Released).is_ok(),
                *state == SubmissionState::Approved,
                "{state}"
            );
        }
    }

    #[test]
    fn says_what_is_impossible() {
        let refused = SubmissionState::Released.after(SubmissionEvent::Decided(Decision::Approve));
        insta::assert_snapshot!(refused.expect_err("illegal"), @"a submission that is released cannot be approved");
    }
}
