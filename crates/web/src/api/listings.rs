//! The operator's hand on the market: hold, reinstate, revoke, and whether what is on hold is
//! pulled.

use std::sync::Arc;

use app::{App, Product, Search};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use market::ListingEvent;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    drafts::ReasonJson,
    error::Answer,
    extract::{Asked, At, Body, SignedIn, within},
    products::first_page,
    words::{ListingStateJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_listings))
        .routes(routes!(manage_listing))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ListingPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The product's short name.
    #[param(inline)]
    product: SlugJson,
    /// What to do.
    #[param(inline)]
    action: ListingActionJson,
}

/// What the operator does to a listing.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ListingActionJson {
    /// Warn consumers and take no new subscriptions.
    Hold,
    /// Lift a hold.
    Reinstate,
    /// Take it off the market for good.
    Revoke,
    /// Let consumers pull nothing of it while it is on hold.
    ClosePulls,
    /// Let them pull it again.
    OpenPulls,
}

/// A listing.
#[derive(Serialize, ToSchema)]
struct ListingJson {
    /// The publisher's short name.
    publisher: String,
    /// The product's short name.
    product: SlugJson,
    /// `listed` or `on-hold`.
    state: ListingStateJson,
    /// Why it is on hold.
    state_reason: Option<String>,
    /// Since when it is on hold.
    held_at: Option<DateTime<Utc>>,
    /// Since when consumers pull nothing of it while it is on hold.
    pulls_closed_at: Option<DateTime<Utc>>,
    /// Whether the newest release bears the mark.
    certified: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListingsQuery {
    /// Words, all of which must occur, if only within another.
    #[serde(default)]
    q: String,
    /// Listings on hold only.
    #[serde(default)]
    on_hold: bool,
    /// Which page, from 1.
    #[serde(default = "first_page", deserialize_with = "within::<_, 1, 10_000>")]
    #[param(minimum = 1, maximum = 10_000, default = 1)]
    page: i64,
}

/// A page of listings.
#[derive(Serialize, ToSchema)]
struct ListingsJson {
    /// The listings, certified and newest first.
    items: Vec<ListingJson>,
    /// How many there are on all pages; at least, where there are more.
    total: i64,
    /// Whether there are more than were counted.
    more: bool,
    /// Which page this is, from 1.
    page: i64,
}

/// Returns a page of what is on the market, for the operator.
#[utoipa::path(get, path = "/listings", tag = "listings", params(ListingsQuery),
    responses((status = 200, description = "The listings.", body = ListingsJson)))]
async fn list_listings(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<ListingsQuery>,
) -> Answer<Json<ListingsJson>> {
    let search = Search {
        text: query.q,
        on_hold: query.on_hold,
        ..Search::default()
    };
    let found = app.list_listings(&actor, &search, query.page).await?;
    Ok(Json(ListingsJson {
        items: found.listings.into_iter().map(ListingJson::from).collect(),
        total: found.total,
        more: found.more,
        page: found.page,
    }))
}

/// Puts a listing on hold, reinstates or revokes it; closes or opens the pulls of what is on hold.
#[utoipa::path(post, path = "/listings/{publisher}/{product}/{action}", tag = "listings", params(ListingPath),
    request_body = ReasonJson, responses((status = 204, description = "So it is.")))]
async fn manage_listing(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ListingPath>,
    Body(json): Body<ReasonJson>,
) -> Answer<StatusCode> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let set_pulls = async |is_closed| {
        app.set_pulls_closed(&actor, (publisher, product), is_closed, &json.reason)
            .await?;
        Ok(StatusCode::NO_CONTENT)
    };
    let event = match at.action {
        ListingActionJson::ClosePulls => return set_pulls(true).await,
        ListingActionJson::OpenPulls => return set_pulls(false).await,
        ListingActionJson::Hold => ListingEvent::Hold,
        ListingActionJson::Reinstate => ListingEvent::Reinstate,
        ListingActionJson::Revoke => ListingEvent::Revoke,
    };
    app.manage_listing(&actor, publisher, product, event, &json.reason)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<(String, Product)> for ListingJson {
    fn from((publisher, product): (String, Product)) -> Self {
        Self {
            publisher,
            product: product.slug.into(),
            state: product.state.into(),
            state_reason: product.state_reason,
            held_at: product.held_at,
            pulls_closed_at: product.pulls_closed_at,
            certified: product.certified,
        }
    }
}
