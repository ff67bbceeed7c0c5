//! `/publisher/{slug}/{product}/vex`: statements about vulnerabilities; and the public document.

use std::sync::Arc;

use app::{App, AppError, NewVex, VexEntry, VexStatement, VexVerdict};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use market::{
    Problem, VexClaim, VexDecision, VexEvent, VexJustification, VexScope, VexStanding, VexStatus,
};

use super::{
    Parameters, asked_part,
    files::{broken, file},
    going_on, onward,
};
use crate::{
    answer::{Answer, Refusal, page_with},
    cache::Cache,
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::vex::{VexForm, VexPage, VexRow, WaitingVex},
    view::{Choice, Digest, FieldErrors, Pill, Tone, urlencoded},
    viewer::Viewer,
};

type Names = (String, String);

/// `GET /publisher/{slug}/{product}/vex?vulnerability=&component=&image=&before=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(names): Path<Names>,
    parameters: Parameters,
) -> Answer {
    let page = load(&app, viewer, &names, &parameters).await?;
    page_with(StatusCode::OK, &page)
}

/// `POST /publisher/{slug}/{product}/vex`
pub(crate) async fn state(
    State(app): State<Arc<App>>,
    Path(names): Path<Names>,
    form: Form,
) -> Answer {
    let (publisher, product) = &names;
    let outcome = async {
        let new = typed(&form)?;
        app.state_vex(&form.viewer.actor, publisher, product, &new)
            .await
    };
    match outcome.await {
        Ok(made) => form.viewer.done(
            &format!("/publisher/{publisher}/{product}/vex#{}", made.id),
            Notice::Stated,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = again(&app, &form, &names, &refusal).await?;
            page.form = page.form.map(|_| as_typed(&form));
            page.errors = refusal.errors;
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /publisher/{slug}/{product}/vex/import`
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Path(names): Path<Names>,
    form: Form,
) -> Answer {
    let (publisher, product) = &names;
    let pasted = form.text("document");
    let chosen = form.files("file").next();
    let document = chosen.map_or(pasted.as_bytes(), |file| file);
    match app
        .import_vex(&form.viewer.actor, publisher, product, document)
        .await
    {
        Ok(_) => form.viewer.done(
            &format!("/publisher/{publisher}/{product}/vex"),
            Notice::DocumentTaken,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = again(&app, &form, &names, &refusal).await?;
            page.document = pasted.to_owned();
            let told = |problem: &Problem| match problem.field.as_str() {
                "document" => problem.message.clone(),
                field => format!("{field}: {}", problem.message),
            };
            let told = refusal.errors.0.iter().map(|problem| Problem {
                field: "document".to_owned(),
                message: told(problem),
            });
            page.errors = FieldErrors(told.collect());
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /publisher/{slug}/{product}/vex/{id}/decision`
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Path((publisher, product, id)): Path<(String, String, String)>,
    form: Form,
) -> Answer {
    let outcome = async {
        let decision = form.text("decision").parse::<VexDecision>();
        let verdict = VexVerdict {
            decision: decision.map_err(|_| AppError::invalid("decision", "choose one"))?,
            reason: form.text("reason"),
            until: day(form.text("until"))?,
        };
        app.decide_vex(&form.viewer.actor, &id, verdict).await
    };
    match outcome.await {
        Ok(decided) => form.viewer.done(
            &vex_url(&format!("{publisher}/{product}"), &decided),
            Notice::Decided,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let page = again(&app, &form, &(publisher, product), &refusal).await?;
            page_with(refusal.status, &page)
        }
    }
}

/// `GET /p/{publisher}/{product}/vex.json`: the accepted statements as an OpenVEX document.
pub(crate) async fn public(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<Names>,
) -> Response {
    match app.public_vex(&publisher, &product).await {
        Ok(Some(document)) => file(Cache::Head, "application/json", document),
        Ok(None) | Err(AppError::NotFound { .. }) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => broken(&error),
    }
}

/// Reads the day until which something counts; it begins in UTC.
pub(super) fn day(text: &str) -> Result<Option<DateTime<Utc>>, AppError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let day = text.trim().parse::<NaiveDate>();
    let day = day.map_err(|_| AppError::invalid("until", "write a day such as 2027-01-31"))?;
    Ok(Some(day.and_time(NaiveTime::MIN).and_utc()))
}

fn typed(form: &Form) -> Result<NewVex, AppError> {
    let status = form.text("status").parse::<VexStatus>();
    let justification = form.given("justification");
    let justification = justification.map(|word| word.parse::<VexJustification>());
    Ok(NewVex {
        scope: VexScope {
            vulnerability: form.text("vulnerability").trim().to_owned(),
            image: form.given("image"),
            component: form.given("component"),
        },
        claim: VexClaim {
            status: status.map_err(|_| AppError::invalid("status", "choose what is true"))?,
            justification: justification
                .transpose()
                .map_err(|error| AppError::invalid("justification", error.to_string()))?,
            text: form.text("text").trim().to_owned(),
        },
    })
}

fn as_typed(form: &Form) -> VexForm {
    VexForm {
        vulnerability: form.text("vulnerability").to_owned(),
        image: form.text("image").to_owned(),
        component: form.text("component").to_owned(),
        text: form.text("text").to_owned(),
        ..empty(form.text("status"), form.text("justification"))
    }
}

fn empty(status: &str, justification: &str) -> VexForm {
    let statuses = VexStatus::ALL.iter();
    let why = VexJustification::ALL.iter();
    let why = why.map(|why| Choice::new(why.as_str(), why.title(), justification));
    VexForm {
        vulnerability: String::new(),
        image: String::new(),
        component: String::new(),
        statuses: statuses
            .map(|it| Choice::new(it.as_str(), it.title(), status))
            .collect(),
        justifications: std::iter::once(Choice::new("", "–", justification))
            .chain(why)
            .collect(),
        text: String::new(),
    }
}

/// Shows the page again with why something was refused.
async fn again(
    app: &App,
    form: &Form,
    names: &Names,
    refusal: &Refusal,
) -> Result<VexPage, Failure> {
    let mut page = load(app, form.viewer.clone(), names, &Parameters::default()).await?;
    page.layout.flash = Some(refusal.flash());
    Ok(page)
}

async fn load(
    app: &App,
    viewer: Viewer,
    (publisher, product): &Names,
    parameters: &Parameters,
) -> Result<VexPage, Failure> {
    let part = asked_part(parameters, "before");
    let asked = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let about = asked("vulnerability");
    let mut found = app
        .vex_page(&viewer.actor, publisher, product, &about, part)
        .await?;
    let name = format!("{}/{}", found.publisher.slug, found.product.slug);
    let url = format!("/publisher/{name}/vex");
    let onward = onward(
        &mut found.statements,
        part,
        |it| it.id.as_str(),
        |name| {
            let kept = (parameters, &["vulnerability", "before"][..]);
            going_on(&url, kept, ("before", name), "")
        },
    );
    let form = VexForm {
        vulnerability: about.clone(),
        image: asked("image"),
        component: asked("component"),
        ..empty(VexStatus::NotAffected.as_str(), "")
    };
    let draft = &found.product.draft.name;
    let shown = found.statements.iter();
    Ok(VexPage {
        product: match draft.is_empty() {
            true => found.product.slug.to_string(),
            false => draft.clone(),
        },
        product_url: (!viewer.actor.is_staff()).then(|| format!("/publisher/{name}")),
        public_url: found.is_published.then(|| format!("/p/{name}/vex.json")),
        statements: shown
            .map(|statement| row(statement, found.may_decide, &viewer))
            .collect(),
        about,
        onward,
        form: found.may_state.then_some(form),
        document: String::new(),
        errors: FieldErrors::default(),
        url,
        layout: viewer.layout,
    })
}

fn row(statement: &VexStatement, may_decide: bool, viewer: &Viewer) -> VexRow {
    let can = |decision| {
        may_decide
            && statement
                .standing
                .after(VexEvent::Decided(decision))
                .is_ok()
    };
    let document = statement.document.as_ref();
    let document = document.map(|document| format!(", in {document}"));
    VexRow {
        id: statement.id.to_string(),
        vulnerability: statement.scope.vulnerability.clone(),
        about: about(&statement.scope),
        claim: claim(&statement.claim),
        text: statement.claim.text.clone(),
        standing: standing_pill(statement.standing),
        author: statement.author.clone(),
        at: viewer.when(statement.stated_at),
        origin: format!(
            "Version {}{}",
            statement.version,
            document.unwrap_or_default()
        ),
        decider: statement.decider.clone(),
        decided_at: statement.decided_at.map(|at| viewer.when(at)),
        reason: statement.reason.clone().filter(|reason| !reason.is_empty()),
        until: statement.ends_at.map(|at| viewer.when(at)),
        can_accept: can(VexDecision::Accept),
        can_refuse: can(VexDecision::Refuse),
    }
}

/// Returns a statement in the reviewers' queue.
pub(super) fn waiting(entry: VexEntry, viewer: &Viewer) -> WaitingVex {
    let (statement, product) = (entry.statement, entry.product);
    let name = format!("{}/{}", entry.publisher.slug, product.slug);
    WaitingVex {
        url: vex_url(&name, &statement),
        claim: claim(&statement.claim),
        about: format!("{name}: {}", about(&statement.scope)),
        vulnerability: statement.scope.vulnerability,
        publisher: entry.publisher.legal_name,
        since: viewer.when(statement.stated_at),
        is_own_work: entry.own_work,
    }
}

/// Returns the address of a statement, among those about the same vulnerability.
pub(super) fn vex_url(name: &str, statement: &VexStatement) -> String {
    let vulnerability = urlencoded(&statement.scope.vulnerability);
    let id = &statement.id;
    format!("/publisher/{name}/vex?vulnerability={vulnerability}#{id}")
}

fn about(scope: &VexScope) -> String {
    let component = scope.component.as_ref();
    let component = component.map_or("the whole product".to_owned(), Clone::clone);
    match &scope.image {
        Some(image) => format!("{component}, in image {}", Digest(image.clone()).short()),
        None => component,
    }
}

fn claim(claim: &VexClaim) -> String {
    let why = claim.justification.map(|why| format!(": {}", why.title()));
    format!("{}{}", claim.status.title(), why.unwrap_or_default())
}

fn standing_pill(standing: VexStanding) -> Pill {
    let tone = match standing {
        VexStanding::Waiting => Tone::Active,
        VexStanding::Accepted => Tone::Good,
        VexStanding::Refused => Tone::Bad,
        VexStanding::Replaced => Tone::Quiet,
        VexStanding::Expired => Tone::Warning,
    };
    Pill::new(tone, standing.title())
}

/// Returns what a finding's row says of the statement about it, with where it stands.
pub(super) fn beside_finding(statement: &VexStatement) -> (Pill, String) {
    let text = match statement.claim.text.as_str() {
        "" => String::new(),
        text => format!(" “{text}”"),
    };
    let decided = match (statement.standing, &statement.decider) {
        (VexStanding::Accepted, Some(decider)) => {
            let until = statement
                .ends_at
                .map(|at| format!(" until {}", at.format("%Y-%m-%d")));
            format!(" Accepted by {decider}{}.", until.unwrap_or_default())
        }
        (VexStanding::Refused, _) => {
            format!(
                " Refused: {}",
                statement.reason.as_deref().unwrap_or_default()
            )
        }
        _ => String::new(),
    };
    let says = format!(
        "{}, says the publisher.{text}{decided}",
        claim(&statement.claim)
    );
    (standing_pill(statement.standing), says)
}
