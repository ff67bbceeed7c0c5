//! Partnerships of publishers with the operator.

use std::sync::Arc;

use app::{App, NewPartnership, Partnership, PartnershipAgreement, PartnershipView};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    publishers::PublisherPath,
    words::{PartnershipDecisionJson, PartnershipStateJson, SupportExchangeJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_partnership, apply_for_partnership))
        .routes(routes!(decide_partnership))
        .routes(routes!(
            get_partnership_agreement,
            set_partnership_agreement
        ))
}

/// An application for partnership.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPartnershipJson {
    /// How support cases are exchanged.
    exchange: SupportExchangeJson,
    /// The publisher's name or number at the exchange.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    membership: String,
    /// The current version of the agreement, which is accepted herewith; none where there is none.
    agreement: Option<i64>,
}

/// What the operator decides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PartnershipVerdictJson {
    /// What is decided.
    decision: PartnershipDecisionJson,
    /// Why; the publisher reads it.
    #[schema(min_length = 1, max_length = 2_000, pattern = r"\S")]
    reason: String,
}

/// A new version of the agreement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPartnershipAgreementJson {
    /// Markdown.
    #[schema(min_length = 1, max_length = 200_000, pattern = r"\S")]
    text: String,
}

/// A version of the agreement.
#[derive(Serialize, ToSchema)]
struct PartnershipAgreementJson {
    /// 1, 2, and so on; the highest is current.
    version: i64,
    /// Markdown.
    text: String,
    /// Since when.
    set_at: DateTime<Utc>,
}

/// The agreement to change.
#[derive(Serialize, ToSchema)]
struct CurrentPartnershipAgreementJson {
    /// The current version; none where nothing is accepted.
    current: Option<PartnershipAgreementJson>,
}

/// An application and what became of it.
#[derive(Serialize, ToSchema)]
struct PartnershipJson {
    /// 1, 2, and so on; the highest counts.
    number: i64,
    /// Where it stands.
    state: PartnershipStateJson,
    /// How support cases are exchanged.
    exchange: SupportExchangeJson,
    /// The publisher's name or number at the exchange.
    membership: String,
    /// The version of the agreement that was accepted.
    agreement: Option<i64>,
    /// Who applied.
    applied_by: String,
    /// When.
    applied_at: DateTime<Utc>,
    /// Who decided last.
    decided_by: Option<String>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
    /// Why.
    reason: Option<String>,
}

/// How a publisher stands towards partnership.
#[derive(Serialize, ToSchema)]
struct PartnershipsJson {
    /// Its applications, the newest first.
    items: Vec<PartnershipJson>,
    /// The agreement that the next one accepts.
    agreement: Option<PartnershipAgreementJson>,
    /// Whether releases are certified of partners only.
    is_needed: bool,
    /// Whether the asker may apply now.
    may_apply: bool,
    /// Whether the asker may decide.
    may_decide: bool,
}

impl From<Partnership> for PartnershipJson {
    fn from(one: Partnership) -> Self {
        Self {
            number: one.number,
            state: one.state.into(),
            exchange: one.exchange.into(),
            membership: one.membership,
            agreement: one.agreement,
            applied_by: one.applied_by,
            applied_at: one.applied_at,
            decided_by: one.decided_by,
            decided_at: one.decided_at,
            reason: one.reason,
        }
    }
}

impl From<PartnershipAgreement> for PartnershipAgreementJson {
    fn from(agreement: PartnershipAgreement) -> Self {
        Self {
            version: agreement.version,
            text: agreement.text,
            set_at: agreement.set_at,
        }
    }
}

impl From<PartnershipView> for PartnershipsJson {
    fn from(view: PartnershipView) -> Self {
        Self {
            items: view.all.into_iter().map(Into::into).collect(),
            agreement: view.agreement.map(Into::into),
            is_needed: view.is_needed,
            may_apply: view.may_apply,
            may_decide: view.may_decide,
        }
    }
}

/// Returns how a publisher stands towards partnership.
#[utoipa::path(get, path = "/publishers/{publisher}/partnership", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "Its applications.", body = PartnershipsJson)))]
async fn get_partnership(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<PartnershipsJson>> {
    let found = app.partnership(&actor, at.publisher.as_str()).await?;
    Ok(Json(found.into()))
}

/// Applies for partnership.
#[utoipa::path(post, path = "/publishers/{publisher}/partnership", tag = "publishers", params(PublisherPath),
    request_body = NewPartnershipJson,
    responses((status = 201, description = "The application.", body = PartnershipJson)))]
async fn apply_for_partnership(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<NewPartnershipJson>,
) -> Answer<(StatusCode, Json<PartnershipJson>)> {
    let new = NewPartnership {
        exchange: json.exchange.0,
        membership: &json.membership,
        agreement: json.agreement,
    };
    let publisher = at.publisher.as_str();
    let made = app.apply_for_partnership(&actor, publisher, new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Grants, refuses or ends a partnership.
#[utoipa::path(post, path = "/publishers/{publisher}/partnership/decision", tag = "publishers", params(PublisherPath),
    request_body = PartnershipVerdictJson,
    responses((status = 200, description = "The partnership.", body = PartnershipJson)))]
async fn decide_partnership(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<PartnershipVerdictJson>,
) -> Answer<Json<PartnershipJson>> {
    let (publisher, decision) = (at.publisher.as_str(), json.decision.0);
    let decided = app.decide_partnership(&actor, publisher, decision, &json.reason);
    Ok(Json(decided.await?.into()))
}

/// Returns the partnership agreement, to whoever may change it.
#[utoipa::path(get, path = "/partnership-agreement", tag = "operation",
    responses((status = 200, description = "The agreement.", body = CurrentPartnershipAgreementJson)))]
async fn get_partnership_agreement(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<CurrentPartnershipAgreementJson>> {
    let current = app.partnership_agreement(&actor).await?;
    Ok(Json(CurrentPartnershipAgreementJson {
        current: current.map(Into::into),
    }))
}

/// Makes a new version of the partnership agreement.
#[utoipa::path(put, path = "/partnership-agreement", tag = "operation",
    request_body = NewPartnershipAgreementJson,
    responses((status = 200, description = "The agreement.", body = PartnershipAgreementJson)))]
async fn set_partnership_agreement(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<NewPartnershipAgreementJson>,
) -> Answer<Json<PartnershipAgreementJson>> {
    let set = app.set_partnership_agreement(&actor, &json.text).await?;
    Ok(Json(set.into()))
}
