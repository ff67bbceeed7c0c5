//! The submission as its page shows it.

use app::{CheckView, Difference, FindingView, certify};
use chrono::DateTime;
use market::{Deadline, FindingState, Publication, SubmissionState, Waiting};

use super::{image, thread};
use crate::{
    handlers::{compare::changed_content, count, manifest_items, publisher::severity_counts, vex},
    pages::{
        Changes, Check, Finding, Progress, SignatureLine, SignatureReport,
        submission::{InHand, PublicationPanel, SubmissionPage},
    },
    view::{Choice, Digest, Due, FieldErrors, Paging, entry_url, time_span, urlencoded},
    viewer::Viewer,
};

/// Returns the page, but for the part of the findings that is shown.
pub(super) fn page(
    viewer: Viewer,
    found: &app::SubmissionPage,
    findings: &[FindingView],
) -> SubmissionPage {
    let submission = &found.submission;
    let progress = progress(found);
    // A page that renews itself would take away what is being typed.
    let is_settled = progress.is_none() && submission.state != SubmissionState::Inspecting;
    let is_open = matches!(
        submission.state,
        SubmissionState::InReview | SubmissionState::ChangesRequested
    );
    let several = found.images.len() > 1;
    let editor_url = format!("/publisher/{}/{}", found.publisher.slug, found.product.slug);
    let url = format!("/p/{}/{}", found.publisher.slug, found.product.slug);
    let remarks = thread::remarks(found, &viewer);
    let approved = found.approvals.as_ref();
    let advisories_at = DateTime::parse_from_rfc3339(&found.advisories.1).ok();
    SubmissionPage {
        id: submission.id.to_string(),
        number: count(submission.number),
        product: submission.manifest.name.clone(),
        versions_url: format!("{editor_url}/versions"),
        product_url: (found.may_submit || !viewer.actor.is_staff()).then_some(editor_url),
        publisher: found.publisher.legal_name.clone(),
        state: submission.state,
        state_since: viewer.when(submission.waiting_since),
        submitted_at: viewer.when(submission.submitted_at),
        submitted_by: found.submitted_by.clone(),
        tag: submission.tag.clone(),
        digest: Digest(submission.digest.clone()),
        progress,
        failure: submission.problem.clone(),
        changes: found.difference.as_ref().map(changes),
        signature: signature(found),
        severity: severity_counts(&found.counts),
        class: None,
        findings: Vec::new(),
        findings_paging: Paging::default(),
        advisories_at: advisories_at.map(|at| viewer.when(at.to_utc())),
        checks: found
            .checks
            .iter()
            .map(|view| check(view, several))
            .collect(),
        platforms: found
            .images
            .iter()
            .map(|image| image::panel(&url, image, findings))
            .collect(),
        manifest: manifest_items::items(&submission.manifest, |field| {
            let difference = found.difference.as_ref();
            difference.is_some_and(|it| it.fields.iter().any(|changed| changed == field))
        }),
        open_remarks: remarks.iter().filter(|remark| remark.is_open()).count(),
        remarks,
        remarks_paging: Paging::default(),
        anchors: thread::anchors(found, findings),
        draft_remark: String::new(),
        draft_reason: String::new(),
        hints: hints(found),
        templates: templates(found),
        draft_decision: String::new(),
        errors: FieldErrors::default(),
        waited: waited(&found.waiting),
        approvals: approved.map(approvals),
        missing_root: found.missing_root.clone(),
        is_first_approval: approved.is_some_and(|it| it.given.is_empty()),
        has_approved: approved.is_some_and(|it| it.is_given_by_asker),
        publication: publication(found),
        in_hand: in_hand(found, &viewer),
        can_comment: found.may_comment && is_settled,
        can_decide: found.may_decide && is_open,
        can_waive: found.may_waive && is_open,
        why_not_decide: (viewer.actor.is_staff() && !found.may_decide)
            .then(|| "You belong to this publisher: somebody else decides.".to_owned()),
        layout: viewer.layout,
    }
}

fn hints(found: &app::SubmissionPage) -> Vec<String> {
    let hints = found.hints.iter();
    hints.map(|hint| hint.message.clone()).collect()
}

fn templates(found: &app::SubmissionPage) -> Vec<Choice> {
    let templates = found.templates.iter();
    let choice = |it: &app::Template| {
        let label = format!("{}: {}", it.decision.title(), it.name);
        Choice::new(it.id.as_str(), &label, "")
    };
    templates.map(choice).collect()
}

fn approvals(view: &app::ApprovalsView) -> String {
    let names: Vec<_> = view.given.iter().map(|row| row.reviewer.as_str()).collect();
    let two = "This is the product’s first release: two different reviewers approve it before it is signed.";
    match names.as_slice() {
        [] => format!("{two} Nobody has approved it yet."),
        [one] if view.is_given_by_asker => {
            format!("{two} You ({one}) approved it; somebody else has to, too.")
        }
        [one] => format!("{two} {one} approved it; another reviewer has to, too."),
        all => format!("{two} Approved by {}.", all.join(" and ")),
    }
}

/// Returns when it goes public, where that is not as usual or the viewer may set it.
fn publication(found: &app::SubmissionPage) -> Option<PublicationPanel> {
    let submission = &found.submission;
    let may_go_public =
        submission.state == SubmissionState::Inspecting || submission.state.may_be_released();
    let is_set = submission.publication != Publication::AtOnce;
    (may_go_public && (is_set || found.may_publish)).then(|| PublicationPanel {
        when: app::publication_words(submission.publication, submission.publish_at),
        publication: submission.publication,
        at: submission
            .publish_at
            .map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string())
            .unwrap_or_default(),
        is_approved: submission.state == SubmissionState::Approved,
        can_set: found.may_publish,
    })
}

fn waited(waiting: &Waiting) -> String {
    format!(
        "Its review waited {} for the certification team and {} for the publisher.",
        time_span(waiting.reviewers),
        time_span(waiting.publisher)
    )
}

fn in_hand(found: &app::SubmissionPage, viewer: &Viewer) -> Option<InHand> {
    let assignment = found.assignment.as_ref()?;
    let me = viewer
        .actor
        .signed_in()
        .map(|account| account.name.as_str());
    let is_mine = assignment.reviewer.is_some() && assignment.reviewer.as_deref() == me;
    let (mine, others): (Vec<_>, Vec<_>) = assignment
        .candidates
        .iter()
        .filter(|name| assignment.reviewer.as_ref() != Some(*name))
        .cloned()
        .partition(|name| Some(name.as_str()) == me);
    Some(InHand {
        reviewer: assignment.reviewer.clone(),
        is_mine,
        me: mine.into_iter().next(),
        others,
    })
}

fn progress(found: &app::SubmissionPage) -> Option<Progress> {
    let (done, total, note) = found.progress.as_ref()?;
    let title = if found.submission.state == SubmissionState::Approved {
        "Release"
    } else {
        "Inspection"
    };
    Some(Progress {
        title,
        done: count(*done),
        total: count(*total).max(1),
        step: if note.is_empty() {
            "waiting for its turn".to_owned()
        } else {
            note.clone()
        },
    })
}

fn changes(difference: &Difference) -> Changes {
    let check = |(title, failed, fails): &(String, bool, bool)| {
        let outcome = match (failed, fails) {
            (true, false) => "passes now",
            (false, true) => "fails now",
            _ => "as before",
        };
        (title.clone(), outcome.to_owned())
    };
    Changes {
        number: count(difference.since),
        url: format!("/submissions/{}", difference.before),
        fields: difference
            .fields
            .iter()
            .map(|field| manifest_items::title(field).to_owned())
            .collect(),
        content: changed_content(&difference.content),
        checks: difference.checks.iter().map(check).collect(),
    }
}

/// Says what a signature covers, and what more is known of it.
fn made_for(signature: &serde_json::Value) -> String {
    let text = |name: &str| signature[name].as_str().unwrap_or_default();
    let named = signature["platforms"].as_array().into_iter().flatten();
    let platforms: Vec<_> = named.filter_map(serde_json::Value::as_str).collect();
    let covers = match platforms.as_slice() {
        [] => String::new(),
        all => format!(", an index of {}", all.join(", ")),
    };
    let digest = Digest(text("digest").to_owned());
    format!("Made for {}{covers}: {}.", digest.short(), text("reason"))
}

fn signature(found: &app::SubmissionPage) -> Option<SignatureReport> {
    let signature = found.submission.signature.as_ref()?;
    let text = |name: &str| signature[name].as_str().unwrap_or_default().to_owned();
    let is_verified = signature["verified"] == true;
    let lines = signature["key_id"].as_str().map(|key| SignatureLine {
        kind: text("key_name"),
        key: key.to_owned(),
        outcome: if is_verified { "pass" } else { "fail" }.to_owned(),
        detail: made_for(signature),
    });
    Some(SignatureReport {
        is_verified,
        verdict: if is_verified {
            format!(
                "Signed by {} with a registered key.",
                found.publisher.legal_name
            )
        } else {
            text("reason")
        },
        lines: lines.into_iter().collect(),
    })
}

/// Returns a finding's line in the table.
pub(super) fn finding(view: &FindingView, found: &app::SubmissionPage, viewer: &Viewer) -> Finding {
    let finding = &view.finding;
    let fixed = finding.state == FindingState::Fixed;
    let platform = if found.images.len() > 1 {
        format!(" ({})", view.platform)
    } else {
        String::new()
    };
    let state = if fixed {
        "Gone by a newer release. "
    } else {
        ""
    };
    Finding {
        id: finding.vulnerability.clone(),
        url: entry_url(&finding.vulnerability, &view.aliases, &view.urls),
        summary: format!("{state}{}{platform}", view.title),
        class: finding.class,
        score: finding.score,
        vector: view.vector.clone(),
        source: view.score_source.clone(),
        component: finding.component.clone(),
        version: finding.version.clone(),
        fixed_version: finding.fixed_version.clone(),
        layer: Digest(finding.layer.clone()),
        due: Due::new(
            match finding.state {
                FindingState::Open => finding.clock().deadline(finding.class),
                FindingState::Fixed | FindingState::Answered => Deadline::None,
            },
            viewer.now,
        ),
        why: view
            .gone_because
            .clone()
            .filter(|_| fixed)
            .unwrap_or_else(|| view.explanation.clone()),
        record: record(&view.reason),
        since: since(view),
        by_hand: view.classification.as_ref().map(|by_hand| {
            let (class, advised) = (by_hand.class.title(), finding.advised.title());
            let (author, day) = (&by_hand.author, by_hand.made_at.format("%Y-%m-%d"));
            format!(
                "{class} by {author}, {day}; {advised} by the advisories: {}",
                by_hand.reason
            )
        }),
        classify_url: (found.may_classify && finding.state != FindingState::Fixed).then(|| {
            format!(
                "/review/classes?vulnerability={}&product={}/{}#classify",
                urlencoded(&finding.vulnerability),
                found.publisher.slug,
                found.product.slug
            )
        }),
        statement: view.statement.as_ref().map(vex::beside_finding),
        statement_url: statement_url(view, found),
    }
}

fn statement_url(view: &FindingView, found: &app::SubmissionPage) -> Option<String> {
    let (publisher, product) = (&found.publisher.slug, &found.product.slug);
    let name = format!("{publisher}/{product}");
    let finding = &view.finding;
    if let Some(statement) = &view.statement {
        return Some(vex::vex_url(&name, statement));
    }
    let can = found.may_state && finding.state == FindingState::Open;
    can.then(|| {
        format!(
            "/publisher/{name}/vex?vulnerability={}&component={}&image={}#state",
            urlencoded(&finding.vulnerability),
            urlencoded(&view.purl),
            urlencoded(&finding.image)
        )
    })
}

/// Names the record that decided, the range that holds the version, and the order of versions.
fn record(reason: &app::Reason) -> Option<String> {
    let comment = reason.status_word.as_ref().or(reason.comment.as_ref());
    let comment = comment.map(|text| format!(" ({text})")).unwrap_or_default();
    (!reason.advisory.is_empty()).then(|| {
        format!(
            "Record {} of {}: {} {}, {}{comment}; versions in the order of {}.",
            reason.advisory,
            reason.source,
            reason.ecosystem,
            reason.name,
            reason.range,
            reason.order
        )
    })
}

fn since(view: &FindingView) -> String {
    let day = |text: &str| text.chars().take(10).collect::<String>();
    let published = view.published.as_deref().map(day);
    let published = published.map(|day| format!("Published {day}. "));
    let seen = view.finding.first_seen_at.format("%Y-%m-%d %H:%M UTC");
    format!("{}First seen here {seen}.", published.unwrap_or_default())
}

fn check(view: &CheckView, several_platforms: bool) -> Check {
    let result = &view.result;
    let outcome = match (result.status, result.level) {
        _ if view.waiver.is_some() => "waived",
        (certify::Status::Passed, _) => "pass",
        (certify::Status::NotApplicable, _) => "skip",
        (certify::Status::Failed, certify::Level::Error) => "fail",
        (certify::Status::Failed, certify::Level::Warning) => "warn",
        (certify::Status::Failed, certify::Level::Info) => "hint",
    };
    let mut evidence: Vec<_> = result.evidence.iter().map(evidence_line).collect();
    evidence.extend((!result.note.is_empty()).then(|| result.note.clone()));
    evidence.extend(
        (result.evidence_left_out > 0).then(|| format!("and {} more", result.evidence_left_out)),
    );
    let platform = if several_platforms {
        format!(" on {}", view.platform)
    } else {
        String::new()
    };
    Check {
        id: result.id.clone(),
        title: format!("{}{platform}", result.title),
        outcome: outcome.to_owned(),
        proves: view.proves.to_owned(),
        help: view.help.to_owned(),
        evidence,
        suggestion: (!result.suggestion.is_empty()).then(|| result.suggestion.clone()),
        waived: view.waiver.as_ref().map(|waiver| {
            let until = waiver.ends_at.format("%Y-%m-%d");
            let says = format!(
                "Waived by {} until {until}: {}",
                waiver.author, waiver.reason
            );
            (waiver.id.to_string(), says)
        }),
        can_waive: result.failed() && view.waiver.is_none(),
    }
}

fn evidence_line(evidence: &certify::Evidence) -> String {
    let layer = evidence
        .layer
        .as_ref()
        .map(|layer| format!("layer {}", Digest(layer.to_string()).short()));
    let path = evidence.path.as_ref().map(|path| format!("/{path}"));
    let place = [path, layer, evidence.history.clone()];
    let place: Vec<_> = place.into_iter().flatten().collect();
    if place.is_empty() {
        evidence.note.clone()
    } else {
        format!("{}: {}", place.join(", "), evidence.note)
    }
}
