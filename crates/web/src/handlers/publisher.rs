//! `/publisher/{slug}`: an organisation's products and signing keys.

use std::sync::Arc;

use app::{App, AppError, DroppedTag, Forecast, ProductOverview, Publisher, Submission};
use axum::extract::{Path, State};
use market::{Class, ListingState, RetentionRules};

use super::{
    Parameters, asked_page, asked_page_of, count, cut, paging_of, partnership,
    proofs::proofs_view,
    publisher_keys::{Typed, key_row},
    robot::{robot_row, shown_once},
    storage::{meter, retention_form, retention_rules, typed_rules},
    team::team_view,
    terms::terms_view,
};
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::{
        publisher::{
            AcceptedRow, DroppedTagRow, ForecastRow, ProductRow, PublisherPage, SubmissionLink,
        },
        publisher_portal::ApplicationForm,
        terms::TermsView,
    },
    view::{
        FieldErrors, Paging, SeverityCounts, listing_pill, picture_url, publisher_pill,
        submission_pill,
    },
    viewer::Viewer,
};

/// `GET /publisher/{slug}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(slug): Path<String>,
    parameters: Parameters,
) -> Answer {
    render(&app, viewer, (&slug, &parameters), None).await
}

/// `POST /publisher/{slug}/retention`
pub(crate) async fn set_retention(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let rules = match retention_rules(&form) {
        Ok(rules) => rules,
        Err(error) => return retention_refused(&app, form, &slug, error).await,
    };
    let actor = &form.viewer.actor;
    let changed = match form.text("action") {
        "save" => app.set_retention(actor, &slug, Some(&rules)).await,
        "unset" => app.set_retention(actor, &slug, None).await,
        _ => match app.preview_retention(actor, &slug, Some(&rules)).await {
            Ok(dropped) => return preview(&app, form.viewer, &slug, &rules, dropped).await,
            Err(error) => Err(error),
        },
    };
    match changed {
        Ok(()) => form.viewer.done(
            &format!("/publisher/{slug}#storage"),
            Notice::RetentionSaved,
        ),
        Err(error) => retention_refused(&app, form, &slug, error).await,
    }
}

async fn preview(
    app: &App,
    viewer: Viewer,
    slug: &str,
    rules: &RetentionRules,
    dropped: Vec<DroppedTag>,
) -> Answer {
    let rows = dropped.into_iter().map(|tag| DroppedTagRow {
        set_at: viewer.when(tag.updated_at),
        repository: tag.repository,
        tag: tag.tag,
    });
    let rows = rows.collect();
    let mut page = view(app, viewer, slug).await?;
    page.retention = retention_form(rules);
    page.dropped = Some(rows);
    page_with(Default::default(), &page)
}

async fn retention_refused(app: &App, form: Form, slug: &str, error: AppError) -> Answer {
    let refusal = Refusal::of(error)?;
    let typed = typed_rules(&form);
    let mut page = view(app, form.viewer, slug).await?;
    page.retention = typed;
    page.errors = refusal.errors;
    page_with(refusal.status, &page)
}

/// Shows the page with the address of a calendar, this once.
pub(super) async fn show_calendar_address(
    app: &App,
    viewer: Viewer,
    slug: &str,
    address: String,
) -> Answer {
    let mut page = view(app, viewer, slug).await?;
    page.new_calendar = Some(address);
    shown_once(&page)
}

/// Shows the page again with a profile that cannot be.
pub(super) async fn profile_refused(
    app: &App,
    viewer: Viewer,
    slug: &str,
    (typed, refusal): (ApplicationForm, Refusal),
) -> Answer {
    let mut page = view(app, viewer, slug).await?;
    page.typed = typed;
    page.profile_errors = refusal.errors;
    page_with(refusal.status, &page)
}

/// Shows the page again with terms that cannot be.
pub(super) async fn terms_refused(
    app: &App,
    mut viewer: Viewer,
    slug: &str,
    (typed, refusal): (TermsView, Refusal),
) -> Answer {
    viewer.layout.flash = refusal.flash_unless_at_fields();
    let mut page = view(app, viewer, slug).await?;
    page.terms = page.terms.map(|shown| TermsView {
        fee: shown.fee,
        share: shown.share,
        versions: shown.versions,
        can_set: shown.can_set,
        errors: refusal.errors,
        ..typed
    });
    page_with(refusal.status, &page)
}

/// Shows the page again with a partnership that cannot be so.
pub(super) async fn partnership_refused(
    app: &App,
    mut viewer: Viewer,
    slug: &str,
    (typed, refusal): (String, Refusal),
) -> Answer {
    viewer.layout.flash = refusal.flash_unless_at_fields();
    let mut page = view(app, viewer, slug).await?;
    page.partnership.typed = typed;
    page.partnership.errors = refusal.errors;
    page_with(refusal.status, &page)
}

/// Shows the page again with a member that cannot be so.
pub(super) async fn team_refused(
    app: &App,
    mut viewer: Viewer,
    slug: &str,
    ((email, role), refusal): ((String, String), Refusal),
) -> Answer {
    viewer.layout.flash = refusal.flash_unless_at_fields();
    let mut page = view(app, viewer, slug).await?;
    page.team.email = email;
    page.team.role = role;
    page.team.errors = refusal.errors;
    page_with(refusal.status, &page)
}

/// Shows the page again with a key, or a proof of one, as it was typed and why it was refused.
pub(super) async fn refused(app: &App, viewer: Viewer, slug: &str, typed: Typed) -> Answer {
    render(app, viewer, (slug, &Parameters::default()), Some(typed)).await
}

async fn render(
    app: &App,
    viewer: Viewer,
    (slug, parameters): (&str, &Parameters),
    refused: Option<Typed>,
) -> Answer {
    let robots = app.publisher_robots(&viewer.actor, slug).await?;
    let robots = robots
        .iter()
        .map(|robot| robot_row(robot, &viewer))
        .collect();
    let mut page = view_part(app, viewer, slug, parameters).await?;
    page.robots = robots;
    let mut status = Default::default();
    if let Some(typed) = refused {
        (page.new_key_name, page.new_key_pem) = (typed.name, typed.pem);
        page.errors = typed.refusal.errors;
        status = typed.refusal.status;
    }
    page_with(status, &page)
}

async fn view(app: &App, viewer: Viewer, slug: &str) -> Result<PublisherPage, Failure> {
    view_part(app, viewer, slug, &Parameters::default()).await
}

async fn view_part(
    app: &App,
    viewer: Viewer,
    slug: &str,
    parameters: &Parameters,
) -> Result<PublisherPage, Failure> {
    let page = i64::try_from(asked_page(parameters)).unwrap_or(i64::MAX);
    let found = app.publisher_page(&viewer.actor, slug, page).await?;
    let storage = app.publisher_storage(&viewer.actor, slug).await?;
    let retention = app.retention(&viewer.actor, slug).await?;
    let forecasts = app.forecast(&viewer.actor, slug).await?;
    let calendar = app.calendar_address(&viewer.actor, slug).await?;
    let agreement = app.agreement_state(&viewer.actor, slug).await?;
    let proofs = app.publisher_proofs(&viewer.actor, slug).await?;
    let team = team_view(app.team(&viewer.actor, slug).await?, app.now(), &viewer);
    let terms = terms_view(app, slug, &viewer).await?;
    let partnership = partnership::panel(app, slug, &viewer).await?;
    let publisher = found.publisher;
    let proofs = proofs_view(proofs, &publisher, &viewer);
    let profile = shown(&publisher);
    let slug = publisher.slug.to_string();
    let due = asked_page_of(parameters, "due").unwrap_or(1);
    let accepted = agreement.accepted.iter().map(|one| AcceptedRow {
        version: one.version,
        account: one.account.clone(),
        at: viewer.when(one.accepted_at),
    });
    let accepted = accepted.collect();
    let (forecasts, forecast_paging) =
        forecast_rows((&slug, found.page), forecasts, parameters, &viewer);
    Ok(PublisherPage {
        paging: paging_of(
            (found.page, app::PublisherPage::SIZE),
            (found.total, false),
            |page| own_url(&slug, (page, due), "products"),
        ),
        forecast_paging,
        storage: meter(&storage),
        retention: retention_form(&retention.rules),
        has_own_rules: retention.is_own,
        can_set_rules: retention.may_change,
        dropped: None,
        products: found
            .products
            .into_iter()
            .map(|product| product_row(&slug, product, &viewer))
            .collect(),
        keys: found
            .keys
            .into_iter()
            .map(|key| key_row(key, app.now(), &viewer))
            .collect(),
        proofs,
        team,
        terms,
        partnership,
        typed: profile.clone(),
        profile,
        profile_errors: FieldErrors::default(),
        state: publisher_pill(publisher.state),
        state_reason: publisher.reason,
        logo_url: publisher.logo.as_deref().map(picture_url),
        can_edit: found.may_edit,
        can_manage_keys: found.may_manage,
        registry: app.config().host().to_owned(),
        new_key_name: String::new(),
        new_key_pem: String::new(),
        errors: FieldErrors::default(),
        robots: Vec::new(),
        forecasts,
        calendar_since: calendar.map(|at| viewer.when(at)),
        new_calendar: None,
        can_accept: agreement.may_accept,
        agreement_due: agreement.due().map(|due| due.version),
        accepted,
        layout: viewer.layout,
    })
}

fn shown(publisher: &Publisher) -> ApplicationForm {
    ApplicationForm {
        legal_name: publisher.legal_name.clone(),
        slug: publisher.slug.to_string(),
        website: publisher.website.clone(),
        phone: publisher.phone.clone(),
        email: publisher.email.clone(),
    }
}

/// Returns the address of the page with a part of each of its two lists.
fn own_url(slug: &str, (page, due): (i64, usize), section: &str) -> String {
    let due = match due {
        1 => String::new(),
        due => format!("&due={due}"),
    };
    format!("/publisher/{slug}?page={page}{due}#{section}")
}

/// Returns the asked part of what comes if nothing is done, what comes first first, and the ways
/// to the rest.
fn forecast_rows(
    (slug, page): (&str, i64),
    mut forecasts: Vec<Forecast>,
    parameters: &Parameters,
    viewer: &Viewer,
) -> (Vec<ForecastRow>, Paging) {
    forecasts.sort_by_key(|forecast| forecast.hold_at);
    let paging = cut(&mut forecasts, (parameters, "due"), 1, |due| {
        own_url(slug, (page, due), "forecast")
    });
    let rows = forecasts
        .iter()
        .filter_map(|forecast| forecast_row(slug, forecast, viewer));
    (rows.collect(), paging)
}

fn forecast_row(publisher: &str, forecast: &Forecast, viewer: &Viewer) -> Option<ForecastRow> {
    let product = &forecast.product;
    let findings_url = forecast.due.first();
    Some(ForecastRow {
        name: product_name(product),
        url: format!("/publisher/{publisher}/{}", product.slug),
        is_held: product.state == ListingState::OnHold,
        hold_at: viewer.when(forecast.hold_at?),
        revoked_at: forecast.revoked_at.map(|at| viewer.when(at)),
        grace_until: forecast.grace_until.map(|at| viewer.when(at)),
        findings: forecast.due.iter().map(|due| due.findings).sum(),
        findings_url: findings_url.map(|due| format!("/submissions/{}", due.submission_id)),
    })
}

fn product_row(publisher: &str, overview: ProductOverview, viewer: &Viewer) -> ProductRow {
    let product = overview.product;
    ProductRow {
        name: product_name(&product),
        url: format!("/publisher/{publisher}/{}", product.slug),
        listing: listing_pill(product.state),
        submission: overview
            .latest
            .map(|latest| submission_link(&latest, viewer)),
        findings: severity_counts(&overview.counts),
        next_due: overview.next_due.map(|at| viewer.when(at)),
    }
}

/// Returns a product's name; a draft may have none yet.
pub(super) fn product_name(product: &app::Product) -> String {
    if product.draft.name.trim().is_empty() {
        product.slug.to_string()
    } else {
        product.draft.name.clone()
    }
}

/// Returns a submission as a line in a list.
pub(super) fn submission_link(submission: &Submission, viewer: &Viewer) -> SubmissionLink {
    SubmissionLink {
        number: count(submission.number),
        url: format!("/submissions/{}", submission.id),
        state: submission_pill(submission.state),
        submitted_at: viewer.when(submission.submitted_at),
    }
}

/// Returns how many findings each class has.
pub(super) fn severity_counts(counts: &[(Class, i64)]) -> SeverityCounts {
    let of = |wanted| {
        let found = counts.iter().find(|(class, _)| *class == wanted);
        found.map_or(0, |(_, findings)| count(*findings))
    };
    SeverityCounts {
        critical: of(Class::Critical),
        major: of(Class::Major),
        minor: of(Class::Minor),
        unscored: of(Class::Unscored),
    }
}
