//! Subscriptions: they entitle to pull what their plan gives.

use market::{Action, ListingState, SubscriptionId, SubscriptionState};
use store::{Part, products::Product, subscriptions::Subscription};

use crate::{Actor, App, AppError, audit::Change};

impl App {
    /// Subscribes the asker to a plan of a listed product.
    ///
    /// # Errors
    /// The licence was not accepted, there is no such plan, the listing is on hold, or there is a subscription already.
    pub async fn subscribe(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        plan: &str,
        license_accepted: bool,
    ) -> Result<Subscription, AppError> {
        let mut tx = self.begin().await?;
        let (publisher, product) = self.listed_product(&mut tx, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::Subscribe, None)
            .await?;
        let account = actor.require_account("to subscribe")?;
        if product.state == ListingState::OnHold {
            return Err(AppError::Conflict(
                "the listing is on hold and takes no new subscriptions at present".to_owned(),
            ));
        }
        let plan = find_plan(&product, plan)?;
        if !license_accepted {
            return Err(AppError::invalid(
                "accept_license",
                "read and accept the licence agreement first",
            ));
        }
        let subscription = Subscription {
            id: self.id(SubscriptionId::new),
            account_id: account.id.clone(),
            product_id: product.id.clone(),
            plan: plan.id.to_string(),
            amount_minor: plan.price.amount_minor,
            currency: plan.price.currency.clone(),
            state: SubscriptionState::Active,
            license_accepted_at: self.now(),
            started_at: self.now(),
            ended_at: None,
        };
        store::subscriptions::create(&mut tx, &subscription, &plan.sources)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    AppError::Conflict(format!(
                        "you have a subscription to {}/{} already",
                        publisher.slug, product.slug
                    ))
                } else {
                    error.into()
                }
            })?;
        let change = Change {
            subject: subscription.id.as_str(),
            reason: Some(product.id.as_str()),
            after: Some("active"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::Subscribe, change)
            .await?;
        tx.commit().await?;
        Ok(subscription)
    }

    /// Ends the asker's subscription to a product; running containers keep running, new pulls are refused.
    ///
    /// # Errors
    /// There is no subscription in force.
    pub async fn unsubscribe(&self, actor: &Actor, id: &str) -> Result<(), AppError> {
        let account = actor.require_account("to end a subscription")?;
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::Subscribe, None)
            .await?;
        let found = store::subscriptions::find_of_account(&mut tx, &account.id, id)
            .await?
            .filter(|own| own.state != SubscriptionState::Lapsed);
        let subscription = found.ok_or_else(|| AppError::not_found("subscription", id))?;
        store::subscriptions::lapse(&mut tx, &subscription.id, self.now()).await?;
        let change = Change {
            subject: id,
            before: Some(subscription.state.as_str()),
            after: Some("lapsed"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::Subscribe, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns a part of the asker's subscriptions with `publisher/product`, newest first.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn my_subscriptions(
        &self,
        actor: &Actor,
        part: Part<'_>,
    ) -> Result<Vec<(String, Subscription)>, AppError> {
        let account = actor.require_account("to see your subscriptions")?;
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOwnAccount, None)
            .await?;
        let mut named = Vec::new();
        for subscription in store::subscriptions::of_account(&mut tx, &account.id, part).await? {
            let product = store::products::find(&mut tx, &subscription.product_id).await?;
            let publisher = match &product {
                Some(product) => store::publishers::find(&mut tx, &product.publisher_id).await?,
                None => None,
            };
            if let (Some(product), Some(publisher)) = (product, publisher) {
                named.push((format!("{}/{}", publisher.slug, product.slug), subscription));
            }
        }
        Ok(named)
    }
}

fn find_plan<'a>(product: &'a Product, plan: &str) -> Result<&'a market::Plan, AppError> {
    let plans = product
        .listed
        .as_ref()
        .map(|listed| listed.plans.as_slice())
        .unwrap_or_default();
    plans
        .iter()
        .find(|known| known.id.as_str() == plan)
        .ok_or_else(|| {
            let known: Vec<_> = plans.iter().map(|plan| plan.id.as_str()).collect();
            AppError::invalid(
                "plan",
                format!(
                    "there is no plan `{}`: choose one of {}",
                    plan.chars().take(60).collect::<String>(),
                    known.join(", ")
                ),
            )
        })
}
