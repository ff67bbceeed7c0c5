//! Who is told of what, and in which words. What consumers read names no vulnerability
//! (programme and policies, "Classification of Issues").

use market::{
    AccountId, Decision, EventId, HOLD_DAYS, ListingEvent, NoticeKind, Reminder, SubmissionEvent,
    SubmissionId, VexDecision, VexEvent,
};
use oci::Digest;
use store::{
    Tx,
    classifications::Classification,
    products::Product,
    promises::{Beginning, Promise},
    publishers::Publisher,
    submissions::{Comment, Submission},
    vex::VexStatement,
    waivers::Waiver,
};

use super::News;
use crate::{Actor, App, AppError, clock::to_the_minute};

impl App {
    /// Tells of a listing's change: its publisher, and those who have the product.
    pub(crate) async fn tell_of_listing(
        &self,
        tx: &mut Tx,
        (actor, product, name): (&Actor, &Product, &str),
        event: ListingEvent,
        reason: Option<&str>,
    ) -> Result<(), AppError> {
        let reason = reason
            .map(|reason| format!("\n\n{reason}"))
            .unwrap_or_default();
        let (kind, title, to_publisher, to_consumers) = match event {
            ListingEvent::Release => (
                NoticeKind::Released,
                format!("{name}: a new release"),
                format!("The release of {name} is signed and on the market."),
                format!(
                    "{name} has a new release. Pull it as before; the product's page says what it has."
                ),
            ),
            ListingEvent::Hold => (
                NoticeKind::OnHold,
                format!("{name} is on hold"),
                format!(
                    "The listing {name} was put on hold. It takes no new subscriptions, and pulls bear a warning. Release a fix to end this; after {HOLD_DAYS} days on hold it is revoked.{reason}"
                ),
                format!(
                    "The listing {name} is on hold: its publisher has not kept what the programme asks for. What you run keeps running and pulls go on, with a warning. If this is not mended within {HOLD_DAYS} days, the listing is revoked."
                ),
            ),
            ListingEvent::Reinstate => (
                NoticeKind::Reinstated,
                format!("{name} is no longer on hold"),
                format!("The hold on {name} was lifted.{reason}"),
                format!("The hold on {name} was lifted. Pull its newest release."),
            ),
            ListingEvent::Revoke => (
                NoticeKind::Revoked,
                format!("{name} was revoked"),
                format!("The listing {name} was revoked and can no longer be pulled.{reason}"),
                format!(
                    "The listing {name} was revoked: it can no longer be pulled, and nobody vouches for what you have of it. Replace it."
                ),
            ),
            ListingEvent::Withdraw => (
                NoticeKind::Withdrawn,
                format!("{name} was withdrawn"),
                format!("{name} was taken off the market.{reason}"),
                format!("{name} was taken off the market by its publisher."),
            ),
        };
        let path = format!("/p/{name}");
        let cause = format!("{kind}:{}:{}", product.id, self.id(EventId::new));
        let news = |body| News {
            kind,
            cause: cause.clone(),
            title: title.clone(),
            body,
            path: &path,
            product: Some(&product.id),
        };
        let publisher = store::notices::publishers_people(tx, &product.publisher_id).await?;
        let publisher = without(publisher, actor);
        self.tell(tx, &publisher, &news(to_publisher)).await?;
        // A warning goes to those who have the image, anything else to whoever may pull it.
        let downloaded = event == ListingEvent::Hold;
        let consumers = store::notices::consumers(tx, &product.id, downloaded).await?;
        let consumers = without(consumers, actor);
        self.tell(tx, &consumers, &news(to_consumers)).await
    }

    /// Tells of a submission's change: its publisher, and the team whose turn it is.
    pub(crate) async fn tell_of_submission(
        &self,
        tx: &mut Tx,
        (actor, submission): (&Actor, &Submission),
        event: SubmissionEvent,
        reason: Option<&str>,
    ) -> Result<(), AppError> {
        let Some(product) = store::products::find(tx, &submission.product_id).await? else {
            return Ok(());
        };
        let name = self.name_of(tx, &product).await?;
        let number = submission.number;
        let reason = reason.unwrap_or_default();
        let (kind, title, body) = match event {
            SubmissionEvent::Inspected => (
                NoticeKind::Inspected,
                format!("{name}: submission {number} is ready for review"),
                format!(
                    "Submission {number} of {name} was inspected. What the machine found stands on its page; reviewers come next."
                ),
            ),
            SubmissionEvent::InspectionFailed => (
                NoticeKind::Inspected,
                format!("{name}: submission {number} cannot be inspected"),
                format!("Submission {number} of {name} could not be inspected.\n\n{reason}"),
            ),
            SubmissionEvent::Decided(decision) => {
                let when = crate::publication::words(submission.publication, submission.publish_at);
                let what = match decision {
                    Decision::Approve if submission.is_due(self.now()) => {
                        "is approved and is being released".to_owned()
                    }
                    Decision::Approve => format!("is approved and goes public {when}"),
                    Decision::RequestChanges => "needs changes".to_owned(),
                    Decision::Reject => "was rejected".to_owned(),
                };
                (
                    NoticeKind::Decided,
                    format!("{name}: submission {number} {what}"),
                    format!("Submission {number} of {name} {what}.\n\n{reason}"),
                )
            }
            _ => return Ok(()),
        };
        let news = News {
            kind,
            cause: format!("{kind}:{}:{}", submission.id, self.id(EventId::new)),
            title,
            body,
            path: &page_of(&submission.id),
            product: Some(&product.id),
        };
        let mut people = store::notices::publishers_people(tx, &product.publisher_id).await?;
        if event == SubmissionEvent::Inspected {
            people.extend(store::notices::staff(tx).await?);
        }
        self.tell(tx, &without(people, actor), &news).await
    }

    /// Tells of a remark: the publisher, and who wrote in the thread before.
    pub(crate) async fn tell_of_remark(
        &self,
        tx: &mut Tx,
        (actor, submission): (&Actor, &Submission),
        remark: &Comment,
    ) -> Result<(), AppError> {
        let Some(product) = store::products::find(tx, &submission.product_id).await? else {
            return Ok(());
        };
        let name = self.name_of(tx, &product).await?;
        let author = actor.signed_in().map(|account| account.name.as_str());
        let news = News {
            kind: NoticeKind::Remark,
            cause: format!("remark:{}", remark.id),
            title: format!("{name}: a remark on submission {}", submission.number),
            body: format!("{} wrote:\n\n{}", author.unwrap_or("Somebody"), remark.body),
            path: &page_of(&submission.id),
            product: Some(&product.id),
        };
        let mut people = store::notices::publishers_people(tx, &product.publisher_id).await?;
        people.extend(store::notices::thread(tx, &submission.id).await?);
        self.tell(tx, &without(people, actor), &news).await
    }

    /// Tells the certification team of statements that wait, all that came at once in one notice.
    pub(crate) async fn tell_of_new_vex(
        &self,
        tx: &mut Tx,
        (actor, product): (&Actor, &Product),
        made: &[VexStatement],
    ) -> Result<(), AppError> {
        let Some(first) = made.first() else {
            return Ok(());
        };
        let name = self.name_of(tx, product).await?;
        let (count, words) = match made.len() {
            1 => (1, "statement waits"),
            count => (count, "statements wait"),
        };
        let news = News {
            kind: NoticeKind::Statement,
            cause: format!("stated:{}", first.id),
            title: format!("{name}: {count} {words} for review"),
            body: format!(
                "{count} {words} about vulnerabilities in {name}. Accept or refuse on the product's page of statements; until then the findings stand."
            ),
            path: &statements_of(&name),
            product: Some(&product.id),
        };
        let people = store::notices::staff(tx).await?;
        self.tell(tx, &without(people, actor), &news).await
    }

    /// Tells a publisher what became of a statement of theirs.
    pub(crate) async fn tell_of_vex(
        &self,
        tx: &mut Tx,
        (actor, statement): (&Actor, &VexStatement),
        event: VexEvent,
        reason: Option<&str>,
    ) -> Result<(), AppError> {
        let (publisher, product) = self.home_of_vex(tx, statement).await?;
        let (what, then) = match event {
            VexEvent::Decided(VexDecision::Accept) if statement.claim.status.closes() => {
                ("was accepted", "Its findings need no fix while it counts.")
            }
            VexEvent::Decided(VexDecision::Accept) => ("was accepted", "It is public now."),
            VexEvent::Decided(VexDecision::Refuse) => ("was refused", "Its findings stand."),
            VexEvent::Expired => (
                "no longer counts",
                "The time it was accepted for is over. Its findings stand again, and what is on the market has a new time to fix from now. State it anew if it is still true.",
            ),
            VexEvent::Replaced => return Ok(()),
        };
        let name = format!("{}/{}", publisher.slug, product.slug);
        let (vulnerability, status) = (&statement.scope.vulnerability, statement.claim.status);
        let reason = reason.map(|reason| format!("\n\n{reason}"));
        let news = News {
            kind: NoticeKind::Statement,
            cause: format!("{what}:{}:{}", statement.id, self.id(EventId::new)),
            title: format!("{name}: your statement about {vulnerability} {what}"),
            body: format!(
                "“{}” about {vulnerability} in {name} {what}. {then}{}",
                status.title(),
                reason.unwrap_or_default()
            ),
            path: &statements_of(&name),
            product: Some(&product.id),
        };
        let people = store::notices::publishers_people(tx, &publisher.id).await?;
        self.tell(tx, &without(people, actor), &news).await
    }

    /// Tells a publisher of promises of one release that begin: this is the notice that the
    /// programme counts from.
    pub(crate) async fn tell_of_beginning(
        &self,
        tx: &mut Tx,
        (product, name): (&Product, &str),
        beginning: &[Beginning],
    ) -> Result<(), AppError> {
        let Some(first) = beginning.first() else {
            return Ok(());
        };
        let is_put = self.is_put_on_hold();
        let count: i64 = beginning.iter().map(|it| it.findings).sum();
        let findings = if count == 1 { "finding" } else { "findings" };
        let time = |at| to_the_minute(at).to_string();
        let lines = beginning.iter().map(|it| {
            format!(
                "{} {} by {}",
                it.findings,
                it.class.title(),
                time(it.due_at)
            )
        });
        let lines = lines.collect::<Vec<String>>().join(", ");
        let image = self.image_of(tx, &first.submission_id).await?;
        // What begins at one moment of one image is one cause, under however many tags it is
        // released; what begins a moment later is another.
        let each = beginning.iter();
        let each = each.map(|it| (it.class.as_str(), it.due_at.timestamp_micros(), it.findings));
        let begun = format!("{:?}", each.collect::<Vec<_>>());
        let begun = Digest::of(begun.as_bytes());
        let news = News {
            kind: NoticeKind::Promise,
            cause: format!("begun:{}:{image}:{}", product.id, begun.hex()),
            title: format!(
                "{name}: {count} {findings} to fix, the first by {}",
                time(first.due_at)
            ),
            body: format!(
                "The release of {name} has {count} {findings} with a time to fix that starts now: {lines}. Release what mends them by then, or state why they do no harm; otherwise the listing {is_put} on hold. They stand on the submission's page."
            ),
            path: &page_of(&first.submission_id),
            product: Some(&product.id),
        };
        let people = store::notices::publishers_people(tx, &product.publisher_id).await?;
        self.tell(tx, &people, &news).await
    }

    /// Tells a publisher of a class by hand: what it is from now on, or that it is taken back.
    pub(crate) async fn tell_of_class(
        &self,
        tx: &mut Tx,
        product: &Product,
        by_hand: &Classification,
    ) -> Result<(), AppError> {
        let name = self.name_of(tx, product).await?;
        let (vulnerability, class) = (&by_hand.vulnerability, by_hand.class.title());
        let (what, reason) = match &by_hand.end_reason {
            None => (format!("is {class} by hand"), &by_hand.reason),
            Some(reason) => (format!("is no longer {class} by hand"), reason),
        };
        let news = News {
            kind: NoticeKind::Classified,
            cause: format!("{what}:{}:{}", by_hand.id, product.id),
            title: format!("{name}: {vulnerability} {what}"),
            body: format!(
                "The certification team decided on {vulnerability} in {name}: it {what}. The time to fix follows; the findings stand on the submission's page.\n\n{reason}"
            ),
            path: &format!("/publisher/{name}"),
            product: Some(&product.id),
        };
        let people = store::notices::publishers_people(tx, &product.publisher_id).await?;
        self.tell(tx, &people, &news).await
    }

    /// Tells a publisher that a check is waived, or has to be passed again.
    pub(crate) async fn tell_of_waiver(
        &self,
        tx: &mut Tx,
        (actor, publisher, product): (&Actor, &Publisher, &Product),
        waiver: &Waiver,
    ) -> Result<(), AppError> {
        let (name, check) = (
            format!("{}/{}", publisher.slug, product.slug),
            &waiver.check_id,
        );
        let (what, reason) = match &waiver.end_reason {
            Some(reason) => ("has to be passed again".to_owned(), reason),
            None => {
                let until = to_the_minute(waiver.ends_at);
                (format!("is waived until {until}"), &waiver.reason)
            }
        };
        let news = News {
            kind: NoticeKind::Waiver,
            cause: format!("{what}:{}", waiver.id),
            title: format!("{name}: the check {check} {what}"),
            body: format!(
                "The certification check {check} {what} by {name}. Attestations say waived, never passed.\n\n{reason}"
            ),
            path: &format!("/publisher/{name}"),
            product: Some(&product.id),
        };
        let people = store::notices::publishers_people(tx, &publisher.id).await?;
        self.tell(tx, &without(people, actor), &news).await
    }

    /// Returns how sure it is that a broken promise leads to a hold.
    fn is_put_on_hold(&self) -> &'static str {
        match self.config.review.confirm_holds {
            true => "may be put",
            false => "is put",
        }
    }

    /// Returns the image that was submitted, which may be on the market under several tags.
    async fn image_of(&self, tx: &mut Tx, id: &SubmissionId) -> Result<String, AppError> {
        let found = store::submissions::find(tx, id).await?;
        let found = found.ok_or_else(|| AppError::not_found("submission", id.as_str()))?;
        Ok(found.digest)
    }

    /// Reminds a publisher of a promise.
    pub(crate) async fn remind(
        &self,
        tx: &mut Tx,
        product: &Product,
        (promise, reminder): (&Promise, Reminder),
    ) -> Result<(), AppError> {
        let (name, is_put) = (self.name_of(tx, product).await?, self.is_put_on_hold());
        let left = match reminder {
            Reminder::Half => "half of the time has gone",
            Reminder::Day => "less than a day is left",
            Reminder::Hour => "less than an hour is left",
        };
        let (count, due) = (promise.findings, to_the_minute(promise.due_at));
        let findings = if count == 1 { "finding" } else { "findings" };
        let image = self.image_of(tx, &promise.submission_id).await?;
        let news = News {
            kind: NoticeKind::FixDue,
            cause: format!(
                "{reminder}:{}:{image}:{}",
                product.id,
                promise.due_at.timestamp_micros()
            ),
            title: format!("{name}: {count} {findings} to fix by {due}"),
            body: format!(
                "{count} {findings} of the release of {name} must be fixed by {due}; {left}. Without a fix by then the listing {is_put} on hold. Submit a release that mends it; the findings stand on the submission's page."
            ),
            path: &page_of(&promise.submission_id),
            product: Some(&product.id),
        };
        let people = store::notices::publishers_people(tx, &product.publisher_id).await?;
        self.tell(tx, &people, &news).await
    }
}

/// Nobody is told what they did themselves.
pub(crate) fn without(mut people: Vec<AccountId>, actor: &Actor) -> Vec<AccountId> {
    if let Some(account) = actor.signed_in() {
        people.retain(|person| *person != account.id);
    }
    people
}

fn statements_of(name: &str) -> String {
    format!("/publisher/{name}/vex")
}

fn page_of(submission: &SubmissionId) -> String {
    format!("/submissions/{submission}")
}
