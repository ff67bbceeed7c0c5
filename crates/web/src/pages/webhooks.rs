//! `/webhooks`, one webhook, and one delivery to it.

use askama::Template;

use crate::view::{Choice, FieldErrors, Layout, Onward, Pill, When};

/// All webhooks that the viewer keeps, and the form for another one.
#[derive(Debug, Template)]
#[template(path = "webhooks.html")]
pub struct WebhooksPage {
    /// What is around.
    pub layout: Layout,
    /// By whose they are.
    pub groups: Vec<WebhookGroupView>,
    /// Whose a new one can be.
    pub owners: Vec<Choice>,
    /// The form.
    pub form: WebhookForm,
}

/// The webhooks of one owner.
#[derive(Debug, Clone)]
pub struct WebhookGroupView {
    /// A word for links.
    pub anchor: String,
    /// Whose they are.
    pub title: String,
    /// What they are told of.
    pub hears: String,
    /// The webhooks.
    pub webhooks: Vec<WebhookRow>,
}

/// A webhook in a list.
#[derive(Debug, Clone)]
pub struct WebhookRow {
    /// Address of its page.
    pub url: String,
    /// The host that is called.
    pub host: String,
    /// What it is for.
    pub description: String,
    /// How it is.
    pub state: Pill,
    /// How many kinds of events it is told of.
    pub kinds: usize,
    /// When it was made.
    pub created_at: When,
}

/// The form of a webhook, as it is or was filled in.
#[derive(Debug, Clone, Default)]
pub struct WebhookForm {
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Every kind of event that it could be told of.
    pub kinds: Vec<EventChoice>,
    /// What is wrong.
    pub errors: FieldErrors,
}

/// A kind of event in a form.
#[derive(Debug, Clone)]
pub struct EventChoice {
    /// As the form sends it.
    pub kind: String,
    /// As people read it.
    pub title: String,
    /// Whether it is chosen.
    pub is_chosen: bool,
    /// Whether it is not for subscribers.
    pub is_inner: bool,
}

/// One webhook.
#[derive(Debug, Template)]
#[template(path = "webhook.html")]
pub struct WebhookPage {
    /// What is around.
    pub layout: Layout,
    /// The webhook.
    pub webhook: WebhookRow,
    /// Whose it is.
    pub owner: String,
    /// Whether anything is sent.
    pub is_active: bool,
    /// Why it was disabled, where its owner did not do it.
    pub disabled_why: Option<String>,
    /// Since when nothing was taken.
    pub failing_since: Option<When>,
    /// Until when the secret before signs too.
    pub old_until: Option<When>,
    /// The secret just made; shown this once.
    pub secret: Option<String>,
    /// What can be changed.
    pub form: WebhookForm,
    /// What was sent, newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// The ways to the older ones.
    pub onward: Onward,
}

/// A delivery in a list.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Address of its page.
    pub url: String,
    /// Its identifier.
    pub id: String,
    /// The kind of event.
    pub kind: String,
    /// When it happened.
    pub at: When,
    /// How it fares.
    pub state: Pill,
    /// When it is tried next, or came to its end.
    pub due_at: When,
    /// How often it was tried.
    pub tries: i64,
}

/// One delivery.
#[derive(Debug, Template)]
#[template(path = "webhook_delivery.html")]
pub struct DeliveryPage {
    /// What is around.
    pub layout: Layout,
    /// Address of the webhook's page.
    pub webhook_url: String,
    /// The host that is called.
    pub host: String,
    /// Whether anything is sent to the webhook.
    pub is_active: bool,
    /// The delivery.
    pub delivery: DeliveryRow,
    /// What is sent.
    pub body: String,
    /// What came of it, in order.
    pub attempts: Vec<AttemptRow>,
}

/// An attempt.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// From 1.
    pub number: i64,
    /// When it ended.
    pub at: When,
    /// Milliseconds it took.
    pub millis: i64,
    /// The answer's status, or that there was none.
    pub status: String,
    /// The start of the answer.
    pub answer: String,
    /// Why it failed.
    pub error: Option<String>,
}
