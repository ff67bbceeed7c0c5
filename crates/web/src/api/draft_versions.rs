//! Versions of a product's draft: seen, compared and gone back to.

use std::sync::Arc;

use app::{App, DraftDifference, DraftLine, DraftVersion};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, SignedIn, within},
    manifest::ManifestJson,
    products::ProductPath,
    words::{ListJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_draft_versions))
        .routes(routes!(get_draft_version))
        .routes(routes!(compare_draft_versions))
        .routes(routes!(restore_draft))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct VersionPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The product's short name.
    #[param(inline)]
    product: SlugJson,
    /// The version's number.
    #[param(minimum = 1, maximum = 1_000_000_000)]
    number: i64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UntilQuery {
    /// The number of the version that it is compared with; 0 is the draft as it stands.
    #[serde(default, deserialize_with = "within::<_, 0, 1_000_000_000>")]
    #[param(minimum = 0, maximum = 1_000_000_000, default = 0)]
    until: i64,
}

/// What is known of a version of a draft.
#[derive(Serialize, ToSchema)]
struct DraftLineJson {
    /// Its number, from 1 within the product; the greatest is the draft as it stands.
    number: i64,
    /// The manifest's fields that differ from the version before.
    fields: Vec<String>,
    /// The name of the account that saved it; null for drafts from before versions were kept.
    saved_by: Option<String>,
    /// When.
    saved_at: DateTime<Utc>,
    /// The version that was gone back to, where one was.
    restored_from: Option<i64>,
}

/// A version of a draft.
#[derive(Serialize, ToSchema)]
struct DraftVersionJson {
    /// What is known of it.
    version: DraftLineJson,
    /// What it says.
    manifest: ManifestJson,
}

/// Two versions of a draft beside each other.
#[derive(Serialize, ToSchema)]
struct DraftDifferenceJson {
    /// The manifest's fields that differ.
    fields: Vec<String>,
    /// The version.
    before: DraftVersionJson,
    /// The version it is compared with.
    after: DraftVersionJson,
}

impl From<DraftLine> for DraftLineJson {
    fn from(line: DraftLine) -> Self {
        Self {
            number: line.number,
            fields: line.fields.split_whitespace().map(str::to_owned).collect(),
            saved_by: line.saved_by,
            saved_at: line.saved_at,
            restored_from: line.restored_from,
        }
    }
}

impl From<DraftVersion> for DraftVersionJson {
    fn from(version: DraftVersion) -> Self {
        Self {
            version: version.line.into(),
            manifest: version.manifest.0.into(),
        }
    }
}

impl From<DraftDifference> for DraftDifferenceJson {
    fn from(difference: DraftDifference) -> Self {
        Self {
            fields: difference.fields,
            before: difference.before.into(),
            after: difference.after.into(),
        }
    }
}

/// Returns the versions of a product's draft that are kept, the newest first.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/manifest/versions", tag = "drafts",
    params(ProductPath),
    responses((status = 200, description = "The versions.", body = ListJson<DraftLineJson>)))]
async fn list_draft_versions(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
) -> Answer<Json<ListJson<DraftLineJson>>> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let found = app.draft_versions(&actor, publisher, product).await?;
    Ok(ListJson::of(found.versions))
}

/// Returns a version of a product's draft.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/manifest/versions/{number}", tag = "drafts",
    params(VersionPath),
    responses((status = 200, description = "The version.", body = DraftVersionJson)))]
async fn get_draft_version(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<VersionPath>,
) -> Answer<Json<DraftVersionJson>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let found = app.draft_version(&actor, names, at.number).await?;
    Ok(Json(found.into()))
}

/// Returns what differs between a version of a product's draft and another, or the draft as it
/// stands.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/manifest/versions/{number}/difference", tag = "drafts",
    params(VersionPath, UntilQuery),
    responses((status = 200, description = "The difference.", body = DraftDifferenceJson)))]
async fn compare_draft_versions(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<VersionPath>,
    Asked(asked): Asked<UntilQuery>,
) -> Answer<Json<DraftDifferenceJson>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let until = (asked.until > 0).then_some(asked.until);
    let pair = (at.number, until);
    let found = app.compare_drafts(&actor, names, pair).await?;
    Ok(Json(found.into()))
}

/// Goes back to a version of a product's draft, which becomes a new version.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/manifest/versions/{number}/restoration", tag = "drafts",
    params(VersionPath),
    responses((status = 201, description = "The new version.", body = DraftLineJson)))]
async fn restore_draft(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<VersionPath>,
) -> Answer<(StatusCode, Json<DraftLineJson>)> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let made = app.restore_draft(&actor, names, at.number).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}
