//! When an approved submission goes public: at once, at a time, or when somebody says so. The
//! job of a release looks at it again in the transaction that makes it public, so whatever is
//! set before that counts, and jobs that come for a time that was changed find nothing to do.

use chrono::{DateTime, SubsecRound, Utc};
use market::{
    Action, JobId, ListingState, MOST_PUBLICATION_DAYS, NoticeKind, Publication, SubmissionEvent,
    SubmissionState, can_be_published_at,
};
use store::{
    Tx,
    products::Product,
    submissions::{self as rows, Submission},
};

use crate::{Actor, App, AppError, audit::Change, jobs::JobKind, notices::News};

/// When a submission is to go public once it is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicationTime {
    /// As soon as it is approved.
    AtOnce,
    /// At a time, to the second.
    At(DateTime<Utc>),
    /// When somebody says so.
    Held,
}

impl PublicationTime {
    fn columns(self) -> (Publication, Option<DateTime<Utc>>) {
        match self {
            Self::AtOnce => (Publication::AtOnce, None),
            Self::At(at) => (Publication::AtTime, Some(at.trunc_subsecs(0))),
            Self::Held => (Publication::Held, None),
        }
    }
}

impl App {
    /// Sets when a submission goes public once it is approved; an approved one for which that
    /// is now is released.
    ///
    /// # Errors
    /// There is no such submission, its way has ended, the time is over or too far away, or the
    /// asker may not.
    pub async fn set_publication(
        &self,
        actor: &Actor,
        submission: &str,
        when: PublicationTime,
    ) -> Result<Submission, AppError> {
        let mut tx = self.begin().await?;
        let (before, _) = self
            .visible_submission(&mut tx, actor, submission, Action::SetPublication)
            .await?;
        if !is_on_its_way(before.state) {
            return Err(AppError::Conflict(format!(
                "the submission is {}: nothing of it goes public any more",
                before.state
            )));
        }
        let (publication, publish_at) = when.columns();
        if publish_at.is_some_and(|at| !can_be_published_at(at, self.now())) {
            return Err(AppError::Conflict(format!(
                "choose a time that is not over and at most {MOST_PUBLICATION_DAYS} days away"
            )));
        }
        if (before.publication, before.publish_at) == (publication, publish_at) {
            return Ok(before);
        }
        if !rows::set_publication(&mut tx, &before, publication, publish_at).await? {
            return Err(AppError::changed_meanwhile("submission"));
        }
        let was = words(before.publication, before.publish_at);
        let after = Submission {
            publication,
            publish_at,
            ..before
        };
        let is = words(publication, publish_at);
        let change = Change {
            subject: after.id.as_str(),
            before: Some(&was),
            after: Some(&is),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::SetPublication, change)
            .await?;
        if after.state == SubmissionState::Approved {
            self.publish_when_due(&mut tx, &after).await?;
        }
        self.tell_of_publication(&mut tx, (actor, &after), &is)
            .await?;
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(after)
    }

    /// Has an approved submission released at its time; one that is held back waits.
    pub(crate) async fn publish_when_due(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<(), AppError> {
        let run_at = match (submission.publication, submission.publish_at) {
            (Publication::Held, _) => return Ok(()),
            (Publication::AtTime, Some(at)) => at.max(self.now()),
            _ => self.now(),
        };
        // Each has a job of its own: one that is at work does not look again.
        let job = JobKind::Release {
            submission: submission.id.clone(),
            at: Some(run_at),
        };
        self.enqueue_for(tx, self.id(JobId::new), &job, run_at)
            .await
    }

    /// Returns when the submission that takes the place of `last` goes public.
    pub(crate) fn inherited_publication(
        &self,
        last: Option<&Submission>,
    ) -> (Publication, Option<DateTime<Utc>>) {
        match last.filter(|last| last.state.can_be_superseded()) {
            Some(last) if last.publication == Publication::Held => (Publication::Held, None),
            Some(last) if !last.is_due(self.now()) => (last.publication, last.publish_at),
            _ => (Publication::AtOnce, None),
        }
    }

    /// Ends the way of what is under review of a product that left the market.
    pub(crate) async fn end_submissions(
        &self,
        tx: &mut Tx,
        (actor, action): (&Actor, Action),
        product: &Product,
        after: ListingState,
    ) -> Result<(), AppError> {
        let newest = rows::of_product(tx, &product.id, store::Part::first(1)).await?;
        let newest = newest.into_iter().next();
        let Some(open) = newest.filter(|one| is_on_its_way(one.state)) else {
            return Ok(());
        };
        let event = (action, SubmissionEvent::ReleaseRefused);
        let why = format!("the product is {after}");
        self.move_submission(tx, actor, &open, event, Some(&why))
            .await?;
        Ok(())
    }

    async fn tell_of_publication(
        &self,
        tx: &mut Tx,
        (actor, submission): (&Actor, &Submission),
        when: &str,
    ) -> Result<(), AppError> {
        let (publisher, product) = self.home_of(tx, submission).await?;
        let (name, number) = (
            format!("{}/{}", publisher.slug, product.slug),
            submission.number,
        );
        let by = match actor.signed_in() {
            Some(account) => account.name.as_str(),
            None => "The operator",
        };
        let news = News {
            kind: NoticeKind::Publication,
            cause: format!(
                "publication:{}:{}",
                submission.id,
                self.now().timestamp_micros()
            ),
            title: format!("{name}: submission {number} goes public {when}"),
            body: format!(
                "{by} set when submission {number} of {name} goes public, if it is approved: {when}. It can be changed on its page until then."
            ),
            path: &format!("/submissions/{}", submission.id),
            product: Some(&product.id),
        };
        let mut people = store::notices::publishers_people(tx, &publisher.id).await?;
        let reviewer = submission.reviewer_id.as_deref();
        people.extend(reviewer.and_then(|id| id.parse().ok()));
        people.retain(|person| actor.signed_in().is_none_or(|doer| doer.id != *person));
        self.tell(tx, &people, &news).await
    }
}

/// Returns whether a submission may still go public.
fn is_on_its_way(state: SubmissionState) -> bool {
    state == SubmissionState::Inspecting || state.may_be_released()
}

/// Returns when something goes public, as people read it.
pub fn words(publication: Publication, at: Option<DateTime<Utc>>) -> String {
    match (publication, at) {
        (Publication::Held, _) => "when somebody says so".to_owned(),
        (Publication::AtTime, Some(at)) => {
            format!("at {}", at.format("%-d %b %Y, %H:%M:%S UTC"))
        }
        _ => "as soon as it is approved".to_owned(),
    }
}
