//! `/p/{publisher}/{product}`.

use std::sync::Arc;

use app::{App, ImageView, PublicCheck, Subscription, certify};
use axum::extract::{Path, State};
use chrono::DateTime;
use market::{
    ListingState, Money, PlanGives, ProductKind, ProductManifest, PublisherState, PullAccess, Slug,
};

use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    markdown::markdown,
    notice::Notice,
    pages::product::{
        Certificate, CheckLine, HoldNotice, KindView, LicenseView, PlanView, PlatformView,
        ProductPage, PublisherLine, Release, SubscriptionLine, SupportView,
    },
    router::{RELEASE_CERTIFICATE, RELEASE_KEY},
    view::{Digest, Install, Layout, When, picture_url, price, subscription_pill},
    viewer::Viewer,
};

/// `GET /p/{publisher}/{product}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(names): Path<(String, String)>,
) -> Answer {
    render(&app, viewer, names, None).await
}

/// `POST /p/{publisher}/{product}/subscribe`
pub(crate) async fn subscribe(
    State(app): State<Arc<App>>,
    Path(names): Path<(String, String)>,
    form: Form,
) -> Answer {
    let (publisher, product) = &names;
    let accepted = form.text("accept_license") == "true";
    let plan = form.text("plan");
    let outcome = app
        .subscribe(&form.viewer.actor, publisher, product, plan, accepted)
        .await;
    match outcome {
        Ok(_) => form.viewer.done(
            &format!("/p/{publisher}/{product}#install"),
            Notice::Subscribed,
        ),
        Err(error) => render(&app, form.viewer, names, Some(Refusal::of(error)?)).await,
    }
}

async fn render(
    app: &Arc<App>,
    mut viewer: Viewer,
    (publisher, product): (String, String),
    refusal: Option<Refusal>,
) -> Answer {
    let status = refusal
        .as_ref()
        .map(|refusal| refusal.status)
        .unwrap_or_default();
    if let Some(refusal) = refusal {
        viewer.layout.flash = Some(refusal.flash());
    }
    let found = app
        .product_page(&viewer.actor, &publisher, &product)
        .await?;
    page_with(status, &view(app, viewer, found)?)
}

fn view(app: &App, viewer: Viewer, found: app::ProductPage) -> Result<ProductPage, Failure> {
    let name = format!("{}/{}", found.publisher.slug, found.product.slug);
    let released = found.releases.first();
    let released = released.ok_or_else(|| app::AppError::not_found("product", &name))?;
    let listed = listed(&found.product);
    let url = format!("/p/{name}");
    let (tag, digest) = (released.tag.clone(), released.digest.clone());
    let pulled = found.given.and_then(|place| found.releases.get(place));
    Ok(ProductPage {
        not_given: not_given(&listed, &found, pulled, released),
        hold: hold(&found.product, &viewer),
        certificate: found.product.certified.then(|| {
            certificate(
                listed.kind,
                &found.check_results,
                viewer.when(released.released_at),
            )
        }),
        subscription: found
            .subscription
            .map(|mine| subscription(&listed, &mine, &viewer)),
        install: pulled.map(|release| {
            let image = (release.tag.clone(), release.digest.clone());
            install(app, name, image, listed.access)
        }),
        release: Some(Release {
            tag,
            digest: Digest(digest),
            since: viewer.when(released.released_at),
            scanned_at: found.scanned_at.map(|at| viewer.when(at)),
            advisories_at: DateTime::parse_from_rfc3339(&found.advisories_at)
                .ok()
                .map(|at| viewer.when(at.to_utc())),
            platforms: found
                .images
                .into_iter()
                .map(|image| platform(Some(&url), image))
                .collect(),
        }),
        statements_url: found.has_statements.then(|| format!("{url}/vex.json")),
        ..described(
            app,
            (viewer.layout, url),
            &found.publisher,
            (listed, &found.gives),
        )
    })
}

/// Returns what a product's page says however it came there.
pub(super) fn described(
    app: &App,
    (layout, url): (Layout, String),
    publisher: &app::Publisher,
    (listed, gives): (ProductManifest, &[PlanGives]),
) -> ProductPage {
    let absolute_url = format!("{}{url}", app.config().public_url);
    ProductPage {
        preview: None,
        hold: None,
        certificate: None,
        subscription: None,
        install: None,
        not_given: None,
        release: None,
        statements_url: None,
        publisher: PublisherLine {
            url: format!("/publishers/{}", publisher.slug),
            feed_url: format!("/p/{}/feed.atom", publisher.slug),
            name: publisher.legal_name.clone(),
            is_verified: publisher.state == PublisherState::Verified,
        },
        plans: plans(&listed, gives),
        kind: kind(&listed),
        logo_url: listed.logo.as_deref().map(picture_url),
        screenshot_urls: listed
            .screenshots
            .iter()
            .map(|digest| picture_url(digest))
            .collect(),
        long_description: markdown(&listed.long_description),
        instructions: markdown(&listed.installation_instructions),
        name: listed.name,
        category: listed.category,
        tags: listed.tags,
        short_description: listed.short_description,
        support: SupportView::of(&listed.support),
        support_link: listed.support_link,
        license: LicenseView {
            link: listed.license.link,
            text: listed.license.text,
        },
        badge_url: format!("{absolute_url}/badge.svg"),
        absolute_url,
        url,
        layout,
    }
}

/// Returns what a product is and what consumers are to know of that, unless it is an image.
fn kind(listed: &ProductManifest) -> Option<KindView> {
    match listed.kind {
        ProductKind::Image => None,
        ProductKind::Plugin => Some(KindView {
            title: "Plugin",
            words: "It uses system interfaces of the engine.",
            more: "Report on its tests",
            link: listed.test_report.clone(),
        }),
        ProductKind::CloudService => Some(KindView {
            title: "Cloud service",
            words: "The software runs in the cloud; this image is the way to it.",
            more: "What the service is",
            link: listed.service_link.clone(),
        }),
    }
}

/// Returns the manifest that consumers see.
pub(super) fn listed(product: &app::Product) -> ProductManifest {
    let listed = product.listed.clone();
    listed.map(|listed| listed.0).unwrap_or_default()
}

fn hold(product: &app::Product, viewer: &Viewer) -> Option<HoldNotice> {
    let held_at = product
        .held_at
        .filter(|_| product.state == ListingState::OnHold)?;
    Some(HoldNotice {
        since: viewer.when(held_at),
        revoked_at: viewer.when(ListingState::revoked_at(held_at)),
        is_closed: product.pulls_closed_at.is_some(),
    })
}

pub(super) fn certificate(
    kind: ProductKind,
    checks: &[PublicCheck],
    granted_at: When,
) -> Certificate {
    let line = |check: &PublicCheck| CheckLine {
        title: check.title.clone(),
        proves: check.proves.to_owned(),
        outcome: match (check.passed, check.level) {
            (true, _) => "pass",
            _ if check.waived => "waived",
            (false, certify::Level::Error) => "fail",
            (false, certify::Level::Warning) => "warn",
            (false, certify::Level::Info) => "hint",
        }
        .to_owned(),
    };
    Certificate {
        kind: match kind {
            ProductKind::Image => "Certified container",
            ProductKind::Plugin => "Certified plugin",
            ProductKind::CloudService => "Certified cloud service",
        }
        .to_owned(),
        granted_at,
        until: None,
        checks: checks.iter().map(line).collect(),
    }
}

fn subscription(
    listed: &ProductManifest,
    mine: &Subscription,
    viewer: &Viewer,
) -> SubscriptionLine {
    let plan = listed
        .plans
        .iter()
        .find(|plan| plan.id.as_str() == mine.plan);
    SubscriptionLine {
        plan: plan.map_or_else(|| mine.plan.clone(), |plan| plan.name.clone()),
        price: price(&Money {
            amount_minor: mine.amount_minor,
            currency: mine.currency.clone(),
        }),
        state: subscription_pill(mine.state),
        since: viewer.when(mine.started_at),
        until: mine.ended_at.map(|at| viewer.when(at)),
    }
}

pub(super) fn install(
    app: &App,
    repository: String,
    (tag, digest): (String, String),
    access: PullAccess,
) -> Install {
    Install {
        registry: app.config().host().to_owned(),
        repository,
        tag,
        digest,
        key_url: format!("{}{RELEASE_KEY}", app.config().public_url),
        certificate_url: format!("{}{RELEASE_CERTIFICATE}", app.config().public_url),
        needs_token: access != PullAccess::Everyone,
        needs_subscription: access == PullAccess::Subscribers,
    }
}

/// Says why there is nothing to pull, or something else than the newest release.
fn not_given(
    listed: &ProductManifest,
    found: &app::ProductPage,
    pulled: Option<&app::Release>,
    newest: &app::Release,
) -> Option<String> {
    let named = |id: &str| {
        let known = listed.plans.iter().find(|plan| plan.id.as_str() == id);
        known.map_or_else(|| id.to_owned(), |plan| plan.name.clone())
    };
    let giving = |has: &dyn Fn(&PlanGives) -> bool| {
        let plans = found
            .gives
            .iter()
            .filter(|gives| gives.everything || has(gives));
        let names: Vec<_> = plans.map(|gives| named(gives.plan.as_str())).collect();
        match names.is_empty() {
            true => "no plan on offer gives".to_owned(),
            false => format!("subscribers of {} have", names.join(", ")),
        }
    };
    let own = match &found.subscription {
        Some(mine) => format!("Your plan {} gives", named(&mine.plan)),
        None => "Without a subscription you have".to_owned(),
    };
    match pulled {
        Some(release) if release.id == newest.id => None,
        Some(release) => {
            let plans = giving(&|gives| gives.tags.contains(&newest.tag));
            let (tag, newest) = (&release.tag, &newest.tag);
            Some(format!(
                "{own} {tag}, not the newest version: {plans} {newest}."
            ))
        }
        None => {
            let plans = giving(&|gives| !gives.tags.is_empty());
            Some(format!(
                "{own} nothing of what is released: {plans} versions."
            ))
        }
    }
}

fn plans(listed: &ProductManifest, gives: &[PlanGives]) -> Vec<PlanView> {
    let is_told = gives.iter().any(|gives| !gives.everything);
    let given = |plan: &Slug| gives.iter().find(|gives| gives.plan == *plan && is_told);
    let plans = listed.plans.iter().map(|plan| PlanView {
        gives: given(&plan.id).map(versions),
        id: plan.id.to_string(),
        name: plan.name.clone(),
        description: plan.description.clone(),
        price: price(&plan.price),
    });
    plans.collect()
}

/// Tags of a plan that are named one by one.
const MOST_TAGS: usize = 8;

/// Says which versions a plan gives.
fn versions(gives: &PlanGives) -> String {
    if gives.everything {
        return "Gives every version.".to_owned();
    }
    let mut said = gives.tags[..gives.tags.len().min(MOST_TAGS)].join(", ");
    match gives.tags.len() {
        0 => said.push_str("nothing that is released yet"),
        more if more > MOST_TAGS => said.push_str(&format!(" and {} more", more - MOST_TAGS)),
        _ => {}
    }
    match gives.patterns.is_empty() {
        true => format!("Gives {said}."),
        false => format!("Gives {said}; to come: {}.", gives.patterns.join(", ")),
    }
}

pub(super) fn platform(url: Option<&str>, image: ImageView) -> PlatformView {
    PlatformView {
        platform: image.platform,
        os: image
            .distribution
            .unwrap_or_else(|| "no distribution".to_owned()),
        size: image.size,
        layers: image.layers.len(),
        url: url.map(|url| format!("{url}/images/{}", image.digest)),
        digest: Digest(image.digest),
    }
}
