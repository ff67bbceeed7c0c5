//! Partnership with the operator, which certification may need (programme, "How does a publisher
//! apply to the certified program"): an agreement, and a way for both to exchange support cases.

use crate::{state::IllegalTransition, text::text_enum};

text_enum! {
    /// Where a publisher's application for partnership stands.
    PartnershipState {
        /// Waits for the operator.
        Applied = "applied",
        /// It is a partner.
        Granted = "granted",
        /// It was turned down, and may apply again.
        Refused = "refused",
        /// It was a partner.
        Ended = "ended",
    }
}

text_enum! {
    /// What the operator decides on a partnership.
    PartnershipDecision {
        /// It is a partner from now on.
        Grant = "grant",
        /// It is turned down.
        Refuse = "refuse",
        /// It is a partner no longer.
        End = "end",
    }
}

text_enum! {
    /// How support cases are exchanged with a partner.
    SupportExchange {
        /// It is a member of the exchange (TSANet).
        Member = "member",
        /// It joins the limited group that the operator keeps there.
        LimitedGroup = "limited-group",
    }
}

/// Most characters of what a publisher says of its membership.
pub const MOST_MEMBERSHIP: usize = 200;

impl PartnershipState {
    /// Returns the state after a decision.
    ///
    /// # Errors
    /// The decision does not fit the state.
    pub fn decide(self, decision: PartnershipDecision) -> Result<Self, IllegalTransition> {
        match (self, decision) {
            (Self::Applied, PartnershipDecision::Grant) => Ok(Self::Granted),
            (Self::Applied, PartnershipDecision::Refuse) => Ok(Self::Refused),
            (Self::Granted, PartnershipDecision::End) => Ok(Self::Ended),
            _ => Err(IllegalTransition {
                thing: "partnership",
                from: self.as_str(),
                event: match decision {
                    PartnershipDecision::Grant => "granted",
                    PartnershipDecision::Refuse => "refused",
                    PartnershipDecision::End => "ended",
                },
            }),
        }
    }

    /// Returns whether a new application may follow.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Refused | Self::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_is_granted_and_only_what_was_granted_ends() {
        let mut table = String::new();
        for state in PartnershipState::ALL {
            for decision in PartnershipDecision::ALL {
                if let Ok(after) = state.decide(*decision) {
                    table.push_str(&format!("{state} {decision} {after}\n"));
                }
            }
        }
        insta::assert_snapshot!(table, @r"
        applied grant granted
        applied refuse refused
        granted end ended
        ");
    }
}
