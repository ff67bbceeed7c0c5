//! Classes that the certification team gives by hand.

use std::sync::Arc;

use app::{App, AppError, Classification, ClassificationEntry, NewClassification, Unscored};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, CountingQuery, SignedIn},
    words::{ClassJson, ClassificationIdJson, ListJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_classifications, classify))
        .routes(routes!(end_classification))
        .routes(routes!(list_unscored))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ClassificationPath {
    /// The classification's identifier.
    #[param(inline)]
    classification: ClassificationIdJson,
}

/// A class to give by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClassificationJson {
    /// The vulnerability, by any of its names.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[!-~]+$")]
    vulnerability: String,
    /// The one product; every product if it is left out.
    #[serde(default)]
    about: Option<ClassifiedProductJson>,
    /// The class; anything but `unscored`.
    class: ClassJson,
    /// Why; the publishers concerned read it.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// The one product that a class is about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClassifiedProductJson {
    /// The publisher's short name.
    publisher: SlugJson,
    /// The product's short name.
    product: SlugJson,
}

/// Why a class is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndOfClassificationJson {
    /// Why; the publishers concerned read it.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// A class by hand.
#[derive(Serialize, ToSchema)]
pub(super) struct ClassificationJson {
    /// Its identifier.
    id: ClassificationIdJson,
    /// The vulnerability.
    vulnerability: String,
    /// The class.
    class: ClassJson,
    /// Why.
    reason: String,
    /// The name of the account that classified.
    made_by: String,
    /// When.
    made_at: DateTime<Utc>,
    /// The name of the account that ended it.
    ended_by: Option<String>,
    /// When it stopped counting.
    ended_at: Option<DateTime<Utc>>,
    /// Why; nothing where a newer one took its place.
    end_reason: Option<String>,
}

/// A class by hand, and what it is about.
#[derive(Serialize, ToSchema)]
struct ClassificationEntryJson {
    /// The one product, as `publisher/product`; nothing for every product.
    product: Option<String>,
    /// The class.
    classification: ClassificationJson,
}

/// A vulnerability that nobody scored.
#[derive(Serialize, ToSchema)]
struct UnscoredJson {
    /// Its name.
    vulnerability: String,
    /// How many products have it.
    products: i64,
    /// How many findings.
    findings: i64,
    /// Since when it is known.
    first_seen_at: DateTime<Utc>,
}

/// Returns what was classified by hand, newest first.
#[utoipa::path(get, path = "/classifications", tag = "classifications", params(CountingQuery),
    responses((status = 200, description = "The classes.", body = ListJson<ClassificationEntryJson>)))]
async fn list_classifications(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<CountingQuery>,
) -> Answer<Json<ListJson<ClassificationEntryJson>>> {
    Ok(ListJson::of(
        app.classifications(&actor, query.counting, query.part())
            .await?,
    ))
}

/// Returns the vulnerabilities without a score in what is on the market or under review, the 200 that are known longest: what is classified makes room for others.
#[utoipa::path(get, path = "/classifications/unscored", tag = "classifications",
    responses((status = 200, description = "The first 200.", body = ListJson<UnscoredJson>)))]
async fn list_unscored(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<UnscoredJson>>> {
    Ok(ListJson::of(app.unscored(&actor).await?))
}

/// Gives a vulnerability a class by hand; findings and clocks follow.
#[utoipa::path(post, path = "/classifications", tag = "classifications",
    request_body = NewClassificationJson,
    responses((status = 201, description = "The class; the one before of the same is replaced.", body = ClassificationEntryJson)))]
async fn classify(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<NewClassificationJson>,
) -> Answer<(StatusCode, Json<ClassificationEntryJson>)> {
    let about = json.about.as_ref();
    let new = NewClassification {
        vulnerability: &json.vulnerability,
        product: about.map(|about| (about.publisher.as_str(), about.product.as_str())),
        class: json.class.0,
        reason: &json.reason,
    };
    let made = app
        .classify(&actor, new)
        .await
        .map_err(|error| match error {
            // What the body names is not what the address names.
            AppError::NotFound { what, name } => {
                AppError::invalid("about", format!("there is no {what} `{name}`"))
            }
            other => other,
        })?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Takes a class by hand back; the advisories' word counts again.
#[utoipa::path(post, path = "/classifications/{classification}/end", tag = "classifications", params(ClassificationPath),
    request_body = EndOfClassificationJson,
    responses((status = 200, description = "The class as it was.", body = ClassificationEntryJson)))]
async fn end_classification(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ClassificationPath>,
    Body(json): Body<EndOfClassificationJson>,
) -> Answer<Json<ClassificationEntryJson>> {
    let id = at.classification.as_str();
    let ended = app.end_classification(&actor, id, &json.reason).await?;
    Ok(Json(ended.into()))
}

impl From<Classification> for ClassificationJson {
    fn from(made: Classification) -> Self {
        Self {
            id: made.id.into(),
            vulnerability: made.vulnerability,
            class: made.class.into(),
            reason: made.reason,
            made_by: made.author,
            made_at: made.made_at,
            ended_by: made.ender,
            ended_at: made.ended_at,
            end_reason: made.end_reason,
        }
    }
}

impl From<ClassificationEntry> for ClassificationEntryJson {
    fn from(entry: ClassificationEntry) -> Self {
        Self {
            product: entry.product,
            classification: entry.classification.into(),
        }
    }
}

impl From<Unscored> for UnscoredJson {
    fn from(row: Unscored) -> Self {
        Self {
            vulnerability: row.vulnerability,
            products: row.products,
            findings: row.findings,
            first_seen_at: row.first_seen_at,
        }
    }
}
