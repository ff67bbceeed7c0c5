//! `/review/classes`: classes that the certification team gives by hand.

use std::sync::Arc;

use app::{App, AppError, ClassificationEntry, NewClassification};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{CLASSES_BY_HAND, Class};

use super::{Parameters, asked_part, count, going_on, onward, which};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::classes::{ClassForm, ClassRow, ClassesPage, UnscoredRow},
    view::{Choice, FieldErrors, class_pill, urlencoded},
    viewer::Viewer,
};

/// `GET /review/classes?vulnerability=&product=&over=&before=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let page = load(&app, viewer, &parameters).await?;
    page_with(StatusCode::OK, &page)
}

/// `POST /review/classes`
pub(crate) async fn classify(State(app): State<Arc<App>>, form: Form) -> Answer {
    let outcome = async {
        let class = form.text("class").parse::<Class>();
        let product = match form.text("product").trim() {
            "" => None,
            name => Some(name.split_once('/').ok_or_else(|| {
                AppError::invalid("product", "write publisher and product: `acme/db`")
            })?),
        };
        let new = NewClassification {
            vulnerability: form.text("vulnerability"),
            product,
            class: class.map_err(|_| AppError::invalid("class", "choose one"))?,
            reason: form.text("reason"),
        };
        app.classify(&form.viewer.actor, new).await
    };
    match outcome.await {
        Ok(made) => form.viewer.done(
            &format!("/review/classes#{}", made.classification.id),
            Notice::Classified,
        ),
        Err(error) => {
            let refusal = unknown_product(error)?;
            let mut page = again(&app, &form, &refusal).await?;
            page.form = ClassForm {
                vulnerability: form.text("vulnerability").to_owned(),
                product: form.text("product").to_owned(),
                classes: classes(form.text("class")),
                reason: form.text("reason").to_owned(),
            };
            page.errors = refusal.errors;
            page_with(refusal.status, &page)
        }
    }
}

/// `POST /review/classes/{classification}/end`
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Path(classification): Path<String>,
    form: Form,
) -> Answer {
    let (actor, reason) = (&form.viewer.actor, form.text("reason"));
    match app.end_classification(actor, &classification, reason).await {
        Ok(_) => form.viewer.done(
            &format!("/review/classes?over=1#{classification}"),
            Notice::ClassificationEnded,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let page = again(&app, &form, &refusal).await?;
            page_with(refusal.status, &page)
        }
    }
}

/// Says at the field that there is no such product, rather than that there is no such page.
fn unknown_product(error: AppError) -> Result<Refusal, Failure> {
    Refusal::of(match error {
        AppError::NotFound { what, name } => {
            AppError::invalid("product", format!("there is no {what} `{name}`"))
        }
        other => other,
    })
}

/// Shows the page again with why something was refused.
async fn again(app: &App, form: &Form, refusal: &Refusal) -> Result<ClassesPage, Failure> {
    let mut page = load(app, form.viewer.clone(), &Parameters::default()).await?;
    page.layout.flash = Some(refusal.flash());
    Ok(page)
}

async fn load(app: &App, viewer: Viewer, parameters: &Parameters) -> Result<ClassesPage, Failure> {
    let part = asked_part(parameters, "before");
    let is_over = parameters.contains_key("over");
    let path = "/review/classes";
    let counting = Some(!is_over);
    let mut entries = app.classifications(&viewer.actor, counting, part).await?;
    let onward = onward(
        &mut entries,
        part,
        |entry| entry.classification.id.as_str(),
        |name| {
            going_on(
                path,
                (parameters, &["over", "before"]),
                ("before", name),
                "#classes",
            )
        },
    );
    let asked = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let unscored = app.unscored(&viewer.actor).await?;
    let unscored = unscored.into_iter().map(|row| UnscoredRow {
        url: format!(
            "/review/classes?vulnerability={}#classify",
            urlencoded(&row.vulnerability)
        ),
        vulnerability: row.vulnerability,
        products: count(row.products),
        findings: count(row.findings),
        since: viewer.when(row.first_seen_at),
    });
    Ok(ClassesPage {
        unscored: unscored.collect(),
        which: which(path, is_over, "#classes"),
        rows: entries.iter().map(|entry| row(entry, &viewer)).collect(),
        onward,
        form: ClassForm {
            vulnerability: asked("vulnerability"),
            product: asked("product"),
            classes: classes(""),
            reason: String::new(),
        },
        errors: FieldErrors::default(),
        layout: viewer.layout,
    })
}

fn classes(chosen: &str) -> Vec<Choice> {
    let choice = |class: &Class| Choice::new(class.as_str(), label(*class), chosen);
    CLASSES_BY_HAND.iter().map(choice).collect()
}

fn label(class: Class) -> &'static str {
    match class {
        Class::None => "None: no issue at all",
        other => other.title(),
    }
}

fn row(entry: &ClassificationEntry, viewer: &Viewer) -> ClassRow {
    let made = &entry.classification;
    let ended = made.ended_at.map(|at| {
        let at = at.format("%Y-%m-%d %H:%M UTC");
        let ender = made.ender.as_deref().unwrap_or_default();
        match &made.end_reason {
            Some(reason) => format!("Taken back by {ender}, {at}: {reason}"),
            None => format!("Replaced by {ender}, {at}"),
        }
    });
    ClassRow {
        id: made.id.to_string(),
        vulnerability: made.vulnerability.clone(),
        about: entry
            .product
            .clone()
            .unwrap_or_else(|| "in every product".to_owned()),
        class: class_pill(made.class),
        reason: made.reason.clone(),
        author: made.author.clone(),
        at: viewer.when(made.made_at),
        counts: made.ended_at.is_none(),
        ended,
    }
}
