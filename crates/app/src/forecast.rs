//! What becomes of a publisher's listings if nothing is done, and by when it must be
//! (programme and policies, "Classification of Issues").

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use market::{ListingState, ProductId};
use store::{products::Product, promises::Due};

use crate::{Actor, App, AppError};

/// What becomes of a listing if nothing is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The product.
    pub product: Product,
    /// What is due in its releases that stand, the earliest first.
    pub due: Vec<Due>,
    /// When it is put on hold, or was.
    pub hold_at: Option<DateTime<Utc>>,
    /// Whether the clocks put it on hold, or will, and lift that by themselves.
    pub by_clock: bool,
    /// When it is revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Forecast {
    fn of(product: Product, due: Vec<Due>) -> Self {
        let hold_at = match product.state {
            ListingState::OnHold => product.held_at,
            _ => due.first().map(|first| first.due_at),
        };
        let by_clock = product.state != ListingState::OnHold || crate::watch::is_by_clock(&product);
        Self {
            product,
            by_clock,
            due,
            hold_at,
            revoked_at: hold_at.map(ListingState::revoked_at),
        }
    }
}

impl App {
    /// Returns what becomes of a publisher's public listings if nothing is done: of those on
    /// hold, and of those with something to fix by some time.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn forecast(
        &self,
        actor: &Actor,
        publisher: &str,
    ) -> Result<Vec<Forecast>, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        let mut due: BTreeMap<ProductId, Vec<Due>> = BTreeMap::new();
        for one in store::promises::due_of_publisher(&mut tx, &publisher.id).await? {
            due.entry(one.product_id.clone()).or_default().push(one);
        }
        let mut forecasts = Vec::new();
        for product in store::products::on_hold_of_publisher(&mut tx, &publisher.id).await? {
            let due = due.remove(&product.id).unwrap_or_default();
            forecasts.push(Forecast::of(product, due));
        }
        for (product, due) in due {
            let product = store::products::find(&mut tx, &product).await?;
            forecasts.extend(product.map(|product| Forecast::of(product, due)));
        }
        forecasts.retain(|forecast| forecast.hold_at.is_some());
        forecasts.sort_by(|a, b| a.product.slug.cmp(&b.product.slug));
        Ok(forecasts)
    }
}
