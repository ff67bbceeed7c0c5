//! What a publisher proves of what it says of itself, and mending that.

use std::sync::Arc;

use app::{App, DomainStanding, Profile, Proofs};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{Answer, ErrorJson},
    extract::{At, Body, SignedIn},
    publishers::PublisherPath,
    words::{self, DomainProofJson, LetterIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_proofs))
        .routes(routes!(mail_email_proof))
        .routes(routes!(look_at_domain))
        .routes(routes!(change_profile))
        .routes(routes!(prove_email))
}

/// How it stands about what a publisher proves.
#[derive(Serialize, ToSchema)]
struct ProofsJson {
    /// The company e-mail.
    email: String,
    /// When the last link was sent there.
    email_sent_at: Option<DateTime<Utc>>,
    /// Until when that holds.
    email_expires_at: Option<DateTime<Utc>>,
    /// When the address was proven.
    email_proven_at: Option<DateTime<Utc>>,
    /// The website's domain; none where nothing can be proven of it.
    domain: Option<DomainProofJsonObject>,
    /// Whether the e-mail is of that domain, or of one below or above it.
    domains_agree: bool,
}

/// How it stands about a domain.
#[derive(Serialize, ToSchema)]
#[schema(as = DomainProof)]
struct DomainProofJsonObject {
    /// The domain.
    domain: String,
    /// The name whose TXT record proves it.
    record: String,
    /// The address of the file that proves it.
    file: String,
    /// The text that is to stand in either.
    text: String,
    /// When it is looked at next.
    next_look: Option<DateTime<Utc>>,
    /// When it was last looked at.
    looked_at: Option<DateTime<Utc>>,
    /// Why that found nothing.
    error: Option<String>,
    /// Where the text was found.
    way: Option<DomainProofJson>,
    /// When.
    proven_at: Option<DateTime<Utc>>,
}

impl From<DomainStanding> for DomainProofJsonObject {
    fn from(standing: DomainStanding) -> Self {
        let (way, proven_at) = standing.proven.unzip();
        Self {
            domain: standing.domain,
            record: standing.record,
            file: standing.file,
            text: standing.text,
            next_look: standing.next_look,
            looked_at: standing.looked_at,
            error: standing.error,
            way: way.map(Into::into),
            proven_at,
        }
    }
}

impl From<Proofs> for ProofsJson {
    fn from(proofs: Proofs) -> Self {
        Self {
            email: proofs.email,
            email_sent_at: proofs.email_sent_at,
            email_expires_at: proofs.email_expires_at,
            email_proven_at: proofs.email_proven_at,
            domain: proofs.domain.map(Into::into),
            domains_agree: proofs.domains_agree,
        }
    }
}

/// What a publisher says of itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProfileJson {
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
}

/// A link that came in a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkJson {
    /// The letter, which the link names.
    pub(super) letter: LetterIdJson,
    /// What stands behind it.
    #[schema(max_length = 100)]
    pub(super) key: String,
}

/// Returns how it stands about what a publisher proves.
#[utoipa::path(get, path = "/publishers/{publisher}/proofs", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "What is proven and what is not.", body = ProofsJson)))]
async fn get_proofs(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<ProofsJson>> {
    let proofs = app.publisher_proofs(&actor, at.publisher.as_str()).await?;
    Ok(Json(proofs.into()))
}

/// Sends a link to the company e-mail once more.
#[utoipa::path(post, path = "/publishers/{publisher}/proofs/email", tag = "publishers", params(PublisherPath),
    responses((status = 204, description = "It is on its way.")))]
async fn mail_email_proof(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<StatusCode> {
    app.mail_email_proof(&actor, at.publisher.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has the website's domain looked at.
#[utoipa::path(post, path = "/publishers/{publisher}/proofs/domain", tag = "publishers", params(PublisherPath),
    responses((status = 204, description = "It is looked at soon.")))]
async fn look_at_domain(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<StatusCode> {
    app.look_at_domain(&actor, at.publisher.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mends what a publisher says of itself, until it is verified.
#[utoipa::path(put, path = "/publishers/{publisher}/profile", tag = "publishers", params(PublisherPath),
    request_body = ProfileJson, responses((status = 204, description = "It is saved.")))]
async fn change_profile(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<ProfileJson>,
) -> Answer<StatusCode> {
    let profile = Profile {
        legal_name: json.legal_name,
        website: json.website,
        phone: json.phone,
        email: json.email,
    };
    app.change_profile(&actor, at.publisher.as_str(), &profile)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Proves a company e-mail with the link that was sent there.
#[utoipa::path(post, path = "/proofs/email", tag = "publishers", request_body = LinkJson, security(()),
    responses((status = 204, description = "It is proven."),
        (status = 404, description = "There is no such link.",
            body = ErrorJson, content_type = "application/problem+json")))]
async fn prove_email(
    State(app): State<Arc<App>>,
    Body(link): Body<LinkJson>,
) -> Answer<StatusCode> {
    app.prove_email(link.letter.as_str(), &link.key).await?;
    Ok(StatusCode::NO_CONTENT)
}
