//! What publishers owe.

use std::sync::Arc;

use app::{App, PublisherTerms};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use market::{Money, Terms};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    publishers::PublisherPath,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_terms, set_terms))
}

/// A fee.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeeJson {
    /// Minor units: 25000 is 250.00.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    amount_minor: i64,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// What a publisher is to owe.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTermsJson {
    /// A year's fee for each listing; waived where there is none.
    listing_fee: Option<FeeJson>,
    /// The operator's share of what the plans bring, in hundredths of a percent; 0 waives it.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10_000)]
    revenue_share: i64,
    /// Why it is so.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S")]
    note: String,
}

/// A version of what a publisher owes.
#[derive(Serialize, ToSchema)]
struct TermsVersionJson {
    /// 1, 2, and so on; the highest is in force.
    version: i64,
    /// A year's fee for each listing.
    listing_fee: Option<FeeJson>,
    /// The operator's share, in hundredths of a percent.
    revenue_share: i64,
    /// Why it is so.
    note: String,
    /// Who set it.
    set_by: String,
    /// When.
    set_at: DateTime<Utc>,
}

/// What a publisher owes.
#[derive(Serialize, ToSchema)]
struct TermsJson {
    /// A year's fee for each listing; waived where there is none.
    listing_fee: Option<FeeJson>,
    /// The operator's share, in hundredths of a percent; waived where it is 0.
    revenue_share: i64,
    /// Every version, the newest first; none where nothing was ever set.
    versions: Vec<TermsVersionJson>,
}

fn fee_json(fee: Option<Money>) -> Option<FeeJson> {
    fee.map(|fee| FeeJson {
        amount_minor: fee.amount_minor,
        currency: fee.currency,
    })
}

impl From<PublisherTerms> for TermsJson {
    fn from(found: PublisherTerms) -> Self {
        Self {
            listing_fee: fee_json(found.terms.listing_fee),
            revenue_share: found.terms.revenue_share,
            versions: found
                .versions
                .into_iter()
                .map(|row| TermsVersionJson {
                    version: row.version,
                    listing_fee: fee_json(row.terms().listing_fee),
                    revenue_share: row.revenue_share,
                    note: row.note,
                    set_by: row.set_by,
                    set_at: row.set_at,
                })
                .collect(),
        }
    }
}

/// Returns what a publisher owes, to its owners and finance and to the operator.
#[utoipa::path(get, path = "/publishers/{publisher}/terms", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "The terms.", body = TermsJson)))]
async fn get_terms(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<TermsJson>> {
    let found = app.publisher_terms(&actor, at.publisher.as_str()).await?;
    Ok(Json(found.into()))
}

/// Sets what a publisher owes from now on.
#[utoipa::path(put, path = "/publishers/{publisher}/terms", tag = "publishers", params(PublisherPath),
    request_body = NewTermsJson, responses((status = 204, description = "They are set.")))]
async fn set_terms(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<NewTermsJson>,
) -> Answer<StatusCode> {
    let terms = Terms {
        listing_fee: json.listing_fee.map(|fee| Money {
            amount_minor: fee.amount_minor,
            currency: fee.currency,
        }),
        revenue_share: json.revenue_share,
    };
    app.set_terms(&actor, at.publisher.as_str(), &terms, &json.note)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
