//! A submission and what was found in it, as its publisher and the staff read it.

use app::{
    ApprovalsView, CheckView, CommentWithAuthor, ComponentView, Difference, InspectedImage,
    Submission, SubmissionPage,
    certify::{Evidence, Status},
};
use chrono::{DateTime, Utc};
use market::Class;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    error::ProblemJson,
    manifest::ManifestJson,
    products::LayerJson,
    releases_json::ContentDifferenceJson,
    review::WaitingJson,
    waivers::WaiverJson,
    words::{
        ClassJson, CommentIdJson, PublicationJson, SlugJson, SubmissionIdJson, SubmissionStateJson,
    },
};

/// An immutable snapshot on its way through review.
#[derive(Serialize, ToSchema)]
pub(super) struct SubmissionJson {
    /// Its identifier.
    id: SubmissionIdJson,
    /// 1 for a product's first.
    number: i64,
    /// Where it is.
    state: SubmissionStateJson,
    /// The staging repository.
    repository: String,
    /// The tag it was submitted under.
    tag: String,
    /// What the tag named then.
    digest: String,
    /// Of the manifest or index.
    media_type: String,
    /// When.
    submitted_at: DateTime<Utc>,
    /// Since when the side whose turn it is has it.
    waiting_since: DateTime<Utc>,
    /// When the machine was done.
    inspected_at: Option<DateTime<Utc>>,
    /// What signature verification found.
    signature: Option<SignatureJson>,
    /// Why inspection failed.
    problem: Option<String>,
    /// Whether a release of it would be certified.
    certifiable: bool,
    /// When it goes public once it is approved.
    publication: PublicationJson,
    /// The time, where there is one.
    publish_at: Option<DateTime<Utc>>,
}

/// What signature verification found.
#[derive(Serialize, ToSchema)]
struct SignatureJson {
    /// Whether a registered key of the publisher signed exactly this digest.
    verified: bool,
    /// In words.
    reason: String,
    /// The key.
    key_id: Option<String>,
    /// What its owner calls it.
    key_name: Option<String>,
    /// The form of the signature.
    #[schema(example = "content-trust")]
    form: Option<String>,
    /// When it was made, where the signature says so and is believed.
    signed_at: Option<DateTime<Utc>>,
    /// Until when the signer vouches for it: the timestamp's end in content trust, or the signature's.
    fresh_until: Option<DateTime<Utc>>,
    /// The version of the trust metadata that names the digest.
    metadata_version: Option<i64>,
    /// The platforms of an index, all of which its signature covers.
    platforms: Vec<String>,
}

/// Everything about a submission but its findings, checks, images and thread, which have addresses of their own.
#[derive(Serialize, ToSchema)]
pub(super) struct SubmissionPageJson {
    /// The submission.
    submission: SubmissionJson,
    /// The publisher's short name.
    publisher: SlugJson,
    /// The product's short name.
    product: SlugJson,
    /// The manifest as submitted.
    manifest: ManifestJson,
    /// Open findings of each class, the worst first.
    counts: Vec<CountJson>,
    /// What changed since the submission before.
    difference: Option<DifferenceJson>,
    /// How far inspection or release is, while it goes on.
    progress: Option<ProgressJson>,
    /// The advisory database it would be matched with now.
    advisories: AdvisoriesVersionJson,
    /// Whether the asker may write in the thread.
    may_comment: bool,
    /// Whether the asker may decide.
    may_decide: bool,
    /// Whether the asker may submit again.
    may_submit: bool,
    /// When it was released.
    released_at: Option<DateTime<Utc>>,
    /// How long its review waited for each side.
    waiting: WaitingJson,
    /// The name of the reviewer who took it, for staff.
    reviewer: Option<String>,
    /// Whom it can be given to by the asker.
    candidates: Vec<String>,
    /// What of its manifest is as it may be and probably not as it was meant.
    hints: Vec<ProblemJson>,
    /// The approvals of a first release that two people must approve; null where one is enough.
    approvals: Option<ApprovalsJson>,
    /// Why it cannot be released yet, for those who may decide: nobody signed a root for its name.
    missing_root: Option<String>,
}

/// The approvals of a first release.
#[derive(Serialize, ToSchema)]
struct ApprovalsJson {
    /// Those that count, in order.
    given: Vec<ApprovalJson>,
    /// How many are needed.
    needed: usize,
}

/// Somebody's approval.
#[derive(Serialize, ToSchema)]
struct ApprovalJson {
    /// The reviewer's name.
    reviewer: String,
    /// When.
    approved_at: DateTime<Utc>,
}

impl From<ApprovalsView> for ApprovalsJson {
    fn from(view: ApprovalsView) -> Self {
        let given = view.given.into_iter().map(|row| ApprovalJson {
            reviewer: row.reviewer,
            approved_at: row.approved_at,
        });
        Self {
            given: given.collect(),
            needed: view.needed,
        }
    }
}

/// How many open findings of a class there are.
#[derive(Serialize, ToSchema)]
pub(super) struct CountJson {
    class: ClassJson,
    findings: i64,
}

/// What changed since the submission before.
#[derive(Serialize, ToSchema)]
struct DifferenceJson {
    /// The number of the submission before.
    since: i64,
    /// Manifest fields that changed.
    fields: Vec<String>,
    /// Whether the image is another.
    image: bool,
    /// What differs in layers, components and findings.
    content: ContentDifferenceJson,
}

/// How far a job is.
#[derive(Serialize, ToSchema)]
struct ProgressJson {
    /// Steps done.
    done: i64,
    /// Steps in all.
    total: i64,
    /// What it is at.
    note: String,
}

/// Which advisories.
#[derive(Serialize, ToSchema)]
struct AdvisoriesVersionJson {
    /// Digest of the content.
    version: String,
    /// When it was made, RFC 3339.
    created_at: String,
}

/// What one certification check said of one platform.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckJson {
    /// `os/architecture` of the image.
    platform: String,
    /// Its name for machines.
    id: String,
    /// Its name for people.
    title: String,
    /// `info`, `warning` or `error`: how much a failure weighs.
    level: &'static str,
    /// `passed`, `failed` or `not-applicable`.
    status: &'static str,
    /// What was seen, or why it does not apply.
    note: String,
    /// What is known about an image that passes.
    proves: &'static str,
    /// Why it matters.
    help: &'static str,
    /// What to do after a failure.
    suggestion: String,
    /// Why it failed.
    evidence: Vec<EvidenceJson>,
    /// How many more reasons were found than are kept.
    evidence_left_out: usize,
    /// The waiver by which it need not be passed, where it failed.
    waiver: Option<WaiverJson>,
}

/// One reason for a failure.
#[derive(Serialize, ToSchema)]
struct EvidenceJson {
    /// The layer's digest.
    layer: Option<String>,
    /// The file, without leading slash.
    path: Option<String>,
    /// The line of history.
    history: Option<String>,
    /// What is wrong.
    note: String,
}

/// One platform with everything found in it.
#[derive(Serialize, ToSchema)]
pub(super) struct InspectedImageJson {
    /// `os/architecture`.
    platform: String,
    /// Of the platform's manifest.
    digest: String,
    /// Bytes as pushed.
    size: u64,
    /// The distribution inside.
    distribution: Option<String>,
    /// The layers, lowest first.
    layers: Vec<LayerJson>,
    /// The components by name.
    components: Vec<ComponentJson>,
}

/// A component.
#[derive(Serialize, ToSchema)]
struct ComponentJson {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Its package URL.
    purl: String,
    /// The layer that brought it.
    layer: String,
    /// The worst class of its open findings.
    worst: Option<ClassJson>,
}

/// A remark in a review thread.
#[derive(Serialize, ToSchema)]
pub(super) struct RemarkJson {
    /// Its identifier.
    id: CommentIdJson,
    /// The author's name.
    author: String,
    /// The number of the submission it was written on.
    submission_number: i64,
    /// What it is about.
    anchor: String,
    /// What it says.
    body: String,
    /// The decision it came with.
    decision: Option<String>,
    /// When.
    created_at: DateTime<Utc>,
    /// When it was settled.
    resolved_at: Option<DateTime<Utc>>,
}

impl From<Submission> for SubmissionJson {
    fn from(submission: Submission) -> Self {
        Self {
            id: submission.id.into(),
            number: submission.number,
            state: submission.state.into(),
            repository: submission.repository,
            tag: submission.tag,
            digest: submission.digest,
            media_type: submission.media_type,
            submitted_at: submission.submitted_at,
            waiting_since: submission.waiting_since,
            inspected_at: submission.inspected_at,
            signature: submission.signature.map(|found| SignatureJson::of(&found)),
            problem: submission.problem,
            certifiable: submission.certifiable,
            publication: submission.publication.into(),
            publish_at: submission.publish_at,
        }
    }
}

impl SignatureJson {
    fn of(found: &Value) -> Self {
        let text = |name: &str| found[name].as_str().map(str::to_owned);
        let time = |name: &str| serde_json::from_value(found[name].clone()).ok();
        Self {
            verified: found["verified"] == Value::Bool(true),
            reason: text("reason").unwrap_or_default(),
            key_id: text("key_id"),
            key_name: text("key_name"),
            form: text("form"),
            signed_at: time("signed_at"),
            fresh_until: time("fresh_until"),
            metadata_version: found["metadata_version"].as_i64(),
            platforms: serde_json::from_value(found["platforms"].clone()).unwrap_or_default(),
        }
    }
}

impl From<SubmissionPage> for SubmissionPageJson {
    fn from(page: SubmissionPage) -> Self {
        let (version, created_at) = page.advisories;
        let assignment = page.assignment.unwrap_or_default();
        let progress = page
            .progress
            .map(|(done, total, note)| ProgressJson { done, total, note });
        Self {
            manifest: page.submission.manifest.0.clone().into(),
            submission: page.submission.into(),
            publisher: page.publisher.slug.into(),
            product: page.product.slug.into(),
            counts: page.counts.into_iter().map(CountJson::from).collect(),
            difference: page.difference.map(DifferenceJson::from),
            progress,
            advisories: AdvisoriesVersionJson {
                version,
                created_at,
            },
            may_comment: page.may_comment,
            may_decide: page.may_decide,
            may_submit: page.may_submit,
            released_at: page.released_at,
            waiting: page.waiting.into(),
            reviewer: assignment.reviewer,
            candidates: assignment.candidates,
            hints: page.hints.into_iter().map(Into::into).collect(),
            approvals: page.approvals.map(ApprovalsJson::from),
            missing_root: page.missing_root,
        }
    }
}

impl From<(Class, i64)> for CountJson {
    fn from((class, findings): (Class, i64)) -> Self {
        Self {
            class: class.into(),
            findings,
        }
    }
}

impl From<Difference> for DifferenceJson {
    fn from(difference: Difference) -> Self {
        Self {
            since: difference.since,
            fields: difference.fields,
            image: difference.image,
            content: difference.content.into(),
        }
    }
}

impl From<CheckView> for CheckJson {
    fn from(view: CheckView) -> Self {
        let result = view.result;
        Self {
            platform: view.platform,
            id: result.id,
            title: result.title,
            level: result.level.as_str(),
            status: match result.status {
                Status::Passed => "passed",
                Status::Failed => "failed",
                Status::NotApplicable => "not-applicable",
            },
            note: result.note,
            proves: view.proves,
            help: view.help,
            suggestion: result.suggestion,
            evidence: result
                .evidence
                .into_iter()
                .map(EvidenceJson::from)
                .collect(),
            evidence_left_out: result.evidence_left_out,
            waiver: view.waiver.map(WaiverJson::from),
        }
    }
}

impl From<Evidence> for EvidenceJson {
    fn from(evidence: Evidence) -> Self {
        Self {
            layer: evidence.layer.map(|layer| layer.to_string()),
            path: evidence.path,
            history: evidence.history,
            note: evidence.note,
        }
    }
}

impl From<InspectedImage> for InspectedImageJson {
    fn from(image: InspectedImage) -> Self {
        let components = image.components.into_iter();
        Self {
            platform: image.platform,
            digest: image.digest,
            size: image.size,
            distribution: image.distribution,
            layers: image.layers.into_iter().map(LayerJson::from).collect(),
            components: components.map(ComponentJson::from).collect(),
        }
    }
}

impl From<ComponentView> for ComponentJson {
    fn from(component: ComponentView) -> Self {
        Self {
            name: component.name,
            version: component.version,
            purl: component.purl,
            layer: component.layer,
            worst: component.worst.map(ClassJson::from),
        }
    }
}

impl From<CommentWithAuthor> for RemarkJson {
    fn from(remark: CommentWithAuthor) -> Self {
        let comment = remark.comment;
        Self {
            id: comment.id.into(),
            author: remark.author,
            submission_number: remark.submission_number,
            anchor: comment.anchor.to_string(),
            body: comment.body,
            decision: comment.decision,
            created_at: comment.created_at,
            resolved_at: comment.resolved_at,
        }
    }
}
