//! The approvals that a submission needs: two different people's where it is a product's first
//! release and the operator's policy says so.

use market::{Action, Anchor, Approval, Decision, EventId, NoticeKind, approvals_needed};
use store::{Tx, approvals::ApprovalRow, submissions::Submission};

use crate::{Actor, App, AppError, audit::Change, notices::News};

/// What the operator's policy asks people for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewPolicy {
    /// Whether a product's first release needs the approvals of two different people.
    pub two_for_first_release: bool,
    /// Whether only publishers that are partners get certified releases.
    pub partners_only: bool,
    /// Whether an operator confirms a hold before a broken promise puts a listing on it.
    pub confirm_holds: bool,
}

/// The approvals of a first release that two people must approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalsView {
    /// Those that count, in order.
    pub given: Vec<ApprovalRow>,
    /// How many are needed.
    pub needed: usize,
    /// Whether the asker's is among them.
    pub is_given_by_asker: bool,
}

impl App {
    /// Returns how many people must approve a submission.
    async fn approvals_needed(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<usize, AppError> {
        let two = self.config.review.two_for_first_release;
        let released = store::releases::newest(tx, &submission.product_id).await?;
        Ok(approvals_needed(two, released.is_some()))
    }

    /// Returns whether enough people approved a submission for its release to be signed.
    pub(crate) async fn is_approved_enough(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<bool, AppError> {
        let needed = self.approvals_needed(tx, submission).await?;
        // One approval is what made it approved.
        Ok(needed < 2 || store::approvals::counting(tx, &submission.id).await?.len() >= needed)
    }

    /// Notes an approval; tells whether it is enough.
    pub(crate) async fn approve(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        submission: &Submission,
    ) -> Result<Approval, AppError> {
        let account = actor.require_account("to approve")?;
        if !store::approvals::lock(tx, &submission.id).await? {
            return Err(AppError::changed_meanwhile("submission"));
        }
        let given = store::approvals::counting(tx, &submission.id).await?;
        let given: Vec<_> = given.into_iter().map(|row| row.account_id).collect();
        let needed = self.approvals_needed(tx, submission).await?;
        let approval = market::approve(&given, &account.id, needed)
            .map_err(|same| AppError::Conflict(same.to_string()))?;
        store::approvals::add(tx, &submission.id, &account.id, self.now()).await?;
        Ok(approval)
    }

    /// Records an approval after which another person has to approve, and tells who waits.
    pub(crate) async fn note_first_approval(
        &self,
        tx: &mut Tx,
        (actor, submission): (&Actor, &Submission),
        reason: String,
    ) -> Result<(), AppError> {
        let change = Change {
            subject: submission.id.as_str(),
            reason: Some(&reason),
            before: Some(submission.state.as_str()),
            after: Some("one-approval"),
        };
        self.record(tx, actor, Action::DecideSubmission, change)
            .await?;
        let decision = Some(Decision::Approve);
        let comment = self.new_comment(actor, submission, Anchor::Submission, reason, decision)?;
        store::submissions::add_comment(tx, &comment).await?;
        self.tell_of_first_approval(tx, (actor, submission)).await
    }

    async fn tell_of_first_approval(
        &self,
        tx: &mut Tx,
        (actor, submission): (&Actor, &Submission),
    ) -> Result<(), AppError> {
        let (publisher, product) = self.home_of(tx, submission).await?;
        let name = format!("{}/{}", publisher.slug, product.slug);
        let number = submission.number;
        let news = News {
            kind: NoticeKind::Decided,
            cause: format!("first:{}:{}", submission.id, self.id(EventId::new)),
            title: format!("{name}: submission {number} has one of two approvals"),
            body: format!(
                "Submission {number} of {name} was approved once. It is the product's first release, so another reviewer approves it, too, before it is signed."
            ),
            path: &format!("/submissions/{}", submission.id),
            product: Some(&product.id),
        };
        let mut people = store::notices::publishers_people(tx, &publisher.id).await?;
        people.extend(store::notices::staff(tx).await?);
        people.sort();
        people.dedup();
        people.retain(|person| actor.signed_in().is_none_or(|it| it.id != *person));
        self.tell(tx, &people, &news).await
    }

    /// Returns the approvals of a submission that two people must approve.
    pub(crate) async fn approvals_view(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        submission: &Submission,
    ) -> Result<Option<ApprovalsView>, AppError> {
        let needed = self.approvals_needed(tx, submission).await?;
        if needed < 2 || !submission.state.is_under_way() {
            return Ok(None);
        }
        let given = store::approvals::counting(tx, &submission.id).await?;
        let me = actor.signed_in().map(|account| &account.id);
        Ok(Some(ApprovalsView {
            is_given_by_asker: given.iter().any(|row| Some(&row.account_id) == me),
            given,
            needed,
        }))
    }
}
