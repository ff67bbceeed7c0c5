//! `/webhooks`: programs of people, publishers and the operator that are told what happens.

use std::sync::Arc;

use app::{
    App, AppError, Attempt, Delivery, WebhookGroup, WebhookOf, WebhookSettings, WebhookView,
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{DeliveryState, EventKind};

use super::{Parameters, asked_part, behind, onward, robot::shown_once};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::webhooks::{
        AttemptRow, DeliveryPage, DeliveryRow, EventChoice, WebhookForm, WebhookGroupView,
        WebhookPage, WebhookRow, WebhooksPage,
    },
    view::{Choice, Onward, Pill, Tone, urlencoded},
    viewer::Viewer,
};

/// `GET /webhooks`; `?of=publisher:acme` chooses whose a new one is.
pub(crate) async fn show_all(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let of = parameters.get("of").map_or("", String::as_str).to_owned();
    let groups = app.list_webhooks(&viewer.actor).await?;
    let form = filled(&groups, &WebhookSettings::default());
    page_with(StatusCode::OK, &list(&viewer, &groups, (&of, form)))
}

/// `POST /webhooks`: the answer shows the secret, once, and nobody may keep it.
pub(crate) async fn create(State(app): State<Arc<App>>, form: Form) -> Answer {
    let (of, settings) = (form.text("of"), settings(&form, true));
    let made = match owner(of) {
        Some(of) => app.create_webhook(&form.viewer.actor, &of, &settings).await,
        None => Err(AppError::invalid("of", "choose whose it is")),
    };
    match made {
        Ok((made, secret)) => {
            let mut page = page(form.viewer, made, &[]);
            page.secret = Some(secret);
            shown_once(&page)
        }
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let groups = app.list_webhooks(&form.viewer.actor).await?;
            let again = refused(filled(&groups, &settings), &refusal);
            let page = list(&form.viewer, &groups, (of, again));
            page_with(refusal.status, &page)
        }
    }
}

/// `GET /webhooks/{webhook}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let page = view(&app, viewer, &id, &parameters).await?;
    page_with(StatusCode::OK, &page)
}

/// `POST /webhooks/{webhook}`
pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let settings = settings(&form, form.text("active") == "true");
    let changed = app.change_webhook(&form.viewer.actor, &id, &settings).await;
    match changed {
        Ok(_) => form.viewer.done(&page_url(&id), Notice::WebhookSaved),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = view(&app, form.viewer, &id, &Parameters::default()).await?;
            let inner = page.form.kinds.iter().any(|kind| kind.is_inner);
            page.form = refused(form_of(&settings, inner), &refusal);
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /webhooks/{webhook}/secret`: the answer shows it, once, and nobody may keep it.
pub(crate) async fn renew_secret(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let secret = app.renew_webhook_secret(&form.viewer.actor, &id).await?;
    let mut page = view(&app, form.viewer, &id, &Parameters::default()).await?;
    page.secret = Some(secret);
    shown_once(&page)
}

/// `POST /webhooks/{webhook}/test`
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let sent = app.test_webhook(&form.viewer.actor, &id).await?;
    let url = delivery_url(&id, sent.id.as_str());
    form.viewer.done(&url, Notice::DeliveryQueued)
}

/// `POST /webhooks/{webhook}/delete`
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    app.delete_webhook(&form.viewer.actor, &id).await?;
    form.viewer.done("/webhooks", Notice::WebhookDeleted)
}

/// `GET /webhooks/{webhook}/deliveries/{delivery}`
pub(crate) async fn show_delivery(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((id, delivery)): Path<(String, String)>,
) -> Answer {
    let found = app.webhook(&viewer.actor, &id).await?;
    let (delivery, attempts) = app.webhook_delivery(&viewer.actor, &id, &delivery).await?;
    let attempts = attempts.into_iter().map(|attempt| row(attempt, &viewer));
    let page = DeliveryPage {
        webhook_url: page_url(&id),
        host: host(&found.settings.url),
        is_active: found.settings.is_active,
        attempts: attempts.collect(),
        body: indented(&delivery.body),
        delivery: delivery_row(&delivery, &viewer),
        layout: viewer.layout,
    };
    page_with(StatusCode::OK, &page)
}

/// `POST /webhooks/{webhook}/deliveries/{delivery}`: sends it again.
pub(crate) async fn redeliver(
    State(app): State<Arc<App>>,
    Path((id, delivery)): Path<(String, String)>,
    form: Form,
) -> Answer {
    app.redeliver_webhook(&form.viewer.actor, &id, &delivery)
        .await?;
    let url = delivery_url(&id, &delivery);
    form.viewer.done(&url, Notice::DeliveryQueued)
}

/// Reads `me`, `market` or `publisher:` and a short name.
fn owner(text: &str) -> Option<WebhookOf> {
    match (text, text.strip_prefix("publisher:")) {
        ("me", _) => Some(WebhookOf::Me),
        ("market", _) => Some(WebhookOf::Market),
        (_, Some(slug)) => Some(WebhookOf::Publisher(slug.to_owned())),
        _ => None,
    }
}

fn settings(form: &Form, is_active: bool) -> WebhookSettings {
    WebhookSettings {
        url: form.text("url").to_owned(),
        description: form.text("description").to_owned(),
        kinds: form
            .all("kind")
            .filter_map(|kind| kind.parse().ok())
            .collect(),
        is_active,
    }
}

/// Fills the form in, with every kind of which any of the owners may hear.
fn filled(groups: &[WebhookGroup], settings: &WebhookSettings) -> WebhookForm {
    let inner = groups.iter().any(|group| group.of != WebhookOf::Me);
    form_of(settings, inner)
}

/// Fills the form in; `inner` is whether it has what subscribers do not hear of.
fn form_of(settings: &WebhookSettings, inner: bool) -> WebhookForm {
    let kinds = EventKind::ALL
        .iter()
        .filter(|kind| inner || kind.is_public());
    WebhookForm {
        url: settings.url.clone(),
        description: settings.description.clone(),
        kinds: kinds
            .map(|kind| EventChoice {
                kind: kind.to_string(),
                title: kind.title().to_owned(),
                is_chosen: settings.kinds.contains(kind),
                is_inner: !kind.is_public(),
            })
            .collect(),
        ..WebhookForm::default()
    }
}

fn refused(mut form: WebhookForm, refusal: &Refusal) -> WebhookForm {
    form.errors = refusal.errors.clone();
    if form.errors.0.is_empty() {
        form.errors.0.push(market::Problem {
            field: "url".to_owned(),
            message: refusal.text.clone(),
        });
    }
    form
}

fn list(viewer: &Viewer, groups: &[WebhookGroup], (of, form): (&str, WebhookForm)) -> WebhooksPage {
    let owners = groups.iter().map(|group| {
        let (value, label) = match &group.of {
            WebhookOf::Me => ("me".to_owned(), "Your own".to_owned()),
            WebhookOf::Publisher(slug) => (format!("publisher:{slug}"), slug.clone()),
            WebhookOf::Market => ("market".to_owned(), "The marketplace".to_owned()),
        };
        Choice::new(&value, &label, of)
    });
    let shown = groups.iter().map(|group| {
        let (anchor, title, hears) = match &group.of {
            WebhookOf::Me => (
                "me".to_owned(),
                "Your own".to_owned(),
                "They are told what becomes of the products you are subscribed to.",
            ),
            WebhookOf::Publisher(slug) => (
                format!("of-{slug}"),
                format!("Of {slug}"),
                "They are told of its listings, submissions and promises.",
            ),
            WebhookOf::Market => (
                "market".to_owned(),
                "Of the marketplace".to_owned(),
                "They are told of everything.",
            ),
        };
        WebhookGroupView {
            anchor,
            title,
            hears: hears.to_owned(),
            webhooks: group
                .webhooks
                .iter()
                .map(|webhook| webhook_row(webhook, viewer))
                .collect(),
        }
    });
    WebhooksPage {
        owners: owners.collect(),
        groups: shown.collect(),
        form,
        layout: viewer.layout.clone(),
    }
}

async fn view(
    app: &App,
    viewer: Viewer,
    id: &str,
    parameters: &Parameters,
) -> Result<WebhookPage, Failure> {
    let found = app.webhook(&viewer.actor, id).await?;
    let part = asked_part(parameters, "before");
    let mut deliveries = app.webhook_deliveries(&viewer.actor, id, part).await?;
    let onward = onward(
        &mut deliveries,
        part,
        |delivery| delivery.id.as_str(),
        |name| behind(&page_url(id), "before", name, ""),
    );
    let mut page = page(viewer, found, &deliveries);
    page.onward = onward;
    Ok(page)
}

fn page(viewer: Viewer, found: WebhookView, deliveries: &[Delivery]) -> WebhookPage {
    let webhook = webhook_row(&found, &viewer);
    let row = found.webhook;
    let until = row.old_until.filter(|until| *until > viewer.now);
    let inner = found.of != WebhookOf::Me;
    WebhookPage {
        owner: match found.of {
            WebhookOf::Me => "Your own".to_owned(),
            WebhookOf::Publisher(slug) => format!("Of {slug}"),
            WebhookOf::Market => "Of the marketplace".to_owned(),
        },
        is_active: found.settings.is_active,
        disabled_why: row.disabled_why,
        failing_since: row.failing_since.map(|at| viewer.when(at)),
        old_until: until.map(|at| viewer.when(at)),
        secret: None,
        form: form_of(&found.settings, inner),
        onward: Onward::default(),
        deliveries: deliveries
            .iter()
            .map(|delivery| delivery_row(delivery, &viewer))
            .collect(),
        webhook,
        layout: viewer.layout,
    }
}

fn webhook_row(found: &WebhookView, viewer: &Viewer) -> WebhookRow {
    let row = &found.webhook;
    let state = match (row.disabled_at, &row.disabled_why, row.failing_since) {
        (Some(_), Some(_), _) => Pill::new(Tone::Bad, "Disabled"),
        (Some(_), None, _) => Pill::new(Tone::Quiet, "Off"),
        (None, _, Some(_)) => Pill::new(Tone::Warning, "Failing"),
        (None, _, None) => Pill::new(Tone::Good, "On"),
    };
    WebhookRow {
        url: page_url(row.id.as_str()),
        host: host(&row.url),
        description: row.description.clone(),
        state,
        kinds: found.settings.kinds.len(),
        created_at: viewer.when(row.created_at),
    }
}

fn delivery_row(delivery: &Delivery, viewer: &Viewer) -> DeliveryRow {
    let state = match delivery.state {
        DeliveryState::Waiting if delivery.tries > 0 => Pill::new(Tone::Warning, "Tried again"),
        DeliveryState::Waiting => Pill::new(Tone::Active, "Being sent"),
        DeliveryState::Delivered => Pill::new(Tone::Good, "Delivered"),
        DeliveryState::Failed => Pill::new(Tone::Bad, "Given up"),
    };
    DeliveryRow {
        url: delivery_url(delivery.webhook_id.as_str(), delivery.id.as_str()),
        id: delivery.id.to_string(),
        kind: delivery.kind.clone(),
        at: viewer.when(delivery.created_at),
        state,
        due_at: viewer.when(delivery.due_at),
        tries: delivery.tries,
    }
}

fn row(attempt: Attempt, viewer: &Viewer) -> AttemptRow {
    AttemptRow {
        number: attempt.number,
        at: viewer.when(attempt.at),
        millis: attempt.millis,
        status: attempt
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string()),
        answer: attempt.answer,
        error: attempt.error,
    }
}

fn page_url(id: &str) -> String {
    format!("/webhooks/{}", urlencoded(id))
}

fn delivery_url(id: &str, delivery: &str) -> String {
    format!("{}/deliveries/{}", page_url(id), urlencoded(delivery))
}

/// The rest of an address may hold a secret of the receiver.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// Writes JSON with line breaks.
fn indented(body: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(body);
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or_else(|_not_json| body.to_owned())
}
