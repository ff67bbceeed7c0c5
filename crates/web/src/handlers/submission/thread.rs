//! The review thread, and what a remark can be pinned to.

use std::collections::BTreeSet;

use app::{CommentWithAuthor, FindingView};
use market::{Anchor, Decision};

use crate::handlers::manifest_items::{TITLES, title};
use crate::{
    markdown::markdown,
    pages::{AnchorChoice, Remark},
    view::{Digest, Pill, Tone},
    viewer::Viewer,
};

/// Returns the remarks, oldest first.
pub(super) fn remarks(found: &app::SubmissionPage, viewer: &Viewer) -> Vec<Remark> {
    let remarks = found
        .thread
        .iter()
        .map(|written| remark(found, written, viewer));
    remarks.collect()
}

fn remark(found: &app::SubmissionPage, written: &CommentWithAuthor, viewer: &Viewer) -> Remark {
    let comment = &written.comment;
    let is_publisher = found.publisher_authors.contains(&comment.author_id);
    let decision = comment.decision.as_deref().map(decision_pill);
    let earlier = if written.submission_number == found.submission.number {
        String::new()
    } else {
        format!(" of no. {}", written.submission_number)
    };
    Remark {
        id: comment.id.to_string(),
        author: written.author.clone(),
        role: if is_publisher {
            "Publisher"
        } else {
            "Certification team"
        }
        .to_owned(),
        at: viewer.when(comment.created_at),
        about: format!("{}{earlier}", about(&comment.anchor, found)),
        body: markdown(&comment.body),
        can_resolve: found.may_comment && decision.is_none(),
        decision,
        resolved: comment.resolved_at.map(|at| viewer.when(at)),
    }
}

fn decision_pill(decision: &str) -> Pill {
    match decision.parse() {
        Ok(Decision::Approve) => Pill::new(Tone::Good, "Approved"),
        Ok(Decision::RequestChanges) => Pill::new(Tone::Warning, "Changes requested"),
        Ok(Decision::Reject) => Pill::new(Tone::Bad, "Rejected"),
        Err(_) => Pill::new(Tone::Quiet, decision),
    }
}

fn about(anchor: &Anchor, found: &app::SubmissionPage) -> String {
    match anchor {
        Anchor::Submission => "the submission".to_owned(),
        Anchor::Field(field) => format!("the {}", title(field).to_lowercase()),
        Anchor::Check(id) => {
            let check = found.checks.iter().find(|check| check.result.id == *id);
            format!(
                "the check “{}”",
                check.map_or(id, |check| &check.result.title)
            )
        }
        Anchor::Finding(id) => format!("finding {id}"),
        Anchor::Component(name) => format!("component {name}"),
        Anchor::Layer(digest) => format!("layer {}", Digest(digest.clone()).short()),
    }
}

/// Returns what a new remark can be pinned to: what is wrong first.
pub(super) fn anchors(found: &app::SubmissionPage, findings: &[FindingView]) -> Vec<AnchorChoice> {
    let choice = |anchor: Anchor, label: String| AnchorChoice {
        value: anchor.to_string(),
        label,
    };
    let mut choices = vec![choice(
        Anchor::Submission,
        "The submission as a whole".to_owned(),
    )];
    let mut seen = BTreeSet::new();
    for check in &found.checks {
        if seen.insert(&check.result.id) {
            choices.push(choice(
                Anchor::Check(check.result.id.clone()),
                format!("Check: {}", check.result.title),
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for finding in findings.iter().map(|view| &view.finding) {
        if seen.insert(&finding.vulnerability) {
            let label = format!(
                "Finding: {} in {}",
                finding.vulnerability, finding.component
            );
            choices.push(choice(
                Anchor::Finding(finding.vulnerability.clone()),
                label,
            ));
        }
    }
    let components: BTreeSet<_> = findings
        .iter()
        .map(|view| &view.finding.component)
        .collect();
    choices.extend(components.into_iter().map(|name| {
        choice(
            Anchor::Component(name.clone()),
            format!("Component: {name}"),
        )
    }));
    let layers: BTreeSet<_> = found
        .images
        .iter()
        .flat_map(|image| &image.layers)
        .map(|layer| &layer.digest)
        .collect();
    choices.extend(layers.into_iter().map(|digest| {
        choice(
            Anchor::Layer(digest.clone()),
            format!("Layer: {}", Digest(digest.clone()).short()),
        )
    }));
    choices.extend(TITLES.iter().map(|(field, title)| {
        choice(
            Anchor::Field((*field).to_owned()),
            format!("Manifest: {title}"),
        )
    }));
    choices
}
