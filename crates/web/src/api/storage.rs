//! The store's upkeep: collections, scrubs, why something is kept, quotas.

use std::sync::Arc;

use app::{
    App, AppError, CollectionFigures, DamagedBlob, KeptIn, PublisherStorage, ScrubFigures,
    UpkeepRun, WhyKept,
};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, Body, LaterQuery, SignedIn},
    publishers::PublisherPath,
    words::ListJson,
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_collections, start_collection))
        .routes(routes!(get_scrubs, start_scrub))
        .routes(routes!(why_kept))
        .routes(routes!(list_publisher_storage))
        .routes(routes!(get_publisher_storage, set_publisher_quota))
}

/// What to collect.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCollectionJson {
    /// Whether only to say what would be deleted now.
    #[serde(default)]
    dry_run: bool,
}

/// The newest collections.
#[derive(Serialize, ToSchema)]
struct CollectionsJson {
    /// The newest that changed something, or is about to.
    newest: Option<CollectionJson>,
    /// The newest that only looked, unless the other one is newer.
    dry_run: Option<CollectionJson>,
}

/// A collection.
#[derive(Serialize, ToSchema)]
struct CollectionJson {
    /// Its identifier.
    id: String,
    /// Whether it only looks.
    dry_run: bool,
    /// When it was asked for.
    started_at: DateTime<Utc>,
    /// When it was done.
    ended_at: Option<DateTime<Utc>>,
    /// What it is at.
    stage: String,
    /// Why it ended before it was done.
    failed: Option<String>,
    /// Tags dropped by rule.
    tags: i64,
    /// Manifests deleted.
    manifests: i64,
    /// Blobs taken out of repositories.
    links: i64,
    /// Pictures deleted that nothing named.
    pictures: i64,
    /// Blobs whose bytes were deleted.
    blobs: i64,
    /// Bytes freed.
    bytes: i64,
    /// Reports on layers deleted.
    reports: i64,
    /// Manifests out of reach whose grace is not over.
    waiting_manifests: i64,
    /// Blobs of repositories out of reach whose grace is not over.
    waiting_links: i64,
    /// Bytes of those blobs.
    waiting_bytes: i64,
    /// Pictures that nothing names whose grace is not over.
    waiting_pictures: i64,
}

/// What to scrub.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewScrubJson {
    /// Bytes a second at most, 0 for as fast as it goes; without it, as configured.
    #[schema(minimum = 0)]
    rate: Option<i64>,
}

/// The newest scrub, and what is damaged now.
#[derive(Serialize, ToSchema)]
struct ScrubsJson {
    /// The newest scrub.
    newest: Option<ScrubJson>,
    /// Blobs whose bytes are missing or wrong.
    damaged: Vec<DamagedBlobJson>,
}

/// A scrub.
#[derive(Serialize, ToSchema)]
struct ScrubJson {
    /// Its identifier.
    id: String,
    /// When it was asked for.
    started_at: DateTime<Utc>,
    /// When it was done.
    ended_at: Option<DateTime<Utc>>,
    /// What it is at.
    stage: String,
    /// Why it ended before it was done.
    failed: Option<String>,
    /// Blobs read.
    blobs: i64,
    /// Bytes read.
    bytes: i64,
    /// Manifests compared with their digests.
    manifests: i64,
    /// Blobs whose bytes are missing.
    missing: i64,
    /// Blobs and manifests whose bytes are wrong.
    damaged: i64,
}

/// A blob whose bytes are missing or wrong.
#[derive(Serialize, ToSchema)]
struct DamagedBlobJson {
    /// Which.
    digest: String,
    /// What is wrong.
    problem: String,
    /// Since when that is known.
    found_at: DateTime<Utc>,
    /// Repositories that have it, the first twenty.
    repositories: Vec<String>,
    /// Whether it is an uploaded picture.
    picture: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct DigestPath {
    /// The digest of a manifest or blob.
    #[param(pattern = "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
    digest: String,
}

/// Where a digest is kept, and why.
#[derive(Serialize, ToSchema)]
struct WhyKeptJson {
    /// What was asked about.
    digest: String,
    /// Size of its bytes in the blob store, where they are there.
    stored_bytes: Option<u64>,
    /// Whether it is an uploaded picture; those are kept while anything names them.
    picture: bool,
    /// Where nothing named the picture when a collection looked: one after this time deletes it.
    picture_until: Option<DateTime<Utc>>,
    /// Repositories that have it.
    kept_in: Vec<KeptInJson>,
    /// Whether there are more of them.
    more: bool,
}

/// One repository's reason.
#[derive(Serialize, ToSchema)]
struct KeptInJson {
    /// The repository.
    repository: String,
    /// `manifest` or `blob`.
    kind: String,
    /// What keeps it there, in words.
    because: String,
    /// The digest that was asked about, then always what keeps the one before.
    way: Vec<String>,
}

/// What a publisher may take.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QuotaJson {
    /// Bytes; 0 for no limit, null for the configured quota.
    quota_bytes: Option<u64>,
}

/// What a publisher's staging repositories take.
#[derive(Serialize, ToSchema)]
struct PublisherStorageJson {
    /// The publisher's short name.
    publisher: String,
    /// Bytes of blobs and manifests, each counted once, and of trust metadata.
    used_bytes: i64,
    /// What they may take; null for no limit.
    quota_bytes: Option<i64>,
    /// Whether the operator set this for the publisher.
    is_own_quota: bool,
}

/// Returns the newest collections.
#[utoipa::path(get, path = "/storage/collections", tag = "operation",
    responses((status = 200, description = "The collections.", body = CollectionsJson)))]
async fn get_collections(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<CollectionsJson>> {
    let status = app.collections(&actor).await?;
    Ok(Json(CollectionsJson {
        newest: status.newest.map(Into::into),
        dry_run: status.dry_run.map(Into::into),
    }))
}

/// Starts a collection of what nothing reaches; pushes and pulls go on.
#[utoipa::path(post, path = "/storage/collections", tag = "operation", request_body = NewCollectionJson,
    responses((status = 202, description = "The collection, which now waits for a worker.", body = CollectionJson)))]
async fn start_collection(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<NewCollectionJson>,
) -> Answer<(StatusCode, Json<CollectionJson>)> {
    let begun = app.start_collection(&actor, json.dry_run).await?;
    Ok((StatusCode::ACCEPTED, Json(begun.into())))
}

/// Returns the newest scrub, and which blobs are missing or damaged.
#[utoipa::path(get, path = "/storage/scrubs", tag = "operation",
    responses((status = 200, description = "The scrub.", body = ScrubsJson)))]
async fn get_scrubs(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ScrubsJson>> {
    let status = app.scrubs(&actor).await?;
    let damaged = app.damaged_blobs(&actor).await?;
    Ok(Json(ScrubsJson {
        newest: status.newest.map(Into::into),
        damaged: damaged.into_iter().map(Into::into).collect(),
    }))
}

/// Starts a scrub: everything that somebody has is read and compared with its digest.
#[utoipa::path(post, path = "/storage/scrubs", tag = "operation", request_body = NewScrubJson,
    responses((status = 202, description = "The scrub, which now waits for a worker.", body = ScrubJson)))]
async fn start_scrub(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<NewScrubJson>,
) -> Answer<(StatusCode, Json<ScrubJson>)> {
    let rate = json.rate.map(u64::try_from).transpose();
    let rate = rate.map_err(|_negative| AppError::invalid("rate", "use 0 or more"))?;
    let begun = app.start_scrub(&actor, rate).await?;
    Ok((StatusCode::ACCEPTED, Json(begun.into())))
}

/// Says where a manifest or blob is kept, and what keeps it there.
#[utoipa::path(get, path = "/storage/why/{digest}", tag = "operation", params(DigestPath),
    responses((status = 200, description = "Why it is kept.", body = WhyKeptJson)))]
async fn why_kept(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<DigestPath>,
) -> Answer<Json<WhyKeptJson>> {
    if at.digest.parse::<app::oci::Digest>().is_err() {
        return Err(AppError::not_found("digest", &at.digest).into());
    }
    Ok(Json(app.why_kept(&actor, &at.digest).await?.into()))
}

/// Returns what publishers' staging repositories take, by short name.
#[utoipa::path(get, path = "/storage/publishers", tag = "operation", params(LaterQuery),
    responses((status = 200, description = "The publishers.", body = ListJson<PublisherStorageJson>)))]
async fn list_publisher_storage(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Asked(query): Asked<LaterQuery>,
) -> Answer<Json<ListJson<PublisherStorageJson>>> {
    let found = app.all_publisher_storage(&actor, query.part()).await?;
    Ok(ListJson::of(found))
}

/// Returns what a publisher's staging repositories take and may take.
#[utoipa::path(get, path = "/publishers/{publisher}/storage", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "What they take.", body = PublisherStorageJson)))]
async fn get_publisher_storage(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<PublisherStorageJson>> {
    let storage = app.publisher_storage(&actor, at.publisher.as_str()).await?;
    Ok(Json(storage.into()))
}

/// Sets what a publisher's staging repositories may take.
#[utoipa::path(put, path = "/publishers/{publisher}/storage", tag = "operation", params(PublisherPath),
    request_body = QuotaJson,
    responses((status = 200, description = "What they take and may take now.", body = PublisherStorageJson)))]
async fn set_publisher_quota(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<QuotaJson>,
) -> Answer<Json<PublisherStorageJson>> {
    let slug = at.publisher.as_str();
    let set = app.set_publisher_quota(&actor, slug, json.quota_bytes);
    Ok(Json(set.await?.into()))
}

impl From<UpkeepRun<CollectionFigures>> for CollectionJson {
    fn from(run: UpkeepRun<CollectionFigures>) -> Self {
        let figures = run.figures;
        Self {
            id: run.id.to_string(),
            dry_run: run.dry_run,
            started_at: run.started_at,
            ended_at: run.ended_at,
            stage: run.stage,
            failed: run.failed,
            tags: figures.tags,
            manifests: figures.manifests,
            links: figures.links,
            pictures: figures.pictures,
            blobs: figures.blobs,
            bytes: figures.bytes,
            reports: figures.reports,
            waiting_manifests: figures.waiting_manifests,
            waiting_links: figures.waiting_links,
            waiting_bytes: figures.waiting_bytes,
            waiting_pictures: figures.waiting_pictures,
        }
    }
}

impl From<UpkeepRun<ScrubFigures>> for ScrubJson {
    fn from(run: UpkeepRun<ScrubFigures>) -> Self {
        let figures = run.figures;
        Self {
            id: run.id.to_string(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            stage: run.stage,
            failed: run.failed,
            blobs: figures.blobs,
            bytes: figures.bytes,
            manifests: figures.manifests,
            missing: figures.missing,
            damaged: figures.damaged,
        }
    }
}

impl From<DamagedBlob> for DamagedBlobJson {
    fn from(blob: DamagedBlob) -> Self {
        Self {
            digest: blob.digest,
            problem: blob.problem,
            found_at: blob.found_at,
            repositories: blob.repositories,
            picture: blob.picture,
        }
    }
}

impl From<WhyKept> for WhyKeptJson {
    fn from(why: WhyKept) -> Self {
        let place = |place: KeptIn| KeptInJson {
            because: place.because.to_string(),
            repository: place.repository,
            kind: place.kind,
            way: place.way,
        };
        Self {
            digest: why.digest.to_string(),
            stored_bytes: why.stored_bytes,
            picture: why.picture.is_some(),
            picture_until: why.picture.and_then(|picture| picture.until),
            kept_in: why.kept_in.into_iter().map(place).collect(),
            more: why.more,
        }
    }
}

impl From<PublisherStorage> for PublisherStorageJson {
    fn from(storage: PublisherStorage) -> Self {
        Self {
            publisher: storage.publisher,
            used_bytes: storage.used_bytes,
            quota_bytes: storage.quota_bytes,
            is_own_quota: storage.is_own_quota,
        }
    }
}
