//! Holds that an operator confirms, on the operator's page.

use std::sync::Arc;

use app::{App, AppError, HoldToConfirm};
use axum::extract::{Path, State};

use super::{count, operator::answer, publisher::product_name, vex::day};
use crate::{answer::Answer, form::Form, notice::Notice, pages::operator::HoldRow, viewer::Viewer};

/// `POST /operator/holds/{publisher}/{product}`
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Path((publisher, product)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let actor = &form.viewer.actor;
    let outcome = async {
        match form.text("decision") {
            "hold" => {
                app.confirm_hold(actor, &publisher, &product).await?;
                Ok(Notice::ListingChanged)
            }
            "grace" => {
                let until = day(form.text("until"))?;
                let until =
                    until.ok_or_else(|| AppError::invalid("until", "say until which day"))?;
                app.give_grace(actor, (&publisher, &product), until, form.text("reason"))
                    .await?;
                Ok(Notice::GraceGiven)
            }
            _ => Err(AppError::invalid("decision", "choose hold or grace")),
        }
    };
    let (decided, notice) = match outcome.await {
        Ok(notice) => (Ok(()), notice),
        Err(error) => (Err(error), Notice::ListingChanged),
    };
    answer(&app, form, decided, notice).await
}

pub(super) fn hold_row(hold: &HoldToConfirm, viewer: &Viewer) -> HoldRow {
    let grace = (hold.row.grace_until).zip(hold.row.grace_reason.clone());
    HoldRow {
        name: product_name(&hold.product),
        path: format!("{}/{}", hold.publisher, hold.product.slug),
        publisher: hold.publisher.clone(),
        findings: count(hold.broken.findings),
        since: viewer.when(hold.broken.first_at.unwrap_or(hold.row.asked_at)),
        waits: hold.waits(),
        grace: grace.map(|(until, reason)| (viewer.when(until), reason)),
    }
}
