//! What a publisher owes: `/operator/publishers/{slug}/terms`.

use std::sync::Arc;

use app::{App, AppError, PublisherTerms};
use axum::extract::{Path, State};
use market::{Problem, Terms, parse_percent, show_percent};

use super::publisher;
use crate::{
    answer::{Answer, Refusal},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::terms::{TermsLine, TermsView},
    view::{amount, parse_price},
    viewer::Viewer,
};

/// `POST /operator/publishers/{slug}/terms`
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let set = match typed(&form) {
        Ok(terms) => {
            let actor = &form.viewer.actor;
            app.set_terms(actor, &slug, &terms, form.text("note")).await
        }
        Err(problems) => Err(AppError::Invalid(problems)),
    };
    let refusal = match set {
        Ok(()) => {
            let back = format!("/publisher/{slug}#terms");
            return form.viewer.done(&back, Notice::TermsSet);
        }
        Err(error) => Refusal::of(error)?,
    };
    let text = |name: &str| form.text(name).to_owned();
    let typed = TermsView {
        typed_fee: text("fee"),
        typed_currency: text("currency"),
        typed_share: text("share"),
        typed_note: text("note"),
        ..TermsView::default()
    };
    publisher::terms_refused(&app, form.viewer, &slug, (typed, refusal)).await
}

fn typed(form: &Form) -> Result<Terms, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: String| {
        problems.push(Problem {
            field: field.to_owned(),
            message,
        });
    };
    let currency = form.text("currency").trim().to_ascii_uppercase();
    let fee = form.given("fee").map(|fee| parse_price(&fee, &currency));
    let listing_fee = fee.transpose().unwrap_or_else(|message| {
        wrong("listing_fee", message);
        None
    });
    let share = form.given("share").unwrap_or_else(|| "0".to_owned());
    let revenue_share = parse_percent(&share).unwrap_or_else(|| {
        wrong(
            "revenue_share",
            "write a number of percents such as 15 or 12.5".to_owned(),
        );
        0
    });
    match problems.is_empty() {
        true => Ok(Terms {
            listing_fee,
            revenue_share,
        }),
        false => Err(problems),
    }
}

/// Returns what a publisher owes, where it is the viewer's to know.
pub(super) async fn terms_view(
    app: &App,
    slug: &str,
    viewer: &Viewer,
) -> Result<Option<TermsView>, Failure> {
    match app.publisher_terms(&viewer.actor, slug).await {
        Ok(found) => Ok(Some(view(found, viewer))),
        Err(AppError::Denied(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn view(found: PublisherTerms, viewer: &Viewer) -> TermsView {
    let fee = found.terms.listing_fee.as_ref();
    TermsView {
        fee: found.terms.fee_words(),
        share: found.terms.share_words(),
        can_set: found.may_set,
        typed_fee: fee.map(amount).unwrap_or_default(),
        typed_currency: fee.map_or_else(|| "EUR".to_owned(), |fee| fee.currency.clone()),
        typed_share: show_percent(found.terms.revenue_share),
        versions: found
            .versions
            .into_iter()
            .map(|row| TermsLine {
                at: viewer.when(row.set_at),
                fee: row.terms().fee_words(),
                share: row.terms().share_words(),
                by: row.set_by,
                note: row.note,
            })
            .collect(),
        ..TermsView::default()
    }
}
