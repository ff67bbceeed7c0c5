//! `/review/templates`: texts that the certification team keeps for its decisions.

use std::sync::Arc;

use app::{App, AppError, NewTemplate, Template};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::Decision;

use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::templates::{TemplateForm, TemplateRow, TemplatesPage},
    view::{Choice, FieldErrors},
    viewer::Viewer,
};

/// `GET /review/templates`
pub(crate) async fn show(State(app): State<Arc<App>>, viewer: Viewer) -> Answer {
    page_with(StatusCode::OK, &load(&app, viewer).await?)
}

/// `POST /review/templates`
pub(crate) async fn add(State(app): State<Arc<App>>, form: Form) -> Answer {
    let outcome = async {
        let new = typed(&form)?;
        app.add_template(&form.viewer.actor, new).await
    };
    match outcome.await {
        Ok(made) => form
            .viewer
            .done(&place(made.id.as_str()), Notice::TemplateSaved),
        Err(error) => again(&app, &form, error, None).await,
    }
}

/// `POST /review/templates/{template}`
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Path(template): Path<String>,
    form: Form,
) -> Answer {
    let outcome = async {
        let new = typed(&form)?;
        app.change_template(&form.viewer.actor, &template, new)
            .await
    };
    match outcome.await {
        Ok(_) => form.viewer.done(&place(&template), Notice::TemplateSaved),
        Err(error) => again(&app, &form, error, Some(&template)).await,
    }
}

/// `POST /review/templates/{template}/remove`
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Path(template): Path<String>,
    form: Form,
) -> Answer {
    app.remove_template(&form.viewer.actor, &template).await?;
    form.viewer
        .done("/review/templates", Notice::TemplateRemoved)
}

fn place(template: &str) -> String {
    format!("/review/templates#{template}")
}

fn typed(form: &Form) -> Result<NewTemplate<'_>, AppError> {
    let decision = form.text("decision").parse();
    Ok(NewTemplate {
        decision: decision
            .map_err(|_| AppError::invalid("decision", "choose what it is a reason for"))?,
        name: form.text("name"),
        body: form.text("body"),
    })
}

/// Shows the page again with what was typed, where it was typed, and why it was refused.
async fn again(app: &App, form: &Form, error: AppError, of: Option<&str>) -> Answer {
    let refusal = Refusal::of(error)?;
    let mut page = load(app, form.viewer.clone()).await?;
    page.layout.flash = Some(refusal.flash());
    let as_typed = TemplateForm {
        name: form.text("name").to_owned(),
        body: form.text("body").to_owned(),
        decisions: decisions(form.text("decision")),
        errors: refusal.errors,
    };
    let row = page.rows.iter_mut().find(|row| Some(row.id.as_str()) == of);
    match row {
        Some(row) => row.form = as_typed,
        None => page.form = as_typed,
    }
    page_with(refusal.status, &page)
}

async fn load(app: &App, viewer: Viewer) -> Result<TemplatesPage, Failure> {
    let templates = app.templates(&viewer.actor).await?;
    Ok(TemplatesPage {
        rows: templates
            .into_iter()
            .map(|template| row(template, &viewer))
            .collect(),
        form: TemplateForm {
            name: String::new(),
            body: String::new(),
            decisions: decisions(""),
            errors: FieldErrors::default(),
        },
        layout: viewer.layout,
    })
}

fn row(template: Template, viewer: &Viewer) -> TemplateRow {
    TemplateRow {
        id: template.id.to_string(),
        decision: template.decision.title(),
        name: template.name.clone(),
        body: template.body.clone(),
        author: template.author,
        at: viewer.when(template.changed_at),
        form: TemplateForm {
            name: template.name,
            body: template.body,
            decisions: decisions(template.decision.as_str()),
            errors: FieldErrors::default(),
        },
    }
}

fn decisions(chosen: &str) -> Vec<Choice> {
    let choice = |decision: &Decision| Choice::new(decision.as_str(), decision.title(), chosen);
    Decision::ALL.iter().map(choice).collect()
}
