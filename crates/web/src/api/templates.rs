//! Texts that the certification team keeps for its decisions.

use std::sync::Arc;

use app::{App, NewTemplate, Template};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{At, Body, SignedIn},
    words::{DecisionJson, ListJson, TemplateIdJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_templates, add_template))
        .routes(routes!(change_template, remove_template))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TemplatePath {
    /// The template's identifier.
    #[param(inline)]
    template: TemplateIdJson,
}

/// What a template says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTemplateJson {
    /// What it is a reason for.
    decision: DecisionJson,
    /// What it is called; once for each kind of decision.
    #[schema(min_length = 1, max_length = 80, pattern = r"\S")]
    name: String,
    /// What it says.
    #[schema(min_length = 1, max_length = 10_000, pattern = r"\S")]
    body: String,
}

impl NewTemplateJson {
    fn as_new(&self) -> NewTemplate<'_> {
        NewTemplate {
            decision: self.decision.0,
            name: &self.name,
            body: &self.body,
        }
    }
}

/// A text for a decision, to be sent as its reason as it is or edited.
#[derive(Serialize, ToSchema)]
struct TemplateJson {
    /// Its identifier.
    id: TemplateIdJson,
    /// What it is a reason for.
    decision: DecisionJson,
    /// What it is called.
    name: String,
    /// What it says.
    body: String,
    /// The name of the account that wrote it as it is.
    changed_by: String,
    /// When.
    changed_at: DateTime<Utc>,
}

impl From<Template> for TemplateJson {
    fn from(template: Template) -> Self {
        Self {
            id: template.id.into(),
            decision: template.decision.into(),
            name: template.name,
            body: template.body,
            changed_by: template.author,
            changed_at: template.changed_at,
        }
    }
}

/// Returns the templates of decisions, by kind and name.
#[utoipa::path(get, path = "/decision-templates", tag = "submissions",
    responses((status = 200, description = "The templates.", body = ListJson<TemplateJson>)))]
async fn list_templates(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
) -> Answer<Json<ListJson<TemplateJson>>> {
    Ok(ListJson::of(app.templates(&actor).await?))
}

/// Adds a template.
#[utoipa::path(post, path = "/decision-templates", tag = "submissions",
    request_body = NewTemplateJson,
    responses((status = 201, description = "The template.", body = TemplateJson)))]
async fn add_template(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(json): Body<NewTemplateJson>,
) -> Answer<(StatusCode, Json<TemplateJson>)> {
    let made = app.add_template(&actor, json.as_new()).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Replaces what a template says.
#[utoipa::path(put, path = "/decision-templates/{template}", tag = "submissions", params(TemplatePath),
    request_body = NewTemplateJson,
    responses((status = 200, description = "The template.", body = TemplateJson)))]
async fn change_template(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<TemplatePath>,
    Body(json): Body<NewTemplateJson>,
) -> Answer<Json<TemplateJson>> {
    let id = at.template.as_str();
    let changed = app.change_template(&actor, id, json.as_new()).await?;
    Ok(Json(changed.into()))
}

/// Removes a template; decisions that were made with it keep their words.
#[utoipa::path(delete, path = "/decision-templates/{template}", tag = "submissions", params(TemplatePath),
    responses((status = 204, description = "It is removed.")))]
async fn remove_template(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<TemplatePath>,
) -> Answer<StatusCode> {
    app.remove_template(&actor, at.template.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
