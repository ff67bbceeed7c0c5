//! The clocks: a promise to fix that was broken puts the listing on hold, a reviewed fix
//! lifts that hold, and a hold that lasted too long revokes the listing (programme and policies, "Classification of Issues").

use market::{Action, ListingEvent, ListingState};
use store::{Tx, products::Product};

use crate::{Actor, App, AppError};

/// What consumers read on the listing; it names no vulnerability.
const HELD: &str = "A security finding was not fixed within the time promised.";
const MENDED: &str = "A newer release has what was promised.";
const REVOKED: &str = "The listing was on hold for longer than the programme allows.";

/// What the clocks brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockOutcome {
    /// Listings put on hold.
    pub held: usize,
    /// Listings whose hold was lifted by a fix.
    pub reinstated: usize,
    /// Listings revoked.
    pub revoked: usize,
}

impl App {
    /// Puts listings with overdue findings on hold, lifts holds that a fix ended, and revokes
    /// listings that were on hold for too long.
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
        for product in
            store::products::in_state(&mut self.read().await?, ListingState::OnHold).await?
        {
            let over = product
                .held_at
                .is_some_and(|at| ListingState::revoked_at(at) <= self.now());
            let mut tx = self.begin().await?;
            // Only a hold that the clocks made is lifted by them.
            let (event, reason) = if product.state_reason.as_deref() == Some(HELD)
                && self.is_mended(&mut tx, &product).await?
            {
                outcome.reinstated += 1;
                (ListingEvent::Reinstate, MENDED)
            } else if over {
                outcome.revoked += 1;
                (ListingEvent::Revoke, REVOKED)
            } else {
                continue;
            };
            self.change_listing(
                &mut tx,
                &Actor::system(),
                &product,
                (Action::ManageListing, event),
                reason,
            )
            .await?;
            tx.commit().await?;
        }
        Ok(outcome)
    }

    /// Returns whether the newest release keeps every promise.
    async fn is_mended(&self, tx: &mut Tx, product: &Product) -> Result<bool, AppError> {
        let newest = store::releases::of_product(tx, &product.id)
            .await?
            .into_iter()
            .next();
        let Some(release) = newest else {
            return Ok(false);
        };
        Ok(store::findings::count_overdue(tx, &release.submission_id, self.now()).await? == 0)
    }
}
