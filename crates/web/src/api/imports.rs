//! Images that are brought from other registries into a publisher's staging.

use std::sync::Arc;

use app::{App, AppError, Import, ImportSource, ImportTarget, oci};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn, object},
    publishers::PublisherPath,
    words::{ImportIdJson, ImportStateJson, ListJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_imports, import_image))
        .routes(routes!(get_import, cancel_import))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ImportPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The import's identifier.
    #[param(inline)]
    import: ImportIdJson,
}

/// An image in another registry, and where it is to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewImportJson {
    /// The other registry: host, and port where there is one.
    #[schema(
        max_length = 255,
        pattern = r"^[a-z0-9]([a-z0-9\-]{0,60}[a-z0-9])?(\.[a-z0-9]([a-z0-9\-]{0,60}[a-z0-9])?)*(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$"
    )]
    registry: String,
    /// The repository there.
    #[schema(
        max_length = 255,
        pattern = r"^[a-z0-9]+((\.|_|__|\-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|\-+)[a-z0-9]+)*)*$"
    )]
    repository: String,
    /// The tag or digest there.
    #[schema(
        pattern = r"^([A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"
    )]
    reference: String,
    /// The repository here, without `staging/<publisher>/` in front.
    #[schema(
        max_length = 200,
        pattern = r"^[a-z0-9]+((\.|_|__|\-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|\-+)[a-z0-9]+)*)*$"
    )]
    into: String,
    /// The tag here.
    #[schema(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}$")]
    tag: String,
    /// What to sign in with there, where the image is private; kept encrypted until it is over.
    #[serde(default, deserialize_with = "login")]
    #[schema(inline, nullable = false)]
    login: Option<ImportLoginJson>,
}

/// What to sign in with at another registry.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportLoginJson {
    /// The user.
    #[schema(max_length = 4_096)]
    user: String,
    /// The password, or a token that may pull.
    #[schema(max_length = 4_096)]
    password: String,
}

fn login<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ImportLoginJson>, D::Error> {
    object(deserializer).map(Some)
}

/// An import and how far it is.
#[derive(Serialize, ToSchema)]
struct ImportJson {
    /// Its identifier.
    id: ImportIdJson,
    /// The other registry.
    registry: String,
    /// The repository there.
    repository: String,
    /// The tag or digest there.
    reference: String,
    /// The staging repository here.
    staging: String,
    /// The tag here.
    tag: String,
    /// How it fares.
    state: ImportStateJson,
    /// What was found there.
    digest: Option<String>,
    /// Bytes that are here.
    bytes_done: i64,
    /// Bytes in all; 0 until that is known.
    bytes_total: i64,
    /// What it is at.
    note: String,
    /// Why it failed.
    error: Option<String>,
    /// Who asked for it.
    asked_by: String,
    /// When.
    asked_at: DateTime<Utc>,
    /// When it was over.
    ended_at: Option<DateTime<Utc>>,
}

impl From<Import> for ImportJson {
    fn from(import: Import) -> Self {
        Self {
            id: import.id.into(),
            registry: import.registry,
            repository: import.repository,
            reference: import.reference,
            staging: import.staging,
            tag: import.tag,
            state: import.state.into(),
            digest: import.digest,
            bytes_done: import.bytes_done,
            bytes_total: import.bytes_total,
            note: import.note,
            error: import.error,
            asked_by: import.asked_by,
            asked_at: import.asked_at,
            ended_at: import.ended_at,
        }
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: &str,
) -> Result<T, AppError> {
    text.parse()
        .map_err(|error: T::Err| AppError::invalid(field, error.to_string()))
}

impl NewImportJson {
    fn source(&self) -> Result<ImportSource, AppError> {
        let reference = match self.reference.contains(':') {
            true => ImportTarget::Digest(parsed("reference", &self.reference)?),
            false => ImportTarget::Tag(parsed("reference", &self.reference)?),
        };
        let login = self.login.as_ref();
        Ok(ImportSource {
            registry: self.registry.clone(),
            repository: parsed("repository", &self.repository)?,
            reference,
            credentials: login.map(|login| (login.user.clone(), login.password.clone())),
        })
    }
}

/// Returns a publisher's newest imports.
#[utoipa::path(get, path = "/publishers/{publisher}/imports", tag = "imports", params(PublisherPath),
    responses((status = 200, description = "The imports, newest first.", body = ListJson<ImportJson>)))]
async fn list_imports(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<ListJson<ImportJson>>> {
    let imports = app.imports(&actor, at.publisher.as_str()).await?;
    Ok(ListJson::of(imports))
}

/// Has an image brought from another registry into the publisher's staging.
#[utoipa::path(post, path = "/publishers/{publisher}/imports", tag = "imports", params(PublisherPath),
    request_body = NewImportJson,
    responses((status = 201, description = "The import.", body = ImportJson)))]
async fn import_image(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<NewImportJson>,
) -> Answer<(StatusCode, Json<ImportJson>)> {
    let into: oci::RepoName = parsed("into", &json.into)?;
    let tag: oci::Tag = parsed("tag", &json.tag)?;
    let source = json.source()?;
    let made = app
        .import_image(&actor, at.publisher.as_str(), &source, (&into, &tag))
        .await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Returns an import and how far it is.
#[utoipa::path(get, path = "/publishers/{publisher}/imports/{import}", tag = "imports", params(ImportPath),
    responses((status = 200, description = "The import.", body = ImportJson)))]
async fn get_import(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ImportPath>,
) -> Answer<Json<ImportJson>> {
    let (publisher, import) = (at.publisher.as_str(), at.import.as_str());
    let found = app.import_status(&actor, publisher, import).await?;
    Ok(Json(found.into()))
}

/// Stops an import.
#[utoipa::path(delete, path = "/publishers/{publisher}/imports/{import}", tag = "imports", params(ImportPath),
    responses((status = 204, description = "It is stopped.")))]
async fn cancel_import(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ImportPath>,
) -> Answer<StatusCode> {
    let (publisher, import) = (at.publisher.as_str(), at.import.as_str());
    app.cancel_import(&actor, publisher, import).await?;
    Ok(StatusCode::NO_CONTENT)
}
