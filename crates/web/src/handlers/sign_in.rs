//! `/sign-in`, and signing out.

use std::sync::Arc;

use app::{App, AppError, ClientAddress};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse,
};

use super::Parameters;
use crate::{
    answer::{Answer, local_path, page_with, see_other},
    form::Form,
    notice::Notice,
    pages::sign_in::SignInPage,
    viewer::{Viewer, session_secret},
};

/// `GET /sign-in?return_to=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let return_to = parameters
        .get("return_to")
        .map_or("/", |path| local_path(path))
        .to_owned();
    if viewer.is_signed_in() {
        return Ok(see_other(&return_to).into_response());
    }
    render(&app, viewer, "", &return_to, None)
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    from: Option<Extension<ClientAddress>>,
    form: Form,
) -> Answer {
    let from = from.map(|Extension(ClientAddress(from))| from);
    let name = form.text("name").trim();
    let return_to = local_path(form.text("return_to"));
    match app.sign_in(name, form.text("password"), from).await {
        Ok(session) => {
            let mut response = see_other(return_to);
            form.viewer.begin_session(&session, &mut response);
            Ok(response)
        }
        Err(error @ (AppError::WrongPassword | AppError::TooMany(_))) => {
            render(&app, form.viewer.clone(), name, return_to, Some(&error))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /sign-out`
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    form: Form,
) -> Answer {
    if let Some(secret) = session_secret(&headers) {
        app.sign_out(secret).await?;
    }
    let mut response = form.viewer.done("/", Notice::SignedOut)?;
    form.viewer.end_session(&mut response);
    Ok(response)
}

fn render(
    app: &App,
    viewer: Viewer,
    name: &str,
    return_to: &str,
    error: Option<&AppError>,
) -> Answer {
    let status = match error {
        None => StatusCode::OK,
        Some(AppError::TooMany(_)) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let retry_after = error.and_then(AppError::retry_after);
    let error = error.map(|_| match retry_after {
        Some(seconds) => format!("Too many attempts: try again in {seconds} seconds."),
        None => "The name or the password is wrong.".to_owned(),
    });
    let page = SignInPage {
        layout: viewer.layout,
        name: name.to_owned(),
        return_to: return_to.to_owned(),
        error,
        can_register: app.config().open_registration,
    };
    let mut response = page_with(status, &page)?;
    if let Some(seconds) = retry_after {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}
