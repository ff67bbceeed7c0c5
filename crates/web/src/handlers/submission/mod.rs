//! `/submissions/{id}`: one snapshot under review, for its publisher and the reviewers.

mod image;
mod thread;
mod view;

use std::sync::Arc;

use app::{App, AppError, Assignment, NewWaiver, PublicationTime};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use chrono::NaiveDateTime;
use market::{Class, Decision, Publication, SubmissionState};

use super::{LINES, Parameters, compare::cut_changes, cut, going_on, part, vex::day};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::submission::SubmissionPage,
    viewer::Viewer,
};

/// Findings on one page.
const PAGE: usize = 50;

/// `GET /submissions/{id}?class=&page=&template=&remarks=&gone=&introduced=&packages=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let page = load(&app, viewer, &id, &parameters).await?;
    page_with(StatusCode::OK, &page)
}

/// `POST /submissions/{id}/remarks`
pub(crate) async fn add_remark(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let (anchor, body) = (form.text("anchor"), form.text("body"));
    match app.add_comment(&form.viewer.actor, &id, anchor, body).await {
        Ok(remark) => {
            let to = format!("/submissions/{id}#remark-{}", remark.id);
            form.viewer.done(&to, Notice::RemarkAdded)
        }
        Err(error) => refuse(&app, &form, &id, error).await,
    }
}

/// `POST /submissions/{id}/remarks/{remark}/resolve`
pub(crate) async fn resolve_remark(
    State(app): State<Arc<App>>,
    Path((id, remark)): Path<(String, String)>,
    form: Form,
) -> Answer {
    app.resolve_comment(&form.viewer.actor, &id, &remark, true)
        .await?;
    form.viewer
        .done(&format!("/submissions/{id}#thread"), Notice::RemarkResolved)
}

/// `POST /submissions/{id}/remarks/{remark}/reopen`
pub(crate) async fn reopen_remark(
    State(app): State<Arc<App>>,
    Path((id, remark)): Path<(String, String)>,
    form: Form,
) -> Answer {
    app.resolve_comment(&form.viewer.actor, &id, &remark, false)
        .await?;
    form.viewer
        .done(&format!("/submissions/{id}#thread"), Notice::RemarkReopened)
}

/// `POST /submissions/{id}/decision`
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let decided = match form.text("decision").parse::<Decision>() {
        Ok(decision) => app
            .decide(&form.viewer.actor, &id, decision, form.text("reason"))
            .await
            .map(|decided| match (decision, decided.state) {
                (Decision::Approve, SubmissionState::InReview) => Notice::ApprovedOnce,
                _ => Notice::Decided,
            }),
        Err(_) => Err(AppError::invalid("decision", "choose what you decide")),
    };
    match decided {
        Ok(notice) => form.viewer.done(&format!("/submissions/{id}"), notice),
        Err(error) => refuse(&app, &form, &id, error).await,
    }
}

/// `POST /submissions/{id}/reviewer`
pub(crate) async fn assign(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let (to, from) = (form.given("reviewer"), form.given("instead_of"));
    let assignment = Assignment {
        to: to.as_deref(),
        from: from.as_deref(),
    };
    let actor = &form.viewer.actor;
    let notice = match app.assign_submission(actor, &id, assignment).await {
        Ok(None) => Notice::GivenBack,
        Ok(Some(name)) if actor.signed_in().is_some_and(|me| me.name == name) => Notice::Taken,
        Ok(Some(_)) => Notice::Given,
        Err(error) => return refuse(&app, &form, &id, error).await,
    };
    form.viewer.done(&format!("/submissions/{id}"), notice)
}

/// `POST /submissions/{id}/publication`
pub(crate) async fn set_publication(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let outcome = match publication_time(&form) {
        Ok(when) => app.set_publication(&form.viewer.actor, &id, when).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => form.viewer.done(
            &format!("/submissions/{id}#publication"),
            Notice::PublicationSet,
        ),
        Err(error) => refuse(&app, &form, &id, error).await,
    }
}

/// Reads when something is to go public; browsers send the time without a zone, here UTC.
fn publication_time(form: &Form) -> Result<PublicationTime, AppError> {
    match form.text("when").parse::<Publication>() {
        Ok(Publication::AtOnce) => Ok(PublicationTime::AtOnce),
        Ok(Publication::Held) => Ok(PublicationTime::Held),
        Ok(Publication::AtTime) => {
            let at = form.text("at").trim();
            let read = |form| NaiveDateTime::parse_from_str(at, form);
            let at = read("%Y-%m-%dT%H:%M").or_else(|_| read("%Y-%m-%dT%H:%M:%S"));
            at.map(|at| PublicationTime::At(at.and_utc()))
                .map_err(|_| AppError::invalid("at", "write the day and the time in UTC"))
        }
        Err(_) => Err(AppError::invalid("when", "choose when it goes public")),
    }
}

/// `POST /submissions/{id}/waivers`
pub(crate) async fn waive(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Answer {
    let actor = &form.viewer.actor;
    let found = app.submission_page(actor, &id).await?;
    let outcome = async {
        let until = day(form.text("until"))?;
        let new = NewWaiver {
            check: form.text("check"),
            reason: form.text("reason"),
            until: until.ok_or_else(|| AppError::invalid("until", "say until which day"))?,
        };
        let (publisher, product) = (found.publisher.slug.as_str(), found.product.slug.as_str());
        app.waive_check(actor, publisher, product, new).await
    };
    match outcome.await {
        Ok(_) => form
            .viewer
            .done(&format!("/submissions/{id}#checks"), Notice::Waived),
        Err(error) => refuse(&app, &form, &id, error).await,
    }
}

/// `POST /submissions/{id}/waivers/{waiver}/end`
pub(crate) async fn end_waiver(
    State(app): State<Arc<App>>,
    Path((id, waiver)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let (actor, reason) = (&form.viewer.actor, form.text("reason"));
    match app.end_waiver(actor, &waiver, reason).await {
        Ok(_) => form
            .viewer
            .done(&format!("/submissions/{id}#checks"), Notice::WaiverEnded),
        Err(error) => refuse(&app, &form, &id, error).await,
    }
}

/// Shows the page again with what was typed and why it was refused.
async fn refuse(app: &App, form: &Form, id: &str, error: AppError) -> Answer {
    let refusal = Refusal::of(error)?;
    let mut page = load(app, form.viewer.clone(), id, &Parameters::default()).await?;
    page.draft_remark = form.text("body").to_owned();
    page.draft_reason = form.text("reason").to_owned();
    page.draft_decision = form.text("decision").to_owned();
    page.layout.flash = Some(refusal.flash());
    page.errors = refusal.errors;
    page_with(refusal.status, &page)
}

/// What the page is asked for: which findings, and where it is in each of its lists.
const LISTS: [&str; 6] = ["class", "page", "remarks", "gone", "introduced", "packages"];

async fn load(
    app: &App,
    viewer: Viewer,
    id: &str,
    parameters: &Parameters,
) -> Result<SubmissionPage, Failure> {
    let mut found = app.submission_page(&viewer.actor, id).await?;
    let class = parameters
        .get("class")
        .and_then(|class| class.parse::<Class>().ok());
    let shown = std::mem::take(&mut found.findings);
    let mut page = view::page(viewer.clone(), &found, &shown);
    let of_class = || {
        let fits =
            |finding: &&app::FindingView| class.is_none_or(|class| finding.finding.class == class);
        shown.iter().filter(fits)
    };
    let path = format!("/submissions/{id}");
    let to = |key: &str, page: &str, section| {
        going_on(&path, (parameters, &LISTS), (key, page), section)
    };
    let url = |page: usize| to("page", &page.to_string(), "#findings");
    let (start, paging) = part(of_class().count(), PAGE, parameters, url);
    let part = of_class().skip(start).take(PAGE);
    page.findings = part
        .map(|finding| view::finding(finding, &found, &viewer))
        .collect();
    page.findings_paging = paging;
    let thread = |page: usize| to("remarks", &page.to_string(), "#thread");
    // The thread is read where it ends.
    let last = page.remarks.len().div_ceil(LINES);
    page.remarks_paging = cut(&mut page.remarks, (parameters, "remarks"), last, thread);
    if let Some(changes) = page.changes.as_mut() {
        cut_changes(&mut changes.content, parameters, |key, page| {
            to(key, page, "#changes")
        });
    }
    // Chosen from a form of its own, the text arrives in the field and is edited there.
    let chosen = parameters.get("template");
    let of = |it: &&app::Template| chosen.is_some_and(|id| it.id.as_str() == id);
    if let Some(template) = found.templates.iter().find(of) {
        page.draft_reason.clone_from(&template.body);
        page.draft_decision = template.decision.as_str().to_owned();
    }
    for choice in &mut page.templates {
        choice.is_selected = chosen == Some(&choice.value);
    }
    page.class = class;
    Ok(page)
}
