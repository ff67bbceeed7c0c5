//! A publisher's products before and beside their listings: drafts, submitting, withdrawing.

use std::sync::Arc;

use app::{App, AppError, NewSubmission, Product, Submission};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
};
use chrono::{DateTime, Utc};
use market::{Problem, ProductManifest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::etag::{are_tags, may_change, tag_of};

use super::{
    error::{Answer, ApiError, ProblemJson},
    extract::{Asked, At, Body, OlderQuery, SignedIn},
    manifest::ManifestJson,
    products::ProductPath,
    publishers::PublisherPath,
    submission_json::SubmissionJson,
    words::{ListJson, ListingStateJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create_product))
        .routes(routes!(get_draft))
        .routes(routes!(get_manifest, save_draft))
        .routes(routes!(check_draft))
        .routes(routes!(check_new_product))
        .routes(routes!(set_openness))
        .routes(routes!(withdraw_product))
        .routes(routes!(withdraw_tag))
        .routes(routes!(list_submissions, submit))
}

/// A product to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProductJson {
    /// Its short name; it stays.
    slug: SlugJson,
}

/// A product to make with its draft.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDraftJson {
    /// Its short name, whatever it is.
    slug: String,
    /// Its draft.
    manifest: ManifestJson,
}

/// A product as its publisher sees it.
#[derive(Serialize, ToSchema)]
struct DraftJson {
    /// Its short name.
    product: SlugJson,
    /// Its listing's state.
    state: ListingStateJson,
    /// Why it is in its state.
    state_reason: Option<String>,
    /// The manifest the publisher works on.
    manifest: ManifestJson,
    /// Since when those who may pull it see components and findings of its releases.
    inside_opened_at: Option<DateTime<Utc>>,
    /// What keeps the draft from being submitted.
    problems: Vec<ProblemJson>,
    /// Its submissions, newest first.
    submissions: Vec<SubmissionJson>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When anything of it last changed.
    updated_at: DateTime<Utc>,
}

/// Who sees what is inside a product's releases.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpennessJson {
    /// Whether those who may pull it see components and findings.
    inside_open: bool,
}

/// What keeps a draft from being submitted.
#[derive(Serialize, ToSchema)]
struct ProblemsJson {
    /// Every problem; none means that it is complete.
    problems: Vec<ProblemJson>,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonJson {
    /// What stands in the audit log and, for consumers, beside the listing.
    #[schema(min_length = 1, pattern = r"\S")]
    pub(super) reason: String,
}

/// The image to submit with the draft.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSubmissionJson {
    /// The staging repository without `staging/<publisher>/` in front.
    repository: String,
    /// The tag; what it names now is what is reviewed.
    tag: String,
}

/// Makes a product with an empty draft.
#[utoipa::path(post, path = "/publishers/{publisher}/products", tag = "drafts", params(PublisherPath),
    request_body = NewProductJson, responses((status = 201, description = "The product.", body = DraftJson)))]
async fn create_product(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(new): Body<NewProductJson>,
) -> Answer<(StatusCode, Json<DraftJson>)> {
    let publisher = at.publisher.as_str();
    let made = app
        .create_product(&actor, publisher, new.slug.as_str())
        .await?;
    let problems = made.draft.problems();
    let draft = DraftJson::of(made, Vec::new(), problems);
    Ok((StatusCode::CREATED, Json(draft)))
}

/// Returns a product as its publisher sees it, with what keeps its draft from being submitted.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}", tag = "drafts", params(ProductPath),
    responses((status = 200, description = "The product.", body = DraftJson)))]
async fn get_draft(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
) -> Answer<Json<DraftJson>> {
    let (_, product, submissions, problems) = app
        .product_draft(&actor, at.publisher.as_str(), at.product.as_str())
        .await?;
    Ok(Json(DraftJson::of(product, submissions, problems)))
}

/// Returns the draft's manifest.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/manifest", tag = "drafts",
    params(ProductPath), responses((status = 200, description = "The manifest.", body = ManifestJson)))]
async fn get_manifest(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
) -> Answer<Json<ManifestJson>> {
    let manifest = app
        .product_manifest(&actor, at.publisher.as_str(), at.product.as_str())
        .await?;
    Ok(Json(manifest.into()))
}

/// Replaces the draft's manifest, which may be incomplete. With `If-Match` only the one that has
/// this `ETag` is replaced: nothing that somebody else saved meanwhile is lost.
#[utoipa::path(put, path = "/publishers/{publisher}/products/{product}/manifest", tag = "drafts",
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "The `ETag` of the manifest that is replaced.", pattern = r#"^(\*|(W/)?"[!#-+\--~]*"( *, *(W/)?"[!#-+\--~]*")*)$"#)),
    request_body = ManifestJson,
    responses((status = 200, description = "What is still missing.", body = ProblemsJson,
        headers(("ETag" = String, description = "Of the manifest as it is now.")))))]
async fn save_draft(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    headers: HeaderMap,
    Body(manifest): Body<ManifestJson>,
) -> Answer<([(HeaderName, String); 1], Json<ProblemsJson>)> {
    if !are_tags(&headers) {
        return Err(ApiError::malformed(
            "`If-Match` is `*`, or tags in double quotes as `ETag` gave them",
        ));
    }
    let names = (at.publisher.as_str(), at.product.as_str());
    let manifest = manifest.into();
    let is_known =
        |held: &ProductManifest| manifest_tag(held).is_ok_and(|tag| may_change(&headers, &tag));
    let problems = app
        .save_draft_if(&actor, names, &manifest, &is_known)
        .await?;
    let problems = problems.into_iter().map(ProblemJson::from).collect();
    let tag = manifest_tag(&manifest).map_err(AppError::internal)?;
    Ok(([(header::ETAG, tag)], Json(ProblemsJson { problems })))
}

/// Returns the tag that the answer with a manifest has.
fn manifest_tag(manifest: &ProductManifest) -> serde_json::Result<String> {
    let json = ManifestJson::from(manifest.clone());
    Ok(tag_of(&serde_json::to_vec(&json)?))
}

/// Returns what would keep a manifest from being submitted, were it the draft; nothing is saved.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/manifest/check", tag = "drafts",
    params(ProductPath), request_body = ManifestJson,
    responses((status = 200, description = "What is missing or wrong.", body = ProblemsJson)))]
async fn check_draft(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(manifest): Body<ManifestJson>,
) -> Answer<Json<ProblemsJson>> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    let problems = app
        .check_draft(&actor, publisher, product, &manifest.into())
        .await?;
    let problems = problems.into_iter().map(ProblemJson::from).collect();
    Ok(Json(ProblemsJson { problems }))
}

/// Returns what would keep a new product's manifest from being submitted, and its short name from
/// being taken; nothing is made.
#[utoipa::path(post, path = "/publishers/{publisher}/manifest/check", tag = "drafts",
    params(PublisherPath), request_body = NewDraftJson,
    responses((status = 200, description = "What is missing or wrong.", body = ProblemsJson)))]
async fn check_new_product(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(new): Body<NewDraftJson>,
) -> Answer<Json<ProblemsJson>> {
    let problems = app
        .check_new_product(
            &actor,
            at.publisher.as_str(),
            &new.slug,
            &new.manifest.into(),
        )
        .await?;
    let problems = problems.into_iter().map(ProblemJson::from).collect();
    Ok(Json(ProblemsJson { problems }))
}

/// Opens components and findings of a product's releases to those who may pull it, or closes
/// them again. Releases from then on bear attested bills of materials, or none; what was attested
/// stays.
#[utoipa::path(put, path = "/publishers/{publisher}/products/{product}/openness", tag = "drafts",
    params(ProductPath), request_body = OpennessJson,
    responses((status = 204, description = "It is so.")))]
async fn set_openness(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(json): Body<OpennessJson>,
) -> Answer<StatusCode> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    app.set_inside_open(&actor, publisher, product, json.inside_open)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a product off the market for good.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/withdrawal", tag = "drafts",
    params(ProductPath), request_body = ReasonJson,
    responses((status = 204, description = "It is withdrawn.")))]
async fn withdraw_product(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(json): Body<ReasonJson>,
) -> Answer<StatusCode> {
    let (publisher, product) = (at.publisher.as_str(), at.product.as_str());
    app.withdraw_product(&actor, publisher, product, &json.reason)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A released tag to withdraw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TagWithdrawalJson {
    /// Which.
    #[schema(max_length = 128)]
    tag: String,
    /// What stands in the audit log; subscribers are not told.
    #[schema(min_length = 1, pattern = r"\S")]
    reason: String,
}

/// Stops offering a released tag: nothing names it and nothing is signed for it any more. Its
/// digest stays for those who run it. Of a line of releases the oldest goes first.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/tags/withdrawal", tag = "drafts",
    params(ProductPath), request_body = TagWithdrawalJson,
    responses((status = 204, description = "It is withdrawn.")))]
async fn withdraw_tag(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(json): Body<TagWithdrawalJson>,
) -> Answer<StatusCode> {
    let names = (at.publisher.as_str(), at.product.as_str());
    app.withdraw_tag(&actor, names, &json.tag, &json.reason)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns a product's submissions, newest first.
#[utoipa::path(get, path = "/publishers/{publisher}/products/{product}/submissions", tag = "drafts",
    params(ProductPath, OlderQuery),
    responses((status = 200, description = "The submissions.", body = ListJson<SubmissionJson>)))]
async fn list_submissions(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<SubmissionJson>>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let submissions = app.product_submissions(&actor, names, query.part()).await?;
    Ok(ListJson::of(submissions))
}

/// Submits the draft together with an image for review; inspection goes on in the background.
#[utoipa::path(post, path = "/publishers/{publisher}/products/{product}/submissions", tag = "drafts",
    params(ProductPath), request_body = NewSubmissionJson,
    responses((status = 202, description = "The submission, being inspected.", body = SubmissionJson)))]
async fn submit(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ProductPath>,
    Body(json): Body<NewSubmissionJson>,
) -> Answer<(StatusCode, Json<SubmissionJson>)> {
    let new = NewSubmission {
        repository: json.repository,
        tag: json.tag,
    };
    let made = app
        .submit(&actor, at.publisher.as_str(), at.product.as_str(), &new)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(made.into())))
}

impl DraftJson {
    fn of(product: Product, submissions: Vec<Submission>, problems: Vec<Problem>) -> Self {
        Self {
            product: product.slug.into(),
            state: product.state.into(),
            state_reason: product.state_reason,
            manifest: product.draft.0.into(),
            inside_opened_at: product.inside_opened_at,
            problems: problems.into_iter().map(ProblemJson::from).collect(),
            submissions: submissions.into_iter().map(SubmissionJson::from).collect(),
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}
