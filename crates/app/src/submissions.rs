//! Submitting a snapshot, and what people then say and decide about it.

use chrono::{DateTime, Utc};
use market::{
    Action, Anchor, Approval, CommentId, Decision, KeyStanding, ListingEvent, Problem, Publication,
    PublisherState, Role, SubmissionEvent, SubmissionId, SubmissionState,
};
use oci::{Algorithm, Digest, Tag};
use store::{
    Part, Tx,
    products::Product,
    submissions::{Comment, Submission},
};

use crate::{
    Actor, App, AppError, audit::Change, jobs::JobKind, products::require_verified,
    publication::words,
};

/// What is submitted: a tag in one of the publisher's staging repositories.
#[derive(Debug, Clone)]
pub struct NewSubmission {
    /// The staging repository without `staging/<publisher>/` in front.
    pub repository: String,
    /// The tag; what it names now is what is reviewed.
    pub tag: String,
}

impl App {
    /// Submits the draft manifest together with an image for review.
    ///
    /// # Errors
    /// The manifest is incomplete, the image is not there, nothing changed since the last
    /// submission, one is approved already, or the asker may not.
    pub async fn submit(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        new: &NewSubmission,
    ) -> Result<Submission, AppError> {
        let mut tx = self.begin().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::Submit, Some(&publisher.id))
            .await?;
        require_verified(&publisher)?;
        self.require_agreement(&mut tx, &publisher).await?;
        self.check_submittable(&mut tx, &product).await?;
        let name = format!("staging/{}/{}", publisher.slug, new.repository.trim());
        let (digest, media_type) = self.staged_image(&mut tx, &name, &new.tag).await?;
        let earlier = store::submissions::of_product(&mut tx, &product.id, Part::first(1)).await?;
        let last = earlier.first();
        if let Some(last) = last {
            check_resubmission(last, &product.draft, (&digest, self.now()))?;
        }
        let (publication, publish_at) = self.inherited_publication(last);
        let submission = Submission {
            id: self.id(SubmissionId::new),
            product_id: product.id.clone(),
            number: last.map_or(1, |last| last.number + 1),
            state: SubmissionState::Inspecting,
            manifest: product.draft.clone(),
            repository: name,
            tag: new.tag.clone(),
            digest,
            media_type,
            submitted_by: actor.require_account("to submit")?.id.clone(),
            submitted_at: self.now(),
            waiting_since: self.now(),
            inspected_at: None,
            signature: None,
            problem: None,
            certifiable: false,
            reviewer_id: self.inherited_reviewer(&mut tx, &publisher, last).await?,
            publication,
            publish_at,
        };
        self.take_submission(&mut tx, actor, last, &submission)
            .await?;
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(submission)
    }

    async fn check_submittable(&self, tx: &mut Tx, product: &Product) -> Result<(), AppError> {
        if product.state.after(ListingEvent::Release).is_err() {
            return Err(AppError::Conflict(format!(
                "the product is {} and takes no submissions",
                product.state
            )));
        }
        let problems = self.manifest_problems(tx, &product.draft).await?;
        if problems.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid(problems))
        }
    }

    /// Puts a submission in the place of the last one and has it inspected.
    async fn take_submission(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        last: Option<&Submission>,
        submission: &Submission,
    ) -> Result<(), AppError> {
        if let Some(last) = last.filter(|last| last.state.can_be_superseded()) {
            let event = (Action::Submit, SubmissionEvent::Superseded);
            self.move_submission(tx, actor, last, event, None).await?;
        }
        store::submissions::create(tx, submission)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    AppError::changed_meanwhile("product")
                } else {
                    error.into()
                }
            })?;
        let job = JobKind::Inspect {
            submission: submission.id.clone(),
        };
        self.enqueue(tx, &job).await?;
        let change = Change {
            subject: submission.id.as_str(),
            reason: Some(&submission.digest),
            after: Some(submission.state.as_str()),
            ..Change::default()
        };
        self.record(tx, actor, Action::Submit, change).await
    }

    async fn staged_image(
        &self,
        tx: &mut Tx,
        repository: &str,
        tag: &str,
    ) -> Result<(String, String), AppError> {
        let tag: Tag = tag
            .parse()
            .map_err(|error: oci::ReferenceError| AppError::invalid("tag", error.to_string()))?;
        let missing = || {
            let host = self.config.host();
            AppError::invalid(
                "tag",
                format!("there is no image {host}/{repository}:{tag}: push it first"),
            )
        };
        let found = store::repositories::find_by_name(tx, repository)
            .await?
            .ok_or_else(missing)?;
        let manifest = store::repositories::find_manifest_by_tag(tx, &found.id, tag.as_str())
            .await?
            .ok_or_else(missing)?;
        let digest: Digest = manifest.digest.parse().map_err(AppError::internal)?;
        if digest.algorithm() != Algorithm::Sha256 {
            // cosign's tag of a signature would be longer than tags may be, and content trust
            // knows no other digests of images.
            let host = self.config.host();
            return Err(AppError::Conflict(format!(
                "{host}/{repository}:{tag} is the image under its SHA-512, and a release could not be checked by it: push it to the tag without naming a digest"
            )));
        }
        Ok((manifest.digest, manifest.media_type))
    }

    /// Adds a remark to a submission's thread.
    ///
    /// # Errors
    /// It is empty or too long, pinned to nothing known, or the asker may not.
    pub async fn add_comment(
        &self,
        actor: &Actor,
        submission: &str,
        anchor: &str,
        body: &str,
    ) -> Result<Comment, AppError> {
        let anchor: Anchor = anchor
            .parse()
            .map_err(|error: market::AnchorError| AppError::invalid("anchor", error.to_string()))?;
        let body = check_text("body", body)?;
        let mut tx = self.begin().await?;
        let (submission, _) = self
            .visible_submission(&mut tx, actor, submission, Action::Comment)
            .await?;
        let comment = self.new_comment(actor, &submission, anchor, body, None)?;
        store::submissions::add_comment(&mut tx, &comment).await?;
        let change = Change {
            subject: submission.id.as_str(),
            reason: Some(comment.id.as_str()),
            after: Some("commented"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::Comment, change).await?;
        self.publish_remark(&mut tx, (actor, &submission), &comment)
            .await?;
        self.tell_of_remark(&mut tx, (actor, &submission), &comment)
            .await?;
        tx.commit().await?;
        Ok(comment)
    }

    pub(crate) fn new_comment(
        &self,
        actor: &Actor,
        submission: &Submission,
        anchor: Anchor,
        body: String,
        decision: Option<Decision>,
    ) -> Result<Comment, AppError> {
        Ok(Comment {
            id: self.id(CommentId::new),
            submission_id: submission.id.clone(),
            author_id: actor
                .require_account("to write in a review thread")?
                .id
                .clone(),
            anchor,
            body,
            decision: decision.map(|decision| decision.as_str().to_owned()),
            created_at: self.now(),
            resolved_at: None,
        })
    }

    /// Settles a remark, or opens it again.
    ///
    /// # Errors
    /// There is none, or the asker may not.
    pub async fn resolve_comment(
        &self,
        actor: &Actor,
        submission: &str,
        comment: &str,
        resolved: bool,
    ) -> Result<(), AppError> {
        let missing = || AppError::not_found("remark", comment);
        let id: CommentId = comment.parse().map_err(|_malformed| missing())?;
        let mut tx = self.begin().await?;
        let (submission, _) = self
            .visible_submission(&mut tx, actor, submission, Action::Comment)
            .await?;
        let found = store::submissions::find_comment(&mut tx, &id)
            .await?
            .ok_or_else(missing)?;
        let home = store::submissions::find(&mut tx, &found.submission_id)
            .await?
            .ok_or_else(missing)?;
        if home.product_id != submission.product_id {
            return Err(missing());
        }
        store::submissions::set_resolved(&mut tx, &id, resolved.then(|| self.now())).await?;
        let after = if resolved { "resolved" } else { "reopened" };
        let change = Change {
            subject: submission.id.as_str(),
            reason: Some(comment),
            after: Some(after),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::Comment, change).await?;
        Ok(tx.commit().await?)
    }

    /// A key that was revoked after the inspection signs nothing that is released later.
    pub(crate) async fn check_signer(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<(), AppError> {
        let product = store::products::find(tx, &submission.product_id).await?;
        let product =
            product.ok_or_else(|| AppError::not_found("product", submission.id.as_str()))?;
        let keys = store::publishers::keys(tx, &product.publisher_id).await?;
        let signer = (submission.signature.as_ref()).and_then(|found| found["key_id"].as_str());
        let row = (keys.iter()).find(|row| Some(row.fingerprint.as_str()) == signer);
        match row {
            Some(row) if row.standing(self.now()) == KeyStanding::Ended => {
                Err(AppError::Conflict(format!(
                    "the key `{}` that signed the image was revoked since: the publisher signs with another one and submits again",
                    row.name
                )))
            }
            _ => Ok(()),
        }
    }

    /// Requests changes, approves or rejects. Approval starts the release, where it is enough.
    ///
    /// # Errors
    /// The state does not allow it, no reason is given, the image is not signed by a
    /// registered key, the root key is yet to sign a root for it, the same person approved before where two must, or the asker may not
    /// (never on their own publisher's work).
    pub async fn decide(
        &self,
        actor: &Actor,
        submission: &str,
        decision: Decision,
        reason: &str,
    ) -> Result<Submission, AppError> {
        let missing_root = match decision {
            Decision::Approve => self.missing_root_of(actor, submission).await?,
            _ => None,
        };
        let mut tx = self.begin().await?;
        let (mut submission, _) = self
            .visible_submission(&mut tx, actor, submission, Action::DecideSubmission)
            .await?;
        let reason = if decision == Decision::Approve && reason.trim().is_empty() {
            "Approved.".to_owned()
        } else {
            check_text("reason", reason)?
        };
        submission.state.after(SubmissionEvent::Decided(decision))?;
        if decision == Decision::Approve {
            check_approvable(&submission)?;
            self.check_signer(&mut tx, &submission).await?;
            self.require_standing(&mut tx, &submission).await?;
            if let Some(why) = missing_root {
                return Err(AppError::Conflict(why));
            }
            if self.approve(&mut tx, actor, &submission).await? == Approval::NeedsAnother {
                self.note_first_approval(&mut tx, (actor, &submission), reason)
                    .await?;
                tx.commit().await?;
                return Ok(submission);
            }
        }
        let event = (Action::DecideSubmission, SubmissionEvent::Decided(decision));
        submission.state = self
            .move_submission(&mut tx, actor, &submission, event, Some(&reason))
            .await?;
        let comment = self.new_comment(
            actor,
            &submission,
            Anchor::Submission,
            reason,
            Some(decision),
        )?;
        store::submissions::add_comment(&mut tx, &comment).await?;
        if decision == Decision::Approve {
            self.publish_when_due(&mut tx, &submission).await?;
        }
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(submission)
    }

    /// Nothing of a publisher that is suspended is approved.
    async fn require_standing(&self, tx: &mut Tx, submission: &Submission) -> Result<(), AppError> {
        let found = self
            .product_and_publisher(tx, &submission.product_id)
            .await?;
        match found {
            Some((publisher, _)) if publisher.state != PublisherState::Verified => {
                Err(AppError::Conflict(format!(
                    "publisher `{}` is {}: nothing of it is approved",
                    publisher.slug, publisher.state
                )))
            }
            _ => Ok(()),
        }
    }

    /// Moves a submission to its next state and records it; gives the state.
    pub(crate) async fn move_submission(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        submission: &Submission,
        (action, event): (Action, SubmissionEvent),
        reason: Option<&str>,
    ) -> Result<SubmissionState, AppError> {
        let after = submission.state.after(event)?;
        let states = (submission.state, after);
        if !store::submissions::set_state(tx, &submission.id, states, self.now()).await? {
            return Err(AppError::changed_meanwhile("submission"));
        }
        if event.clears_approvals() {
            store::approvals::clear(tx, &submission.id).await?;
        }
        let change = Change {
            subject: submission.id.as_str(),
            reason,
            before: Some(submission.state.as_str()),
            after: Some(after.as_str()),
        };
        self.record(tx, actor, action, change).await?;
        self.follow_preview(tx, &submission.product_id).await?;
        self.publish_submission(tx, submission, event, reason)
            .await?;
        self.tell_of_submission(tx, (actor, submission), event, reason)
            .await?;
        Ok(after)
    }

    /// Returns a submission and what the asker is towards it; who may not see it is told that there is none.
    pub(crate) async fn visible_submission(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: &str,
        action: Action,
    ) -> Result<(Submission, Vec<Role>), AppError> {
        let missing = || AppError::not_found("submission", id);
        let parsed: SubmissionId = id.parse().map_err(|_malformed| missing())?;
        let found = store::submissions::find(tx, &parsed).await?;
        let product = match &found {
            Some(submission) => store::products::find(tx, &submission.product_id).await?,
            None => None,
        };
        let (Some(submission), Some(product)) = (found, product) else {
            crate::actor::check(
                actor,
                Action::ManageOwnTokens,
                &self.roles(tx, actor, None).await?,
            )?;
            return Err(missing());
        };
        let roles = self.roles(tx, actor, Some(&product.publisher_id)).await?;
        crate::actor::check(actor, Action::ReadSubmission, &roles).map_err(
            |error| match error {
                AppError::Denied(_) => missing(),
                other => other,
            },
        )?;
        crate::actor::check(actor, action, &roles)?;
        Ok((submission, roles))
    }
}

fn check_resubmission(
    last: &Submission,
    draft: &market::ProductManifest,
    (digest, now): (&str, DateTime<Utc>),
) -> Result<(), AppError> {
    if last.state == SubmissionState::Approved && last.publication != Publication::Held {
        return Err(AppError::Conflict(match last.is_due(now) {
            true => {
                "the last submission is approved and being released: wait until it is".to_owned()
            }
            false => format!(
                "the last submission is approved and goes public {}: hold it back first",
                words(last.publication, last.publish_at)
            ),
        }));
    }
    // A signature is pushed beside the image and changes neither image nor manifest.
    let waits_for_signature = last.inspected_at.is_some() && !is_signed(last);
    if last.digest == digest && *last.manifest == *draft && !waits_for_signature {
        return Err(AppError::Conflict(format!(
            "nothing changed since submission {}: push another image or change the manifest, then submit again",
            last.number
        )));
    }
    Ok(())
}

/// Returns whether the publisher's signature verified.
pub(crate) fn is_signed(submission: &Submission) -> bool {
    submission
        .signature
        .as_ref()
        .is_some_and(|signature| signature["verified"] == serde_json::Value::Bool(true))
}

fn check_approvable(submission: &Submission) -> Result<(), AppError> {
    if is_signed(submission) {
        return Ok(());
    }
    let why = submission
        .signature
        .as_ref()
        .and_then(|signature| signature["reason"].as_str())
        .unwrap_or("it was not verified");
    Err(AppError::Conflict(format!(
        "the image cannot be approved: its signature does not verify ({why})"
    )))
}

fn check_text(field: &str, text: &str) -> Result<String, AppError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 10_000 {
        return Err(AppError::Invalid(vec![Problem {
            field: field.to_owned(),
            message: "write 1 to 10000 characters".to_owned(),
        }]));
    }
    Ok(text.to_owned())
}
