//! Partnership with the operator: applied for by an owner, decided with reasons. Where the
//! operator's policy says so, only partners' releases are certified.

use market::{
    Action, MOST_MEMBERSHIP, NoticeKind, PartnershipDecision, PartnershipState, SupportExchange,
    is_reason,
};
use store::{
    Part, Tx,
    partnerships::{self as rows, Partnership, PartnershipAgreement},
    publishers::Publisher,
    submissions::Submission,
};

use crate::{
    Actor, App, AppError, agreements::agreement_text, audit::Change, notices::News,
    products::require_verified,
};

/// How a publisher stands towards partnership.
#[derive(Debug, Clone)]
pub struct PartnershipView {
    /// Its applications, the newest first.
    pub all: Vec<Partnership>,
    /// The agreement that the next one accepts.
    pub agreement: Option<PartnershipAgreement>,
    /// Whether releases are certified of partners only.
    pub is_needed: bool,
    /// Whether the asker may apply now.
    pub may_apply: bool,
    /// Whether the asker may decide.
    pub may_decide: bool,
}

/// What a publisher says when it applies.
#[derive(Debug, Clone, Copy)]
pub struct NewPartnership<'a> {
    /// How support cases are exchanged with it.
    pub exchange: SupportExchange,
    /// Its number or name at the exchange.
    pub membership: &'a str,
    /// The version of the agreement that it accepts.
    pub agreement: Option<i64>,
}

impl App {
    /// Returns how a publisher stands towards partnership, for its members and the staff.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn partnership(
        &self,
        actor: &Actor,
        publisher: &str,
    ) -> Result<PartnershipView, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let may = |action| crate::actor::check(actor, action, &roles).is_ok();
        let all = rows::of_publisher(&mut tx, &publisher.id).await?;
        let is_free = all.first().is_none_or(|newest| newest.state.is_over());
        Ok(PartnershipView {
            agreement: rows::agreement(&mut tx).await?,
            is_needed: self.config.review.partners_only,
            may_apply: is_free && may(Action::ApplyForPartnership),
            may_decide: may(Action::DecidePartnership),
            all,
        })
    }

    /// Applies for partnership.
    ///
    /// # Errors
    /// One is under way or in force, the current agreement is not accepted, the publisher is not
    /// verified, or the asker may not.
    pub async fn apply_for_partnership(
        &self,
        actor: &Actor,
        publisher: &str,
        new: NewPartnership<'_>,
    ) -> Result<Partnership, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, publisher, Action::ApplyForPartnership)
            .await?;
        require_verified(&publisher)?;
        let membership = new.membership.trim();
        if membership.is_empty() || membership.chars().count() > MOST_MEMBERSHIP {
            return Err(AppError::invalid(
                "membership",
                format!("say in at most {MOST_MEMBERSHIP} characters as whom"),
            ));
        }
        let current = rows::agreement(&mut tx).await?.map(|it| it.version);
        if new.agreement != current {
            return Err(AppError::Conflict(
                "accept the current version of the partnership agreement".to_owned(),
            ));
        }
        let all = rows::of_publisher(&mut tx, &publisher.id).await?;
        let newest = all.first();
        if let Some(newest) = newest.filter(|newest| !newest.state.is_over()) {
            return Err(AppError::Conflict(format!(
                "the partnership is {} already",
                newest.state
            )));
        }
        let applied = Partnership {
            number: newest.map_or(1, |newest| newest.number + 1),
            state: PartnershipState::Applied,
            exchange: new.exchange,
            membership: membership.to_owned(),
            agreement: current,
            applied_by: name_of(actor),
            applied_at: self.now(),
            decided_by: None,
            decided_at: None,
            reason: None,
        };
        let created = rows::create(&mut tx, &publisher.id, &applied).await;
        created.map_err(|error| match error.is_conflict() {
            true => AppError::changed_meanwhile("partnership"),
            false => error.into(),
        })?;
        let said = format!("{}: {membership}", applied.exchange);
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&said),
            before: newest.map(|newest| newest.state.as_str()),
            after: Some(applied.state.as_str()),
        };
        self.record(&mut tx, actor, Action::ApplyForPartnership, change)
            .await?;
        let operators = store::notices::operators(&mut tx).await?;
        let title = format!("{} applied for partnership", publisher.legal_name);
        let body = format!("{title}. It says of the support exchange: {said}.");
        self.tell_of_partnership(
            &mut tx,
            &publisher,
            (applied.number, title, body),
            &operators,
        )
        .await?;
        tx.commit().await?;
        Ok(applied)
    }

    /// Grants, refuses or ends a partnership.
    ///
    /// # Errors
    /// There is none that this fits, no reason is given, or the asker may not (never on their own
    /// publisher's).
    pub async fn decide_partnership(
        &self,
        actor: &Actor,
        publisher: &str,
        decision: PartnershipDecision,
        reason: &str,
    ) -> Result<Partnership, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, publisher, Action::DecidePartnership)
            .await?;
        let reason = reason.trim();
        if !is_reason(reason) {
            return Err(AppError::invalid(
                "reason",
                "say why; the publisher reads it",
            ));
        }
        let all = rows::of_publisher(&mut tx, &publisher.id).await?;
        let before = all
            .into_iter()
            .next()
            .ok_or_else(|| AppError::Conflict(format!("{} did not apply", publisher.legal_name)))?;
        let after = Partnership {
            state: before.state.decide(decision)?,
            decided_by: Some(name_of(actor)),
            decided_at: Some(self.now()),
            reason: Some(reason.to_owned()),
            ..before.clone()
        };
        if !rows::decide(&mut tx, &publisher.id, &before, &after).await? {
            return Err(AppError::changed_meanwhile("partnership"));
        }
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(reason),
            before: Some(before.state.as_str()),
            after: Some(after.state.as_str()),
        };
        self.record(&mut tx, actor, Action::DecidePartnership, change)
            .await?;
        self.weigh_open_submissions(&mut tx, &publisher).await?;
        let people = store::notices::owners(&mut tx, &publisher.id).await?;
        let title = format!(
            "The partnership of {} is {}",
            publisher.legal_name, after.state
        );
        let body = format!("{title}.\n\n{reason}");
        self.tell_of_partnership(&mut tx, &publisher, (after.number, title, body), &people)
            .await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Returns the current agreement to whoever may write the next.
    ///
    /// # Errors
    /// The asker may not.
    pub async fn partnership_agreement(
        &self,
        actor: &Actor,
    ) -> Result<Option<PartnershipAgreement>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::DecidePartnership, None)
            .await?;
        Ok(rows::agreement(&mut tx).await?)
    }

    /// Makes a new version of the agreement, for those who apply from now on.
    ///
    /// # Errors
    /// The text is empty, too long or what it was, or the asker may not.
    pub async fn set_partnership_agreement(
        &self,
        actor: &Actor,
        text: &str,
    ) -> Result<PartnershipAgreement, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::DecidePartnership, None)
            .await?;
        let text = agreement_text(text)?;
        let current = rows::agreement(&mut tx).await?;
        if current.as_ref().is_some_and(|current| current.text == text) {
            let message = "the text is the same as the current version's";
            return Err(AppError::Conflict(message.to_owned()));
        }
        let agreement = PartnershipAgreement {
            version: current.map_or(1, |current| current.version + 1),
            text: text.to_owned(),
            set_at: self.now(),
        };
        let created = rows::create_agreement(&mut tx, &agreement).await;
        created.map_err(|error| match error.is_conflict() {
            true => AppError::changed_meanwhile("agreement"),
            false => error.into(),
        })?;
        let change = Change {
            subject: &format!("partnership agreement {}", agreement.version),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::DecidePartnership, change)
            .await?;
        tx.commit().await?;
        Ok(agreement)
    }

    /// Returns whether the policy lets a submission's release be certified.
    pub(crate) async fn may_be_certified(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<bool, AppError> {
        if !self.config.review.partners_only {
            return Ok(true);
        }
        let (publisher, _) = self.home_of(tx, submission).await?;
        let all = rows::of_publisher(tx, &publisher.id).await?;
        let newest = all.first();
        Ok(newest.is_some_and(|newest| newest.state == PartnershipState::Granted))
    }

    /// What is under review follows; what was released keeps its mark until the next release.
    async fn weigh_open_submissions(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
    ) -> Result<(), AppError> {
        for product in store::products::of_publisher(tx, &publisher.id).await? {
            let newest = store::submissions::of_product(tx, &product.id, Part::first(1)).await?;
            let newest = newest.into_iter().next();
            if let Some(open) = newest.filter(|one| one.state.may_be_released()) {
                let certifiable = self.weigh_checks(tx, &open).await?;
                store::submissions::set_certifiable(tx, &open.id, certifiable).await?;
            }
        }
        Ok(())
    }

    async fn tell_of_partnership(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        (number, title, body): (i64, String, String),
        people: &[market::AccountId],
    ) -> Result<(), AppError> {
        let news = News {
            kind: NoticeKind::Publisher,
            cause: format!("partnership:{}:{number}:{title}", publisher.id),
            title,
            body,
            path: &format!("/publisher/{}#partnership", publisher.slug),
            product: None,
        };
        self.tell(tx, people, &news).await
    }
}

fn name_of(actor: &Actor) -> String {
    let name = actor.signed_in().map_or("system", |who| who.name.as_str());
    name.to_owned()
}
