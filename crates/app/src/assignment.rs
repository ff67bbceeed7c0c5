//! Who of the certification team has a submission in hand.

use market::{AccountId, Action, EventId, NoticeKind};
use store::{
    Tx, accounts::Account, products::Product, publishers::Publisher, submissions::Submission,
};

use crate::{Actor, App, AppError, audit::Change, notices::News};

/// All that keeps an account from a submission is said alike: names of accounts are nobody's
/// business.
const NOT_A_REVIEWER: &str =
    "name somebody of the certification team who does not belong to the publisher";

/// Into whose hands a submission goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assignment<'a> {
    /// The name of the reviewer who gets it; nobody where there is none.
    pub to: Option<&'a str>,
    /// The name of the reviewer who has it: what somebody else took meanwhile is not taken
    /// from them by chance.
    pub from: Option<&'a str>,
}

/// What staff see of a submission's assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssignmentView {
    /// The name of the reviewer who took it.
    pub reviewer: Option<String>,
    /// Whom it can be given to by the asker; empty where it cannot be given.
    pub candidates: Vec<String>,
}

impl App {
    /// Gives a submission to a reviewer, oneself or another, or takes it back.
    ///
    /// # Errors
    /// There is none, its way is over, somebody else has it by now, the reviewer may not decide
    /// on it, or the asker may not (never on their own organisation's work).
    pub async fn assign_submission(
        &self,
        actor: &Actor,
        submission: &str,
        assignment: Assignment<'_>,
    ) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let (submission, _) = self
            .visible_submission(&mut tx, actor, submission, Action::AssignSubmission)
            .await?;
        if !submission.state.is_under_way() {
            return Err(AppError::Conflict(format!(
                "a submission that is {} is in nobody's hands",
                submission.state
            )));
        }
        let (publisher, product) = self.home_of(&mut tx, &submission).await?;
        let to = match assignment.to {
            Some(name) => Some(
                self.reviewer_for(&mut tx, &publisher, name)
                    .await?
                    .ok_or_else(|| AppError::Conflict(NOT_A_REVIEWER.to_owned()))?,
            ),
            None => None,
        };
        let from = self.holder(&mut tx, &submission).await?;
        let has_it = from.as_ref().map(|account| account.name.as_str());
        if has_it != assignment.from {
            return Err(AppError::Conflict(match has_it {
                Some(name) => format!("{name} has it: take it from them knowingly"),
                None => "nobody has it any more".to_owned(),
            }));
        }
        let name = to.as_ref().map(|account| account.name.clone());
        if name.as_deref() == has_it {
            return Ok(name);
        }
        let ids = (
            submission.reviewer_id.as_deref(),
            to.as_ref().map(|account| &account.id),
        );
        if !store::review_queue::assign(&mut tx, &submission.id, ids).await? {
            return Err(AppError::changed_meanwhile("submission"));
        }
        let change = Change {
            subject: submission.id.as_str(),
            before: ids.0,
            after: ids.1.map(AccountId::as_str),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::AssignSubmission, change)
            .await?;
        let about = (&publisher, &product, &submission);
        self.tell_of_assignment(&mut tx, (actor, about), (from.as_ref(), to.as_ref()))
            .await?;
        tx.commit().await?;
        Ok(name)
    }

    /// Returns the account that has a submission in hand.
    async fn holder(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<Option<Account>, AppError> {
        let Some(id) = &submission.reviewer_id else {
            return Ok(None);
        };
        let id: AccountId = id.parse().map_err(AppError::internal)?;
        Ok(store::accounts::find(tx, &id).await?)
    }

    /// Returns the account called `name` if it may decide on the publisher's submissions.
    async fn reviewer_for(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        name: &str,
    ) -> Result<Option<Account>, AppError> {
        let Some(account) = store::accounts::find_by_name(tx, name.trim()).await? else {
            return Ok(None);
        };
        let candidate = Actor::account(account.clone());
        let roles = self.roles(tx, &candidate, Some(&publisher.id)).await?;
        let may = crate::actor::check(&candidate, Action::DecideSubmission, &roles).is_ok();
        Ok((may && account.disabled_at.is_none()).then_some(account))
    }

    /// Returns the reviewer of the submission before, for the one that takes its place; nobody
    /// if they may no longer decide.
    pub(crate) async fn inherited_reviewer(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        last: Option<&Submission>,
    ) -> Result<Option<String>, AppError> {
        let Some(last) = last.filter(|last| last.state.can_be_superseded()) else {
            return Ok(None);
        };
        let Some(holder) = self.holder(tx, last).await? else {
            return Ok(None);
        };
        let holder = self.reviewer_for(tx, publisher, &holder.name).await?;
        Ok(holder.map(|account| account.id.to_string()))
    }

    /// Tells whoever has a submission from now on, and whoever had it, unless they did it.
    async fn tell_of_assignment(
        &self,
        tx: &mut Tx,
        (actor, (publisher, product, submission)): (&Actor, (&Publisher, &Product, &Submission)),
        (from, to): (Option<&Account>, Option<&Account>),
    ) -> Result<(), AppError> {
        let doer = actor.signed_in();
        let by = doer.map_or("Plimsoll", |account| account.name.as_str());
        let what = format!(
            "submission {} of {}/{}",
            submission.number, publisher.slug, product.slug
        );
        let told = [
            (to, "is yours to review", format!("{by} gave you {what}.")),
            (
                from,
                "is no longer yours",
                match to {
                    Some(to) => format!("{by} gave {what}, which you had, to {}.", to.name),
                    None => format!("{by} gave {what}, which you had, back to the queue."),
                },
            ),
        ];
        for (whom, title, body) in told {
            let Some(whom) = whom.filter(|whom| doer.is_none_or(|doer| doer.id != whom.id)) else {
                continue;
            };
            let news = News {
                kind: NoticeKind::Assigned,
                cause: format!("{title}:{}:{}", submission.id, self.id(EventId::new)),
                title: format!(
                    "{}/{}: submission {} {title}",
                    publisher.slug, product.slug, submission.number
                ),
                body,
                path: &format!("/submissions/{}", submission.id),
                product: Some(&product.id),
            };
            self.tell(tx, std::slice::from_ref(&whom.id), &news).await?;
        }
        Ok(())
    }

    /// Returns what is seen of a submission's assignment, by those who may read the queue.
    pub(crate) async fn assignment_view(
        &self,
        tx: &mut Tx,
        (submission, publisher): (&Submission, &Publisher),
        may: &impl Fn(Action) -> bool,
    ) -> Result<Option<AssignmentView>, AppError> {
        if !may(Action::ReadQueue) {
            return Ok(None);
        }
        let holder = self.holder(tx, submission).await?;
        let candidates = if may(Action::AssignSubmission) && submission.state.is_under_way() {
            store::review_queue::reviewers_for(tx, &publisher.id).await?
        } else {
            Vec::new()
        };
        Ok(Some(AssignmentView {
            reviewer: holder.map(|account| account.name),
            candidates,
        }))
    }
}
