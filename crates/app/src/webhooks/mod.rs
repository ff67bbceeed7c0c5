//! Webhooks: programs that are told over HTTP of what happens. What is sent is written in the
//! transaction that makes it true (`events`), sent beside it (`send`), and kept for a while.

mod events;
mod send;

use chrono::TimeDelta;
use market::{
    Action, DeliveryId, DeliveryState, EventKind, Problem, WebhookId, WebhookOwner,
    check_webhook_url,
};
use store::{
    Part, Tx,
    webhooks::{self as rows, Attempt, Delivery, Webhook},
};
use trust::webhook::WebhookSecret;

use crate::{Actor, App, AppError, audit::Change, state::random};

pub use send::{WebhookAnswer, WebhookCall};

/// Webhooks of one owner at most.
const MOST_WEBHOOKS: usize = 20;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 200;
/// Most kinds of events that are named; there are fewer.
const MOST_KINDS: usize = 20;
/// How long the secret before signs beside the new one.
const OLD_SECRET: TimeDelta = TimeDelta::days(1);
/// How long it is kept what was sent.
const KEPT: TimeDelta = TimeDelta::days(30);
/// What a test is called where kinds of events stand.
const PING: &str = "ping";

/// Whose a webhook is, as the asker names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookOf {
    /// The asker's own: of the products they are subscribed to.
    Me,
    /// A publisher's, by its short name.
    Publisher(String),
    /// The operator's: of everything.
    Market,
}

impl WebhookOf {
    /// Returns whether its webhooks may hear of such events.
    pub fn may_hear(&self, kind: EventKind) -> bool {
        *self != Self::Me || kind.is_public()
    }
}

/// What can be set about a webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Of which events it is told.
    pub kinds: Vec<EventKind>,
    /// Whether anything is sent.
    pub is_active: bool,
}

/// A webhook as whoever keeps it sees it.
#[derive(Debug, Clone)]
pub struct WebhookView {
    /// Whose it is.
    pub of: WebhookOf,
    /// What was set.
    pub settings: WebhookSettings,
    /// Its row.
    pub webhook: Webhook,
}

/// An owner that the asker keeps webhooks for, and these.
#[derive(Debug, Clone)]
pub struct WebhookGroup {
    /// The owner.
    pub of: WebhookOf,
    /// Its webhooks, oldest first.
    pub webhooks: Vec<WebhookView>,
}

impl App {
    /// Returns all webhooks that the asker keeps, by their owners: themselves, the publishers
    /// they own, and the market.
    ///
    /// # Errors
    /// Nobody is signed in, or with too little.
    pub async fn list_webhooks(&self, actor: &Actor) -> Result<Vec<WebhookGroup>, AppError> {
        let mut tx = self.read().await?;
        let (me, _) = self.webhook_owner(&mut tx, actor, &WebhookOf::Me).await?;
        let mut owners = vec![(WebhookOf::Me, me)];
        let account = actor.require_account("to keep webhooks")?;
        let publishers = store::publishers::of_account(&mut tx, &account.id).await?;
        let publishers = publishers
            .into_iter()
            .map(|publisher| WebhookOf::Publisher(publisher.slug.to_string()));
        for of in publishers.chain([WebhookOf::Market]) {
            match self.webhook_owner(&mut tx, actor, &of).await {
                Ok((owner, _)) => owners.push((of, owner)),
                Err(AppError::Denied(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut groups = Vec::new();
        for (of, owner) in owners {
            let found = rows::of_owner(&mut tx, &owner).await?;
            let webhooks = found.into_iter().map(|webhook| view(&of, webhook));
            groups.push(WebhookGroup {
                webhooks: webhooks.collect(),
                of,
            });
        }
        Ok(groups)
    }

    /// Makes a webhook; gives it and its secret, which is shown once.
    ///
    /// # Errors
    /// Something about it cannot be, there are too many, or the asker may not.
    pub async fn create_webhook(
        &self,
        actor: &Actor,
        of: &WebhookOf,
        settings: &WebhookSettings,
    ) -> Result<(WebhookView, String), AppError> {
        let mut tx = self.begin().await?;
        let (owner, allowed) = self.webhook_owner(&mut tx, actor, of).await?;
        self.check_webhook(of, settings)?;
        if rows::of_owner(&mut tx, &owner).await?.len() >= MOST_WEBHOOKS {
            return Err(AppError::Conflict(format!(
                "there are {MOST_WEBHOOKS} webhooks already: delete some that are not needed"
            )));
        }
        let mut webhook = Webhook {
            id: self.id(WebhookId::new),
            owner,
            url: String::new(),
            description: String::new(),
            kinds: String::new(),
            salt: hex::encode(random::<32>()),
            old_salt: None,
            old_until: None,
            created_at: self.now(),
            disabled_at: None,
            disabled_why: None,
            failing_since: None,
            leased_until: self.now(),
        };
        self.set(&mut webhook, settings);
        rows::create(&mut tx, &webhook).await?;
        rows::update(&mut tx, &webhook).await?;
        self.record_webhook(&mut tx, (actor, allowed), &webhook.id, "made")
            .await?;
        tx.commit().await?;
        let secret = self.webhook_secret(&webhook, &webhook.salt).reveal();
        Ok((view(of, webhook), secret))
    }

    /// Returns a webhook.
    ///
    /// # Errors
    /// There is none that the asker keeps.
    pub async fn webhook(&self, actor: &Actor, id: &str) -> Result<WebhookView, AppError> {
        let mut tx = self.read().await?;
        Ok(self.kept_webhook(&mut tx, actor, id).await?.0)
    }

    /// Changes a webhook. What waits for one that is switched off is given up.
    ///
    /// # Errors
    /// Something about it cannot be, or there is none that the asker keeps.
    pub async fn change_webhook(
        &self,
        actor: &Actor,
        id: &str,
        settings: &WebhookSettings,
    ) -> Result<WebhookView, AppError> {
        let mut tx = self.begin().await?;
        let (found, allowed) = self.kept_webhook(&mut tx, actor, id).await?;
        self.check_webhook(&found.of, settings)?;
        let mut webhook = found.webhook;
        self.set(&mut webhook, settings);
        rows::update(&mut tx, &webhook).await?;
        if !settings.is_active {
            rows::give_up(&mut tx, &webhook.id, self.now()).await?;
        }
        let after = if settings.is_active { "active" } else { "off" };
        self.record_webhook(&mut tx, (actor, allowed), &webhook.id, after)
            .await?;
        tx.commit().await?;
        Ok(view(&found.of, webhook))
    }

    /// Deletes a webhook with all that was sent to it.
    ///
    /// # Errors
    /// There is none that the asker keeps.
    pub async fn delete_webhook(&self, actor: &Actor, id: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (found, allowed) = self.kept_webhook(&mut tx, actor, id).await?;
        rows::delete(&mut tx, &found.webhook.id).await?;
        self.record_webhook(&mut tx, (actor, allowed), &found.webhook.id, "deleted")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Gives a webhook a new secret, which is shown once. The one before signs beside it for a day.
    ///
    /// # Errors
    /// There is none that the asker keeps.
    pub async fn renew_webhook_secret(&self, actor: &Actor, id: &str) -> Result<String, AppError> {
        let mut tx = self.begin().await?;
        let (found, allowed) = self.kept_webhook(&mut tx, actor, id).await?;
        let mut webhook = found.webhook;
        let new = hex::encode(random::<32>());
        webhook.old_salt = Some(std::mem::replace(&mut webhook.salt, new));
        webhook.old_until = Some(self.now() + OLD_SECRET);
        rows::update(&mut tx, &webhook).await?;
        self.record_webhook(&mut tx, (actor, allowed), &webhook.id, "new secret")
            .await?;
        tx.commit().await?;
        Ok(self.webhook_secret(&webhook, &webhook.salt).reveal())
    }

    /// Queues an event that says nothing, to see whether it arrives.
    ///
    /// # Errors
    /// The webhook is off, or there is none that the asker keeps.
    pub async fn test_webhook(&self, actor: &Actor, id: &str) -> Result<Delivery, AppError> {
        let mut tx = self.begin().await?;
        let (found, allowed) = self.kept_webhook(&mut tx, actor, id).await?;
        let webhook = active(found)?;
        let subject = webhook.id.to_string();
        let cause = format!("{PING}:{}", self.id(DeliveryId::new));
        let data = serde_json::json!({ "webhook": subject });
        let delivery = self.delivery(&webhook, (PING, cause), (&subject, &data));
        rows::queue(&mut tx, &delivery).await?;
        self.record_webhook(&mut tx, (actor, allowed), &webhook.id, "tested")
            .await?;
        tx.commit().await?;
        self.webhook_queued.notify_one();
        Ok(delivery)
    }

    /// Returns a part of what was sent or is to be sent to a webhook, newest first.
    ///
    /// # Errors
    /// There is no webhook that the asker keeps.
    pub async fn webhook_deliveries(
        &self,
        actor: &Actor,
        id: &str,
        part: Part<'_>,
    ) -> Result<Vec<Delivery>, AppError> {
        let mut tx = self.read().await?;
        let (found, _) = self.kept_webhook(&mut tx, actor, id).await?;
        Ok(rows::deliveries(&mut tx, &found.webhook.id, part).await?)
    }

    /// Returns a delivery and every attempt of it.
    ///
    /// # Errors
    /// There is none, or its webhook is not the asker's to keep.
    pub async fn webhook_delivery(
        &self,
        actor: &Actor,
        id: &str,
        delivery: &str,
    ) -> Result<(Delivery, Vec<Attempt>), AppError> {
        let mut tx = self.read().await?;
        let (found, _) = self.kept_webhook(&mut tx, actor, id).await?;
        let delivery = delivery_of(&mut tx, &found.webhook, delivery).await?;
        let attempts = rows::attempts(&mut tx, &delivery.id).await?;
        Ok((delivery, attempts))
    }

    /// Sends a delivery again, as it was and under the same identifier.
    ///
    /// # Errors
    /// The webhook is off, or there is none that the asker keeps, or no such delivery.
    pub async fn redeliver_webhook(
        &self,
        actor: &Actor,
        id: &str,
        delivery: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (found, allowed) = self.kept_webhook(&mut tx, actor, id).await?;
        let mut delivery = delivery_of(&mut tx, &found.webhook, delivery).await?;
        let webhook = active(found)?;
        delivery.state = DeliveryState::Waiting;
        delivery.due_at = self.now();
        delivery.tries = 0;
        rows::set_delivery(&mut tx, &delivery).await?;
        self.record_webhook(&mut tx, (actor, allowed), &webhook.id, "sent again")
            .await?;
        tx.commit().await?;
        self.webhook_queued.notify_one();
        Ok(())
    }

    /// Forgets what was sent long ago; gives how many deliveries.
    ///
    /// # Errors
    /// The database refused.
    pub async fn forget_webhook_deliveries(&self) -> Result<usize, AppError> {
        let before = DeliveryId::new(self.now() - KEPT, [0; 10]);
        let mut tx = self.begin().await?;
        let count = rows::forget(&mut tx, &before).await?;
        tx.commit().await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Returns who an owner is and what allows the asker to keep its webhooks.
    async fn webhook_owner(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        of: &WebhookOf,
    ) -> Result<(WebhookOwner, Action), AppError> {
        let account = actor.require_account("to keep webhooks")?;
        let (owner, publisher, action) = match of {
            WebhookOf::Me => {
                let owner = WebhookOwner::Account(account.id.clone());
                (owner, None, Action::ManageOwnWebhooks)
            }
            WebhookOf::Publisher(slug) => {
                let id = self.member_publisher(tx, actor, slug).await?.id;
                let owner = WebhookOwner::Publisher(id.clone());
                (owner, Some(id), Action::ManageWebhooks)
            }
            WebhookOf::Market => (WebhookOwner::Market, None, Action::ManageMarketWebhooks),
        };
        self.authorize(tx, actor, action, publisher.as_ref())
            .await?;
        Ok((owner, action))
    }

    /// Returns a webhook that the asker keeps, and what allows it. Whose webhooks one may not
    /// keep, one does not learn of.
    async fn kept_webhook(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: &str,
    ) -> Result<(WebhookView, Action), AppError> {
        let missing = || AppError::not_found("webhook", id);
        let account = actor.require_account("to keep webhooks")?;
        let parsed: WebhookId = id.parse().map_err(|_malformed| missing())?;
        let webhook = rows::find(tx, &parsed).await?.ok_or_else(missing)?;
        let of = match &webhook.owner {
            WebhookOwner::Account(owner) if *owner == account.id => WebhookOf::Me,
            WebhookOwner::Market if actor.is_operator() => WebhookOf::Market,
            WebhookOwner::Publisher(id) => {
                let publisher = store::publishers::find(tx, id).await?.ok_or_else(missing)?;
                WebhookOf::Publisher(publisher.slug.to_string())
            }
            _ => return Err(missing()),
        };
        match self.webhook_owner(tx, actor, &of).await {
            Ok((_, allowed)) => Ok((view(&of, webhook), allowed)),
            Err(AppError::NotFound { .. }) => Err(missing()),
            Err(error) => Err(error),
        }
    }

    fn check_webhook(&self, of: &WebhookOf, settings: &WebhookSettings) -> Result<(), AppError> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            problems.push(Problem {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        let over_http = self.config.webhooks_over_http;
        if let Err(message) = check_webhook_url(settings.url.trim(), over_http) {
            wrong("url", message);
        }
        let description = settings.description.trim();
        if description.chars().count() > MAX_DESCRIPTION || description.contains(char::is_control) {
            wrong("description", "use one line of at most 200 characters");
        }
        if settings.kinds.is_empty() {
            wrong("kinds", "choose at least one kind of event");
        }
        if settings.kinds.len() > MOST_KINDS {
            wrong("kinds", "name each kind of event once");
        }
        if !settings.kinds.iter().all(|kind| of.may_hear(*kind)) {
            wrong("kinds", "subscribers hear of listings only");
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(AppError::Invalid(problems)),
        }
    }

    /// Takes over what was checked.
    fn set(&self, webhook: &mut Webhook, settings: &WebhookSettings) {
        let kinds = EventKind::ALL
            .iter()
            .filter(|kind| settings.kinds.contains(kind));
        let kinds: Vec<_> = kinds.map(|kind| kind.as_str()).collect();
        webhook.kinds = kinds.join(" ");
        settings.url.trim().clone_into(&mut webhook.url);
        let description = settings.description.trim();
        description.clone_into(&mut webhook.description);
        match (settings.is_active, webhook.disabled_at) {
            (false, None) => webhook.disabled_at = Some(self.now()),
            (true, Some(_)) => {
                webhook.disabled_at = None;
                webhook.disabled_why = None;
                webhook.failing_since = None;
            }
            _ => {}
        }
    }

    /// Derives the secret that belongs to a salt of a webhook.
    fn webhook_secret(&self, webhook: &Webhook, salt: &str) -> WebhookSecret {
        let salt = format!("webhook\n{}\n{salt}", webhook.id);
        WebhookSecret::new(self.keys.trust.derive_seed(salt.as_bytes()))
    }

    async fn record_webhook(
        &self,
        tx: &mut Tx,
        (actor, allowed): (&Actor, Action),
        id: &WebhookId,
        after: &str,
    ) -> Result<(), AppError> {
        let change = Change {
            subject: id.as_str(),
            after: Some(after),
            ..Change::default()
        };
        self.record(tx, actor, allowed, change).await
    }
}

fn view(of: &WebhookOf, webhook: Webhook) -> WebhookView {
    let settings = WebhookSettings {
        url: webhook.url.clone(),
        description: webhook.description.clone(),
        kinds: kinds(&webhook).collect(),
        is_active: webhook.disabled_at.is_none(),
    };
    WebhookView {
        of: of.clone(),
        settings,
        webhook,
    }
}

/// Returns of which events a webhook is told; what is no kind any more is left out.
fn kinds(webhook: &Webhook) -> impl Iterator<Item = EventKind> {
    let words = webhook.kinds.split_whitespace();
    words.filter_map(|word| word.parse().ok())
}

fn active(found: WebhookView) -> Result<Webhook, AppError> {
    match found.settings.is_active {
        true => Ok(found.webhook),
        false => Err(AppError::Conflict(
            "the webhook is off: switch it on first".to_owned(),
        )),
    }
}

async fn delivery_of(tx: &mut Tx, webhook: &Webhook, id: &str) -> Result<Delivery, AppError> {
    let missing = || AppError::not_found("delivery", id);
    let parsed: DeliveryId = id.parse().map_err(|_malformed| missing())?;
    let found = rows::find_delivery(tx, &parsed).await?;
    found
        .filter(|delivery| delivery.webhook_id == webhook.id)
        .ok_or_else(missing)
}
