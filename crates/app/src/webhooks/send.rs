//! Events on their way out. Whoever sends to a webhook has it alone for a while, so a slow
//! receiver takes up one connection and delays nobody else; what is not said to have ended by
//! then is sent again, under the same identifier.

use chrono::TimeDelta;
use market::{
    Action, DeliveryId, DeliveryState, EventId, NoticeKind, WEBHOOK_ATTEMPTS, WebhookId,
    WebhookOwner, is_hopeless, mail_back_off,
};
use store::{
    Tx,
    webhooks::{self as rows, Attempt, Delivery, Webhook},
};

use crate::{Actor, App, AppError, notices::News};

/// How long somebody has a webhook to send to it; longer than any attempt takes.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// So much is kept of an answer, in bytes.
const MAX_ANSWER: usize = 1_000;
/// The receiver wants no more (RFC 9110, section 15.5.11).
const GONE: u16 = 410;

const NOTHING_TAKEN: &str = "nothing was taken for five days";
const IS_GONE: &str = "its address answered 410 Gone";

/// A request to make.
#[derive(Debug, Clone)]
pub struct WebhookCall {
    /// What is sent.
    pub delivery: DeliveryId,
    /// To whom.
    pub webhook: WebhookId,
    /// Where it goes. Some receivers have secrets in it: it is not logged.
    pub url: String,
    /// The headers beside those of HTTP itself.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What became of a request.
#[derive(Debug, Clone, Default)]
pub struct WebhookAnswer {
    /// The answer's status, where there was an answer.
    pub status: Option<u16>,
    /// The start of its body.
    pub body: String,
    /// Why there was no answer.
    pub error: Option<String>,
    /// Milliseconds it took.
    pub millis: i64,
}

impl WebhookAnswer {
    /// Returns why it counts as a failure, if it does. Only 2xx is success; redirects are not
    /// followed, because they could lead anywhere.
    fn failure(&self) -> Option<String> {
        match (&self.error, self.status) {
            (Some(error), _) => Some(error.clone()),
            (None, Some(200..=299)) => None,
            (None, Some(status @ 300..=399)) => Some(format!(
                "it answered {status}; redirects are not followed: use the address they lead to"
            )),
            (None, Some(status)) => Some(format!("it answered {status}")),
            (None, None) => Some("it gave no answer".to_owned()),
        }
    }
}

impl App {
    /// Takes requests that are to be made now, one a webhook and `limit` at most. Costs one
    /// look while there are none.
    ///
    /// # Errors
    /// The database refused.
    pub async fn take_webhook_calls(&self, limit: usize) -> Result<Vec<WebhookCall>, AppError> {
        let now = self.now();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let due = rows::due(&mut self.read().await?, now, limit).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let mut calls = Vec::new();
        for webhook in due {
            if !rows::lease(&mut tx, &webhook, now + LEASE).await? {
                continue;
            }
            match rows::first_due(&mut tx, &webhook.id, now).await? {
                Some(delivery) => calls.push(self.call(webhook, delivery)),
                None => rows::release(&mut tx, &webhook.id, now).await?,
            }
        }
        tx.commit().await?;
        Ok(calls)
    }

    /// Waits until an event was queued that its owner waits for, at this node.
    pub async fn webhook_queued(&self) {
        self.webhook_queued.notified().await;
    }

    /// Signs a delivery (Standard Webhooks 1.0, "Webhook headers"); for a day after a change,
    /// with the secret before as well.
    fn call(&self, webhook: Webhook, delivery: Delivery) -> WebhookCall {
        let (id, timestamp) = (delivery.id.as_str(), self.now().timestamp());
        let is_old = |until| until > self.now();
        let old = webhook.old_until.is_some_and(is_old);
        let salts = [
            Some(&webhook.salt),
            webhook.old_salt.as_ref().filter(|_| old),
        ];
        let signatures: Vec<_> = salts
            .into_iter()
            .flatten()
            .map(|salt| {
                let secret = self.webhook_secret(&webhook, salt);
                secret.sign(id, timestamp, &delivery.body)
            })
            .collect();
        WebhookCall {
            headers: vec![
                ("content-type", "application/cloudevents+json".to_owned()),
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", timestamp.to_string()),
                ("webhook-signature", signatures.join(" ")),
            ],
            delivery: delivery.id,
            webhook: webhook.id,
            url: webhook.url,
            body: delivery.body,
        }
    }

    /// Notes what became of a request. A failure is tried again, less and less often; a
    /// webhook that takes nothing for days, or says that it is gone, is disabled.
    ///
    /// # Errors
    /// The database refused.
    pub async fn webhook_call_ended(
        &self,
        call: &WebhookCall,
        answer: &WebhookAnswer,
    ) -> Result<(), AppError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        // First, so that what is read below stays true until it is written.
        rows::release(&mut tx, &call.webhook, now).await?;
        let webhook = rows::find(&mut tx, &call.webhook).await?;
        let delivery = rows::find_delivery(&mut tx, &call.delivery).await?;
        // It may have been deleted meanwhile.
        let (Some(mut webhook), Some(mut delivery)) = (webhook, delivery) else {
            return Ok(());
        };
        let failure = answer.failure();
        let attempt = Attempt {
            number: 0,
            at: now,
            millis: answer.millis,
            status: answer.status.map(i64::from),
            answer: start_of(&answer.body),
            error: failure.clone(),
        };
        rows::add_attempt(&mut tx, &delivery.id, &attempt).await?;
        let is_gone = answer.status == Some(GONE);
        delivery.tries += 1;
        (delivery.state, delivery.due_at) = match failure {
            None => (DeliveryState::Delivered, now),
            // It was switched off meanwhile, or will be.
            Some(_) if is_gone || webhook.disabled_at.is_some() => (DeliveryState::Failed, now),
            Some(_) if delivery.tries >= WEBHOOK_ATTEMPTS => (DeliveryState::Failed, now),
            Some(_) => (DeliveryState::Waiting, now + mail_back_off(delivery.tries)),
        };
        rows::set_delivery(&mut tx, &delivery).await?;
        let since = webhook.failing_since.unwrap_or(now);
        webhook.failing_since = failure.is_some().then_some(since);
        rows::update(&mut tx, &webhook).await?;
        if is_gone {
            self.disable_webhook(&mut tx, webhook, IS_GONE).await?;
        } else if delivery.state == DeliveryState::Failed && is_hopeless(since, now) {
            self.disable_webhook(&mut tx, webhook, NOTHING_TAKEN)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Disables a webhook, gives up what waits for it, and tells whoever keeps it.
    async fn disable_webhook(
        &self,
        tx: &mut Tx,
        mut webhook: Webhook,
        why: &str,
    ) -> Result<(), AppError> {
        if webhook.disabled_at.is_some() {
            return Ok(());
        }
        let now = self.now();
        webhook.disabled_at = Some(now);
        webhook.disabled_why = Some(why.to_owned());
        rows::update(tx, &webhook).await?;
        rows::give_up(tx, &webhook.id, now).await?;
        let action = match webhook.owner {
            WebhookOwner::Account(_) => Action::ManageOwnWebhooks,
            WebhookOwner::Publisher(_) => Action::ManageWebhooks,
            WebhookOwner::Market => Action::ManageMarketWebhooks,
        };
        self.record_webhook(tx, (&Actor::system(), action), &webhook.id, "disabled")
            .await?;
        let host = webhook.url.split('/').nth(2).unwrap_or_default();
        let news = News {
            kind: NoticeKind::Webhook,
            cause: format!("disabled:{}:{}", webhook.id, self.id(EventId::new)),
            title: format!("The webhook to {host} was disabled"),
            body: format!(
                "The webhook to {host} was disabled: {why}. Its page has what was sent and what came back; switch it on again when its receiver works."
            ),
            path: &format!("/webhooks/{}", webhook.id),
            product: None,
        };
        let keepers = rows::keepers(tx, &webhook.owner).await?;
        self.tell(tx, &keepers, &news).await
    }
}

/// Returns the start of an answer, as the databases and pages can have it.
fn start_of(body: &str) -> String {
    let end = body.floor_char_boundary(MAX_ANSWER);
    body[..end].replace('\0', "\u{fffd}")
}
