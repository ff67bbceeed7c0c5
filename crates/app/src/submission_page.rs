//! What publisher and reviewer see of a submission, and the reviewer's queue.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use market::{Action, Class, FindingState, SubmissionState};
use store::{
    Tx,
    findings::Finding,
    products::Product,
    publishers::Publisher,
    submissions::{CommentWithAuthor, Submission},
};

use crate::{
    Actor, App, AppError, LayerView,
    inspection::{FindingDetail, ImageContent, class_counts},
    jobs::JobKind,
};

/// A submission that waits for somebody.
#[derive(Debug, Clone)]
pub struct QueueEntry {
    /// The submission.
    pub submission: Submission,
    /// Of which product.
    pub product: Product,
    /// By which publisher.
    pub publisher: Publisher,
    /// Open findings of each class, the worst class first.
    pub counts: Vec<(Class, i64)>,
}

/// A finding as people read it.
#[derive(Debug, Clone)]
pub struct FindingView {
    /// The finding.
    pub finding: Finding,
    /// `os/architecture` of the image.
    pub platform: String,
    /// CVSS's word for the score.
    pub word: Option<String>,
    /// The vector the score was computed from.
    pub vector: Option<String>,
    /// Who scored it so.
    pub score_source: Option<String>,
    /// One line on what it is.
    pub title: String,
    /// The distribution's word on it.
    pub status: String,
    /// Why it was found.
    pub explanation: String,
    /// Further reading, the best first.
    pub urls: Vec<String>,
    /// Other names.
    pub aliases: Vec<String>,
    /// Every source's rating, as JSON.
    pub severities: serde_json::Value,
    /// The component's package URL.
    pub purl: String,
    /// The file that names the component.
    pub path: String,
}

/// A check's result as people read it.
#[derive(Debug, Clone)]
pub struct CheckView {
    /// `os/architecture` of the image.
    pub platform: String,
    /// The result.
    pub result: certify::CheckResult,
    /// What the check proves.
    pub proves: &'static str,
    /// Why it matters.
    pub help: &'static str,
}

/// A component as people read it.
#[derive(Debug, Clone)]
pub struct ComponentView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package URL.
    pub purl: String,
    /// The layer that brought it.
    pub layer: String,
    /// The worst class of its open findings.
    pub worst: Option<Class>,
}

/// One platform of a submission with everything found in it.
#[derive(Debug, Clone)]
pub struct InspectedImage {
    /// `os/architecture`.
    pub platform: String,
    /// Of the platform's manifest.
    pub digest: String,
    /// Bytes as pushed.
    pub size: u64,
    /// The distribution inside.
    pub distribution: Option<String>,
    /// The layers, lowest first.
    pub layers: Vec<LayerView>,
    /// The components by name.
    pub components: Vec<ComponentView>,
}

/// What changed since the submission before.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// The number of the submission before.
    pub since: i64,
    /// Manifest fields that changed.
    pub fields: Vec<String>,
    /// Whether the image is another.
    pub image: bool,
    /// Findings that are new.
    pub new_findings: Vec<String>,
    /// Findings that are gone.
    pub gone_findings: Vec<String>,
}

/// Everything about a submission.
#[derive(Debug, Clone)]
pub struct SubmissionPage {
    /// The submission.
    pub submission: Submission,
    /// Of which product.
    pub product: Product,
    /// By which publisher.
    pub publisher: Publisher,
    /// Open findings of each class, the worst class first.
    pub counts: Vec<(Class, i64)>,
    /// The findings, the worst first.
    pub findings: Vec<FindingView>,
    /// The checks, failed ones first.
    pub checks: Vec<CheckView>,
    /// The platforms.
    pub images: Vec<InspectedImage>,
    /// The review thread up to this submission.
    pub thread: Vec<CommentWithAuthor>,
    /// What changed since the submission before.
    pub difference: Option<Difference>,
    /// How far inspection or release is: steps done, steps in all, what it is at.
    pub progress: Option<(i64, i64, String)>,
    /// The version and date of the advisories it would be matched with now.
    pub advisories: (String, String),
    /// Whether the asker may write in the thread.
    pub may_comment: bool,
    /// Whether the asker may decide.
    pub may_decide: bool,
    /// Whether the asker may submit again.
    pub may_submit: bool,
    /// When it was released.
    pub released_at: Option<DateTime<Utc>>,
}

impl App {
    /// Returns what waits for a reviewer, longest first.
    ///
    /// # Errors
    /// The asker may not see it.
    pub async fn review_queue(&self, actor: &Actor) -> Result<Vec<QueueEntry>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadQueue, None)
            .await?;
        let mut queue = Vec::new();
        for submission in store::submissions::waiting_for_review(&mut tx).await? {
            let (publisher, product) = self.home_of(&mut tx, &submission).await?;
            let counts = class_counts(&store::findings::counts(&mut tx, &submission.id).await?);
            queue.push(QueueEntry {
                submission,
                product,
                publisher,
                counts,
            });
        }
        Ok(queue)
    }

    async fn home_of(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<(Publisher, Product), AppError> {
        let missing = || AppError::not_found("submission", submission.id.as_str());
        let product = store::products::find(tx, &submission.product_id)
            .await?
            .ok_or_else(missing)?;
        let publisher = store::publishers::find(tx, &product.publisher_id)
            .await?
            .ok_or_else(missing)?;
        Ok((publisher, product))
    }

    /// Returns everything about a submission.
    ///
    /// # Errors
    /// There is none that the asker may see.
    pub async fn submission_page(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<SubmissionPage, AppError> {
        let mut tx = self.read().await?;
        let (submission, roles) = self
            .visible_submission(&mut tx, actor, id, Action::ReadSubmission)
            .await?;
        let (publisher, product) = self.home_of(&mut tx, &submission).await?;
        let rows = store::findings::of_submission(&mut tx, &submission.id).await?;
        let images = self.inspected_images(&mut tx, &submission, &rows).await?;
        let platforms: BTreeMap<_, _> = images
            .iter()
            .map(|image| (image.digest.clone(), image.platform.clone()))
            .collect();
        let may = |action| crate::actor::check(actor, action, &roles).is_ok();
        let key = match submission.state {
            SubmissionState::Inspecting => Some(
                JobKind::Inspect {
                    submission: submission.id.clone(),
                }
                .key(),
            ),
            SubmissionState::Approved => Some(
                JobKind::Release {
                    submission: submission.id.clone(),
                }
                .key(),
            ),
            _ => None,
        };
        let job = match key {
            Some(key) => store::jobs::find_by_dedupe_key(&mut tx, &key).await?,
            None => None,
        };
        let database = self.advisory_database();
        Ok(SubmissionPage {
            counts: class_counts(&store::findings::counts(&mut tx, &submission.id).await?),
            findings: rows
                .iter()
                .map(|row| finding_view(row, &platforms))
                .collect::<Result<_, _>>()?,
            checks: check_views(
                store::submissions::checks(&mut tx, &submission.id).await?,
                &platforms,
            )?,
            thread: store::submissions::thread(&mut tx, &submission).await?,
            difference: self.difference(&mut tx, &submission, &rows).await?,
            progress: job.map(|job| (job.done_steps, job.total_steps, job.note)),
            advisories: (
                database.meta().version.clone(),
                database.meta().created_at.clone(),
            ),
            may_comment: may(Action::Comment),
            may_decide: may(Action::DecideSubmission),
            may_submit: may(Action::Submit),
            released_at: store::releases::of_submission(&mut tx, &submission.id)
                .await?
                .map(|release| release.released_at),
            images,
            submission,
            product,
            publisher,
        })
    }

    async fn inspected_images(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        findings: &[Finding],
    ) -> Result<Vec<InspectedImage>, AppError> {
        let mut images = Vec::new();
        for row in store::images::of_submission(tx, &submission.id).await? {
            let content = ImageContent::decode(&row.content)?;
            let public = crate::storefront::public_image(&row, &content);
            let worst = |component: &inventory::Component| {
                let mine = findings.iter().filter(|finding| {
                    finding.state == FindingState::Open
                        && (&finding.image, &finding.component, &finding.version)
                            == (&row.digest, &component.name, &component.version)
                });
                mine.map(|finding| finding.class).max()
            };
            let components = content
                .inventory
                .components
                .iter()
                .map(|component| ComponentView {
                    name: component.name.clone(),
                    version: component.version.clone(),
                    purl: component.purl.clone(),
                    layer: component.layer.to_string(),
                    worst: worst(component),
                });
            images.push(InspectedImage {
                components: components.collect(),
                platform: public.platform,
                digest: public.digest,
                size: public.size,
                distribution: public.distribution,
                layers: public.layers,
            });
        }
        Ok(images)
    }

    async fn difference(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        findings: &[Finding],
    ) -> Result<Option<Difference>, AppError> {
        let Some(before) = self
            .submission_before(tx, &submission.product_id, submission.number)
            .await?
        else {
            return Ok(None);
        };
        let names = |findings: &[Finding]| -> BTreeSet<String> {
            let open = findings
                .iter()
                .filter(|finding| finding.state == FindingState::Open);
            open.map(|finding| format!("{} in {}", finding.vulnerability, finding.component))
                .collect()
        };
        let (old, new) = (
            names(&store::findings::of_submission(tx, &before.id).await?),
            names(findings),
        );
        Ok(Some(Difference {
            since: before.number,
            fields: submission.manifest.changed_fields(&before.manifest),
            image: before.digest != submission.digest,
            new_findings: new.difference(&old).cloned().collect(),
            gone_findings: old.difference(&new).cloned().collect(),
        }))
    }
}

fn finding_view(
    row: &Finding,
    platforms: &BTreeMap<String, String>,
) -> Result<FindingView, AppError> {
    let detail: FindingDetail =
        serde_json::from_value(row.detail.0.clone()).map_err(AppError::internal)?;
    Ok(FindingView {
        platform: platforms.get(&row.image).cloned().unwrap_or_default(),
        word: detail.word,
        vector: detail.vector,
        score_source: detail.score_source,
        title: detail.title,
        status: detail.status,
        explanation: detail.explanation,
        urls: detail.urls,
        aliases: detail.aliases,
        severities: detail.severities,
        purl: detail.purl,
        path: detail.path,
        finding: row.clone(),
    })
}

fn check_views(
    rows: Vec<store::submissions::CheckRow>,
    platforms: &BTreeMap<String, String>,
) -> Result<Vec<CheckView>, AppError> {
    let mut views = Vec::new();
    for row in rows {
        let result: certify::CheckResult =
            serde_json::from_value(row.result.0).map_err(AppError::internal)?;
        let check = certify::CHECKS.iter().find(|check| check.id == result.id);
        views.push(CheckView {
            platform: platforms.get(&row.image).cloned().unwrap_or_default(),
            proves: check.map_or("", |check| check.proves),
            help: check.map_or("", |check| check.help),
            result,
        });
    }
    views.sort_by_key(|view| (!view.result.failed(), std::cmp::Reverse(view.result.level)));
    Ok(views)
}
