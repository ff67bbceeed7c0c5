//! Products before their first release, for accounts that their publisher names.

use std::sync::Arc;

use app::{App, Candidate, PreviewPage, PreviewRow, Previewer};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, SignedIn},
    manifest::{ManifestJson, PlanGivesJson},
    products::{ImageJson, ProductPath, PublicPublisherJson},
    words::{ListJson, ListingStateJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_previews))
        .routes(routes!(get_preview))
        .routes(routes!(list_previewers))
        .routes(routes!(name_previewer, remove_previewer))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PreviewerPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The product's short name.
    #[param(inline)]
    product: SlugJson,
    /// The name the account signs in with.
    #[param(min_length = 1, max_length = 40)]
    account: String,
}

/// A product that the asker is named to see before its release.
#[derive(Serialize, ToSchema)]
struct PreviewLineJson {
    /// The publisher's short name.
    publisher: String,
    /// The publisher's legal name.
    publisher_name: String,
    /// The product's short name.
    product: String,
    /// Who named the asker.
    named_by: String,
    /// When.
    named_at: DateTime<Utc>,
}

/// Somebody who sees a product before its release.
#[derive(Serialize, ToSchema)]
struct PreviewerJson {
    /// The name they sign in with.
    account: String,
    /// Who named them.
    named_by: String,
    /// When.
    named_at: DateTime<Utc>,
}

/// A product as consumers will see it.
#[derive(Serialize, ToSchema)]
struct PreviewJson {
    /// Who publishes it.
    publisher: PublicPublisherJson,
    /// Its short name.
    product: SlugJson,
    /// `draft` before its first release.
    state: ListingStateJson,
    /// The manifest that a release would list now.
    manifest: ManifestJson,
    /// What each of its plans would give.
    gives: Vec<PlanGivesJson>,
    /// What would be released.
    candidate: Option<CandidateJson>,
    /// The repository to pull the candidate from, where the asker may.
    repository: Option<String>,
}

/// A submission that would be released, as far as consumers will see it.
#[derive(Serialize, ToSchema)]
struct CandidateJson {
    /// Its tag.
    tag: String,
    /// Its digest.
    digest: String,
    /// Whether it would bear the mark.
    certified: bool,
    /// When it was submitted.
    submitted_at: DateTime<Utc>,
    /// When it was inspected.
    inspected_at: Option<DateTime<Utc>>,
    /// Its platforms.
    images: Vec<ImageJson>,
}

impl From<PreviewRow> for PreviewLineJson {
    fn from(row: PreviewRow) -> Self {
        Self {
            publisher: row.publisher,
            publisher_name: row.publisher_name,
            product: row.product,
            named_by: row.named_by,
            named_at: row.named_at,
        }
    }
}

impl From<Previewer> for PreviewerJson {
    fn from(row: Previewer) -> Self {
        Self {
            account: row.name,
            named_by: row.named_by,
            named_at: row.named_at,
        }
    }
}

impl From<Candidate> for CandidateJson {
    fn from(candidate: Candidate) -> Self {
        Self {
            tag: candidate.tag,
            digest: candidate.digest,
            certified: candidate.certified,
            submitted_at: candidate.submitted_at,
            inspected_at: candidate.inspected_at,
            images: candidate.images.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PreviewPage> for PreviewJson {
    fn from(page: PreviewPage) -> Self {
        let repository = format!("preview/{}/{}", page.publisher.slug, page.product.slug);
        let listed = page.product.listed.map(|listed| listed.0);
        Self {
            publisher: page.publisher.into(),
            product: page.product.slug.into(),
            state: page.product.state.into(),
            manifest: listed.unwrap_or_default().into(),
            gives: page.gives.into_iter().map(Into::into).collect(),
            candidate: page.candidate.map(Into::into),
            repository: page.may_pull.then_some(repository),
        }
    }
}

/// Returns the products that the asker is named to see before their release.
#[utoipa::path(get, path = "/previews", tag = "previews",
    responses((status = 200, description = "The products.", body = ListJson<PreviewLineJson>)))]
async fn list_previews(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<PreviewLineJson>>> {
    Ok(ListJson::of(app.my_previews(&actor).await?))
}

/// Returns a product as consumers will see it, for members, the staff and those who are named.
#[utoipa::path(get, path = "/previews/{publisher}/{product}", tag = "previews", params(ProductPath),
    responses((status = 200, description = "The product.", body = PreviewJson)))]
async fn get_preview(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
) -> Answer<Json<PreviewJson>> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let page = app.preview_page(&actor, publisher, product).await?;
    Ok(Json(page.into()))
}

/// Returns who sees a product before its first release.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/previewers", tag = "previews", params(ProductPath),
    responses((status = 200, description = "The accounts.", body = ListJson<PreviewerJson>)))]
async fn list_previewers(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
) -> Answer<Json<ListJson<PreviewerJson>>> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let named = app.previewers(&actor, publisher, product).await?;
    Ok(ListJson::of(named))
}

/// Lets an account see a product before its first release, and pull what is under review.
#[utoipa::path(put, path = "/publishers/{publisher}/products/{product}/previewers/{account}", tag = "previews", params(PreviewerPath),
    responses((status = 204, description = "It sees the product.")))]
async fn name_previewer(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PreviewerPath>,
) -> Answer<StatusCode> {
    let product = (at.publisher.as_str(), at.product.as_str());
    app.add_previewer(&actor, product, &at.account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an account see a product no longer.
#[utoipa::path(delete, path = "/publishers/{publisher}/products/{product}/previewers/{account}", tag = "previews", params(PreviewerPath),
    responses((status = 204, description = "It does not see the product.")))]
async fn remove_previewer(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PreviewerPath>,
) -> Answer<StatusCode> {
    let product = (at.publisher.as_str(), at.product.as_str());
    app.remove_previewer(&actor, product, &at.account).await?;
    Ok(StatusCode::NO_CONTENT)
}
