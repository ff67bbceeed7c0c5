//! Waivers: the certification team lets a product not pass a check for a time. A submission
//! that is under review follows at once; when the time is over, the next inspection finds the
//! check failed again.

use chrono::{DateTime, Utc};
use market::{Action, Platform, ProductId, SubmissionState, WaiverId, waived, waiver_reason};
use store::{
    Part, Tx,
    products::Product,
    publishers::Publisher,
    submissions::{CheckRow, Submission},
    waivers::Waiver,
};

use crate::{Actor, App, AppError, audit::Change};

/// A check to waive.
#[derive(Debug, Clone, Copy)]
pub struct NewWaiver<'a> {
    /// The check's id.
    pub check: &'a str,
    /// Why; the publisher reads it.
    pub reason: &'a str,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// Returns the result of a check as it is kept.
pub(crate) fn check_result(row: &CheckRow) -> Result<certify::CheckResult, AppError> {
    serde_json::from_value(row.result.0.clone()).map_err(AppError::internal)
}

impl App {
    /// Returns a product's waivers, also those that are over; the newest first.
    ///
    /// # Errors
    /// There is no such product that the asker may see.
    pub async fn waivers(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        part: Part<'_>,
    ) -> Result<Vec<Waiver>, AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::ReadSubmission, Some(&publisher.id))
            .await?;
        Ok(store::waivers::of_product(&mut tx, &product.id, part).await?)
    }

    /// Lets a product not pass a check for a time.
    ///
    /// # Errors
    /// There is no such product or check, it lacks something, or the asker may not (never for
    /// their own organisation's products).
    pub async fn waive_check(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        new: NewWaiver<'_>,
    ) -> Result<Waiver, AppError> {
        let mut tx = self.begin().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::WaiveCheck, Some(&publisher.id))
            .await?;
        let mut problems = waived(new.reason, new.until, self.now());
        if !certify::CHECKS.iter().any(|check| check.id == new.check) {
            problems.push(market::Problem {
                field: "check".to_owned(),
                message: format!("there is no check `{}`", new.check),
            });
        }
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let account = actor.require_account("to waive a check")?;
        let waiver = Waiver {
            id: self.id(WaiverId::new),
            product_id: product.id.clone(),
            check_id: new.check.to_owned(),
            reason: new.reason.trim().to_owned(),
            made_by: account.id.clone(),
            author: account.name.clone(),
            made_at: self.now(),
            ends_at: new.until,
            ender: None,
            ended_at: None,
            end_reason: None,
        };
        store::waivers::create(&mut tx, &waiver).await?;
        let change = Change {
            subject: waiver.id.as_str(),
            reason: Some(&waiver.reason),
            before: None,
            after: Some(&waiver.check_id),
        };
        self.record(&mut tx, actor, Action::WaiveCheck, change)
            .await?;
        self.follow_waiver(&mut tx, (actor, &publisher, &product), &waiver)
            .await?;
        tx.commit().await?;
        Ok(waiver)
    }

    /// Takes a waiver back; what is under review has to pass the check again.
    ///
    /// # Errors
    /// There is none that the asker may see, it is over, no reason is given, or the asker may not
    /// (never for their own organisation's products).
    pub async fn end_waiver(
        &self,
        actor: &Actor,
        id: &str,
        reason: &str,
    ) -> Result<Waiver, AppError> {
        let missing = || AppError::not_found("waiver", id);
        let mut tx = self.begin().await?;
        let parsed: Result<WaiverId, _> = id.parse();
        let found = match &parsed {
            Ok(id) => store::waivers::find(&mut tx, id).await?,
            Err(_) => None,
        };
        let home = match &found {
            Some(found) => {
                self.product_and_publisher(&mut tx, &found.product_id)
                    .await?
            }
            None => None,
        };
        let publisher = home.as_ref().map(|(publisher, _)| &publisher.id);
        self.authorize(&mut tx, actor, Action::WaiveCheck, publisher)
            .await?;
        let (Some(found), Some((publisher, product))) = (found, home) else {
            return Err(missing());
        };
        if let Some(problem) = waiver_reason(reason) {
            return Err(AppError::Invalid(vec![problem]));
        }
        let account = actor.require_account("to take a waiver back")?;
        let by = (&account.id, reason.trim());
        let now = self.now();
        if !found.counts(now) || !store::waivers::end(&mut tx, &found.id, by, now).await? {
            return Err(AppError::Conflict("this waiver is over".to_owned()));
        }
        let change = Change {
            subject: found.id.as_str(),
            reason: Some(reason.trim()),
            before: Some(&found.check_id),
            after: Some("ended"),
        };
        self.record(&mut tx, actor, Action::WaiveCheck, change)
            .await?;
        let ended = store::waivers::find(&mut tx, &found.id).await?;
        let ended = ended.ok_or_else(missing)?;
        self.follow_waiver(&mut tx, (actor, &publisher, &product), &ended)
            .await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Has submissions under review follow, and tells the publisher.
    async fn follow_waiver(
        &self,
        tx: &mut Tx,
        (actor, publisher, product): (&Actor, &Publisher, &Product),
        waiver: &Waiver,
    ) -> Result<(), AppError> {
        for submission in store::submissions::of_product(tx, &product.id, Part::ALL).await? {
            let is_open = matches!(
                submission.state,
                SubmissionState::InReview | SubmissionState::ChangesRequested
            );
            if is_open {
                let certifiable = self.weigh_checks(tx, &submission).await?;
                store::submissions::set_certifiable(tx, &submission.id, certifiable).await?;
            }
        }
        self.tell_of_waiver(tx, (actor, publisher, product), waiver)
            .await
    }

    /// Notes which failed checks of a submission are waived now; gives whether a release of it
    /// would be certified.
    pub(crate) async fn weigh_checks(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<bool, AppError> {
        let waivers = self.counting_waivers(tx, &submission.product_id).await?;
        let mut passes = true;
        for row in store::submissions::checks(tx, &submission.id).await? {
            let result = check_result(&row)?;
            let waiver = waivers.iter().find(|it| it.check_id == row.check_id);
            let waiver = waiver.filter(|_| result.failed());
            let id = waiver.map(|waiver| waiver.id.as_str());
            if row.waiver_id.as_deref() != id {
                let place = (row.image.as_str(), row.check_id.as_str());
                store::submissions::set_waiver(tx, &submission.id, place, id).await?;
            }
            passes &= !result.failed() || result.level != certify::Level::Error || waiver.is_some();
        }
        let is_signed = crate::submissions::is_signed(submission);
        Ok(passes
            && is_signed
            && submission.manifest.platform == Platform::CertifiedInfrastructure
            && self.may_be_certified(tx, submission).await?)
    }

    async fn counting_waivers(
        &self,
        tx: &mut Tx,
        product: &ProductId,
    ) -> Result<Vec<Waiver>, AppError> {
        let mut waivers = store::waivers::of_product(tx, product, Part::ALL).await?;
        waivers.retain(|waiver| waiver.counts(self.now()));
        Ok(waivers)
    }
}
