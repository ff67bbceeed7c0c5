//! What the operator decides on publishers.

use market::{Action, ListingEvent, ListingState, PublisherDecision, PublisherState};
use store::{Tx, products::Product, publishers::Publisher};

use crate::{Actor, App, AppError, audit::Change};

/// What consumers read on the listings of a suspended publisher.
pub(crate) const SUSPENDED: &str = "Its publisher is suspended.";
const LIFTED: &str = "Its publisher is verified again.";

impl App {
    /// Verifies, rejects or suspends a publisher; a suspension puts its listings on hold, and
    /// its end lifts that. Nobody is verified before e-mail and domain
    /// are proven, unless that is decided so for a reason.
    ///
    /// # Errors
    /// The standing does not allow it, something is not proven, a reason is missing, or the
    /// asker may not.
    pub async fn decide_publisher(
        &self,
        actor: &Actor,
        slug: &str,
        decision: PublisherDecision,
        reason: &str,
    ) -> Result<Publisher, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::DecidePublisher, None)
            .await?;
        let mut publisher = self.publisher_by_slug(&mut tx, slug).await?;
        self.authorize(&mut tx, actor, Action::DecidePublisher, Some(&publisher.id))
            .await?;
        let before = publisher.state;
        publisher.state = before.decide(decision)?;
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
        if decision.needs_reason() && reason.is_none() {
            return Err(AppError::invalid(
                "reason",
                "say why; the publisher reads it, and the audit log keeps it",
            ));
        }
        if decision == PublisherDecision::Verify {
            self.require_proofs(&mut tx, &publisher).await?;
        }
        let listings = match (before, decision) {
            (_, PublisherDecision::Suspend) | (PublisherState::Suspended, _) => {
                take_listings(&mut tx, &publisher).await?
            }
            _ => Vec::new(),
        };
        let states = (before, publisher.state);
        if !store::publishers::set_state(&mut tx, &publisher.id, states, self.now(), reason).await?
        {
            return Err(AppError::changed_meanwhile("publisher"));
        }
        let change = Change {
            subject: publisher.id.as_str(),
            reason,
            before: Some(before.as_str()),
            after: Some(decision.as_str()),
        };
        self.record(&mut tx, actor, Action::DecidePublisher, change)
            .await?;
        self.publish_publisher(&mut tx, &publisher, reason).await?;
        self.tell_of_publisher(&mut tx, (actor, &publisher), reason)
            .await?;
        if decision == PublisherDecision::Suspend {
            self.hold_listings(&mut tx, actor, &listings).await?;
        } else if before == PublisherState::Suspended {
            self.lift_holds(&mut tx, actor, &listings).await?;
        }
        tx.commit().await?;
        Ok(publisher)
    }

    /// Puts what a suspended publisher has on the market on hold.
    async fn hold_listings(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        listings: &[Product],
    ) -> Result<(), AppError> {
        let hold = (Action::DecidePublisher, ListingEvent::Hold, None);
        for product in listings {
            if product.state == ListingState::Listed {
                self.change_listing(tx, actor, product, hold, SUSPENDED)
                    .await?;
            }
        }
        Ok(())
    }

    /// Lifts the holds that a suspension brought, and no others. Where a promise was broken
    /// meanwhile, the hold stays until the clocks lift it.
    async fn lift_holds(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        listings: &[Product],
    ) -> Result<(), AppError> {
        let lift = (Action::DecidePublisher, ListingEvent::Reinstate, None);
        for product in listings {
            let by_suspension = product.state_reason.as_deref() == Some(SUSPENDED);
            let is_held = product.state == ListingState::OnHold && by_suspension;
            if is_held && self.is_mended(tx, product).await? {
                self.change_listing(tx, actor, product, lift, LIFTED)
                    .await?;
            }
        }
        Ok(())
    }

    async fn require_proofs(&self, tx: &mut Tx, publisher: &Publisher) -> Result<(), AppError> {
        let missing = self.proofs(tx, publisher).await?.missing().join(" and ");
        if missing.is_empty() {
            return Ok(());
        }
        Err(AppError::Conflict(format!(
            "{} has not proven {missing}: wait for that, or verify it without and say why",
            publisher.slug
        )))
    }
}

/// Takes all of a publisher's products, in one order, before the first of them is changed: a
/// change goes into the log, which is held from then on, and whoever releases one takes it before
/// the log.
async fn take_listings(tx: &mut Tx, publisher: &Publisher) -> Result<Vec<Product>, AppError> {
    let mut products = store::products::of_publisher(tx, &publisher.id).await?;
    products.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let mut taken = Vec::new();
    for product in products {
        taken.extend(store::products::lock(tx, &product.id).await?);
    }
    Ok(taken)
}
