//! Subscriptions: they entitle to pull.

use std::sync::Arc;

use app::{App, AppError, Part, Subscription};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use market::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, OlderQuery, SignedIn},
    manifest::PriceJson,
    products::ProductPath,
    words::{ListJson, SubscriptionStateJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(subscribe, unsubscribe))
        .routes(routes!(list_subscriptions))
}

/// The plan to subscribe to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSubscriptionJson {
    /// The plan's short name.
    plan: String,
    /// That the licence agreement was read and is accepted; must be true.
    accept_license: bool,
}

/// A subscription of the asker's.
#[derive(Serialize, ToSchema)]
pub(super) struct SubscriptionJson {
    /// Its identifier.
    id: String,
    /// `publisher/product`.
    product: String,
    /// The plan's short name.
    plan: String,
    /// The price a month when it began.
    price: PriceJson,
    /// Where it is.
    state: SubscriptionStateJson,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
}

impl SubscriptionJson {
    /// Converts a subscription to `product`.
    pub(super) fn of(product: String, subscription: Subscription) -> Self {
        Self {
            id: subscription.id.to_string(),
            product,
            plan: subscription.plan,
            price: Money {
                amount_minor: subscription.amount_minor,
                currency: subscription.currency,
            }
            .into(),
            state: subscription.state.into(),
            started_at: subscription.started_at,
            ended_at: subscription.ended_at,
        }
    }
}

/// Subscribes to a plan of a listed product.
#[utoipa::path(post, path = "/products/{publisher}/{product}/subscription", tag = "subscriptions",
    params(ProductPath), request_body = NewSubscriptionJson,
    responses((status = 201, description = "The subscription.", body = SubscriptionJson)))]
async fn subscribe(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(new): Body<NewSubscriptionJson>,
) -> Answer<(StatusCode, Json<SubscriptionJson>)> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let made = app
        .subscribe(&actor, publisher, product, &new.plan, new.accept_license)
        .await?;
    let made = SubscriptionJson::of(format!("{publisher}/{product}"), made);
    Ok((StatusCode::CREATED, Json(made)))
}

/// Ends the asker's subscription to a product; new pulls are refused from then on.
#[utoipa::path(delete, path = "/products/{publisher}/{product}/subscription", tag = "subscriptions",
    params(ProductPath), responses((status = 204, description = "It has ended.")))]
async fn unsubscribe(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
) -> Answer<StatusCode> {
    let name = format!("{}/{}", at.publisher.as_str(), at.product.as_str());
    let own = app.my_subscriptions(&actor, Part::ALL).await?;
    let (_, found) = own
        .into_iter()
        .find(|(product, own)| *product == name && own.state.entitles())
        .ok_or_else(|| AppError::not_found("subscription to", name))?;
    app.unsubscribe(&actor, found.id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the asker's subscriptions, newest first.
#[utoipa::path(get, path = "/subscriptions", tag = "subscriptions", params(OlderQuery),
    responses((status = 200, description = "The subscriptions.", body = ListJson<SubscriptionJson>)))]
async fn list_subscriptions(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<SubscriptionJson>>> {
    let own = app
        .my_subscriptions(&actor, query.part())
        .await?
        .into_iter();
    Ok(ListJson::of(
        own.map(|(name, own)| SubscriptionJson::of(name, own)),
    ))
}
