//! Holds that an operator confirms, where the policy says so.

use std::sync::Arc;

use app::{App, HoldToConfirm};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    words::{ListJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_holds))
        .routes(routes!(confirm_hold))
        .routes(routes!(give_grace))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct HoldPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The product's short name.
    #[param(inline)]
    product: SlugJson,
}

/// A listing with broken promises that operators were asked about.
#[derive(Serialize, ToSchema)]
struct HoldToConfirmJson {
    /// The publisher's short name.
    publisher: String,
    /// The product's short name.
    product: SlugJson,
    /// How many findings are not fixed in time.
    findings: i64,
    /// When the first of them was due.
    broken_at: Option<DateTime<Utc>>,
    /// When operators were asked last.
    asked_at: DateTime<Utc>,
    /// Whether it waits for an operator.
    waits: bool,
    /// Until when there is a grace for what was broken when it was given.
    grace_until: Option<DateTime<Utc>>,
    /// Why it was given.
    grace_reason: Option<String>,
}

/// Time beyond what was promised.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GraceJson {
    /// Until when, at most thirty days from now; then the hold begins by itself.
    until: DateTime<Utc>,
    /// Why; the publisher reads it.
    #[schema(min_length = 1, max_length = 2_000, pattern = r"\S")]
    reason: String,
}

impl From<HoldToConfirm> for HoldToConfirmJson {
    fn from(hold: HoldToConfirm) -> Self {
        Self {
            waits: hold.waits(),
            publisher: hold.publisher,
            product: hold.product.slug.into(),
            findings: hold.broken.findings,
            broken_at: hold.broken.first_at,
            asked_at: hold.row.asked_at,
            grace_until: hold.row.grace_until,
            grace_reason: hold.row.grace_reason,
        }
    }
}

/// Returns the listings with broken promises that wait for an operator to confirm that they go
/// on hold, the longest first, and then those that have a grace.
#[utoipa::path(get, path = "/holds", tag = "listings",
    responses((status = 200, description = "The listings.", body = ListJson<HoldToConfirmJson>)))]
async fn list_holds(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<HoldToConfirmJson>>> {
    Ok(ListJson::of(app.holds_to_confirm(&actor).await?))
}

/// Puts a listing on hold that operators were asked about; what mends it lifts the hold by itself.
#[utoipa::path(post, path = "/holds/{publisher}/{product}/confirmation", tag = "listings", params(HoldPath),
    responses((status = 204, description = "It is on hold.")))]
async fn confirm_hold(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<HoldPath>,
) -> Answer<StatusCode> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    app.confirm_hold(&actor, publisher, product).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a listing that operators were asked about time beyond what was promised.
#[utoipa::path(put, path = "/holds/{publisher}/{product}/grace", tag = "listings", params(HoldPath),
    request_body = GraceJson, responses((status = 204, description = "It has the grace.")))]
async fn give_grace(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<HoldPath>,
    Body(json): Body<GraceJson>,
) -> Answer<StatusCode> {
    let names = (at.publisher.as_str(), at.product.as_str());
    app.give_grace(&actor, names, json.until, &json.reason)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
