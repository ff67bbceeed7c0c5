//! The publisher agreement, and who accepted it.

use std::sync::Arc;

use app::{Acceptance, Agreement, App, AppError};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{Answer, ErrorJson},
    extract::{Asked, At, Body, SignedIn},
    publishers::PublisherPath,
    words::ListJson,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_agreement, set_agreement))
        .routes(routes!(list_accepted_agreements, accept_agreement))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AgreementQuery {
    /// Which version; without one, the current.
    version: Option<i64>,
}

/// A version of the publisher agreement.
#[derive(Serialize, ToSchema)]
struct AgreementJson {
    /// 1, 2, and so on; the highest is current.
    version: i64,
    /// Markdown.
    text: String,
    /// Since when.
    set_at: DateTime<Utc>,
}

impl From<Agreement> for AgreementJson {
    fn from(agreement: Agreement) -> Self {
        Self {
            version: agreement.version,
            text: agreement.text,
            set_at: agreement.set_at,
        }
    }
}

/// A new version of the publisher agreement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AgreementTextJson {
    /// Markdown.
    #[schema(min_length = 1, max_length = 200_000, pattern = r"\S")]
    text: String,
}

/// The version that was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptJson {
    /// Which; the current one.
    version: i64,
}

/// That somebody accepted a version.
#[derive(Serialize, ToSchema)]
struct AcceptanceJson {
    /// Which.
    version: i64,
    /// Who did.
    account: String,
    /// When.
    accepted_at: DateTime<Utc>,
}

impl From<Acceptance> for AcceptanceJson {
    fn from(acceptance: Acceptance) -> Self {
        Self {
            version: acceptance.version,
            account: acceptance.account,
            accepted_at: acceptance.accepted_at,
        }
    }
}

/// Returns the publisher agreement.
#[utoipa::path(get, path = "/agreement", tag = "publishers", params(AgreementQuery), security(()),
    responses((status = 200, description = "The agreement.", body = AgreementJson),
        (status = 404, description = "There is none, or no such version.",
            body = ErrorJson, content_type = "application/problem+json")))]
async fn get_agreement(
    State(app): State<Arc<App>>,
    Asked(query): Asked<AgreementQuery>,
) -> Answer<Json<AgreementJson>> {
    let found = app.agreement(query.version).await?;
    let missing = || AppError::not_found("agreement", "of publishers");
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// Makes a new version of the agreement, which publishers accept before they submit again.
#[utoipa::path(put, path = "/agreement", tag = "operation", request_body = AgreementTextJson,
    responses((status = 200, description = "The new version.", body = AgreementJson)))]
async fn set_agreement(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<AgreementTextJson>,
) -> Answer<Json<AgreementJson>> {
    Ok(Json(app.set_agreement(&actor, &json.text).await?.into()))
}

/// Returns what was accepted for a publisher, the newest version first.
#[utoipa::path(get, path = "/publishers/{publisher}/agreement", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "The versions.", body = ListJson<AcceptanceJson>)))]
async fn list_accepted_agreements(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<ListJson<AcceptanceJson>>> {
    let state = app.agreement_state(&actor, at.publisher.as_str()).await?;
    Ok(ListJson::of(state.accepted))
}

/// Accepts the current version of the agreement for a publisher.
#[utoipa::path(post, path = "/publishers/{publisher}/agreement", tag = "publishers", params(PublisherPath),
    request_body = AcceptJson, responses((status = 204, description = "It is accepted.")))]
async fn accept_agreement(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<AcceptJson>,
) -> Answer<StatusCode> {
    app.accept_agreement(&actor, at.publisher.as_str(), json.version)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
