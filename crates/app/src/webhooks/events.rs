//! What webhooks are told: CloudEvents 1.0 in their structured JSON form. Each is written in
//! the transaction of its cause. What goes to subscribers says what everybody can see of a
//! listing, and no reason, for reasons name vulnerabilities.

use chrono::SecondsFormat;
use market::{
    DeliveryId, DeliveryState, EventId, EventKind, ListingEvent, ListingState, ProductId,
    PublisherId, Reminder, SubmissionEvent, WebhookOwner,
};
use serde_json::{Value, json};
use store::{
    Tx,
    products::Product,
    promises::{Beginning, Promise},
    publishers::Publisher,
    submissions::{Comment, Submission},
    webhooks::{self as rows, Delivery, Webhook},
};

use super::kinds;
use crate::{Actor, App, AppError};

/// Something that happened to a publisher.
struct Happening<'a> {
    kind: EventKind,
    /// What happened; whoever was told of it is not told again.
    cause: String,
    /// What it happened to, as people call it.
    subject: &'a str,
    publisher: &'a PublisherId,
    product: Option<&'a ProductId>,
    /// What anybody may hear who may hear of it at all.
    data: Value,
    /// Why, for the publisher and the operator.
    reason: Option<&'a str>,
}

impl App {
    /// Tells of a listing's change.
    pub(crate) async fn publish_listing(
        &self,
        tx: &mut Tx,
        (product, name): (&Product, &str),
        event: ListingEvent,
        reason: Option<&str>,
    ) -> Result<(), AppError> {
        let mut data = self.listing_data(name);
        let kind = match event {
            ListingEvent::Release => {
                if let Some(release) = store::releases::newest(tx, &product.id).await? {
                    let image = format!("{}/{name}", self.config.host());
                    data["tag"] = release.tag.clone().into();
                    data["digest"] = release.digest.clone().into();
                    data["image"] = format!("{image}:{}", release.tag).into();
                    data["certified"] = release.certified.into();
                }
                EventKind::Released
            }
            ListingEvent::Hold => {
                let ends = ListingState::revoked_at(self.now());
                data["revoked_at"] = json!(ends);
                EventKind::OnHold
            }
            ListingEvent::Reinstate => EventKind::Reinstated,
            ListingEvent::Revoke => EventKind::Revoked,
            ListingEvent::Withdraw => EventKind::Withdrawn,
        };
        self.publish_public(tx, (product, name), kind, (data, reason))
            .await
    }

    /// Tells of a tag that is no longer offered.
    pub(crate) async fn publish_tag_withdrawn(
        &self,
        tx: &mut Tx,
        about: (&Product, &str),
        (tag, digest): (&str, &str),
        reason: &str,
    ) -> Result<(), AppError> {
        let mut data = self.listing_data(about.1);
        data["tag"] = tag.into();
        data["digest"] = digest.into();
        let said = (data, Some(reason));
        self.publish_public(tx, about, EventKind::TagWithdrawn, said)
            .await
    }

    /// What every event about a listing says.
    fn listing_data(&self, name: &str) -> Value {
        json!({
            "product": name,
            "url": format!("{}/p/{name}", self.config.public_url),
        })
    }

    /// Tells of what everybody can see of a listing.
    async fn publish_public(
        &self,
        tx: &mut Tx,
        (product, name): (&Product, &str),
        kind: EventKind,
        (data, reason): (Value, Option<&str>),
    ) -> Result<(), AppError> {
        let happening = Happening {
            kind,
            cause: self.cause(kind, product.id.as_str()),
            subject: name,
            publisher: &product.publisher_id,
            product: Some(&product.id),
            data,
            reason,
        };
        self.publish(tx, happening).await
    }

    /// Tells of a decision on a publisher.
    pub(crate) async fn publish_publisher(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        reason: Option<&str>,
    ) -> Result<(), AppError> {
        let kind = EventKind::Publisher;
        let happening = Happening {
            kind,
            cause: self.cause(kind, publisher.id.as_str()),
            subject: publisher.slug.as_str(),
            publisher: &publisher.id,
            product: None,
            data: json!({
                "publisher": publisher.slug.as_str(),
                "state": publisher.state.as_str(),
                "url": format!("{}/publisher/{}", self.config.public_url, publisher.slug),
            }),
            reason,
        };
        self.publish(tx, happening).await
    }

    /// Tells of a submission's change.
    pub(crate) async fn publish_submission(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        event: SubmissionEvent,
        reason: Option<&str>,
    ) -> Result<(), AppError> {
        let (kind, outcome) = match event {
            SubmissionEvent::Inspected => (EventKind::Inspected, "ready-for-review"),
            SubmissionEvent::InspectionFailed => (EventKind::Inspected, "failed"),
            SubmissionEvent::Decided(decision) => (EventKind::Decided, decision.as_str()),
            _ => return Ok(()),
        };
        let more = json!({ "outcome": outcome });
        let cause = self.cause(kind, submission.id.as_str());
        self.publish_about(tx, submission, (kind, cause), (more, reason))
            .await
    }

    /// Tells of a remark.
    pub(crate) async fn publish_remark(
        &self,
        tx: &mut Tx,
        (actor, submission): (&Actor, &Submission),
        remark: &Comment,
    ) -> Result<(), AppError> {
        let kind = EventKind::Remark;
        let author = actor.signed_in().map(|account| account.name.as_str());
        let more = json!({ "remark": remark.id, "author": author, "text": remark.body });
        let cause = format!("{kind}:{}", remark.id);
        self.publish_about(tx, submission, (kind, cause), (more, None))
            .await
    }

    /// Tells of promises of one release that begin.
    pub(crate) async fn publish_beginning(
        &self,
        tx: &mut Tx,
        (product, name): (&Product, &str),
        beginning: &[Beginning],
    ) -> Result<(), AppError> {
        let Some(first) = beginning.first() else {
            return Ok(());
        };
        let kind = EventKind::PromiseBegun;
        let submission = &first.submission_id;
        let each = beginning.iter();
        let promises: Vec<Value> = each
            .map(|it| json!({ "class": it.class, "findings": it.findings, "due_at": it.due_at }))
            .collect();
        let happening = Happening {
            kind,
            cause: self.cause(kind, submission.as_str()),
            subject: name,
            publisher: &product.publisher_id,
            product: None,
            data: json!({
                "product": name,
                "submission": submission,
                "promises": promises,
                "url": self.submission_url(submission.as_str()),
            }),
            reason: None,
        };
        self.publish(tx, happening).await
    }

    /// Tells of a promise that ends soon.
    pub(crate) async fn publish_promise(
        &self,
        tx: &mut Tx,
        product: &Product,
        (promise, reminder): (&Promise, Reminder),
    ) -> Result<(), AppError> {
        let name = self.name_of(tx, product).await?;
        let kind = EventKind::FixDue;
        let (submission, due) = (&promise.submission_id, promise.due_at);
        let happening = Happening {
            kind,
            cause: format!("{kind}:{reminder}:{submission}:{}", due.timestamp_micros()),
            subject: &name,
            publisher: &product.publisher_id,
            product: None,
            data: json!({
                "product": name,
                "submission": submission,
                "findings": promise.findings,
                "due_at": due,
                "reminder": reminder.as_str(),
                "url": self.submission_url(submission.as_str()),
            }),
            reason: None,
        };
        self.publish(tx, happening).await
    }

    async fn publish_about(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        (kind, cause): (EventKind, String),
        (more, reason): (Value, Option<&str>),
    ) -> Result<(), AppError> {
        let Some(product) = store::products::find(tx, &submission.product_id).await? else {
            return Ok(());
        };
        let name = self.name_of(tx, &product).await?;
        let mut data = json!({
            "product": name,
            "submission": submission.id,
            "number": submission.number,
            "tag": submission.tag,
            "digest": submission.digest,
            "url": self.submission_url(submission.id.as_str()),
        });
        merge(&mut data, more);
        let happening = Happening {
            kind,
            cause,
            subject: &name,
            publisher: &product.publisher_id,
            product: None,
            data,
            reason,
        };
        self.publish(tx, happening).await
    }

    /// Queues an event for every webhook that is told of such, each once.
    async fn publish(&self, tx: &mut Tx, happening: Happening<'_>) -> Result<(), AppError> {
        let Happening {
            kind, publisher, ..
        } = happening;
        let product = happening.product.filter(|_| kind.is_public());
        let product = product.map_or("", ProductId::as_str);
        let mut inner = happening.data.clone();
        inner["reason"] = happening.reason.into();
        for webhook in rows::hearers(tx, publisher, product).await? {
            if !kinds(&webhook).any(|wanted| wanted == kind) {
                continue;
            }
            let data = match webhook.owner {
                WebhookOwner::Account(_) => &happening.data,
                WebhookOwner::Publisher(_) | WebhookOwner::Market => &inner,
            };
            let what = (kind.as_str(), happening.cause.clone());
            let delivery = self.delivery(&webhook, what, (happening.subject, data));
            rows::queue(tx, &delivery).await?;
        }
        Ok(())
    }

    /// Writes an event to a webhook (CloudEvents 1.0, "Context Attributes" and "JSON Event
    /// Format").
    pub(super) fn delivery(
        &self,
        webhook: &Webhook,
        (kind, cause): (&str, String),
        (subject, data): (&str, &Value),
    ) -> Delivery {
        let id = self.id(DeliveryId::new);
        let now = self.now();
        let event = json!({
            "specversion": "1.0",
            "id": id,
            "source": self.config.public_url,
            "type": format!("plimsoll.{kind}"),
            "subject": subject,
            "time": now.to_rfc3339_opts(SecondsFormat::Millis, true),
            "datacontenttype": "application/json",
            "data": data,
        });
        Delivery {
            id,
            webhook_id: webhook.id.clone(),
            cause,
            kind: kind.to_owned(),
            body: event.to_string(),
            created_at: now,
            state: DeliveryState::Waiting,
            due_at: now,
            tries: 0,
        }
    }

    fn cause(&self, kind: EventKind, subject: &str) -> String {
        format!("{kind}:{subject}:{}", self.id(EventId::new))
    }

    fn submission_url(&self, id: &str) -> String {
        format!("{}/submissions/{id}", self.config.public_url)
    }
}

fn merge(data: &mut Value, more: Value) {
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
}
