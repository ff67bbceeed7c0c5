//! `/publisher`: the asker's organisations, and applying with another.

use std::sync::Arc;

use app::{App, Application, Membership};
use axum::{extract::State, http::StatusCode};
use market::Problem;

use super::count;
use crate::{
    answer::{Answer, Refusal, page_with},
    form::Form,
    notice::Notice,
    pages::publisher_portal::{ApplicationForm, OrganisationRow, PublisherPortalPage},
    view::{FieldErrors, publisher_pill},
    viewer::Viewer,
};

/// `GET /publisher`
pub(crate) async fn show(State(app): State<Arc<App>>, viewer: Viewer) -> Answer {
    let empty = (ApplicationForm::default(), FieldErrors::default());
    render(&app, viewer, StatusCode::OK, empty).await
}

/// `POST /publisher`: applies, the logo included.
pub(crate) async fn apply(State(app): State<Arc<App>>, form: Form) -> Answer {
    let application = typed(&form);
    let logo = form.files("logo").next();
    let mut problems = application.problems();
    problems.extend(match logo {
        Some(picture) => app::picture_logo_problems(picture.clone()).await,
        None => no_logo(),
    });
    let refusal = if problems.is_empty() {
        match app
            .apply_as_publisher(&form.viewer.actor, &application)
            .await
        {
            Ok(publisher) => {
                let (actor, slug) = (&form.viewer.actor, publisher.slug.as_str());
                if let Some(png) = logo {
                    let picture = app.upload_picture(actor, slug, png.clone()).await?;
                    app.set_publisher_logo(actor, slug, &picture.digest).await?;
                }
                return form
                    .viewer
                    .done(&format!("/publisher/{slug}"), Notice::Applied);
            }
            Err(error) => Refusal::of(error)?,
        }
    } else {
        Refusal::of(app::AppError::Invalid(problems))?
    };
    let again = (shown(application), refusal.errors);
    render(&app, form.viewer, refusal.status, again).await
}

fn typed(form: &Form) -> Application {
    let text = |name: &str| form.text(name).trim().to_owned();
    Application {
        slug: text("slug"),
        legal_name: text("legal_name"),
        website: text("website"),
        phone: text("phone"),
        email: text("email"),
        agreement: text("agreement").parse().ok(),
    }
}

fn no_logo() -> Vec<Problem> {
    vec![Problem {
        field: "logo".to_owned(),
        message: "choose a picture".to_owned(),
    }]
}

fn shown(application: Application) -> ApplicationForm {
    ApplicationForm {
        legal_name: application.legal_name,
        slug: application.slug,
        website: application.website,
        phone: application.phone,
        email: application.email,
    }
}

async fn render(
    app: &App,
    viewer: Viewer,
    status: StatusCode,
    (application, errors): (ApplicationForm, FieldErrors),
) -> Answer {
    let memberships = if viewer.is_signed_in() {
        app.my_memberships(&viewer.actor).await?
    } else {
        Vec::new()
    };
    let page = PublisherPortalPage {
        agreement: app.agreement(None).await?.map(|current| current.version),
        layout: viewer.layout,
        organisations: memberships.into_iter().map(organisation).collect(),
        application,
        errors,
    };
    page_with(status, &page)
}

fn organisation(membership: Membership) -> OrganisationRow {
    OrganisationRow {
        slug: membership.publisher.slug.to_string(),
        name: membership.publisher.legal_name,
        state: publisher_pill(membership.publisher.state),
        role: membership.role,
        products: count(membership.products),
    }
}
