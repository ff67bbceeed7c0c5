//! The release of an approved submission: sign, copy to the public name, list.
//! One transaction makes it public; either all of it is there or none.

use std::collections::{BTreeSet, HashMap};

use market::{
    Action, Class, FindingClock, FindingState, ListingEvent, ReleaseId, RepositoryId,
    SubmissionEvent, SubmissionId, SubmissionState, is_same_line,
};
use oci::{Descriptor, Digest, ManifestKind, RawManifest, media_type};
use store::{
    Part, Tx, findings::Finding, products::Product, promises::Told, publishers::Publisher,
    releases::Release, repositories::Repository, submissions::Submission,
};
use trust::log::Event;

use crate::{
    Actor, App, AppError, attestations::Attestation, audit::Change, products::require_verified,
    registry::Refers, signing::Beside,
};

impl App {
    /// The job.
    pub(crate) async fn release(&self, id: &SubmissionId) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let Some(submission) = store::submissions::find(&mut tx, id).await? else {
            return Ok(());
        };
        if submission.state != SubmissionState::Approved || !submission.is_due(self.now()) {
            return Ok(());
        }
        let product = store::products::find(&mut tx, &submission.product_id)
            .await?
            .ok_or_else(|| AppError::not_found("product", id.as_str()))?;
        if let Err(illegal) = product.state.after(ListingEvent::Release) {
            drop(tx);
            return self
                .reject_approved(&submission, &illegal.to_string())
                .await;
        }
        let publisher = store::publishers::find(&mut tx, &product.publisher_id)
            .await?
            .ok_or_else(|| AppError::not_found("publisher", id.as_str()))?;
        if let Err(error) = require_verified(&publisher) {
            drop(tx);
            return self.give_back(id, &error.to_string()).await;
        }
        if let Some(why) = self.ended_signer(&mut tx, &submission).await? {
            drop(tx);
            return self.give_back(id, &why).await;
        }
        if !self.is_approved_enough(&mut tx, &submission).await? {
            drop(tx);
            let why = "it is the product's first release, which two reviewers have to approve";
            return self.give_back(id, why).await;
        }
        let name = format!("{}/{}", publisher.slug, product.slug);
        drop(tx);
        if let Some(why) = self.missing_root(&name).await? {
            return self.give_back(id, &why).await;
        }
        let mut tx = self.read().await?;
        let manifests = self
            .manifests_below(&mut tx, &submission.repository, &submission.digest)
            .await?;
        drop(tx);
        let images: Vec<_> = manifests.values().map(RawManifest::descriptor).collect();
        let said = self.bills((&publisher, &product), &submission).await?;
        let attestations = match self.attest(&name, &submission, &images, said).await {
            // No further attempt makes it smaller.
            Err(AppError::TooLarge(why)) => return self.give_back(id, &why).await,
            attested => attested?,
        };
        loop {
            let signature = self.sign_release(&name, &submission).await?;
            let signed = (&signature, attestations.as_slice());
            let done = self.put_release((&publisher, &product), &submission, &manifests, signed);
            if done.await? {
                return Ok(());
            }
        }
    }

    /// Says why what the publisher signed with is good for no release any more.
    async fn ended_signer(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<Option<String>, AppError> {
        match self.check_signer(tx, submission).await {
            Err(AppError::Conflict(why)) => Ok(Some(why)),
            checked => checked.map(|()| None),
        }
    }

    /// Makes a release public, or gives it back; false where others signed the same image
    /// meanwhile.
    async fn put_release(
        &self,
        (publisher, product): (&Publisher, &Product),
        submission: &Submission,
        manifests: &HashMap<Digest, RawManifest>,
        (signature, attestations): (&Beside, &[Attestation]),
    ) -> Result<bool, AppError> {
        let name = format!("{}/{}", publisher.slug, product.slug);
        let targets = self.targets_key(&name).await?;
        let mut tx = self.begin().await?;
        // First of all, as whoever else changes the listing does: what stands is read once
        // nobody else changes it, and nobody waits for another who waits for them.
        let product = store::products::lock(&mut tx, &product.id).await?;
        let product =
            product.ok_or_else(|| AppError::not_found("product", submission.id.as_str()))?;
        // Another may have released it, or somebody held it back, while it was being signed.
        if !store::submissions::take_due(&mut tx, &submission.id, self.now()).await? {
            return Ok(true);
        }
        // And the key that the publisher signed it with may have been revoked.
        if let Some(why) = self.ended_signer(&mut tx, submission).await? {
            self.give_up_release(&mut tx, &submission.id, &why).await?;
            tx.commit().await?;
            return Ok(true);
        }
        store::collection::enter(&mut tx).await?;
        let repository = self
            .released_repository(&mut tx, publisher, &product, &name)
            .await?;
        for manifest in manifests.values() {
            self.copy_manifest(&mut tx, submission, &repository, manifest)
                .await?;
        }
        if !self.put_signature(&mut tx, &repository, signature).await? {
            return Ok(false);
        }
        self.put_attestations(&mut tx, &repository, attestations)
            .await?;
        store::repositories::set_tag(
            &mut tx,
            &repository.id,
            &submission.tag,
            &submission.digest,
            self.now(),
        )
        .await?;
        self.list(&mut tx, (publisher, &product), submission, &repository.id)
            .await?;
        self.log_release(&mut tx, &name, submission).await?;
        self.sign_targets(&mut tx, (&name, &targets), &product.id)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn give_back(&self, id: &SubmissionId, why: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        self.give_up_release(&mut tx, id, why).await?;
        Ok(tx.commit().await?)
    }

    /// Gives a submission whose release failed for good back to the reviewer.
    pub(crate) async fn give_up_release(
        &self,
        tx: &mut Tx,
        id: &SubmissionId,
        why: &str,
    ) -> Result<(), AppError> {
        let found = store::submissions::find(tx, id).await?;
        let approved = found.filter(|found| found.state == SubmissionState::Approved);
        if let Some(submission) = approved {
            let event = (Action::DecideSubmission, SubmissionEvent::ReleaseFailed);
            self.move_submission(tx, &Actor::system(), &submission, event, Some(why))
                .await?;
        }
        Ok(())
    }

    /// Ends the way of a submission whose product left the market after the approval.
    async fn reject_approved(&self, submission: &Submission, why: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let event = (Action::DecideSubmission, SubmissionEvent::ReleaseRefused);
        self.move_submission(&mut tx, &Actor::system(), submission, event, Some(why))
            .await?;
        Ok(tx.commit().await?)
    }

    async fn released_repository(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        product: &Product,
        name: &str,
    ) -> Result<Repository, AppError> {
        let repository = Repository {
            id: self.id(RepositoryId::new),
            name: name.to_owned(),
            publisher_id: publisher.id.clone(),
            product_id: Some(product.id.to_string()),
            created_at: self.now(),
        };
        Ok(store::repositories::find_or_create(tx, &repository).await?)
    }

    /// Makes a manifest and its blobs part of another repository; the bytes are shared. It
    /// refers to nothing there: what a publisher signs and attests is the market's to judge, and
    /// what an index names of it can be pulled, but is offered to nobody.
    pub(crate) async fn copy_manifest(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        released: &Repository,
        manifest: &RawManifest,
    ) -> Result<(), AppError> {
        if let ManifestKind::Image(image) = &manifest.kind {
            let staging = store::repositories::find_by_name(tx, &submission.repository).await?;
            let staging =
                staging.ok_or_else(|| AppError::not_found("repository", &submission.repository))?;
            let kept_here = image
                .layers
                .iter()
                .filter(|layer| !media_type::is_foreign(&layer.media_type));
            let blobs: BTreeSet<&Digest> = kept_here
                .chain([&image.config])
                .map(|blob: &Descriptor| &blob.digest)
                .collect();
            for digest in blobs {
                let size = store::repositories::find_blob(tx, &staging.id, digest.as_str()).await?;
                // What is released can be pulled whole, or is not released.
                let size = size.ok_or_else(|| AppError::not_found("blob", digest.as_str()))?;
                let blob = (digest.as_str(), size);
                store::repositories::link_blob(tx, &*self.blobs, &released.id, blob, self.now())
                    .await?;
            }
        }
        self.keep_manifest(tx, &released.id, manifest, Refers::ToNothing)
            .await
    }

    async fn log_release(
        &self,
        tx: &mut Tx,
        name: &str,
        submission: &Submission,
    ) -> Result<(), AppError> {
        let event = Event::Released {
            tag: submission.tag.clone(),
            digest: submission.digest.parse().map_err(AppError::internal)?,
            certified: submission.certifiable,
            key: self.keys.release.public().key_id(),
        };
        self.log(tx, name, event, self.now()).await
    }

    /// Makes the listing public, starts the clocks of what is still open, and records it all.
    async fn list(
        &self,
        tx: &mut Tx,
        (publisher, product): (&Publisher, &Product),
        submission: &Submission,
        repository: &RepositoryId,
    ) -> Result<(), AppError> {
        let (actor, now) = (Actor::system(), self.now());
        let release = Release {
            id: self.id(ReleaseId::new),
            product_id: product.id.clone(),
            submission_id: submission.id.clone(),
            repository_id: repository.clone(),
            tag: submission.tag.clone(),
            digest: submission.digest.clone(),
            key_id: self.keys.release.public().key_id(),
            certified: submission.certifiable,
            released_at: now,
            withdrawn_at: None,
        };
        for older in store::releases::standing(tx, &product.id).await? {
            if is_same_line(&older.tag, &release.tag) {
                store::releases::set_replaced(tx, &older.id).await?;
            }
        }
        store::releases::create(tx, &release).await?;
        store::products::set_listed(
            tx,
            &product.id,
            &submission.manifest,
            &publisher.legal_name,
            release.certified,
            now,
        )
        .await?;
        self.change_listing(
            tx,
            &actor,
            product,
            (Action::DecideSubmission, ListingEvent::Release, None),
            "",
        )
        .await?;
        self.move_submission(
            tx,
            &actor,
            submission,
            (Action::DecideSubmission, SubmissionEvent::Released),
            None,
        )
        .await?;
        self.start_clocks(tx, submission).await?;
        self.announce_promises(tx, &product.id).await?;
        let change = Change {
            subject: release.id.as_str(),
            reason: Some(&release.digest),
            after: Some("released"),
            ..Change::default()
        };
        self.record(tx, &actor, Action::DecideSubmission, change)
            .await
    }

    /// Starts the clocks of what is open in a release, or goes on with them where it stands again.
    /// What the publisher was told of in any release of the product, and still stands there, is
    /// not fixed, so its clock goes on: releasing the same again gains no time, and neither does
    /// withdrawing what was released.
    pub(crate) async fn start_clocks(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<(), AppError> {
        let is_open = |finding: &Finding| finding.state == FindingState::Open;
        let mut known: HashMap<(String, String), Told> = HashMap::new();
        for told in store::promises::told(tx, &submission.product_id, &submission.id).await? {
            let key = (told.vulnerability.clone(), told.component.clone());
            known.entry(key).or_insert(told);
        }
        // What is told at once is due at once.
        let now = self.now();
        let findings = store::findings::of_submission(tx, &submission.id, Part::ALL).await?;
        for mut finding in findings.into_iter().filter(is_open) {
            let key = (finding.vulnerability.clone(), finding.component.clone());
            let mut was = (FindingState::Fixed, Class::None);
            let own = finding.due_at.filter(|_| finding.announced);
            if own.is_some() {
                was = (FindingState::Open, finding.class);
            }
            let is_earlier = |known: &&Told| own.is_none_or(|own| known.due_at < Some(own));
            if let Some(known) = known.get(&key).filter(is_earlier) {
                was = (FindingState::Open, known.class);
                finding.set_clock(FindingClock {
                    told_at: known.told_at,
                    notified_at: known.notified_at,
                    due_at: known.due_at,
                });
                finding.announced = true;
            }
            let is = (finding.state, finding.class);
            let clock = finding.clock().after(was, is, now);
            finding.set_clock(clock);
            store::findings::keep_clock(tx, &finding).await?;
        }
        Ok(())
    }
}
