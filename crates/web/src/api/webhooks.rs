//! Webhooks of the asker, of the publishers they own, and of the market.

use std::sync::Arc;

use app::{App, Attempt, Delivery, WebhookGroup, WebhookOf, WebhookSettings, WebhookView};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{Answer, ErrorJson},
    extract::{Asked, At, Body, OlderQuery, SignedIn},
    words::{DeliveryIdJson, DeliveryStateJson, EventKindJson, ListJson, SlugJson, WebhookIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_webhooks, create_webhook))
        .routes(routes!(show_webhook, change_webhook, delete_webhook))
        .routes(routes!(renew_webhook_secret))
        .routes(routes!(test_webhook))
        .routes(routes!(list_deliveries))
        .routes(routes!(show_delivery))
        .routes(routes!(redeliver))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WebhookPath {
    /// The webhook's identifier.
    #[param(inline)]
    webhook: WebhookIdJson,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct DeliveryPath {
    /// The webhook's identifier.
    #[param(inline)]
    webhook: WebhookIdJson,
    /// The delivery's identifier.
    #[param(inline)]
    delivery: DeliveryIdJson,
}

/// Whose a webhook is.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum WebhookOwnerJson {
    /// The asker's own: of listings they are subscribed to.
    Account,
    /// A publisher's: of its listings, submissions and promises.
    Publisher,
    /// The operator's: of everything.
    Market,
}

/// What can be set about a webhook.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookSettingsJson {
    /// Where events are sent; `https://`, unless the operator permits less.
    #[schema(min_length = 1, max_length = 1_000)]
    url: String,
    /// What it is for, in one line.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// Of which events it is told. A webhook of an account is told of listings only.
    #[schema(min_items = 1, max_items = 20)]
    kinds: Vec<EventKindJson>,
    /// Whether anything is sent. What waits for one that is switched off is given up.
    #[serde(default = "yes")]
    #[schema(default = true)]
    active: bool,
}

fn yes() -> bool {
    true
}

impl From<WebhookSettingsJson> for WebhookSettings {
    fn from(json: WebhookSettingsJson) -> Self {
        Self {
            url: json.url,
            description: json.description,
            kinds: json.kinds.into_iter().map(|kind| kind.0).collect(),
            is_active: json.active,
        }
    }
}

/// A webhook to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhookJson {
    /// Whose it is to be.
    owner: WebhookOwnerJson,
    /// The publisher, where `owner` is `publisher`.
    publisher: Option<SlugJson>,
    /// What is set about it.
    settings: WebhookSettingsJson,
}

impl NewWebhookJson {
    fn of(&self) -> Result<WebhookOf, app::AppError> {
        match (&self.owner, &self.publisher) {
            (WebhookOwnerJson::Publisher, Some(slug)) => {
                Ok(WebhookOf::Publisher(slug.as_str().to_owned()))
            }
            (WebhookOwnerJson::Account, None) => Ok(WebhookOf::Me),
            (WebhookOwnerJson::Market, None) => Ok(WebhookOf::Market),
            _ => Err(app::AppError::invalid(
                "publisher",
                "name the publisher if, and only if, it is the owner",
            )),
        }
    }
}

/// A webhook without its secret.
#[derive(Serialize, ToSchema)]
struct WebhookJson {
    /// Its identifier.
    id: WebhookIdJson,
    /// Whose it is.
    owner: WebhookOwnerJson,
    /// The publisher, where `owner` is `publisher`.
    publisher: Option<String>,
    /// What is set about it.
    settings: WebhookSettingsJson,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Since when nothing is sent.
    disabled_at: Option<DateTime<Utc>>,
    /// Why, where its owner did not do it.
    disabled_why: Option<String>,
    /// The first failure that no success followed.
    failing_since: Option<DateTime<Utc>>,
    /// Until when the secret before the present one signs too.
    old_secret_until: Option<DateTime<Utc>>,
}

impl From<WebhookView> for WebhookJson {
    fn from(view: WebhookView) -> Self {
        let (owner, publisher) = match view.of {
            WebhookOf::Me => (WebhookOwnerJson::Account, None),
            WebhookOf::Publisher(slug) => (WebhookOwnerJson::Publisher, Some(slug)),
            WebhookOf::Market => (WebhookOwnerJson::Market, None),
        };
        let row = view.webhook;
        Self {
            id: row.id.into(),
            owner,
            publisher,
            settings: WebhookSettingsJson {
                url: view.settings.url,
                description: view.settings.description,
                kinds: view.settings.kinds.into_iter().map(Into::into).collect(),
                active: view.settings.is_active,
            },
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            disabled_why: row.disabled_why,
            failing_since: row.failing_since,
            old_secret_until: row.old_until,
        }
    }
}

/// A webhook that was just made.
#[derive(Serialize, ToSchema)]
struct CreatedWebhookJson {
    /// What is known of it later.
    webhook: WebhookJson,
    /// What its receiver checks signatures with, `whsec_…`; it is shown this once.
    secret: String,
}

/// The secret of a webhook.
#[derive(Serialize, ToSchema)]
struct WebhookSecretJson {
    /// What its receiver checks signatures with, `whsec_…`; it is shown this once.
    secret: String,
}

/// An event that was sent or is to be sent to a webhook.
#[derive(Serialize, ToSchema)]
struct DeliveryJson {
    /// What its receiver knows it by, in `webhook-id`; sorts by time.
    id: DeliveryIdJson,
    /// The kind of event, or `ping` for a test.
    kind: String,
    /// When it happened.
    created_at: DateTime<Utc>,
    /// How it fares.
    state: DeliveryStateJson,
    /// When it is tried next, or came to its end.
    due_at: DateTime<Utc>,
    /// How often it was tried since it was queued last.
    tries: i64,
}

impl From<Delivery> for DeliveryJson {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.into(),
            kind: delivery.kind,
            created_at: delivery.created_at,
            state: delivery.state.into(),
            due_at: delivery.due_at,
            tries: delivery.tries,
        }
    }
}

/// An attempt to deliver.
#[derive(Serialize, ToSchema)]
struct AttemptJson {
    /// From 1.
    number: i64,
    /// When it ended.
    at: DateTime<Utc>,
    /// Milliseconds it took.
    millis: i64,
    /// The answer's status, where there was an answer.
    status: Option<i64>,
    /// The start of the answer.
    answer: String,
    /// Why it failed.
    error: Option<String>,
}

impl From<Attempt> for AttemptJson {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at,
            millis: attempt.millis,
            status: attempt.status,
            answer: attempt.answer,
            error: attempt.error,
        }
    }
}

/// A delivery with what is sent and what came of it.
#[derive(Serialize, ToSchema)]
struct WholeDeliveryJson {
    /// The delivery.
    delivery: DeliveryJson,
    /// The body, byte for byte: what the signature is over.
    body: String,
    /// Every attempt, in order.
    attempts: Vec<AttemptJson>,
}

/// Returns the webhooks that the asker keeps: their own, those of publishers they own, and
/// for the operator those of the market.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks",
    responses((status = 200, description = "The webhooks.", body = ListJson<WebhookJson>)))]
async fn list_webhooks(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<WebhookJson>>> {
    let groups = app.list_webhooks(&actor).await?.into_iter();
    let webhooks = groups.flat_map(|group: WebhookGroup| group.webhooks);
    Ok(ListJson::of(webhooks))
}

/// Makes a webhook; its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhookJson,
    responses((status = 201, description = "The webhook with its secret.", body = CreatedWebhookJson),
        (status = 404, description = "There is no such publisher that the asker can see.",
            body = ErrorJson, content_type = "application/problem+json")))]
async fn create_webhook(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(new): Body<NewWebhookJson>,
) -> Answer<(StatusCode, Json<CreatedWebhookJson>)> {
    let of = new.of()?;
    let (made, secret) = app
        .create_webhook(&actor, &of, &new.settings.into())
        .await?;
    let made = CreatedWebhookJson {
        webhook: made.into(),
        secret,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Returns a webhook.
#[utoipa::path(get, path = "/webhooks/{webhook}", tag = "webhooks", params(WebhookPath),
    responses((status = 200, description = "The webhook.", body = WebhookJson)))]
async fn show_webhook(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<WebhookPath>,
) -> Answer<Json<WebhookJson>> {
    let found = app.webhook(&actor, at.webhook.as_str()).await?;
    Ok(Json(found.into()))
}

/// Changes a webhook.
#[utoipa::path(put, path = "/webhooks/{webhook}", tag = "webhooks", params(WebhookPath),
    request_body = WebhookSettingsJson,
    responses((status = 200, description = "The webhook.", body = WebhookJson)))]
async fn change_webhook(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<WebhookPath>,
    Body(settings): Body<WebhookSettingsJson>,
) -> Answer<Json<WebhookJson>> {
    let changed = app
        .change_webhook(&actor, at.webhook.as_str(), &settings.into())
        .await?;
    Ok(Json(changed.into()))
}

/// Deletes a webhook with all that was sent to it.
#[utoipa::path(delete, path = "/webhooks/{webhook}", tag = "webhooks", params(WebhookPath),
    responses((status = 204, description = "It is deleted.")))]
async fn delete_webhook(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<WebhookPath>,
) -> Answer<StatusCode> {
    app.delete_webhook(&actor, at.webhook.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook a new secret. The one before signs beside it for a day.
#[utoipa::path(post, path = "/webhooks/{webhook}/secret", tag = "webhooks", params(WebhookPath),
    responses((status = 201, description = "The new secret.", body = WebhookSecretJson)))]
async fn renew_webhook_secret(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<WebhookPath>,
) -> Answer<(StatusCode, Json<WebhookSecretJson>)> {
    let secret = app
        .renew_webhook_secret(&actor, at.webhook.as_str())
        .await?;
    Ok((StatusCode::CREATED, Json(WebhookSecretJson { secret })))
}

/// Sends an event that says nothing, to see whether it arrives.
#[utoipa::path(post, path = "/webhooks/{webhook}/test", tag = "webhooks", params(WebhookPath),
    responses((status = 202, description = "It is being sent.", body = DeliveryJson)))]
async fn test_webhook(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<WebhookPath>,
) -> Answer<(StatusCode, Json<DeliveryJson>)> {
    let sent = app.test_webhook(&actor, at.webhook.as_str()).await?;
    Ok((StatusCode::ACCEPTED, Json(sent.into())))
}

/// Returns what was sent or is to be sent to a webhook, newest first; kept for 30 days.
#[utoipa::path(get, path = "/webhooks/{webhook}/deliveries", tag = "webhooks",
    params(WebhookPath, OlderQuery),
    responses((status = 200, description = "The deliveries.", body = ListJson<DeliveryJson>)))]
async fn list_deliveries(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<WebhookPath>,
    Asked(query): Asked<OlderQuery>,
) -> Answer<Json<ListJson<DeliveryJson>>> {
    let found = app
        .webhook_deliveries(&actor, at.webhook.as_str(), query.part())
        .await?;
    Ok(ListJson::of(found))
}

/// Returns a delivery with what is sent and every attempt.
#[utoipa::path(get, path = "/webhooks/{webhook}/deliveries/{delivery}", tag = "webhooks",
    params(DeliveryPath),
    responses((status = 200, description = "The delivery.", body = WholeDeliveryJson)))]
async fn show_delivery(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<DeliveryPath>,
) -> Answer<Json<WholeDeliveryJson>> {
    let (delivery, attempts) = app
        .webhook_delivery(&actor, at.webhook.as_str(), at.delivery.as_str())
        .await?;
    Ok(Json(WholeDeliveryJson {
        body: delivery.body.clone(),
        delivery: delivery.into(),
        attempts: attempts.into_iter().map(Into::into).collect(),
    }))
}

/// Sends a delivery again, as it was and under the same identifier.
#[utoipa::path(post, path = "/webhooks/{webhook}/deliveries/{delivery}/redeliver", tag = "webhooks",
    params(DeliveryPath),
    responses((status = 202, description = "It is being sent.")))]
async fn redeliver(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<DeliveryPath>,
) -> Answer<StatusCode> {
    app.redeliver_webhook(&actor, at.webhook.as_str(), at.delivery.as_str())
        .await?;
    Ok(StatusCode::ACCEPTED)
}
