//! Every route, by who calls it.

use std::{borrow::Cow, sync::Arc};

use app::App;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn_with_state, map_response},
    routing::{get, post},
};

use crate::{
    api,
    form::MAX_FORM_BYTES,
    frame::{frame, protect},
    handlers::{
        account, agreement, audit, calendar, classes, compare, components, draft_versions, feed,
        files, holds, image, imports, layer_files, log, no_page, notices, operator, own_advisories,
        partnership, preview, product, product_edit, proofs, public_publisher, publisher,
        publisher_keys, publisher_portal, register, review, robot, sign_in, storage, storefront,
        submission, tags, team, templates, terms, vex, webhooks, wrong_method,
    },
};

/// Where the key stands that releases are signed with.
pub(crate) const RELEASE_KEY: &str = "/.well-known/plimsoll/release.pub";
/// Where its certificate stands.
pub(crate) const RELEASE_CERTIFICATE: &str = "/.well-known/plimsoll/release.crt";

/// Behind these an address holds a secret.
const SECRET_ADDRESSES: [&str; 5] = [
    "/calendars/",
    "/invitations/",
    "/notices/mute/",
    "/notices/mute-all/",
    "/proofs/email/",
];

/// Returns a path as it may be logged: without what only its reader may know.
pub fn loggable(path: &str) -> Cow<'_, str> {
    let prefix = SECRET_ADDRESSES
        .iter()
        .find(|prefix| path.starts_with(**prefix));
    match prefix {
        Some(prefix) => format!("{prefix}…").into(),
        None => path.into(),
    }
}

/// Returns the whole web side: pages, files and the JSON API.
pub fn router(app: Arc<App>) -> Router {
    let pages = consumers()
        .merge(publishers())
        .merge(products())
        .merge(drafts())
        .merge(staff())
        .merge(keepers())
        .fallback(no_page)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), frame));
    pages
        .merge(files())
        .layer(map_response(protect))
        .merge(api::router(&app))
        .with_state(app)
}

/// Everybody: looking around, an account, subscriptions.
fn consumers() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(storefront::show_front))
        .route("/search", get(storefront::show_search))
        .route("/publishers/{publisher}", get(public_publisher::show))
        .route("/p/{publisher}/{product}", get(product::show))
        .route("/preview/{publisher}/{product}", get(preview::show))
        .route("/p/{publisher}/{product}/tags", get(tags::show))
        .route("/p/{publisher}/{product}/compare", get(compare::show))
        .route("/p/{publisher}/{product}/images/{image}", get(image::show))
        .route(
            "/p/{publisher}/{product}/images/{image}/components",
            get(components::show),
        )
        .route(
            "/p/{publisher}/{product}/images/{image}/files",
            get(layer_files::show),
        )
        .route(
            "/p/{publisher}/{product}/subscribe",
            post(product::subscribe),
        )
        .route("/register", get(register::show).post(register::register))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(account::show))
        .route("/account/tokens", post(account::create_token))
        .route("/account/tokens/{id}/revoke", post(account::revoke_token))
        .route(
            "/account/subscriptions/{id}/cancel",
            post(account::cancel_subscription),
        )
        .route("/notices", get(notices::show))
        .route("/notices/read", post(notices::read))
        .route("/notices/preferences", post(notices::set_preferences))
        .route(
            "/notices/mute/{key}",
            get(notices::ask_to_mute).post(notices::mute),
        )
        .route(
            "/notices/mute-all/{key}",
            get(notices::ask_to_mute_all).post(notices::mute_all),
        )
        .route("/calendars/{name}", get(calendar::show))
        .route(
            "/proofs/email/{letter}/{key}",
            get(proofs::ask).post(proofs::prove),
        )
        .route(
            "/invitations/{invitation}/{secret}",
            get(team::show).post(team::accept),
        )
        .route("/agreement", get(agreement::show))
        .route("/webhooks", get(webhooks::show_all).post(webhooks::create))
        .route(
            "/webhooks/{webhook}",
            get(webhooks::show).post(webhooks::save),
        )
        .route("/webhooks/{webhook}/secret", post(webhooks::renew_secret))
        .route("/webhooks/{webhook}/test", post(webhooks::test))
        .route("/webhooks/{webhook}/delete", post(webhooks::delete))
        .route(
            "/webhooks/{webhook}/deliveries/{delivery}",
            get(webhooks::show_delivery).post(webhooks::redeliver),
        )
        .route("/robots", post(robot::create))
        .route("/robots/{robot}", get(robot::show))
        .route("/robots/{robot}/revoke", post(robot::revoke))
        .route("/robots/{robot}/tokens", post(robot::create_token))
        .route(
            "/robots/{robot}/tokens/{id}/revoke",
            post(robot::revoke_token),
        )
}

/// Members of a publisher.
fn publishers() -> Router<Arc<App>> {
    let pictures = DefaultBodyLimit::max(MAX_FORM_BYTES);
    Router::new()
        .route(
            "/publisher",
            get(publisher_portal::show)
                .post(publisher_portal::apply)
                .layer(pictures),
        )
        .route("/publisher/{slug}", get(publisher::show))
        .route("/publisher/{slug}/calendar", post(calendar::change))
        .route("/publisher/{slug}/keys/new", post(publisher_keys::add))
        .route("/publisher/{slug}/proofs/email", post(proofs::mail))
        .route("/publisher/{slug}/proofs/domain", post(proofs::look))
        .route("/publisher/{slug}/proofs/profile", post(proofs::mend))
        .route("/publisher/{slug}/members/invite", post(team::invite))
        .route("/publisher/{slug}/members/leave", post(team::leave))
        .route(
            "/publisher/{slug}/members/{account}/role",
            post(team::set_role),
        )
        .route(
            "/publisher/{slug}/members/{account}/remove",
            post(team::remove),
        )
        .route(
            "/publisher/{slug}/invitations/{letter}/resend",
            post(team::resend),
        )
        .route(
            "/publisher/{slug}/invitations/{letter}/withdraw",
            post(team::withdraw),
        )
        .route("/publisher/{slug}/agreement", post(agreement::accept))
        .route("/publisher/{slug}/partnership", post(partnership::apply))
        .route(
            "/publisher/{slug}/retention",
            post(publisher::set_retention),
        )
        .route(
            "/publisher/{slug}/keys/{id}/revoke",
            post(publisher_keys::revoke),
        )
        .route(
            "/publisher/{slug}/keys/{id}/challenge",
            post(publisher_keys::renew_challenge),
        )
        .route(
            "/publisher/{slug}/keys/{id}/proof",
            post(publisher_keys::prove),
        )
}

/// Members of a publisher, at its products.
fn products() -> Router<Arc<App>> {
    let pictures = DefaultBodyLimit::max(MAX_FORM_BYTES);
    Router::new()
        .route(
            "/publisher/{slug}/{product}",
            get(product_edit::show)
                .post(product_edit::save)
                .layer(pictures),
        )
        .route(
            "/publisher/{slug}/{product}/submit",
            post(product_edit::submit),
        )
        .route(
            "/publisher/{slug}/{product}/vex",
            get(vex::show).post(vex::state),
        )
        .route("/publisher/{slug}/{product}/vex/import", post(vex::import))
        .route(
            "/publisher/{slug}/{product}/withdraw",
            post(product_edit::withdraw),
        )
        .route(
            "/publisher/{slug}/{product}/withdraw-tag",
            post(product_edit::withdraw_tag),
        )
        .route(
            "/publisher/{slug}/products/imports",
            get(imports::show).post(imports::import),
        )
        .route(
            "/publisher/{slug}/products/imports/{import}/stop",
            post(imports::stop),
        )
        .route(
            "/publisher/{slug}/{product}/previewers",
            post(preview::name),
        )
        .route(
            "/publisher/{slug}/{product}/previewers/{account}/remove",
            post(preview::remove),
        )
        .route(
            "/publisher/{slug}/{product}/openness",
            post(product_edit::set_openness),
        )
}

/// Drafts of products: new ones, what is wrong with one, how it will look, and how it was.
fn drafts() -> Router<Arc<App>> {
    let pictures = DefaultBodyLimit::max(MAX_FORM_BYTES);
    Router::new()
        .route(
            "/publisher/{slug}/products/new",
            get(product_edit::show_new)
                .post(product_edit::create)
                .layer(pictures),
        )
        .route(
            "/publisher/{slug}/products/new/check",
            post(product_edit::check_new).layer(pictures),
        )
        .route(
            "/publisher/{slug}/products/new/preview",
            post(product_edit::preview_new).layer(pictures),
        )
        .route(
            "/publisher/{slug}/{product}/check",
            post(product_edit::check).layer(pictures),
        )
        .route(
            "/publisher/{slug}/{product}/preview",
            post(product_edit::preview).layer(pictures),
        )
        .route(
            "/publisher/{slug}/{product}/versions",
            get(draft_versions::show_all),
        )
        .route(
            "/publisher/{slug}/{product}/versions/{number}",
            get(draft_versions::show),
        )
        .route(
            "/publisher/{slug}/{product}/versions/{number}/restore",
            post(draft_versions::restore),
        )
}

/// The certification team; a submission is its publisher's page too.
fn staff() -> Router<Arc<App>> {
    Router::new()
        .route("/review", get(review::show))
        .route(
            "/review/classes",
            get(classes::show).post(classes::classify),
        )
        .route("/review/classes/{classification}/end", post(classes::end))
        .route(
            "/review/advisories",
            get(own_advisories::show).post(own_advisories::add),
        )
        .route(
            "/review/advisories/{advisory}/withdraw",
            post(own_advisories::withdraw),
        )
        .route(
            "/review/templates",
            get(templates::show).post(templates::add),
        )
        .route("/review/templates/{template}", post(templates::change))
        .route(
            "/review/templates/{template}/remove",
            post(templates::remove),
        )
        .route("/submissions/{id}", get(submission::show))
        .route("/submissions/{id}/remarks", post(submission::add_remark))
        .route(
            "/submissions/{id}/remarks/{remark}/resolve",
            post(submission::resolve_remark),
        )
        .route(
            "/submissions/{id}/remarks/{remark}/reopen",
            post(submission::reopen_remark),
        )
        .route(
            "/submissions/{id}/publication",
            post(submission::set_publication),
        )
        .route("/submissions/{id}/reviewer", post(submission::assign))
        .route("/submissions/{id}/waivers", post(submission::waive))
        .route(
            "/submissions/{id}/waivers/{waiver}/end",
            post(submission::end_waiver),
        )
        .route("/submissions/{id}/decision", post(submission::decide))
        .route(
            "/publisher/{slug}/{product}/vex/{id}/decision",
            post(vex::decide),
        )
}

/// The operator.
fn keepers() -> Router<Arc<App>> {
    Router::new()
        .route("/operator", get(operator::show))
        .route(
            "/operator/publishers/{slug}/decision",
            post(operator::decide_publisher),
        )
        .route("/operator/publishers/{slug}/terms", post(terms::set))
        .route(
            "/operator/publishers/{slug}/partnership",
            post(partnership::decide),
        )
        .route(
            "/operator/partnership",
            get(partnership::edit).post(partnership::set),
        )
        .route(
            "/operator/listings/{publisher}/{product}",
            post(operator::manage_listing),
        )
        .route("/operator/holds/{publisher}/{product}", post(holds::decide))
        .route("/operator/outbox", get(notices::show_outbox))
        .route("/operator/audit", get(audit::show))
        .route(
            "/operator/agreement",
            get(agreement::edit).post(agreement::set),
        )
        .route("/operator/storage", get(storage::show))
        .route("/operator/storage/collect", post(storage::collect))
        .route("/operator/storage/scrub", post(storage::scrub))
        .route("/operator/storage/quotas/{slug}", post(storage::set_quota))
        .route("/operator/storage/retention", post(storage::set_retention))
}

/// Browsers on their own, other sites, and who verifies a release.
fn files() -> Router<Arc<App>> {
    Router::new()
        .route("/static/style.css", get(files::style))
        .route("/static/page.js", get(files::script))
        .route("/static/mark.svg", get(files::mark))
        .route("/favicon.svg", get(files::mark))
        .route("/favicon.ico", get(files::mark))
        .route("/pictures/{digest}", get(files::picture))
        .route("/p/{publisher}/{product}/badge.svg", get(files::badge))
        .route("/feed.atom", get(feed::market))
        .route("/p/{publisher}/feed.atom", get(feed::publisher))
        .route("/p/{publisher}/{product}/feed.atom", get(feed::product))
        .route("/p/{publisher}/{product}/vex.json", get(vex::public))
        .route(RELEASE_KEY, get(files::release_key))
        .route(RELEASE_CERTIFICATE, get(files::release_certificate))
        .route("/log/checkpoint", get(log::checkpoint))
        .route("/log/key", get(log::key))
        .route("/log/tile/{*tile}", get(log::tile))
        .route("/log/proof/{publisher}/{product}", get(log::proof))
        .route("/log/proof/{publisher}/{product}/more", get(log::more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_addresses_are_not_logged() {
        let (source, _tests) = include_str!("router.rs")
            .split_once("mod tests")
            .expect("both");
        let ends = ["{key}", "{secret}", "/calendars/{name}"];
        let secret: Vec<_> = source
            .split('"')
            .filter(|path| ends.iter().any(|end| path.ends_with(end)))
            .collect();
        assert_eq!(secret.len(), SECRET_ADDRESSES.len(), "{secret:?}");
        for path in secret {
            assert!(loggable(path).ends_with("/…"), "{path}");
        }
        assert_eq!(loggable("/calendars/key.ics/"), "/calendars/…");
        assert_eq!(loggable("/p/acme/harbour"), "/p/acme/harbour");
    }
}
