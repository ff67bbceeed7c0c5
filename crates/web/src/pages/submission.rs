//! `/submissions/{id}`: one snapshot under review, for its publisher and the reviewers.

use askama::Template;
use market::{Class, Publication, SubmissionState};

use super::submission_parts::{
    AnchorChoice, Changes, Check, Finding, ManifestItem, PlatformPanel, Progress, Remark,
    SignatureReport,
};
use crate::view::{
    Choice, Digest, FieldErrors, Layout, Paging, Pill, SeverityCounts, When, submission_pill,
};

/// A submission.
#[derive(Debug, Template)]
#[template(path = "submission.html")]
pub struct SubmissionPage {
    /// What is around.
    pub layout: Layout,
    /// Its id.
    pub id: String,
    /// Its number within the product.
    pub number: u64,
    /// The product's name.
    pub product: String,
    /// Address of the product's editor, for its publisher.
    pub product_url: Option<String>,
    /// The publisher's name.
    pub publisher: String,
    /// Its state.
    pub state: SubmissionState,
    /// Since when it is in it.
    pub state_since: When,
    /// When it was submitted.
    pub submitted_at: When,
    /// Who submitted it.
    pub submitted_by: String,
    /// The tag it was submitted from.
    pub tag: String,
    /// The digest of the snapshot.
    pub digest: Digest,
    /// How far the inspection is; the page renews itself while there is one.
    pub progress: Option<Progress>,
    /// Why the inspection failed.
    pub failure: Option<String>,
    /// What is different from the submission before.
    pub changes: Option<Changes>,
    /// What the signatures prove.
    pub signature: Option<SignatureReport>,
    /// How many findings each class has, unfiltered.
    pub severity: SeverityCounts,
    /// The class filter in force.
    pub class: Option<Class>,
    /// The findings that are shown.
    pub findings: Vec<Finding>,
    /// Where in the findings one is.
    pub findings_paging: Paging,
    /// The date of the advisory database.
    pub advisories_at: Option<When>,
    /// The certification checks, failed ones first.
    pub checks: Vec<Check>,
    /// The image, platform by platform.
    pub platforms: Vec<PlatformPanel>,
    /// Address of the versions of the product's draft.
    pub versions_url: String,
    /// The manifest as it was submitted.
    pub manifest: Vec<ManifestItem>,
    /// What of it is as it may be and probably not as it was meant.
    pub hints: Vec<String>,
    /// The review thread, oldest first; perhaps only a part of it.
    pub remarks: Vec<Remark>,
    /// Where in the thread one is.
    pub remarks_paging: Paging,
    /// How many remarks of the whole thread are open.
    pub open_remarks: usize,
    /// What a remark can be pinned to.
    pub anchors: Vec<AnchorChoice>,
    /// A remark as it was typed, if it was refused.
    pub draft_remark: String,
    /// The reason of a decision as it was typed, if it was refused.
    pub draft_reason: String,
    /// The templates that are offered for the reason.
    pub templates: Vec<Choice>,
    /// The decision that is chosen on the form.
    pub draft_decision: String,
    /// What is wrong with `anchor`, `body`, `decision` or `reason`.
    pub errors: FieldErrors,
    /// How long its review waited for whom.
    pub waited: String,
    /// What is to be said of the approvals of a first release that two must approve.
    pub approvals: Option<String>,
    /// Why it cannot be released yet, where nobody signed a root for its name.
    pub missing_root: Option<String>,
    /// Whether nobody has approved it where two must.
    pub is_first_approval: bool,
    /// Whether the viewer's approval is among them, and so cannot be given again.
    pub has_approved: bool,
    /// When it goes public, while that may still be.
    pub publication: Option<PublicationPanel>,
    /// In whose hands it is, for staff.
    pub in_hand: Option<InHand>,
    /// Whether the viewer may write in the thread.
    pub can_comment: bool,
    /// Whether the viewer may waive checks.
    pub can_waive: bool,
    /// Whether the viewer may decide.
    pub can_decide: bool,
    /// Why the viewer may not decide although reviewing is theirs, for example own work.
    pub why_not_decide: Option<String>,
}

/// Who of the certification team has the submission.
#[derive(Debug, Clone)]
pub struct InHand {
    /// Their name.
    pub reviewer: Option<String>,
    /// Whether that is the viewer.
    pub is_mine: bool,
    /// The viewer's own name, where they can take it.
    pub me: Option<String>,
    /// Whom else it can be given to.
    pub others: Vec<String>,
}

impl SubmissionPage {
    fn state_pill(&self) -> Pill {
        submission_pill(self.state)
    }

    /// Returns what the state means for whoever looks.
    fn state_meaning(&self) -> &'static str {
        match self.state {
            SubmissionState::Inspecting => {
                "Plimsoll is taking the image apart. Nobody needs to wait here."
            }
            SubmissionState::InReview => "Waits for the certification team.",
            SubmissionState::ChangesRequested => {
                "Waits for the publisher: answer the open remarks, then submit again."
            }
            SubmissionState::Approved if self.progress.is_none() => {
                "Approved; it is signed and released at its time."
            }
            SubmissionState::Approved => "Approved; it is being signed and released.",
            SubmissionState::Released => "Signed and public.",
            SubmissionState::Rejected => "Refused. A new submission can be made.",
            SubmissionState::Superseded => "A newer submission of this product took its place.",
            SubmissionState::Failed => {
                "The image could not be inspected. A new submission can be made."
            }
        }
    }

    fn is_inspecting(&self) -> bool {
        self.state == SubmissionState::Inspecting
    }

    /// Returns whether something is under way that the page waits for.
    fn renews_itself(&self) -> bool {
        self.is_inspecting() || self.progress.is_some()
    }

    fn failed_checks(&self) -> usize {
        self.checks.iter().filter(|check| check.is_failed()).count()
    }

    /// Returns the filters over the findings: label, count, address, whether it is in force.
    fn filters(&self) -> Vec<(String, u64, String, bool)> {
        let all = (
            "All".to_owned(),
            self.severity.total(),
            format!("/submissions/{}#findings", self.id),
            self.class.is_none(),
        );
        let classes = self.severity.parts().map(|(class, _, count)| {
            (
                class.title().to_owned(),
                count,
                format!("/submissions/{}?class={}#findings", self.id, class.as_str()),
                self.class == Some(class),
            )
        });
        [all].into_iter().chain(classes).collect()
    }
}

/// When a submission goes public, and the form that sets it.
#[derive(Debug, Clone)]
pub struct PublicationPanel {
    /// When, in words; a time with the seconds, in UTC.
    pub when: String,
    /// What is set.
    pub publication: Publication,
    /// The time as a field of a form has it.
    pub at: String,
    /// Whether it is approved.
    pub is_approved: bool,
    /// Whether the viewer may set it.
    pub can_set: bool,
}

impl PublicationPanel {
    fn is(&self, publication: &str) -> bool {
        self.publication.as_str() == publication
    }
}
