//! Partnership with the operator: `/publisher/{slug}/partnership`,
//! `/operator/publishers/{slug}/partnership` and `/operator/partnership`.

use std::sync::Arc;

use app::{App, AppError, NewPartnership, Partnership, PartnershipView};
use axum::extract::{Path, State};
use market::{PartnershipDecision, PartnershipState, SupportExchange};

use super::publisher;
use crate::{
    answer::{Answer, Refusal, page, page_with},
    failure::Failure,
    form::Form,
    markdown::markdown,
    notice::Notice,
    pages::partnership::{PartnershipEditPage, PartnershipPanel, PartnershipRow},
    view::{FieldErrors, Pill, Tone},
    viewer::Viewer,
};

/// `POST /publisher/{slug}/partnership`
pub(crate) async fn apply(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let applied = match form.text("exchange").parse::<SupportExchange>() {
        Ok(exchange) => {
            let new = NewPartnership {
                exchange,
                membership: form.text("membership"),
                agreement: form.text("agreement").parse().ok(),
            };
            app.apply_for_partnership(&form.viewer.actor, &slug, new)
                .await
        }
        Err(_) => Err(AppError::invalid("exchange", "choose one")),
    };
    answer(&app, &form, &slug, (applied, Notice::PartnershipApplied)).await
}

/// `POST /operator/publishers/{slug}/partnership`
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let decided = match form.text("decision").parse::<PartnershipDecision>() {
        Ok(decision) => {
            let (actor, reason) = (&form.viewer.actor, form.text("reason"));
            app.decide_partnership(actor, &slug, decision, reason).await
        }
        Err(_) => Err(AppError::invalid("reason", "choose what you decide")),
    };
    answer(&app, &form, &slug, (decided, Notice::PartnershipDecided)).await
}

async fn answer(
    app: &App,
    form: &Form,
    slug: &str,
    (outcome, notice): (Result<Partnership, AppError>, Notice),
) -> Answer {
    match outcome {
        Ok(_) => (form.viewer).done(&format!("/publisher/{slug}#partnership"), notice),
        Err(error) => {
            let typed = form.text("membership").to_owned();
            let refused = (typed, Refusal::of(error)?);
            publisher::partnership_refused(app, form.viewer.clone(), slug, refused).await
        }
    }
}

/// `GET /operator/partnership`
pub(crate) async fn edit(State(app): State<Arc<App>>, viewer: Viewer) -> Answer {
    let current = app.partnership_agreement(&viewer.actor).await?;
    page(&PartnershipEditPage {
        current: current.as_ref().map(|current| current.version),
        text: current.map(|current| current.text).unwrap_or_default(),
        errors: FieldErrors::default(),
        layout: viewer.layout,
    })
}

/// `POST /operator/partnership`
pub(crate) async fn set(State(app): State<Arc<App>>, form: Form) -> Answer {
    let text = form.text("text").to_owned();
    let actor = &form.viewer.actor;
    let refusal = match app.set_partnership_agreement(actor, &text).await {
        Ok(_) => {
            return form
                .viewer
                .done("/operator/partnership", Notice::PartnershipAgreementSet);
        }
        Err(error) => Refusal::of(error)?,
    };
    let current = app.partnership_agreement(actor).await?;
    let mut layout = form.viewer.layout.clone();
    layout.flash = refusal.flash_unless_at_fields();
    let again = PartnershipEditPage {
        current: current.map(|current| current.version),
        text,
        errors: refusal.errors,
        layout,
    };
    page_with(refusal.status, &again)
}

/// Returns how a publisher stands towards partnership.
pub(super) async fn panel(
    app: &App,
    slug: &str,
    viewer: &Viewer,
) -> Result<PartnershipPanel, Failure> {
    let found = app.partnership(&viewer.actor, slug).await?;
    let decisions = decisions(&found);
    Ok(PartnershipPanel {
        all: found.all.into_iter().map(|one| row(one, viewer)).collect(),
        agreement: found
            .agreement
            .map(|current| (current.version, markdown(&current.text))),
        is_needed: found.is_needed,
        can_apply: found.may_apply,
        decisions,
        ..PartnershipPanel::default()
    })
}

fn decisions(found: &PartnershipView) -> Vec<(&'static str, &'static str)> {
    let all = [
        (PartnershipDecision::Grant, "Grant"),
        (PartnershipDecision::Refuse, "Refuse"),
        (PartnershipDecision::End, "End"),
    ];
    let Some(newest) = found.all.first().filter(|_| found.may_decide) else {
        return Vec::new();
    };
    let fits = |(decision, _): &(PartnershipDecision, _)| newest.state.decide(*decision).is_ok();
    let fitting = all.into_iter().filter(fits);
    fitting
        .map(|(decision, label)| (decision.as_str(), label))
        .collect()
}

fn row(one: Partnership, viewer: &Viewer) -> PartnershipRow {
    let exchange = match one.exchange {
        SupportExchange::Member => "member",
        SupportExchange::LimitedGroup => "limited group",
    };
    let decided = one.decided_by.zip(one.decided_at);
    PartnershipRow {
        state: match one.state {
            PartnershipState::Applied => Pill::new(Tone::Active, "Applied"),
            PartnershipState::Granted => Pill::new(Tone::Good, "Partner"),
            PartnershipState::Refused => Pill::new(Tone::Bad, "Refused"),
            PartnershipState::Ended => Pill::new(Tone::Quiet, "Ended"),
        },
        exchange: format!("{exchange}: {}", one.membership),
        agreement: one.agreement,
        by: one.applied_by,
        at: viewer.when(one.applied_at),
        decided: decided
            .map(|(by, at)| (by, viewer.when(at), one.reason.clone().unwrap_or_default())),
    }
}
