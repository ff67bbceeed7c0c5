//! The advisory database: what it is made of, and taking over a new one.

use std::sync::Arc;

use app::{AdvisoryStatus, App};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asker, SignedIn},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_advisories))
        .routes(routes!(reload_advisories))
}

/// The advisory database in words.
#[derive(Serialize, ToSchema)]
struct AdvisoriesJson {
    /// Digest of the content.
    version: String,
    /// When it was made, RFC 3339.
    created_at: String,
    /// Advisories in it.
    records: u64,
    /// Packages it knows advisories of.
    packages: u64,
    /// The ecosystems of these packages.
    ecosystems: Vec<String>,
    /// The feeds in it.
    sources: Vec<SourceJson>,
}

/// One feed.
#[derive(Serialize, ToSchema)]
struct SourceJson {
    /// Its name.
    name: String,
    /// Advisories taken.
    records: u64,
    /// Advisories left out because they could not be understood.
    malformed: u64,
    /// The newest modification date in it, as the feed wrote it.
    newest: Option<String>,
    /// The licence of its content, where the feed is known.
    licence: Option<String>,
    /// Who is to be named where its content is shown.
    attribution: Option<String>,
    /// When it was asked for last, RFC 3339; nothing where it was compiled from a file.
    last_attempt: Option<String>,
    /// When it was had last, RFC 3339; nothing where it was compiled from a file.
    last_success: Option<String>,
    /// Attempts to have it that failed since.
    failures: u32,
}

/// Returns what the advisory database is made of; everybody may know how old it is.
#[utoipa::path(get, path = "/advisories", tag = "operation", security(()),
    responses((status = 200, description = "The database.", body = AdvisoriesJson)))]
async fn get_advisories(
    State(app): State<Arc<App>>,
    Asker(_): Asker,
) -> Answer<Json<AdvisoriesJson>> {
    Ok(Json(app.advisory_status().into()))
}

/// Opens the database file again after it was replaced; releases are matched with it in the background.
#[utoipa::path(post, path = "/advisories/reload", tag = "operation",
    responses((status = 200, description = "The database as it is now.", body = AdvisoriesJson)))]
async fn reload_advisories(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<AdvisoriesJson>> {
    Ok(Json(app.reload_advisories(&actor).await?.into()))
}

impl From<AdvisoryStatus> for AdvisoriesJson {
    fn from(status: AdvisoryStatus) -> Self {
        let meta = status.meta;
        let sources = status.feeds.into_iter().map(|feed| {
            let (source, health) = (feed.source, feed.health.unwrap_or_default());
            SourceJson {
                last_attempt: Some(health.last_attempt).filter(|at| !at.is_empty()),
                last_success: health.last_success,
                failures: health.failures,
                licence: source.licence,
                attribution: source.attribution,
                name: source.name,
                records: source.records,
                malformed: source.malformed,
                newest: source.newest,
            }
        });
        Self {
            version: meta.version,
            created_at: meta.created_at,
            records: meta.records,
            packages: meta.packages,
            ecosystems: meta.ecosystems,
            sources: sources.collect(),
        }
    }
}
