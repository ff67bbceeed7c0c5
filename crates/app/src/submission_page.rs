//! What publisher and reviewer see of a submission.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use market::{
    AccountId, Action, Class, FindingState, Origin, Problem, SubmissionId, SubmissionState, Waiting,
};
use store::{
    Part, Tx,
    findings::Finding,
    images::ImageRow,
    products::Product,
    publishers::Publisher,
    submissions::{CheckRow, CommentWithAuthor, Submission},
    templates::Template,
    waivers::Waiver,
};

use crate::{
    Actor, App, AppError, ApprovalsView, AssignmentView, ContentDifference, LayerView,
    finding_view::FindingView,
    findings::{class_counts, counts_of},
    inspection::ImageContent,
    jobs::JobKind,
    storefront::public_image,
    tags::{Side, content_difference, contents},
    waivers::check_result,
};

/// A check's result as people read it.
#[derive(Debug, Clone)]
pub struct CheckView {
    /// `os/architecture` of the image.
    pub platform: String,
    /// The result.
    pub result: certify::CheckResult,
    /// By which waiver it need not be passed, where it failed.
    pub waiver: Option<Waiver>,
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
#[derive(Debug, Clone)]
pub struct Difference {
    /// The submission before.
    pub before: SubmissionId,
    /// The number of the submission before.
    pub since: i64,
    /// Manifest fields that changed.
    pub fields: Vec<String>,
    /// Whether the image is another.
    pub image: bool,
    /// What differs in the image.
    pub content: ContentDifference,
    /// Checks that end otherwise now: title, and whether they failed before and fail now.
    pub checks: Vec<(String, bool, bool)>,
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
    /// The name of the account that submitted it.
    pub submitted_by: String,
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
    /// Those who wrote in the thread for the publisher.
    pub publisher_authors: BTreeSet<AccountId>,
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
    /// Whether the asker may set when it goes public.
    pub may_publish: bool,
    /// Whether the asker may state something about a finding.
    pub may_state: bool,
    /// Whether the asker may waive a check.
    pub may_waive: bool,
    /// Whether the asker may classify a finding by hand.
    pub may_classify: bool,
    /// When it was released.
    pub released_at: Option<DateTime<Utc>>,
    /// How long its review waited for each side.
    pub waiting: Waiting,
    /// Who has it in hand, for staff.
    pub assignment: Option<AssignmentView>,
    /// The approvals of a first release that two people must approve.
    pub approvals: Option<ApprovalsView>,
    /// Why it cannot be released yet, for those who may decide: nobody signed a root for its name.
    pub missing_root: Option<String>,
    /// What of its manifest is as it may be and probably not as it was meant.
    pub hints: Vec<Problem>,
    /// The texts that are kept for a decision, where the asker may decide.
    pub templates: Vec<Template>,
}

impl App {
    pub(crate) async fn home_of(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<(Publisher, Product), AppError> {
        let missing = || AppError::not_found("submission", submission.id.as_str());
        let found = self
            .product_and_publisher(tx, &submission.product_id)
            .await?;
        found.ok_or_else(missing)
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
        let rows = store::findings::of_submission(&mut tx, &submission.id, Part::ALL).await?;
        let contents = contents(&mut tx, &submission.id).await?;
        let images = inspected_images(&contents, &rows);
        let platforms: BTreeMap<_, _> = images
            .iter()
            .map(|image| (image.digest.clone(), image.platform.clone()))
            .collect();
        let may = |action| crate::actor::check(actor, action, &roles).is_ok();
        let now = Side {
            images: &contents,
            findings: &rows,
        };
        let database = self.advisory_database();
        let thread = store::submissions::thread(&mut tx, &submission, Part::ALL).await?;
        let submitter = store::accounts::find(&mut tx, &submission.submitted_by).await?;
        let counts = store::findings::counts(&mut tx, &[submission.id.as_str()]).await?;
        let mut findings = self.finding_views(&mut tx, &rows, &platforms).await?;
        self.show_judgements(&mut tx, &product.id, &mut findings)
            .await?;
        let mut page = SubmissionPage {
            submitted_by: submitter.map(|account| account.name).unwrap_or_default(),
            publisher_authors: publisher_authors(&mut tx, &publisher, &thread).await?,
            counts: class_counts(counts_of(&counts, submission.id.as_str())),
            findings,
            checks: check_views(
                store::submissions::checks(&mut tx, &submission.id).await?,
                &platforms,
                &store::waivers::of_product(&mut tx, &product.id, Part::ALL).await?,
            )?,
            thread,
            difference: self.difference(&mut tx, &submission, &now).await?,
            progress: progress(&mut tx, &submission, self.now()).await?,
            advisories: (
                database.meta().version.clone(),
                database.meta().created_at.clone(),
            ),
            may_comment: may(Action::Comment),
            may_decide: may(Action::DecideSubmission),
            may_submit: may(Action::Submit),
            may_publish: may(Action::SetPublication),
            may_state: may(Action::MakeStatement),
            may_waive: may(Action::WaiveCheck),
            may_classify: may(Action::Classify),
            released_at: store::releases::of_submission(&mut tx, &submission.id)
                .await?
                .map(|release| release.released_at),
            waiting: self.waiting(&mut tx, &submission).await?,
            hints: self.manifest_hints(&mut tx, &submission).await?,
            approvals: self.approvals_view(&mut tx, actor, &submission).await?,
            missing_root: None,
            templates: match may(Action::DecideSubmission) {
                true => store::templates::all(&mut tx).await?,
                false => Vec::new(),
            },
            assignment: self
                .assignment_view(&mut tx, (&submission, &publisher), &may)
                .await?,
            images,
            submission,
            product,
            publisher,
        };
        drop(tx);
        if page.may_decide && page.submission.state.is_under_way() {
            let name = format!("{}/{}", page.publisher.slug, page.product.slug);
            page.missing_root = self.missing_root(&name).await?;
        }
        Ok(page)
    }

    /// Returns a hint for each plan that gives neither what is submitted nor what was released.
    async fn manifest_hints(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<Vec<Problem>, AppError> {
        let (manifest, product) = (&submission.manifest, &submission.product_id);
        let released = self.origins_for_plans(tx, product, manifest).await?;
        let mut origins: Vec<_> = released.into_iter().map(|release| release.origin).collect();
        origins.push(Origin::of_submission(
            &submission.repository,
            &submission.tag,
        ));
        Ok(manifest.idle_plans(&origins))
    }

    /// Returns a part of a submission's findings, the worst first.
    ///
    /// # Errors
    /// There is none that the asker may see.
    pub async fn submission_findings(
        &self,
        actor: &Actor,
        id: &str,
        part: Part<'_>,
    ) -> Result<Vec<FindingView>, AppError> {
        let mut tx = self.read().await?;
        let (submission, _) = self
            .visible_submission(&mut tx, actor, id, Action::ReadSubmission)
            .await?;
        let rows = store::findings::of_submission(&mut tx, &submission.id, part).await?;
        let images = store::images::outlines_of_submission(&mut tx, &submission.id).await?;
        let platforms = images.into_iter().map(|it| (it.digest, it.platform));
        let platforms: BTreeMap<_, _> = platforms.collect();
        let mut findings = self.finding_views(&mut tx, &rows, &platforms).await?;
        self.show_judgements(&mut tx, &submission.product_id, &mut findings)
            .await?;
        Ok(findings)
    }

    /// Returns a part of the review thread up to a submission, oldest first.
    ///
    /// # Errors
    /// There is none that the asker may see.
    pub async fn submission_thread(
        &self,
        actor: &Actor,
        id: &str,
        part: Part<'_>,
    ) -> Result<Vec<CommentWithAuthor>, AppError> {
        let mut tx = self.read().await?;
        let (submission, _) = self
            .visible_submission(&mut tx, actor, id, Action::ReadSubmission)
            .await?;
        Ok(store::submissions::thread(&mut tx, &submission, part).await?)
    }

    async fn difference(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        now: &Side<'_>,
    ) -> Result<Option<Difference>, AppError> {
        let (product, number) = (&submission.product_id, submission.number);
        let Some(before) = store::submissions::before(tx, product, number).await? else {
            return Ok(None);
        };
        let images = contents(tx, &before.id).await?;
        let findings = store::findings::of_submission(tx, &before.id, Part::ALL).await?;
        let then = Side {
            images: &images,
            findings: &findings,
        };
        let checks = (
            failing_checks(tx, &before.id).await?,
            failing_checks(tx, &submission.id).await?,
        );
        Ok(Some(Difference {
            content: content_difference(&then, now, true),
            checks: checks
                .1
                .iter()
                .filter_map(|(title, now)| {
                    let then = checks.0.get(title)?;
                    (then != now).then(|| (title.clone(), *then, *now))
                })
                .collect(),
            before: before.id,
            since: before.number,
            fields: submission.manifest.changed_fields(&before.manifest),
            image: before.digest != submission.digest,
        }))
    }
}

/// Returns how far the job is that a submission waits for.
async fn progress(
    tx: &mut Tx,
    submission: &Submission,
    now: DateTime<Utc>,
) -> Result<Option<(i64, i64, String)>, AppError> {
    let id = submission.id.clone();
    let job = match submission.state {
        SubmissionState::Inspecting => JobKind::Inspect { submission: id },
        SubmissionState::Approved if submission.is_due(now) => {
            return Ok(Some((0, 0, String::new())));
        }
        _ => return Ok(None),
    };
    let job = store::jobs::find_by_dedupe_key(tx, &job.key()).await?;
    Ok(job.map(|job| (job.done_steps, job.total_steps, job.note)))
}

fn inspected_images(
    contents: &[(ImageRow, ImageContent)],
    findings: &[Finding],
) -> Vec<InspectedImage> {
    let mut worst: HashMap<_, Class> = HashMap::new();
    for finding in findings.iter().filter(|it| it.state == FindingState::Open) {
        let place = (&*finding.image, &*finding.component, &*finding.version);
        let class = worst.entry(place).or_insert(finding.class);
        *class = finding.class.max(*class);
    }
    let image = |(row, content): &(ImageRow, ImageContent)| {
        let public = public_image(row, content);
        let component = |component: &inventory::Component| ComponentView {
            name: component.name.clone(),
            version: component.version.clone(),
            purl: component.purl.clone(),
            layer: component.layer.to_string(),
            worst: worst
                .get(&(&*row.digest, &*component.name, &*component.version))
                .copied(),
        };
        InspectedImage {
            components: content.inventory.components.iter().map(component).collect(),
            platform: public.platform,
            digest: public.digest,
            size: public.size,
            distribution: public.distribution,
            layers: public.layers,
        }
    };
    contents.iter().map(image).collect()
}

/// Returns the authors of remarks who belong to the publisher.
async fn publisher_authors(
    tx: &mut Tx,
    publisher: &Publisher,
    thread: &[CommentWithAuthor],
) -> Result<BTreeSet<AccountId>, AppError> {
    let authors: BTreeSet<_> = thread
        .iter()
        .map(|remark| &remark.comment.author_id)
        .collect();
    let mut members = BTreeSet::new();
    for author in authors {
        let role = store::publishers::member_role(tx, &publisher.id, author).await?;
        members.extend(role.map(|_| author.clone()));
    }
    Ok(members)
}

/// Returns each check that applied, by title, with whether it failed on any platform.
async fn failing_checks(
    tx: &mut Tx,
    id: &SubmissionId,
) -> Result<BTreeMap<String, bool>, AppError> {
    let mut failing = BTreeMap::new();
    let rows = store::submissions::checks(tx, id).await?;
    for check in check_views(rows, &BTreeMap::new(), &[])? {
        if check.result.status != certify::Status::NotApplicable {
            *failing.entry(check.result.title.clone()).or_default() |= check.result.failed();
        }
    }
    Ok(failing)
}

pub(crate) fn is_in_the_way(row: &CheckRow) -> bool {
    let serious =
        |result: certify::CheckResult| result.failed() && result.level == certify::Level::Error;
    row.waiver_id.is_none() && check_result(row).is_ok_and(serious)
}

fn check_views(
    rows: Vec<CheckRow>,
    platforms: &BTreeMap<String, String>,
    waivers: &[Waiver],
) -> Result<Vec<CheckView>, AppError> {
    let mut views = Vec::new();
    for row in rows {
        let result = check_result(&row)?;
        let is_it = |waiver: &&Waiver| row.waiver_id.as_deref() == Some(waiver.id.as_str());
        let check = certify::CHECKS.iter().find(|check| check.id == result.id);
        views.push(CheckView {
            platform: platforms.get(&row.image).cloned().unwrap_or_default(),
            proves: check.map_or("", |check| check.proves),
            help: check.map_or("", |check| check.help),
            waiver: waivers.iter().find(is_it).cloned(),
            result,
        });
    }
    views.sort_by_key(|view| (!view.result.failed(), std::cmp::Reverse(view.result.level)));
    Ok(views)
}
