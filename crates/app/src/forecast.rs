//! What becomes of a publisher's listings if nothing is done, and by when it must be
//! (programme and policies, "Classification of Issues").

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use market::{Grace, ListingState, ProductId};
use store::{products::Product, promises::Due};

use crate::{Actor, App, AppError};

/// What becomes of a listing if nothing is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The product.
    pub product: Product,
    /// What is due in its releases that stand, the earliest first.
    pub due: Vec<Due>,
    /// When it is put on hold, or was; not before that, where an operator confirms it.
    pub hold_at: Option<DateTime<Utc>>,
    /// Whether it goes on hold only if an operator confirms it.
    pub needs_operator: bool,
    /// Until when the operator waits with what is broken.
    pub grace_until: Option<DateTime<Utc>>,
    /// Whether the clocks put it on hold, or will, and lift that by themselves.
    pub by_clock: bool,
    /// When it is revoked, where it is on hold or the hold is sure; nothing where an operator
    /// decides whether it begins.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Forecast {
    fn of(product: Product, due: Vec<Due>, grace: Option<Grace>, confirms: bool) -> Self {
        let grace = grace.filter(|_| product.state == ListingState::Listed);
        // A grace ends in a hold by itself; what it does not mean follows the policy.
        let is_meant = due.iter().any(|due| due.meant > 0);
        let by_grace = grace.filter(|_| is_meant).map(|it| (it.until, false));
        let next = due.iter().find(|due| due.meant < due.findings);
        let next = next.map(|due| (due.due_at, confirms));
        let first = match product.state {
            ListingState::OnHold => product.held_at.map(|at| (at, false)),
            _ => by_grace.into_iter().chain(next).min(),
        };
        let (hold_at, needs_operator) = first.unzip();
        let needs_operator = needs_operator.unwrap_or(false);
        let by_clock = product.state != ListingState::OnHold || crate::watch::is_by_clock(&product);
        Self {
            product,
            by_clock,
            due,
            hold_at,
            needs_operator,
            grace_until: grace.map(|grace| grace.until),
            revoked_at: hold_at
                .filter(|_| !needs_operator)
                .map(ListingState::revoked_at),
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
            forecasts.push(Forecast::of(product, due, None, false));
        }
        let ids: Vec<_> = due.keys().map(ProductId::as_str).collect();
        let products = store::products::all_of(&mut tx, &ids).await?;
        let asked = store::holds::of_publisher(&mut tx, &publisher.id).await?;
        for product in products {
            let asked = asked.iter().find(|row| row.product_id == product.id);
            let grace = asked.and_then(|row| row.question().grace);
            let due = due.remove(&product.id).unwrap_or_default();
            let confirms = self.config.review.confirm_holds;
            forecasts.push(Forecast::of(product, due, grace, confirms));
        }
        forecasts.retain(|forecast| forecast.hold_at.is_some());
        forecasts.sort_by(|a, b| a.product.slug.cmp(&b.product.slug));
        Ok(forecasts)
    }
}
