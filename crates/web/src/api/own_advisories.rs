//! Vulnerabilities that the certification team adds by hand.

use std::sync::Arc;

use app::{App, OwnAdvisory};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, CountingQuery, SignedIn},
    words::{ClassJson, ListJson, OwnAdvisoryIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_own_advisories, add_own_advisory))
        .routes(routes!(withdraw_own_advisory))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OwnAdvisoryPath {
    /// The advisory's identifier.
    #[param(inline)]
    advisory: OwnAdvisoryIdJson,
}

/// A vulnerability to add by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwnAdvisoryJson {
    /// A CVE, or another name; one of the market's own if it is left out.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[!-~]+$")]
    name: Option<String>,
    /// The ecosystem as OSV names it, with a distribution's release: `Debian:12`, `npm`.
    #[schema(min_length = 1, max_length = 200)]
    ecosystem: String,
    /// The package as its ecosystem names it; a source package on Debian and Alpine.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[!-~]+$")]
    package: String,
    /// The first affected version; the beginning if it is left out.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    introduced: Option<String>,
    /// The first version no longer affected.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    fixed: Option<String>,
    /// The last affected version, where no version is fixed.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    last_affected: Option<String>,
    /// What it is, in one line.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// A CVSS vector, from which the class follows.
    #[serde(default)]
    #[schema(max_length = 200)]
    vector: Option<String>,
    /// `critical`, `major` or `minor`, where there is no vector.
    #[serde(default)]
    class: Option<ClassJson>,
    /// Why it is added.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// Why a vulnerability is withdrawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WithdrawalOfAdvisoryJson {
    /// Why; it stands beside the findings that are gone.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

/// A vulnerability that was added by hand.
#[derive(Serialize, ToSchema)]
struct OwnAdvisoryJson {
    /// Its identifier.
    id: OwnAdvisoryIdJson,
    /// The vulnerability.
    name: String,
    /// The ecosystem.
    ecosystem: String,
    /// The package.
    package: String,
    /// The first affected version.
    introduced: Option<String>,
    /// The first version no longer affected.
    fixed: Option<String>,
    /// The last affected version.
    last_affected: Option<String>,
    /// What it is, in one line.
    title: String,
    /// The CVSS vector.
    vector: Option<String>,
    /// Its score.
    score: Option<f64>,
    /// The class.
    class: ClassJson,
    /// Why it was added.
    reason: String,
    /// The name of the account that added it.
    made_by: String,
    /// When.
    made_at: DateTime<Utc>,
    /// The name of the account that withdrew it.
    withdrawn_by: Option<String>,
    /// When.
    withdrawn_at: Option<DateTime<Utc>>,
    /// Why.
    withdrawn_why: Option<String>,
}

/// Returns the vulnerabilities that were added by hand, newest first.
#[utoipa::path(get, path = "/own-advisories", tag = "own advisories", params(CountingQuery),
    responses((status = 200, description = "The vulnerabilities.", body = ListJson<OwnAdvisoryJson>)))]
async fn list_own_advisories(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<CountingQuery>,
) -> Answer<Json<ListJson<OwnAdvisoryJson>>> {
    Ok(ListJson::of(
        app.own_advisories(&actor, query.counting, query.part())
            .await?,
    ))
}

/// Adds a vulnerability by hand; everything that holds the package is matched with it.
#[utoipa::path(post, path = "/own-advisories", tag = "own advisories",
    request_body = NewOwnAdvisoryJson,
    responses((status = 201, description = "It is being matched.", body = OwnAdvisoryJson)))]
async fn add_own_advisory(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<NewOwnAdvisoryJson>,
) -> Answer<(StatusCode, Json<OwnAdvisoryJson>)> {
    let new = market::OwnAdvisory {
        name: json.name,
        ecosystem: json.ecosystem,
        package: json.package,
        introduced: json.introduced,
        fixed: json.fixed,
        last_affected: json.last_affected,
        title: json.title,
        vector: json.vector,
        class: json.class.map(|class| class.0),
        reason: json.reason,
    };
    let made = app.add_own_advisory(&actor, &new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Withdraws a vulnerability that was added by hand; its findings go, unless a feed says the same.
#[utoipa::path(post, path = "/own-advisories/{advisory}/withdrawal", tag = "own advisories", params(OwnAdvisoryPath),
    request_body = WithdrawalOfAdvisoryJson,
    responses((status = 200, description = "As it was.", body = OwnAdvisoryJson)))]
async fn withdraw_own_advisory(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<OwnAdvisoryPath>,
    Body(json): Body<WithdrawalOfAdvisoryJson>,
) -> Answer<Json<OwnAdvisoryJson>> {
    let id = at.advisory.as_str();
    let withdrawn = app.withdraw_own_advisory(&actor, id, &json.reason).await?;
    Ok(Json(withdrawn.into()))
}

impl From<OwnAdvisory> for OwnAdvisoryJson {
    fn from(own: OwnAdvisory) -> Self {
        Self {
            id: own.id.into(),
            name: own.name,
            ecosystem: own.ecosystem,
            package: own.package,
            introduced: own.introduced,
            fixed: own.fixed,
            last_affected: own.last_affected,
            title: own.title,
            vector: own.vector,
            score: own.score,
            class: own.class.into(),
            reason: own.reason,
            made_by: own.author,
            made_at: own.made_at,
            withdrawn_by: own.withdrawer,
            withdrawn_at: own.withdrawn_at,
            withdrawn_why: own.withdrawn_why,
        }
    }
}
