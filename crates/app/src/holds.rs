//! Holds that an operator confirms, where the policy says so, and what else an operator decides
//! about them: a grace instead, and whether consumers pull meanwhile.

use chrono::{DateTime, Utc};
use market::{Action, EventId, Grace, ListingEvent, ListingState, NoticeKind, is_reason};
use store::{Tx, holds::HoldRow, products::Product, promises::Broken};

use crate::{
    Actor, App, AppError,
    audit::{Change, stated},
    clock::to_the_minute,
    notices::{News, without},
    watch::HELD,
};

/// A listing with broken promises that operators were asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldToConfirm {
    /// The publisher's short name.
    pub publisher: String,
    /// The product.
    pub product: Product,
    /// What is broken.
    pub broken: Broken,
    /// What was asked and answered.
    pub row: HoldRow,
}

impl HoldToConfirm {
    /// Returns whether it waits for an operator.
    pub fn waits(&self) -> bool {
        self.row.question().is_open()
    }
}

impl App {
    /// Returns the listings that wait for an operator to confirm that they go on hold, the
    /// longest first, and then those that have a grace.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn holds_to_confirm(&self, actor: &Actor) -> Result<Vec<HoldToConfirm>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ManageListing, None)
            .await?;
        let mut holds = Vec::new();
        for row in store::holds::all(&mut tx).await? {
            let broken = store::promises::broken(&mut tx, &row.product_id, self.now()).await?;
            let found = self.product_and_publisher(&mut tx, &row.product_id).await?;
            let Some((publisher, product)) = found.filter(|_| broken.findings > 0) else {
                continue;
            };
            holds.push(HoldToConfirm {
                publisher: publisher.slug.to_string(),
                product,
                broken,
                row,
            });
        }
        holds.sort_by_key(|hold| !hold.waits());
        Ok(holds)
    }

    /// Puts a listing on hold that operators were asked about; what mends it lifts the hold, as
    /// if it had begun by itself.
    ///
    /// # Errors
    /// Nothing was asked, it is mended, or the asker may not (never for their own organisation's).
    pub async fn confirm_hold(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let product = self
            .product_to_hold(&mut tx, actor, (publisher, product))
            .await?;
        self.require_asked(&mut tx, &product).await?;
        let hold = (Action::ManageListing, ListingEvent::Hold, None);
        self.change_listing(&mut tx, actor, &product, hold, HELD)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Gives a listing that operators were asked about time beyond what was promised. When it is
    /// over and the same is still broken, the hold begins by itself.
    ///
    /// # Errors
    /// Nothing was asked, it is mended, there is no reason or no good time, or the asker may not
    /// (never for their own organisation's).
    pub async fn give_grace(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        until: DateTime<Utc>,
        reason: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let product = self
            .product_to_hold(&mut tx, actor, (publisher, product))
            .await?;
        let reason = reason.trim();
        if !is_reason(reason) {
            return Err(AppError::invalid(
                "reason",
                "say why, in at most 2000 characters; the publisher reads it",
            ));
        }
        let row = self.require_asked(&mut tx, &product).await?;
        let grace = Grace::give(self.now(), until);
        let grace = grace.map_err(|error| AppError::Conflict(error.to_string()))?;
        if !store::holds::set_grace(&mut tx, &product.id, grace, reason).await? {
            return Err(AppError::changed_meanwhile("listing"));
        }
        let before = row.grace_until.map(|until| format!("grace until {until}"));
        let after = format!("grace until {}", grace.until);
        let change = Change {
            subject: product.id.as_str(),
            reason: Some(reason),
            before: before.as_deref(),
            after: Some(&after),
        };
        self.record(&mut tx, actor, Action::ManageListing, change)
            .await?;
        self.tell_of_grace(&mut tx, (actor, &product), grace, reason)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Closes the pulls of a listing on hold to consumers, or opens them again; the end of the
    /// hold opens them, too. Its publisher's members and the staff pull all the while.
    ///
    /// # Errors
    /// It is not on hold or so already, no reason is given, or the asker may not (never for their
    /// own organisation's).
    pub async fn set_pulls_closed(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        is_closed: bool,
        reason: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let product = self
            .product_to_hold(&mut tx, actor, (publisher, product))
            .await?;
        let reason = stated(reason)?;
        let closed_at = is_closed.then(|| self.now());
        if !store::products::set_pulls_closed(&mut tx, &product.id, closed_at).await? {
            return Err(AppError::Conflict(
                "pulls are closed and opened while a listing is on hold, each once".to_owned(),
            ));
        }
        let words = |is_closed| {
            if is_closed {
                "pulls-closed"
            } else {
                "pulls-open"
            }
        };
        let change = Change {
            subject: product.id.as_str(),
            reason: Some(reason),
            before: Some(words(!is_closed)),
            after: Some(words(is_closed)),
        };
        self.record(&mut tx, actor, Action::ManageListing, change)
            .await?;
        self.tell_of_pulls(&mut tx, (actor, &product), is_closed, reason)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns a product whose hold the asker may decide on.
    async fn product_to_hold(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (publisher, product): (&str, &str),
    ) -> Result<Product, AppError> {
        self.authorize(tx, actor, Action::ManageListing, None)
            .await?;
        let (owner, product) = self.own_product(tx, actor, publisher, product).await?;
        self.authorize(tx, actor, Action::ManageListing, Some(&owner.id))
            .await?;
        Ok(product)
    }

    /// Returns what operators were asked about a listing that is still broken.
    async fn require_asked(&self, tx: &mut Tx, product: &Product) -> Result<HoldRow, AppError> {
        let asked = store::holds::find(tx, &product.id).await?;
        let is_listed = product.state == ListingState::Listed;
        let is_broken = is_listed && !self.is_mended(tx, product).await?;
        asked.filter(|_| is_broken).ok_or_else(|| {
            AppError::Conflict("no hold of this listing waits to be confirmed".to_owned())
        })
    }

    /// Asks operators whether a listing goes on hold.
    pub(crate) async fn ask_for_hold(
        &self,
        tx: &mut Tx,
        product: &Product,
    ) -> Result<(), AppError> {
        store::holds::ask(tx, &product.id, self.now()).await?;
        let name = self.name_of(tx, product).await?;
        let broken = store::promises::broken(tx, &product.id, self.now()).await?;
        let asked = self.id(EventId::new);
        let count = broken.findings;
        let findings = if count == 1 {
            "finding is"
        } else {
            "findings are"
        };
        let broken = format!("{count} {findings} not fixed in {name} within the time promised.");
        // An operator who is one of the publisher's people is told as such, once: another decides.
        let cause = format!("hold-to-confirm:{}:{asked}", product.id);
        let publisher = News {
            kind: NoticeKind::OnHold,
            cause: cause.clone(),
            title: format!("{name}: a promise is broken"),
            body: format!(
                "{broken} The operator decides whether the listing goes on hold. Release what mends it."
            ),
            path: &format!("/publisher/{name}"),
            product: Some(&product.id),
        };
        let people = store::notices::publishers_people(tx, &product.publisher_id).await?;
        self.tell(tx, &people, &publisher).await?;
        let operators = News {
            kind: NoticeKind::HoldToConfirm,
            cause,
            title: format!("{name} has broken a promise: put it on hold?"),
            body: format!(
                "{broken} The listing goes on hold once you confirm it; you may give a grace instead. Until then consumers are not warned."
            ),
            path: "/operator#holds",
            product: Some(&product.id),
        };
        let people = store::notices::operators(tx).await?;
        self.tell(tx, &people, &operators).await
    }

    async fn tell_of_grace(
        &self,
        tx: &mut Tx,
        (actor, product): (&Actor, &Product),
        grace: Grace,
        reason: &str,
    ) -> Result<(), AppError> {
        let name = self.name_of(tx, product).await?;
        let until = to_the_minute(grace.until);
        let news = News {
            kind: NoticeKind::Grace,
            cause: format!("grace:{}:{}", product.id, self.id(EventId::new)),
            title: format!("{name}: the operator waits until {until}"),
            body: format!(
                "What was promised of {name} is broken. The operator puts it on hold only if it is still so at {until}; then that happens by itself. What else is broken meanwhile is not meant.\n\n{reason}"
            ),
            path: &format!("/publisher/{name}"),
            product: Some(&product.id),
        };
        let people = store::notices::publishers_people(tx, &product.publisher_id).await?;
        self.tell(tx, &without(people, actor), &news).await
    }

    async fn tell_of_pulls(
        &self,
        tx: &mut Tx,
        (actor, product): (&Actor, &Product),
        is_closed: bool,
        reason: &str,
    ) -> Result<(), AppError> {
        let name = self.name_of(tx, product).await?;
        let (what, then) = match is_closed {
            true => (
                "cannot be pulled",
                "What runs keeps running; new pulls are refused until the hold ends or the operator opens them.",
            ),
            false => ("can be pulled again", "It is still on hold."),
        };
        let path = format!("/p/{name}");
        let cause = format!("pulls:{}:{}", product.id, self.id(EventId::new));
        let news = |body| News {
            kind: NoticeKind::OnHold,
            cause: cause.clone(),
            title: format!("{name} {what}"),
            body,
            path: &path,
            product: Some(&product.id),
        };
        let publisher = store::notices::publishers_people(tx, &product.publisher_id).await?;
        let publisher = without(publisher, actor);
        let told =
            format!("The listing {name} is on hold, and {what} by consumers. {then}\n\n{reason}");
        self.tell(tx, &publisher, &news(told)).await?;
        let consumers = store::notices::consumers(tx, &product.id, true).await?;
        let consumers = without(consumers, actor);
        let told = format!("The listing {name} is on hold, and {what}. {then}");
        self.tell(tx, &consumers, &news(told)).await
    }
}
