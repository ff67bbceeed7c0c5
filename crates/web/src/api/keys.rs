//! A publisher's signing keys.

use std::sync::Arc;

use app::{App, NewKey, PublisherKey};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    publishers::PublisherPath,
    words::{KeyIdJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(add_key))
        .routes(routes!(revoke_key))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct KeyPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The key's identifier.
    #[param(inline)]
    key: KeyIdJson,
}

/// A key to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKeyJson {
    /// What its owner calls it.
    #[schema(min_length = 1, max_length = 60, pattern = r"\S")]
    name: String,
    /// ECDSA P-256 in PEM, as cosign writes `cosign.pub`.
    pem: String,
}

/// A public key a publisher signs with.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyJson {
    /// Its identifier.
    id: KeyIdJson,
    /// What its owner calls it.
    name: String,
    /// SHA-256 of the key in DER form.
    fingerprint: String,
    /// The key.
    pem: String,
    /// Since when signatures by it count.
    created_at: DateTime<Utc>,
    /// Since when they do not.
    revoked_at: Option<DateTime<Utc>>,
}

/// Registers a signing key.
#[utoipa::path(post, path = "/publishers/{publisher}/keys", tag = "publishers", params(PublisherPath),
    request_body = NewKeyJson, responses((status = 201, description = "The key.", body = KeyJson)))]
async fn add_key(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<NewKeyJson>,
) -> Answer<(StatusCode, Json<KeyJson>)> {
    let new = NewKey {
        name: json.name,
        pem: json.pem,
    };
    let key = app
        .add_publisher_key(&actor, at.publisher.as_str(), &new)
        .await?;
    Ok((StatusCode::CREATED, Json(key.into())))
}

/// Revokes a signing key: signatures by it no longer count for new submissions.
#[utoipa::path(delete, path = "/publishers/{publisher}/keys/{key}", tag = "publishers", params(KeyPath),
    responses((status = 204, description = "It is revoked.")))]
async fn revoke_key(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<KeyPath>,
) -> Answer<StatusCode> {
    app.revoke_publisher_key(&actor, at.publisher.as_str(), at.key.as_str())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<PublisherKey> for KeyJson {
    fn from(key: PublisherKey) -> Self {
        Self {
            id: key.id.into(),
            name: key.name,
            fingerprint: key.fingerprint,
            pem: key.pem,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
        }
    }
}
