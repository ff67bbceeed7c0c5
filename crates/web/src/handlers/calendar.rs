//! Calendars at secret addresses, for programs that cannot sign in.

use std::sync::Arc;

use app::{App, AppError};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    files::{broken, file},
    publisher,
};
use crate::{
    answer::Answer, cache::Cache, calendar, form::Form, notice::Notice, view::promises_calendar,
};

/// `GET /calendars/{key}.ics`
pub(crate) async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let Some(key) = name.strip_suffix(".ics") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match app.calendar_by_key(key).await {
        Ok((publisher, found)) => {
            let text = promises_calendar(&app, &publisher, &found);
            file(Cache::Page, calendar::TYPE, text)
        }
        Err(AppError::NotFound { .. }) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => broken(&error),
    }
}

/// `POST /publisher/{slug}/calendar`: the answer shows the address, once, and nobody may keep it.
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let actor = &form.viewer.actor;
    if form.text("action") == "end" {
        app.end_calendar_address(actor, &slug).await?;
        let page = format!("/publisher/{slug}#forecast");
        return form.viewer.done(&page, Notice::CalendarEnded);
    }
    let key = app.make_calendar_address(actor, &slug).await?;
    let address = calendar::address(&app.config().public_url, &key);
    publisher::show_calendar_address(&app, form.viewer, &slug, address).await
}
