//! The public side of a product: hold, reinstate, revoke.

use market::{Action, ListingEvent, ListingState, PublisherState};
use store::{Tx, products::Product, publishers::Publisher, search::Search};
use trust::{log::Event, tuf::Signer};

use crate::{
    Actor, App, AppError,
    audit::{Change, stated},
};

/// Listings as the operator sees them.
#[derive(Debug, Clone)]
pub struct ListingsPage {
    /// The products with their publishers' short names, certified and newest first.
    pub listings: Vec<(String, Product)>,
    /// How many there are in all; at least, where there are more.
    pub total: i64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Which page this is, from 1.
    pub page: i64,
}

impl ListingsPage {
    /// Listings on one page.
    pub const SIZE: i64 = 50;
}

impl App {
    /// Puts a listing on hold, reinstates or revokes it.
    ///
    /// # Errors
    /// There is no such product, its state does not allow it, a promise about what is to be
    /// reinstated is broken, no reason is given, or the asker may not.
    pub async fn manage_listing(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        event: ListingEvent,
        reason: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ManageListing, None)
            .await?;
        if !matches!(
            event,
            ListingEvent::Hold | ListingEvent::Reinstate | ListingEvent::Revoke
        ) {
            return Err(AppError::invalid("event", "use hold, reinstate or revoke"));
        }
        let (owner, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::ManageListing, Some(&owner.id))
            .await?;
        // The clocks would put it on hold again with their next look.
        if event == ListingEvent::Reinstate && !self.is_mended(&mut tx, &product).await? {
            return Err(AppError::Conflict(format!(
                "{publisher}/{} has broken promises to fix: accept a statement about what does no harm, give it a milder class, or wait for the release that fixes it, which lifts a hold by the clocks by itself",
                product.slug
            )));
        }
        drop(tx);
        let key = self.key_to_unsign(&product, event).await?;
        let change = (Action::ManageListing, event, key.as_ref());
        let mut tx = self.begin().await?;
        self.change_listing(&mut tx, actor, &product, change, reason)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns the key that takes a product out of what is signed, where `event` takes it off the
    /// market; had before the transaction that does it, because a device takes its time.
    ///
    /// # Errors
    /// The key cannot be reached.
    pub(crate) async fn key_to_unsign(
        &self,
        product: &Product,
        event: ListingEvent,
    ) -> Result<Option<Signer>, AppError> {
        let leaves = (product.state.after(event)).is_ok_and(|after| !after.is_public());
        if !product.state.is_public() || !leaves {
            return Ok(None);
        }
        let name = self.name_of(&mut self.read().await?, product).await?;
        self.targets_key(&name).await.map(Some)
    }

    /// Changes the state of a listing, which is what it was when `product` was read, and records
    /// it. What takes it off the market comes with the key from [`App::key_to_unsign`].
    pub(crate) async fn change_listing(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        product: &Product,
        (action, event, key): (Action, ListingEvent, Option<&Signer>),
        reason: &str,
    ) -> Result<(), AppError> {
        let after = product.state.after(event)?;
        let reason = match stated(reason) {
            Err(missing) if event != ListingEvent::Release => return Err(missing),
            reason => reason.ok(),
        };
        let states = (product.state, after);
        if !store::products::set_state(tx, &product.id, states, reason, self.now()).await? {
            return Err(AppError::changed_meanwhile("listing"));
        }
        let publisher = self.publisher_of_product(tx, product).await?;
        let goes_up = matches!(event, ListingEvent::Release | ListingEvent::Reinstate);
        if goes_up && publisher.state == PublisherState::Suspended {
            return Err(AppError::Conflict(format!(
                "publisher `{}` is suspended: verify it again first",
                publisher.slug
            )));
        }
        let name = format!("{}/{}", publisher.slug, product.slug);
        self.publish_change(tx, (product, &name), (event, after), key)
            .await?;
        let change = Change {
            subject: product.id.as_str(),
            reason,
            before: Some(product.state.as_str()),
            after: Some(after.as_str()),
        };
        self.record(tx, actor, action, change).await?;
        if event != ListingEvent::Release {
            store::holds::settle(tx, &product.id).await?;
        }
        if !after.is_public() {
            self.end_submissions(tx, (actor, action), product, after)
                .await?;
        }
        self.end_preview(tx, (actor, product, &name), event).await?;
        self.publish_listing(tx, (product, &name), event, reason)
            .await?;
        self.tell_of_listing(tx, (actor, product, &name), event, reason)
            .await
    }

    /// Tells everybody what happened to a listing that they could see: the log says it, and
    /// what is off the market is no more signed. A release says so itself.
    async fn publish_change(
        &self,
        tx: &mut Tx,
        (product, name): (&Product, &str),
        (event, after): (ListingEvent, ListingState),
        key: Option<&Signer>,
    ) -> Result<(), AppError> {
        let said = match event {
            ListingEvent::Release => return Ok(()),
            ListingEvent::Hold => Event::Held,
            ListingEvent::Reinstate => Event::Reinstated,
            ListingEvent::Revoke => Event::Revoked,
            ListingEvent::Withdraw => Event::Withdrawn,
        };
        if !product.state.is_public() {
            return Ok(());
        }
        self.log(tx, name, said, self.now()).await?;
        if !after.is_public() {
            let key = key.ok_or_else(|| AppError::changed_meanwhile("listing"))?;
            self.unsign(tx, name, key).await?;
        }
        Ok(())
    }

    /// Returns `publisher/product`, as images and addresses are called.
    pub(crate) async fn name_of(&self, tx: &mut Tx, product: &Product) -> Result<String, AppError> {
        let publisher = self.publisher_of_product(tx, product).await?;
        Ok(format!("{}/{}", publisher.slug, product.slug))
    }

    pub(crate) async fn publisher_of_product(
        &self,
        tx: &mut Tx,
        product: &Product,
    ) -> Result<Publisher, AppError> {
        let publisher = store::publishers::find(tx, &product.publisher_id).await?;
        publisher.ok_or_else(|| AppError::not_found("publisher", product.id.as_str()))
    }

    /// Returns a page of the products that the operator can act on, listed and on hold, with
    /// their publishers' short names.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn list_listings(
        &self,
        actor: &Actor,
        search: &Search,
        page: i64,
    ) -> Result<ListingsPage, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ManageListing, None)
            .await?;
        let page = page.clamp(1, 10_000);
        let offset = (page - 1) * ListingsPage::SIZE;
        let hits = store::search::search(&mut tx, search, ListingsPage::SIZE, offset).await?;
        let mut listings = Vec::new();
        for product in hits.products {
            let publisher = self.publisher_of_product(&mut tx, &product).await?;
            listings.push((publisher.slug.to_string(), product));
        }
        Ok(ListingsPage {
            listings,
            total: hits.total,
            more: hits.more,
            page,
        })
    }
}
