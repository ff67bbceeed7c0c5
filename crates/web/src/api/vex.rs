//! Statements about vulnerabilities in a product.

use std::sync::Arc;

use app::{App, NewVex, VexEntry, VexStatement, VexVerdict};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use market::{VexClaim, VexScope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, LaterQuery, SignedIn, older_query, place},
    products::ProductPath,
    words::{
        ListJson, SlugJson, VexDecisionJson, VexIdJson, VexJustificationJson, VexStandingJson,
        VexStatusJson,
    },
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_vex, state_vex))
        .routes(routes!(import_vex))
        .routes(routes!(list_vex_queue))
        .routes(routes!(decide_vex))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct VexPath {
    /// The statement's identifier.
    #[param(inline)]
    statement: VexIdJson,
}

/// A statement to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewVexJson {
    /// The vulnerability, by any of its names.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[!-~]+$")]
    vulnerability: String,
    /// The digest of a platform's image; every image if it is left out.
    #[serde(default)]
    #[schema(pattern = r"^sha256:[0-9a-f]{64}$")]
    image: Option<String>,
    /// A component by package URL, with or without a version, or by name; every component if it
    /// is left out.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, pattern = r"^[!-~]+$")]
    component: Option<String>,
    /// What is stated.
    status: VexStatusJson,
    /// Why the product is not affected; with `not_affected`, and only then.
    #[serde(default)]
    justification: Option<VexJustificationJson>,
    /// The impact if it is not affected, what users are to do if it is, else remarks.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    text: String,
}

/// An OpenVEX 0.2.0 document, at most 1 MiB and 1000 statements.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
struct OpenVexJson(Map<String, Value>);

/// A decision on a statement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VexVerdictJson {
    /// What is decided; to refuse an accepted one takes the acceptance back.
    decision: VexDecisionJson,
    /// Why; needed to refuse.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    reason: String,
    /// Until when it counts; for good if it is left out.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
}

/// What a publisher states about a vulnerability in a product.
#[derive(Serialize, ToSchema)]
pub(super) struct VexStatementJson {
    /// Its identifier.
    id: VexIdJson,
    /// The vulnerability.
    vulnerability: String,
    /// The digest of the one image it is about.
    image: Option<String>,
    /// The one component it is about.
    component: Option<String>,
    /// 1 for the first about the same.
    version: i64,
    /// What is stated.
    status: VexStatusJson,
    /// Why the product is not affected.
    justification: Option<VexJustificationJson>,
    /// In the author's words.
    text: String,
    /// The OpenVEX document it came in, by its id.
    document: Option<String>,
    /// Where it stands.
    standing: VexStandingJson,
    /// The name of the account that stated it.
    stated_by: String,
    /// When.
    stated_at: DateTime<Utc>,
    /// The name of the account that decided.
    decided_by: Option<String>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
    /// Why.
    reason: Option<String>,
    /// Until when it counts.
    until: Option<DateTime<Utc>>,
    /// When it stopped counting.
    ended_at: Option<DateTime<Utc>>,
}

/// A statement that waits for the certification team.
#[derive(Serialize, ToSchema)]
struct VexEntryJson {
    /// The publisher's short name.
    publisher: SlugJson,
    /// The product's short name.
    product: SlugJson,
    /// The statement.
    statement: VexStatementJson,
    /// Whether the asker belongs to the publisher, and so may not decide.
    own_work: bool,
}

older_query! {
    struct StatementsQuery {
        /// Only what is stated about this vulnerability.
        #[serde(default, deserialize_with = "place")]
        #[param(max_length = 200)]
        vulnerability: String,
    }
}

/// Returns what is and was stated about a product, newest first.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/vex", tag = "vex", params(ProductPath, StatementsQuery),
    responses((status = 200, description = "The statements.", body = ListJson<VexStatementJson>)))]
async fn list_vex(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Asked(query): Asked<StatementsQuery>,
) -> Answer<Json<ListJson<VexStatementJson>>> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let part = query.part();
    let page = app
        .vex_page(&actor, publisher, product, &query.vulnerability, part)
        .await?;
    Ok(ListJson::of(page.statements))
}

/// States what is true of a vulnerability in a product.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/vex", tag = "vex", params(ProductPath),
    request_body = NewVexJson,
    responses((status = 201, description = "The statement; it waits for the certification team.", body = VexStatementJson)))]
async fn state_vex(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(json): Body<NewVexJson>,
) -> Answer<(StatusCode, Json<VexStatementJson>)> {
    let new = NewVex {
        scope: VexScope {
            vulnerability: json.vulnerability,
            image: json.image,
            component: json.component,
        },
        claim: VexClaim {
            status: json.status.0,
            justification: json.justification.map(|why| why.0),
            text: json.text.trim().to_owned(),
        },
    };
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let made = app.state_vex(&actor, publisher, product, &new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Takes in the statements of an OpenVEX document, all or none; gives those that are new.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/vex/import", tag = "vex", params(ProductPath),
    request_body = OpenVexJson,
    responses((status = 200, description = "The new statements; they wait for the certification team.", body = ListJson<VexStatementJson>)))]
async fn import_vex(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(OpenVexJson(document)): Body<OpenVexJson>,
) -> Answer<Json<ListJson<VexStatementJson>>> {
    let document = Value::Object(document).to_string();
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let made = app
        .import_vex(&actor, publisher, product, document.as_bytes())
        .await?;
    Ok(ListJson::of(made))
}

/// Returns the statements that wait for the certification team, longest first.
#[utoipa::path(get, path = "/vex-queue", tag = "vex", params(LaterQuery),
    responses((status = 200, description = "The queue.", body = ListJson<VexEntryJson>)))]
async fn list_vex_queue(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<LaterQuery>,
) -> Answer<Json<ListJson<VexEntryJson>>> {
    Ok(ListJson::of(app.vex_queue(&actor, query.part()).await?))
}

/// Accepts or refuses a statement, or takes its acceptance back.
#[utoipa::path(post, path = "/vex/{statement}/decision", tag = "vex", params(VexPath),
    request_body = VexVerdictJson,
    responses((status = 200, description = "The statement as decided.", body = VexStatementJson)))]
async fn decide_vex(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<VexPath>,
    Body(json): Body<VexVerdictJson>,
) -> Answer<Json<VexStatementJson>> {
    let verdict = VexVerdict {
        decision: json.decision.0,
        reason: &json.reason,
        until: json.until,
    };
    let statement = at.statement.as_str();
    let decided = app.decide_vex(&actor, statement, verdict).await?;
    Ok(Json(decided.into()))
}

impl From<VexStatement> for VexStatementJson {
    fn from(statement: VexStatement) -> Self {
        let (scope, claim) = (statement.scope, statement.claim);
        Self {
            id: statement.id.into(),
            vulnerability: scope.vulnerability,
            image: scope.image,
            component: scope.component,
            version: statement.version,
            status: claim.status.into(),
            justification: claim.justification.map(VexJustificationJson::from),
            text: claim.text,
            document: statement.document,
            standing: statement.standing.into(),
            stated_by: statement.author,
            stated_at: statement.stated_at,
            decided_by: statement.decider,
            decided_at: statement.decided_at,
            reason: statement.reason,
            until: statement.ends_at,
            ended_at: statement.ended_at,
        }
    }
}

impl From<VexEntry> for VexEntryJson {
    fn from(entry: VexEntry) -> Self {
        Self {
            publisher: entry.publisher.slug.into(),
            product: entry.product.slug.into(),
            statement: entry.statement.into(),
            own_work: entry.own_work,
        }
    }
}
