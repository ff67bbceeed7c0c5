//! A publisher's signing keys and certificates.

use std::sync::Arc;

use app::{App, NewKey, PublisherKey};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{Answer, ErrorJson},
    extract::{Asked, At, Body, SignedIn},
    publishers::PublisherPath,
    words::{KeyIdJson, KeyStandingJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(add_key))
        .routes(routes!(revoke_key))
        .routes(routes!(renew_key_challenge))
        .routes(routes!(prove_key))
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
    /// A public key in PEM, as cosign writes `cosign.pub` (ECDSA on P-256, P-384 or P-521, RSA of
    /// 2048 bits or more, Ed25519); a certificate in PEM, for Notation; or an identity, for cosign without keys: the lines `issuer: https://…` and
    /// `subject: …`, as they stand in its certificates.
    pem: String,
    /// From when on signatures by it count, for a planned rotation; at once, if not given.
    valid_from: Option<DateTime<Utc>>,
}

/// The proof that a key's private half is there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyProofJson {
    /// The signature over the key's `challenge`: what `cosign sign-blob` prints or writes as
    /// bundle, or what `openssl dgst -sign` writes (of an Ed25519 key, `openssl pkeyutl -sign`),
    /// in base64; an identity's as a bundle.
    #[schema(min_length = 1, max_length = 65_536)]
    signature: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct KeyEndQuery {
    /// When it ends, for a planned rotation; now, if not given.
    at: Option<DateTime<Utc>>,
}

/// A public key or certificate a publisher signs with.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyJson {
    /// Its identifier.
    id: KeyIdJson,
    /// What its owner calls it.
    name: String,
    /// SHA-256 of it in DER form, or of an identity's two lines.
    fingerprint: String,
    /// The key, certificate or identity.
    pem: String,
    /// Whether signatures by it count.
    standing: KeyStandingJson,
    /// When it was registered.
    created_at: DateTime<Utc>,
    /// When its owner proved to hold its private half.
    proven_at: Option<DateTime<Utc>>,
    /// From when on signatures by it count, once it is proven.
    valid_from: Option<DateTime<Utc>>,
    /// Since when they do not; may be yet to come.
    revoked_at: Option<DateTime<Utc>>,
    /// What to sign with it as a proof, exactly and without a new line at its end.
    challenge: Option<String>,
    /// Until when that is good.
    challenge_ends_at: Option<DateTime<Utc>>,
}

/// Registers a signing key or certificate. It counts once it is proven: sign its `challenge`.
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
        valid_from: json.valid_from,
    };
    let key = app
        .add_publisher_key(&actor, at.publisher.as_str(), &new)
        .await?;
    Ok((StatusCode::CREATED, Json(KeyJson::of(key, app.now()))))
}

/// Gives a key that is not proven another challenge; the one before is good no more.
#[utoipa::path(post, path = "/publishers/{publisher}/keys/{key}/challenge", tag = "publishers", params(KeyPath),
    responses((status = 200, description = "The key with its new challenge.", body = KeyJson)))]
async fn renew_key_challenge(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<KeyPath>,
) -> Answer<Json<KeyJson>> {
    let (publisher, key) = (at.publisher.as_str(), at.key.as_str());
    let key = app.renew_key_challenge(&actor, publisher, key).await?;
    Ok(Json(KeyJson::of(key, app.now())))
}

/// Proves a key by the signature over its challenge.
#[utoipa::path(post, path = "/publishers/{publisher}/keys/{key}/proof", tag = "publishers", params(KeyPath),
    request_body = KeyProofJson, responses((status = 200, description = "The key, which is proven.", body = KeyJson)))]
async fn prove_key(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<KeyPath>,
    Body(json): Body<KeyProofJson>,
) -> Answer<Json<KeyJson>> {
    let (publisher, key) = (at.publisher.as_str(), at.key.as_str());
    let key = app
        .prove_publisher_key(&actor, publisher, key, &json.signature)
        .await?;
    Ok(Json(KeyJson::of(key, app.now())))
}

/// Has a signing key end: from then on signatures by it do not count for new submissions.
#[utoipa::path(delete, path = "/publishers/{publisher}/keys/{key}", tag = "publishers", params(KeyPath, KeyEndQuery),
    responses((status = 204, description = "It has ended, or will."),
        (status = 422, description = "The day is past.", body = ErrorJson, content_type = "application/problem+json")))]
async fn revoke_key(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<KeyPath>,
    Asked(asked): Asked<KeyEndQuery>,
) -> Answer<StatusCode> {
    let (publisher, key) = (at.publisher.as_str(), at.key.as_str());
    app.revoke_publisher_key(&actor, publisher, key, asked.at)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl KeyJson {
    /// Returns a key as it stands at a time.
    pub(super) fn of(key: PublisherKey, now: DateTime<Utc>) -> Self {
        Self {
            standing: key.standing(now).into(),
            id: key.id.into(),
            name: key.name,
            fingerprint: key.fingerprint,
            pem: key.pem,
            created_at: key.created_at,
            proven_at: key.proven_at,
            valid_from: key.valid_from,
            revoked_at: key.revoked_at,
            challenge: key.challenge,
            challenge_ends_at: key.challenge_ends_at,
        }
    }
}
