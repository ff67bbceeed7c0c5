//! `/v2/<gun>/_trust/…`: the Notary v1 service, as the reference server speaks it.

use app::{AppError, TrustChange, TrustError, TrustFile, WhichFile, tuf};
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use oci::{ErrorCode, Gun};
use serde_json::{Value, json};
use tuf::{Refusal, Role};

use crate::{
    action::TrustTarget,
    dispatch::Call,
    error::Failure,
    header::{etag, has_already, text, value},
    notary_upload,
};

/// Changes in an answer to somebody who does not say how many.
const RECORDS: i64 = 100;

/// Sends a file of metadata, byte for byte as it was published.
pub(crate) async fn get(
    call: &Call,
    gun: &Gun,
    role: &str,
    target: &TrustTarget,
) -> Result<Response, Failure> {
    let nothing = || Failure::no_metadata().detail(json!({}));
    let role: Role = role.parse().map_err(|_| Failure::no_metadata())?;
    let which = match target {
        TrustTarget::Newest => WhichFile::Newest,
        TrustTarget::Digest(digest) => WhichFile::Digest(digest),
        TrustTarget::Version(version) => WhichFile::Version(*version),
    };
    let found = call.app.trust_file(gun, &role, which).await?;
    let file = found.ok_or_else(nothing)?;
    Ok(sent(call, gun, file, which == WhichFile::Newest))
}

fn sent(call: &Call, gun: &Gun, file: TrustFile, may_change: bool) -> Response {
    let known = has_already(&call.headers, &file.sha256);
    let (sha256, stored) = (file.sha256, file.created_at);
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => plain(file.content),
    };
    // What only some may see must not stay in caches that others are served from.
    let whose = match gun.repo().as_str().starts_with("staging/") {
        true => "private",
        false => "public",
    };
    let how_long = match may_change {
        true => "max-age=300, s-maxage=300, must-revalidate",
        false => "max-age=2592000, s-maxage=2592000",
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        value(&format!("{whose}, {how_long}")),
    );
    headers.insert(header::ETAG, etag(&sha256));
    headers.insert(header::LAST_MODIFIED, value(&last_modified(stored)));
    response
}

/// Writes the time as the reference server does, whose zone is not called GMT.
fn last_modified(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

/// Makes an answer of the type that the reference server gives.
fn plain(body: impl Into<Body>) -> Response {
    let mut response = body.into().into_response();
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Takes an update: all of its files, or none.
pub(crate) async fn publish(call: &Call, gun: &Gun, body: Body) -> Result<Response, Failure> {
    let kind = text(&call.headers, &header::CONTENT_TYPE)?.unwrap_or_default();
    let uploads = notary_upload::read(kind, body).await?;
    call.app.publish_trust(&call.access, gun, uploads).await?;
    Ok(plain(Body::empty()))
}

/// Deletes all metadata of a repository.
pub(crate) async fn delete(call: &Call, gun: &Gun) -> Result<Response, Failure> {
    call.app.delete_trust(&call.access, gun).await?;
    Ok(plain(Body::empty()))
}

/// Sends the public half of the key that is held for a role.
pub(crate) async fn get_key(call: &Call, gun: &Gun, role: &str) -> Result<Response, Failure> {
    let role = role.parse().map_err(|_| Failure::no_metadata())?;
    let key = call.app.trust_key(gun, &role).await?;
    Ok(plain(key.to_json().to_string()))
}

/// Makes another key for a role and sends its public half.
pub(crate) async fn rotate_key(call: &Call, gun: &Gun, role: &str) -> Result<Response, Failure> {
    let role = role.parse().map_err(|_| Failure::no_metadata())?;
    let key = call.app.rotate_trust_key(&call.access, gun, &role).await?;
    Ok(plain(key.to_json().to_string()))
}

/// Lists what changed: `?records=N&change_id=ID`, backwards where `N` or `ID` is negative.
pub(crate) async fn changes(call: &Call, gun: Option<&Gun>) -> Result<Response, Failure> {
    let records = match number(call, "records", "")? {
        0 => RECORDS,
        records => records,
    };
    // Whoever goes backwards without saying from where begins at the end.
    let default = if records < 0 { "-1" } else { "0" };
    let from = number(call, "change_id", default)?;
    let changes = call
        .app
        .trust_changes(&call.access, gun, (from, records))
        .await?;
    let records: Vec<_> = changes.iter().map(record).collect();
    let answer = json!({ "count": records.len(), "records": records });
    Ok(plain(answer.to_string()))
}

fn record(change: &TrustChange) -> Value {
    json!({
        "ID": change.id.to_string(),
        "CreatedAt": change.created_at,
        "GUN": change.gun,
        "Version": change.version,
        "SHA256": change.sha256,
        "Category": change.category,
    })
}

fn number(call: &Call, name: &str, default: &str) -> Result<i64, Failure> {
    let text = call.query.one(name)?.unwrap_or_default();
    let text = if text.is_empty() { default } else { text };
    text.parse().map_err(|_| {
        let code = ErrorCode::InvalidParameters;
        let detail = format!("`{name}` must be a whole number, not `{text}`");
        Failure::new(code, code.message()).detail(detail.into())
    })
}

/// Answers what asks whether the service is there.
pub(crate) fn health(method: &Method) -> Response {
    match *method {
        Method::GET | Method::HEAD => plain("{}"),
        _ => Failure::method("GET, HEAD").into_response(),
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        let of = |code: ErrorCode| Self::new(code, code.message());
        match error {
            TrustError::App(AppError::Denied(message)) => Self::new(ErrorCode::Denied, message),
            TrustError::App(error) => error.into(),
            TrustError::Malformed(..) => {
                of(ErrorCode::MalformedJson).detail(error.to_string().into())
            }
            TrustError::Refused(Refusal::OldVersion(_)) => {
                of(ErrorCode::OldVersion).detail(json!({}))
            }
            TrustError::Refused(refusal) => of(ErrorCode::InvalidUpdate).detail(named(&refusal)),
        }
    }
}

/// Writes a refusal so that clients find their own error in it.
fn named(refusal: &Refusal) -> Value {
    let name = match refusal {
        Refusal::Validation(_) | Refusal::OldVersion(_) => "ErrValidation",
        Refusal::Root(_) => "ErrBadRoot",
        Refusal::Targets(_) => "ErrBadTargets",
        Refusal::Snapshot(_) => "ErrBadSnapshot",
        Refusal::Hierarchy(_) => "ErrBadHierarchy",
    };
    let mut error = json!({ "Msg": refusal.to_string() });
    if let Refusal::Hierarchy(_) = refusal {
        error["Missing"] = Role::Snapshot.as_str().into();
    }
    json!({ "Name": name, "Error": error })
}
