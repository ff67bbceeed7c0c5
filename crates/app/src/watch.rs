//! The clocks: a promise to fix that was broken puts the listing on hold, a reviewed fix or an
//! accepted statement lifts that hold, and a hold that lasted too long revokes the listing (programme and policies, "Classification of Issues").

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use market::{
    Action, HOLD_DAYS, HoldStep, ListingEvent, ListingState, ProductId, PublisherState, Reminder,
    SubmissionId, hold_step,
};
use store::{
    Tx,
    products::Product,
    promises::{Overdue, Promise, Untold},
};

use crate::{Actor, App, AppError, publishers::SUSPENDED};

/// What consumers read on the listing; it names no vulnerability.
pub(crate) const HELD: &str = "A security finding was not fixed within the time promised.";
const MENDED: &str = "What was promised is done.";
const REVOKED: &str = "The listing was on hold for longer than the programme allows.";

/// Releases whose publishers are told in one transaction of what begins.
const ANNOUNCED_AT_ONCE: i64 = 50;
/// Such transactions side by side: they wait for the database's answers most of the time.
const ANNOUNCING: usize = 4;
/// When publishers were last reminded, in the settings.
const REMINDED: &str = "reminded_at";

/// What the clocks brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockOutcome {
    /// Statements whose acceptance ended.
    pub expired: usize,
    /// Listings about which operators were asked.
    pub asked: usize,
    /// Listings put on hold.
    pub held: usize,
    /// Listings whose hold was lifted by a fix or an accepted statement.
    pub reinstated: usize,
    /// Listings revoked.
    pub revoked: usize,
}

impl App {
    /// Ends statements that were accepted for a time, puts listings with overdue findings on hold
    /// or asks operators about them, lifts holds that a fix or a statement ended, and revokes listings that were on hold for
    /// too long.
    ///
    /// # Errors
    /// The database refused, or something else kept a listing from being changed: the others are
    /// changed all the same, and the first such error is given.
    pub async fn enforce_deadlines(&self) -> Result<ClockOutcome, AppError> {
        self.announce_all_promises().await?;
        let mut outcome = ClockOutcome {
            expired: self.expire_vex().await?,
            ..ClockOutcome::default()
        };
        let mut failed = None;
        let mut tx = self.read().await?;
        let overdue = store::promises::overdue(&mut tx, self.now()).await?;
        let asked = store::holds::all(&mut tx).await?;
        drop(tx);
        let overdue = overdue.into_iter().map(|Overdue { product_id }| product_id);
        let asked = asked.into_iter().map(|row| row.product_id);
        for product in overdue.chain(asked).collect::<BTreeSet<_>>() {
            match self.hold_overdue(&product).await {
                Ok(HoldStep::Hold) => outcome.held += 1,
                Ok(HoldStep::Ask) => outcome.asked += 1,
                Ok(HoldStep::Wait | HoldStep::Settle) => {}
                Err(error) => note(&mut failed, &product, error),
            }
        }
        let mut tx = self.read().await?;
        let (now, reasons) = (self.now(), [HELD, SUSPENDED]);
        let long_ago = now - TimeDelta::days(HOLD_DAYS);
        let held = store::products::on_hold_to_end(&mut tx, long_ago, reasons, now).await?;
        drop(tx);
        for product in held {
            match self.end_hold(&product).await {
                Ok(Some(ListingEvent::Reinstate)) => outcome.reinstated += 1,
                Ok(Some(_)) => outcome.revoked += 1,
                Ok(None) => {}
                Err(error) => note(&mut failed, &product.id, error),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(outcome),
        }
    }

    /// Puts a listing on hold whose promise is broken, or asks operators, as the policy is; gives
    /// what was to be done.
    async fn hold_overdue(&self, id: &ProductId) -> Result<HoldStep, AppError> {
        let mut tx = self.read().await?;
        // Most of the time somebody is waited for, and nothing is to be written.
        if self.next_hold_step(&mut tx, id).await?.1 == HoldStep::Wait {
            return Ok(HoldStep::Wait);
        }
        drop(tx);
        let mut tx = self.begin().await?;
        // Of two nodes that look at once, one asks.
        store::products::lock(&mut tx, id).await?;
        let (product, step) = self.next_hold_step(&mut tx, id).await?;
        match (step, product) {
            (HoldStep::Hold, Some(product)) => {
                let hold = (Action::ManageListing, ListingEvent::Hold, None);
                self.change_listing(&mut tx, &Actor::system(), &product, hold, HELD)
                    .await?;
            }
            (HoldStep::Ask, Some(product)) => self.ask_for_hold(&mut tx, &product).await?,
            // Somebody asked, or answered, between the two looks.
            (HoldStep::Wait, _) => return Ok(step),
            _ => store::holds::settle(&mut tx, id).await?,
        }
        tx.commit().await?;
        Ok(step)
    }

    /// Returns what comes next for a listing with broken promises, or that had some: a release
    /// may have mended it since.
    async fn next_hold_step(
        &self,
        tx: &mut Tx,
        id: &ProductId,
    ) -> Result<(Option<Product>, HoldStep), AppError> {
        let product = store::products::find(tx, id).await?;
        let product = product.filter(|product| product.state == ListingState::Listed);
        if product.is_none() {
            return Ok((None, HoldStep::Settle));
        }
        let asked = store::holds::find(tx, id).await?;
        let broken = store::promises::broken(tx, id, self.now()).await?;
        let step = hold_step(
            self.config.review.confirm_holds,
            asked.map(|row| row.question()),
            broken.breach(),
            self.now(),
        );
        Ok((product, step))
    }

    /// Ends a hold whose end has come; gives how.
    async fn end_hold(&self, product: &Product) -> Result<Option<ListingEvent>, AppError> {
        let Some((event, reason)) = self.end_of_hold(product).await? else {
            return Ok(None);
        };
        let key = self.key_to_unsign(product, event).await?;
        let mut tx = self.begin().await?;
        let change = (Action::ManageListing, event, key.as_ref());
        self.change_listing(&mut tx, &Actor::system(), product, change, reason)
            .await?;
        tx.commit().await?;
        Ok(Some(event))
    }

    /// Tells a publisher of the promises about what stands of its product that begin and nobody
    /// was told of, in the transaction that begins them.
    pub(crate) async fn announce_promises(
        &self,
        tx: &mut Tx,
        product: &ProductId,
    ) -> Result<(), AppError> {
        for release in store::releases::standing(tx, product).await? {
            self.announce_release(tx, product, &release.submission_id)
                .await?;
        }
        Ok(())
    }

    /// The same of one release.
    async fn announce_release(
        &self,
        tx: &mut Tx,
        product: &ProductId,
        submission: &SubmissionId,
    ) -> Result<(), AppError> {
        let beginning = store::promises::beginning(tx, submission).await?;
        if beginning.is_empty() {
            return Ok(());
        }
        let Some(product) = store::products::find(tx, product).await? else {
            return Ok(());
        };
        let name = self.name_of(tx, &product).await?;
        let about = (&product, &*name);
        self.publish_beginning(tx, about, &beginning).await?;
        self.tell_of_beginning(tx, about, &beginning).await?;
        Ok(store::promises::set_announced(tx, submission).await?)
    }

    /// Tells of all promises that nobody was told of: those of a matching that touches many
    /// products, each release's in one notice.
    pub(crate) async fn announce_all_promises(&self) -> Result<(), AppError> {
        let pages = futures_util::stream::try_unfold(String::new(), async |after| {
            let mut tx = self.read().await?;
            let page = store::promises::untold(&mut tx, &after, ANNOUNCED_AT_ONCE).await?;
            let last = page.last().map(|it| it.submission_id.as_str().to_owned());
            Ok::<_, AppError>(last.map(|last| (page, last)))
        });
        pages
            .try_for_each_concurrent(ANNOUNCING, async |page: Vec<Untold>| {
                let mut tx = self.begin().await?;
                for untold in &page {
                    let (product, submission) = (&untold.product_id, &untold.submission_id);
                    self.announce_release(&mut tx, product, submission).await?;
                }
                Ok(tx.commit().await?)
            })
            .await
    }

    /// Reminds publishers of promises half of whose time has gone, or that end in a day or an
    /// hour; gives of how many. Costs a look at the open clocks while no such moment comes.
    ///
    /// # Errors
    /// The database refused; who was told before is not told again.
    pub async fn remind_publishers(&self) -> Result<usize, AppError> {
        let mut tx = self.read().await?;
        let now = self.now();
        let last = store::settings::find(&mut tx, REMINDED).await?;
        let last = last.and_then(|last| last.parse::<DateTime<Utc>>().ok());
        let promises = store::promises::promises(&mut tx, now).await?;
        drop(tx);
        let due = |promise: &Promise| {
            let at = |time| Reminder::at(promise.notified_at, promise.due_at, time);
            at(now).filter(|reminder| last.and_then(at) != Some(*reminder))
        };
        let promises: Vec<_> = promises
            .into_iter()
            .filter_map(|promise| due(&promise).map(|reminder| (promise, reminder)))
            .collect();
        if promises.is_empty() {
            return Ok(0);
        }
        let mut reminded = 0;
        let mut tx = self.begin().await?;
        for (promise, reminder) in promises {
            if let Some(product) = self.promising(&mut tx, &promise).await? {
                self.publish_promise(&mut tx, &product, (&promise, reminder))
                    .await?;
                self.remind(&mut tx, &product, (&promise, reminder)).await?;
                reminded += 1;
            }
        }
        store::settings::set(&mut tx, REMINDED, &now.to_rfc3339()).await?;
        tx.commit().await?;
        Ok(reminded)
    }

    /// Returns the product that has to keep a promise: it is listed, and no later release took
    /// the place of the one that the promise is about.
    async fn promising(&self, tx: &mut Tx, promise: &Promise) -> Result<Option<Product>, AppError> {
        if !store::releases::stands(tx, &promise.submission_id).await? {
            return Ok(None);
        }
        let submission = store::submissions::find(tx, &promise.submission_id).await?;
        let Some(submission) = submission else {
            return Ok(None);
        };
        let product = store::products::find(tx, &submission.product_id).await?;
        Ok(product.filter(|product| product.state == ListingState::Listed))
    }

    /// Returns what ends a hold now, and the words for it; only what the clocks held do they lift.
    async fn end_of_hold(
        &self,
        product: &Product,
    ) -> Result<Option<(ListingEvent, &'static str)>, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.publisher_of_product(&mut tx, product).await?;
        let stands = publisher.state != PublisherState::Suspended;
        if is_by_clock(product) && stands && self.is_mended(&mut tx, product).await? {
            return Ok(Some((ListingEvent::Reinstate, MENDED)));
        }
        let ends = product.held_at.map(ListingState::revoked_at);
        let over = ends.is_some_and(|end| end <= self.now());
        Ok(over.then_some((ListingEvent::Revoke, REVOKED)))
    }

    /// Returns whether every release that stands keeps every promise.
    pub(crate) async fn is_mended(&self, tx: &mut Tx, product: &Product) -> Result<bool, AppError> {
        let broken = store::promises::broken(tx, &product.id, self.now()).await?;
        Ok(broken.findings == 0)
    }
}

/// Returns whether a hold ends by itself once every promise is kept. That of a suspension, too,
/// stays for what is broken alone when its publisher is verified again.
pub(crate) fn is_by_clock(product: &Product) -> bool {
    matches!(product.state_reason.as_deref(), Some(HELD | SUSPENDED))
}

/// Notes that a listing could not be changed; the others are not to wait for it.
fn note(first: &mut Option<AppError>, product: &ProductId, error: AppError) {
    tracing::error!(product.id = %product, error = error.to_string(), "the clocks cannot change a listing");
    first.get_or_insert(error);
}
