//! The clocks: a promise to fix that was broken puts the listing on hold, and a hold that
//! lasted too long revokes it (programme and policies, "Classification of Issues").

use market::{Action, ListingEvent, ListingState};
use store::products::Product;

use crate::{Actor, App, AppError};

/// What consumers read on the listing; it names no vulnerability.
const HELD: &str = "A security finding was not fixed within the time promised.";
const REVOKED: &str = "The listing was on hold for longer than the programme allows.";

/// What the clocks brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockOutcome {
    /// Listings put on hold.
    pub held: usize,
    /// Listings revoked.
    pub revoked: usize,
}

impl App {
    /// Puts listings with overdue findings on hold and revokes those that were on hold for too long.
    ///
    /// # Errors
    /// The database refused; what was done before stays done.
    pub async fn enforce_deadlines(&self) -> Result<ClockOutcome, AppError> {
        let mut outcome = ClockOutcome::default();
        let overdue =
            store::findings::overdue_submissions(&mut self.read().await?, self.now()).await?;
        for submission in overdue {
            let mut tx = self.begin().await?;
            let Some(product) = store::products::find(&mut tx, &submission.product_id).await?
            else {
                continue;
            };
            // A newer release may have replaced the one whose finding is late.
            let newest = store::releases::of_product(&mut tx, &product.id)
                .await?
                .into_iter()
                .next();
            let counts = newest.is_some_and(|release| release.submission_id == submission.id);
            if counts && product.state == ListingState::Listed {
                let hold = (Action::ManageListing, ListingEvent::Hold);
                self.change_listing(&mut tx, &Actor::system(), &product, hold, HELD)
                    .await?;
                tx.commit().await?;
                outcome.held += 1;
            }
        }
        for product in self.held_too_long().await? {
            let mut tx = self.begin().await?;
            let revoke = (Action::ManageListing, ListingEvent::Revoke);
            self.change_listing(&mut tx, &Actor::system(), &product, revoke, REVOKED)
                .await?;
            tx.commit().await?;
            outcome.revoked += 1;
        }
        Ok(outcome)
    }

    async fn held_too_long(&self) -> Result<Vec<Product>, AppError> {
        let held = store::products::in_state(&mut self.read().await?, ListingState::OnHold).await?;
        let over = |product: &Product| {
            product
                .held_at
                .is_some_and(|at| ListingState::revoked_at(at) <= self.now())
        };
        Ok(held.into_iter().filter(over).collect())
    }
}
