//! Certification checks that products need not pass for a time.

use std::sync::Arc;

use app::{App, NewWaiver, Waiver};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, OlderQuery, SignedIn},
    products::ProductPath,
    words::{ListJson, WaiverIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_waivers, waive_check))
        .routes(routes!(end_waiver))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WaiverPath {
    /// The waiver's identifier.
    #[param(inline)]
    waiver: WaiverIdJson,
}

/// A check to waive.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWaiverJson {
    /// The check's id.
    #[schema(min_length = 1, max_length = 200)]
    check: String,
    /// Why; the publisher reads it.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
    /// Until when.
    until: DateTime<Utc>,
}

/// Why a waiver is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndOfWaiverJson {
    /// Why; the publisher reads it.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// A check that a product need not pass for a time.
#[derive(Serialize, ToSchema)]
pub(super) struct WaiverJson {
    /// Its identifier.
    id: WaiverIdJson,
    /// The check's id.
    check: String,
    /// Why.
    reason: String,
    /// The name of the account that waived it.
    made_by: String,
    /// When.
    made_at: DateTime<Utc>,
    /// Until when it counts.
    until: DateTime<Utc>,
    /// The name of the account that took it back.
    ended_by: Option<String>,
    /// When.
    ended_at: Option<DateTime<Utc>>,
    /// Why.
    end_reason: Option<String>,
}

/// Returns a product's waivers, also those that are over; newest first.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/waivers", tag = "waivers", params(ProductPath, OlderQuery),
    responses((status = 200, description = "The waivers.", body = ListJson<WaiverJson>)))]
async fn list_waivers(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<WaiverJson>>> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let found = app.waivers(&actor, publisher, product, query.part());
    Ok(ListJson::of(found.await?))
}

/// Lets a product not pass a check for a time; what is under review follows.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/waivers", tag = "waivers", params(ProductPath),
    request_body = NewWaiverJson,
    responses((status = 201, description = "The waiver.", body = WaiverJson)))]
async fn waive_check(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(json): Body<NewWaiverJson>,
) -> Answer<(StatusCode, Json<WaiverJson>)> {
    let new = NewWaiver {
        check: &json.check,
        reason: &json.reason,
        until: json.until,
    };
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let made = app.waive_check(&actor, publisher, product, new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Takes a waiver back; what is under review has to pass the check again.
#[utoipa::path(post, path = "/waivers/{waiver}/end", tag = "waivers", params(WaiverPath),
    request_body = EndOfWaiverJson,
    responses((status = 200, description = "The waiver as it was.", body = WaiverJson)))]
async fn end_waiver(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<WaiverPath>,
    Body(json): Body<EndOfWaiverJson>,
) -> Answer<Json<WaiverJson>> {
    let id = at.waiver.as_str();
    Ok(Json(app.end_waiver(&actor, id, &json.reason).await?.into()))
}

impl From<Waiver> for WaiverJson {
    fn from(waiver: Waiver) -> Self {
        Self {
            id: waiver.id.into(),
            check: waiver.check_id,
            reason: waiver.reason,
            made_by: waiver.author,
            made_at: waiver.made_at,
            until: waiver.ends_at,
            ended_by: waiver.ender,
            ended_at: waiver.ended_at,
            end_reason: waiver.end_reason,
        }
    }
}
