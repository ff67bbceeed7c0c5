//! `/register`.

use std::sync::Arc;

use app::{App, AppError, ClientAddress, NewAccount};
use axum::{Extension, extract::State, http::StatusCode};

use crate::{
    answer::{Answer, Refusal, page_with},
    form::Form,
    notice::Notice,
    pages::register::RegisterPage,
    view::FieldErrors,
    viewer::Viewer,
};

/// `GET /register`
pub(crate) async fn show(State(app): State<Arc<App>>, viewer: Viewer) -> Answer {
    require_open(&app)?;
    render(viewer, "", "", StatusCode::OK, FieldErrors::default())
}

/// `POST /register`: makes the account and signs in with it.
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    from: Option<Extension<ClientAddress>>,
    form: Form,
) -> Answer {
    require_open(&app)?;
    let new = NewAccount {
        name: form.text("name").trim().to_owned(),
        email: form.text("email").trim().to_owned(),
        password: form.text("password").to_owned(),
        staff_role: None,
    };
    if let Err(error) = app.create_account(&form.viewer.actor, &new).await {
        let refusal = Refusal::of(error)?;
        return render(
            form.viewer,
            &new.name,
            &new.email,
            refusal.status,
            refusal.errors,
        );
    }
    let from = from.map(|Extension(ClientAddress(from))| from);
    let session = app.sign_in(&new.name, &new.password, from).await?;
    let mut response = form.viewer.done("/", Notice::Registered)?;
    form.viewer.begin_session(&session, &mut response);
    Ok(response)
}

fn require_open(app: &App) -> Result<(), AppError> {
    if app.config().open_registration {
        return Ok(());
    }
    Err(AppError::Denied(
        "accounts of this marketplace are made by its operator".to_owned(),
    ))
}

fn render(
    viewer: Viewer,
    name: &str,
    email: &str,
    status: StatusCode,
    errors: FieldErrors,
) -> Answer {
    let page = RegisterPage {
        layout: viewer.layout,
        name: name.to_owned(),
        email: email.to_owned(),
        errors,
    };
    page_with(status, &page)
}
