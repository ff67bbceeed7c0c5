//! Publishers: applying, standing, members.

use std::sync::Arc;

use app::{App, Application, Part, ProductOverview, Publisher, PublisherPage};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, SignedIn, a_page, place, within},
    keys::KeyJson,
    products::first_page,
    submission_json::SubmissionJson,
    words::{self, ListJson, ListingStateJson, PublisherStateJson, PublisherVerdictJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_publishers, apply_as_publisher))
        .routes(routes!(get_publisher))
        .routes(routes!(decide_publisher))
}

/// Which publisher.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PublisherPath {
    /// The publisher's short name.
    #[param(inline)]
    pub(super) publisher: SlugJson,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PublishersQuery {
    /// All publishers instead of one's own; for the operator.
    #[serde(default)]
    all: bool,
    /// Only those with this standing.
    state: Option<PublisherStateJson>,
    /// How many at most.
    #[serde(default = "a_page", deserialize_with = "within::<_, 1, 1_000>")]
    #[param(minimum = 1, maximum = 1_000, default = 50)]
    limit: i64,
    /// Only what comes behind the one with this short name: the last of the page before.
    #[serde(default, deserialize_with = "place")]
    #[param(max_length = 200)]
    after: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PublisherQuery {
    /// Which page of its products, from 1.
    #[serde(default = "first_page", deserialize_with = "within::<_, 1, 10_000>")]
    #[param(minimum = 1, maximum = 10_000, default = 1)]
    page: i64,
}

/// What an organisation tells about itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApplicationJson {
    /// Short name in addresses and repositories.
    slug: SlugJson,
    /// Legal entity name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    legal_name: String,
    /// Company website.
    #[schema(schema_with = words::website)]
    website: String,
    /// Phone number, 5 to 20 digits.
    #[schema(schema_with = words::phone)]
    phone: String,
    /// Company e-mail.
    #[schema(schema_with = words::company_email)]
    email: String,
    /// The version of the publisher agreement that is accepted; needed where there is one.
    agreement: Option<i64>,
}

/// The operator's decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublisherDecisionJson {
    /// What the publisher is from now on. It is verified once its e-mail and domain are
    /// proven, or without that for a reason.
    state: PublisherVerdictJson,
    /// Why; needed unless it is verified with everything proven.
    #[serde(default)]
    reason: String,
}

/// A publisher as its members and the operator see it.
#[derive(Serialize, ToSchema)]
struct PublisherJson {
    /// Its short name.
    slug: SlugJson,
    /// Its standing.
    state: PublisherStateJson,
    /// What the operator said.
    reason: Option<String>,
    /// Legal entity.
    legal_name: String,
    /// Company website.
    website: String,
    /// Phone number.
    phone: String,
    /// Company e-mail.
    email: String,
    /// Digest of its logo.
    logo: Option<String>,
    /// When it applied.
    created_at: DateTime<Utc>,
    /// When the operator last decided.
    decided_at: Option<DateTime<Utc>>,
}

/// A publisher with its keys and products.
#[derive(Serialize, ToSchema)]
struct PublisherPageJson {
    /// The publisher.
    publisher: PublisherJson,
    /// Its signing keys, revoked ones too.
    keys: Vec<KeyJson>,
    /// A page of its products, by short name.
    products: Vec<OverviewJson>,
    /// Which page of them, from 1.
    page: i64,
    /// How many products it has.
    total: i64,
    /// Whether the asker may change products and submit.
    may_edit: bool,
    /// Whether the asker may manage keys and members.
    may_manage: bool,
}

/// A product and its newest submission.
#[derive(Serialize, ToSchema)]
struct OverviewJson {
    /// Its short name.
    product: SlugJson,
    /// Its listing's state.
    state: ListingStateJson,
    /// Why it is in its state.
    state_reason: Option<String>,
    /// When anything of it last changed.
    updated_at: DateTime<Utc>,
    /// Its newest submission.
    latest: Option<SubmissionJson>,
}

/// Returns the publishers the asker is a member of, by short name; all of them to the operator who asks so, those first that applied longest ago.
#[utoipa::path(get, path = "/publishers", tag = "publishers", params(PublishersQuery),
    responses((status = 200, description = "The publishers.", body = ListJson<PublisherJson>)))]
async fn list_publishers(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<PublishersQuery>,
) -> Answer<Json<ListJson<PublisherJson>>> {
    let part = Part {
        from: &query.after,
        limit: query.limit,
    };
    let publishers = if query.all {
        app.list_publishers(&actor, query.state.map(|state| state.0), part)
            .await?
    } else {
        let mut own = app.my_publishers(&actor).await?;
        own.retain(|one| query.state.is_none_or(|state| one.state == state.0));
        part.of(own, |one, from| one.slug.as_str() > from)
    };
    Ok(ListJson::of(publishers))
}

/// Applies for an organisation; the asker becomes its owner.
#[utoipa::path(post, path = "/publishers", tag = "publishers", request_body = ApplicationJson,
    responses((status = 201, description = "The publisher, which now waits for the operator.", body = PublisherJson)))]
async fn apply_as_publisher(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<ApplicationJson>,
) -> Answer<(StatusCode, Json<PublisherJson>)> {
    let application = Application {
        slug: json.slug.0.to_string(),
        legal_name: json.legal_name,
        website: json.website,
        phone: json.phone,
        email: json.email,
        agreement: json.agreement,
    };
    let made = app.apply_as_publisher(&actor, &application).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Returns what members and the operator's staff see of a publisher.
#[utoipa::path(get, path = "/publishers/{publisher}", tag = "publishers", params(PublisherPath, PublisherQuery),
    responses((status = 200, description = "The publisher.", body = PublisherPageJson)))]
async fn get_publisher(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Asked(query): Asked<PublisherQuery>,
) -> Answer<Json<PublisherPageJson>> {
    let (slug, page) = (at.publisher.as_str(), query.page);
    let page = app.publisher_page(&actor, slug, page).await?;
    Ok(Json(PublisherPageJson::of(page, app.now())))
}

/// Verifies, rejects or suspends a publisher.
#[utoipa::path(post, path = "/publishers/{publisher}/decision", tag = "publishers", params(PublisherPath),
    request_body = PublisherDecisionJson,
    responses((status = 200, description = "The publisher as decided.", body = PublisherJson)))]
async fn decide_publisher(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<PublisherDecisionJson>,
) -> Answer<Json<PublisherJson>> {
    let decided = app
        .decide_publisher(&actor, at.publisher.as_str(), json.state.0, &json.reason)
        .await?;
    Ok(Json(decided.into()))
}

impl From<Publisher> for PublisherJson {
    fn from(publisher: Publisher) -> Self {
        Self {
            slug: publisher.slug.into(),
            state: publisher.state.into(),
            reason: publisher.reason,
            legal_name: publisher.legal_name,
            website: publisher.website,
            phone: publisher.phone,
            email: publisher.email,
            logo: publisher.logo,
            created_at: publisher.created_at,
            decided_at: publisher.decided_at,
        }
    }
}

impl PublisherPageJson {
    fn of(page: PublisherPage, now: DateTime<Utc>) -> Self {
        let key = |key| KeyJson::of(key, now);
        Self {
            publisher: page.publisher.into(),
            keys: page.keys.into_iter().map(key).collect(),
            products: page.products.into_iter().map(OverviewJson::from).collect(),
            page: page.page,
            total: page.total,
            may_edit: page.may_edit,
            may_manage: page.may_manage,
        }
    }
}

impl From<ProductOverview> for OverviewJson {
    fn from(overview: ProductOverview) -> Self {
        let product = overview.product;
        Self {
            product: product.slug.into(),
            state: product.state.into(),
            state_reason: product.state_reason,
            updated_at: product.updated_at,
            latest: overview.latest.map(SubmissionJson::from),
        }
    }
}
