//! `/review/advisories`: vulnerabilities that the certification team adds by hand.

use std::sync::Arc;

use app::{App, AppError, OwnAdvisory};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::Class;

use super::{Parameters, asked_part, going_on, onward, which};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::own_advisories::{OwnAdvisoriesPage, OwnAdvisoryForm, OwnAdvisoryRow},
    view::{Choice, FieldErrors, class_pill},
    viewer::Viewer,
};

/// `GET /review/advisories?over=&before=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let page = load(&app, viewer, &parameters).await?;
    page_with(StatusCode::OK, &page)
}

/// `POST /review/advisories`
pub(crate) async fn add(State(app): State<Arc<App>>, form: Form) -> Answer {
    let outcome = async {
        let new = typed(&form)?;
        app.add_own_advisory(&form.viewer.actor, &new).await
    };
    match outcome.await {
        Ok(made) => form.viewer.done(
            &format!("/review/advisories#{}", made.id),
            Notice::AdvisoryAdded,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = again(&app, &form, &refusal).await?;
            page.form = as_typed(&form);
            page.errors = refusal.errors;
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /review/advisories/{advisory}/withdraw`
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    Path(advisory): Path<String>,
    form: Form,
) -> Answer {
    let (actor, reason) = (&form.viewer.actor, form.text("reason"));
    match app.withdraw_own_advisory(actor, &advisory, reason).await {
        Ok(_) => form.viewer.done(
            &format!("/review/advisories?over=1#{advisory}"),
            Notice::AdvisoryWithdrawn,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let page = again(&app, &form, &refusal).await?;
            page_with(refusal.status, &page)
        }
    }
}

fn typed(form: &Form) -> Result<market::OwnAdvisory, AppError> {
    let class = form.given("class").map(|class| class.parse::<Class>());
    Ok(market::OwnAdvisory {
        name: form.given("name"),
        ecosystem: form.given("ecosystem").unwrap_or_default(),
        package: form.given("package").unwrap_or_default(),
        introduced: form.given("introduced"),
        fixed: form.given("fixed"),
        last_affected: form.given("last_affected"),
        title: form.given("title").unwrap_or_default(),
        vector: form.given("vector"),
        class: class
            .transpose()
            .map_err(|error| AppError::invalid("class", error.to_string()))?,
        reason: form.given("reason").unwrap_or_default(),
    })
}

fn as_typed(form: &Form) -> OwnAdvisoryForm {
    let text = |name: &str| form.text(name).to_owned();
    OwnAdvisoryForm {
        name: text("name"),
        ecosystem: text("ecosystem"),
        package: text("package"),
        introduced: text("introduced"),
        fixed: text("fixed"),
        last_affected: text("last_affected"),
        title: text("title"),
        vector: text("vector"),
        classes: classes(form.text("class")),
        reason: text("reason"),
    }
}

fn classes(chosen: &str) -> Vec<Choice> {
    let classes = [Class::Critical, Class::Major, Class::Minor];
    let choice = |class: Class| Choice::new(class.as_str(), class.title(), chosen);
    std::iter::once(Choice::new("", "by the vector", chosen))
        .chain(classes.map(choice))
        .collect()
}

/// Shows the page again with why something was refused.
async fn again(app: &App, form: &Form, refusal: &Refusal) -> Result<OwnAdvisoriesPage, Failure> {
    let mut page = load(app, form.viewer.clone(), &Parameters::default()).await?;
    page.layout.flash = Some(refusal.flash());
    Ok(page)
}

async fn load(
    app: &App,
    viewer: Viewer,
    parameters: &Parameters,
) -> Result<OwnAdvisoriesPage, Failure> {
    let part = asked_part(parameters, "before");
    let is_over = parameters.contains_key("over");
    let path = "/review/advisories";
    let mut found = app
        .own_advisories(&viewer.actor, Some(!is_over), part)
        .await?;
    let onward = onward(
        &mut found,
        part,
        |own| own.id.as_str(),
        |name| {
            going_on(
                path,
                (parameters, &["over", "before"]),
                ("before", name),
                "#added",
            )
        },
    );
    Ok(OwnAdvisoriesPage {
        which: which(path, is_over, "#added"),
        rows: found.iter().map(|own| row(own, &viewer)).collect(),
        onward,
        form: OwnAdvisoryForm {
            classes: classes(""),
            ..OwnAdvisoryForm::default()
        },
        errors: FieldErrors::default(),
        layout: viewer.layout,
    })
}

fn row(own: &OwnAdvisory, viewer: &Viewer) -> OwnAdvisoryRow {
    let withdrawn = own.withdrawn_at.map(|at| {
        format!(
            "Withdrawn by {}, {}: {}",
            own.withdrawer.as_deref().unwrap_or_default(),
            at.format("%Y-%m-%d %H:%M UTC"),
            own.withdrawn_why.as_deref().unwrap_or_default()
        )
    });
    OwnAdvisoryRow {
        id: own.id.to_string(),
        name: own.name.clone(),
        title: own.title.clone(),
        about: about(own),
        class: class_pill(own.class),
        vector: own.vector.clone(),
        reason: own.reason.clone(),
        author: own.author.clone(),
        at: viewer.when(own.made_at),
        counts: own.withdrawn_at.is_none(),
        withdrawn,
    }
}

fn about(own: &OwnAdvisory) -> String {
    let from = own.introduced.as_ref();
    let from = from.map_or("from the beginning".to_owned(), |it| format!("from {it}"));
    let to = match (&own.fixed, &own.last_affected) {
        (Some(fixed), _) => format!("fixed in {fixed}"),
        (None, Some(last)) => format!("up to {last}"),
        (None, None) => "no fix yet".to_owned(),
    };
    format!("{} in {}, {from}, {to}", own.package, own.ecosystem)
}
