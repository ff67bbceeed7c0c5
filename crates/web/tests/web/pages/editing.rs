//! What the editor says of what was typed before it is saved, to a script and to people.

use axum::http::StatusCode;

use super::browser::{Browser, File};
use crate::fixture::{Fixture, picture};

const EDITOR: &str = "/publisher/acme/ship-db";
const CHECK: &str = "/publisher/acme/ship-db/check";
const PREVIEW: &str = "/publisher/acme/ship-db/preview";

async fn market() -> (Fixture, Browser) {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let ann = Browser::of(&fixture, "ann").await;
    (fixture, ann)
}

#[tokio::test]
async fn what_is_typed_is_looked_at_and_not_saved() {
    let (_fixture, mut ann) = market().await;
    let page = ann.get(EDITOR).await;
    assert_eq!(page.texts("#problems"), [""]);
    let fields = [
        ("support_link", "nowhere"),
        ("plans[0].price", "dear"),
        ("plans[0].description", ""),
        ("short_description", "Typed."),
        ("support.sla.response_hours.major", "soon"),
        ("support.sla.until", "08:00"),
        ("kind", "cloud-service"),
    ];
    let checked = ann.send(&page, CHECK, &fields, &[]).await;
    assert_eq!(checked.status, StatusCode::OK);
    // What cannot be read and what is wrong are said together, each at its place.
    let wrong = checked.texts(".field-error:not(:empty)");
    assert_eq!(wrong.len(), 6, "{wrong:?}");
    assert!(checked.texts("#error-support_link")[0].contains("must be an address"));
    assert!(checked.texts("[id='error-plans[0].description']")[0].contains("is missing"));
    assert!(checked.texts("#problems")[0].starts_with("6 items missing or wrong."));
    let hours = checked.texts("[id='error-support.sla.response_hours.major']");
    assert_eq!(
        hours,
        ["write a whole number of hours"],
        "and not missing, too"
    );
    assert!(checked.texts("[id='error-support.sla.until']")[0].contains("after it begins"));
    assert!(checked.texts("#error-service_link")[0].contains("a link to what the service is"));
    assert_eq!(
        checked.attribute("#short_description", "value").as_deref(),
        Some("Typed.")
    );
    let page = ann.get(EDITOR).await;
    assert_eq!(page.texts("#problems"), [""]);
    assert_eq!(
        page.attribute("#short_description", "value").as_deref(),
        Some("A database for ships.")
    );
}

#[tokio::test]
async fn what_is_typed_for_a_new_product_is_looked_at_and_nothing_is_made() {
    let (fixture, mut ann) = market().await;
    let new = "/publisher/acme/products/new";
    let page = ann.get(new).await;
    assert_eq!(page.texts("#problems"), [""]);
    let check = format!("{new}/check");
    let sent = page.attribute("form[data-check]", "data-check");
    assert_eq!(sent.as_deref(), Some(check.as_str()));
    let fields = [("slug", "new-db"), ("name", "New DB")];
    let preview = ann
        .send(&page, &format!("{new}/preview"), &fields, &[])
        .await;
    assert_eq!(preview.status, StatusCode::OK);
    assert_eq!(preview.texts("h1"), ["New DB"]);
    assert!(preview.text.contains("A preview of what you typed"));
    for (slug, said) in [
        ("Ship DB", "is no short name"),
        ("ship-db", "you have a product `ship-db` already"),
        ("new-db", ""),
    ] {
        let fields = [("slug", slug), ("name", "New"), ("support_link", "nowhere")];
        let checked = ann.send(&page, &check, &fields, &[]).await;
        assert_eq!(checked.status, StatusCode::OK);
        let error = &checked.texts("#error-slug")[0];
        assert!(
            error.contains(said) && error.is_empty() == said.is_empty(),
            "{error}"
        );
        assert!(checked.texts("#error-support_link")[0].contains("must be an address"));
        assert_eq!(checked.texts("#error-name"), [""]);
        assert_eq!(checked.attribute("#slug", "value").as_deref(), Some(slug));
    }
    let kept = ann
        .send(&page, &check, &[], &[File("logo", &picture(640))])
        .await;
    assert!(kept.attribute("[name='logo.keep']", "value").is_some());
    let made = ann.get("/publisher/acme/new-db").await;
    assert_eq!(made.status, StatusCode::NOT_FOUND);
    fixture.account("carl", None).await;
    let mut carl = Browser::of(&fixture, "carl").await;
    let own = carl.get("/account").await.attribute("[name=csrf]", "value");
    let body = format!("csrf={}", own.expect("a token"));
    let kind = "application/x-www-form-urlencoded";
    let same = [("sec-fetch-site", "same-origin")];
    let answer = carl.post(&check, kind, body, &same).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pictures_are_kept_as_they_are_chosen() {
    let (_fixture, mut ann) = market().await;
    let page = ann.get(EDITOR).await;
    let before = page.attribute("[name='logo.keep']", "value");
    let files = [
        File("logo", &picture(640)),
        File("screenshots", &picture(64)),
    ];
    let checked = ann.send(&page, CHECK, &[], &files).await;
    let after = checked.attribute("[name='logo.keep']", "value");
    assert!(after.is_some() && after != before, "{after:?}");
    assert_eq!(checked.texts(".shots .choice").len(), 2);
    let small = [File("logo", &picture(64))];
    let checked = ann.send(&page, CHECK, &[], &small).await;
    assert!(checked.texts("#error-logo")[0].contains("at least 512"));
}

#[tokio::test]
async fn a_preview_shows_what_is_typed() {
    let (fixture, mut ann) = market().await;
    fixture.account("carl", None).await;
    let page = ann.get(EDITOR).await;
    let fields = [
        ("name", "Ship <b>"),
        ("long_description", "# Aye\n\n<script>alert(1)</script>"),
    ];
    let shown = ann.send(&page, PREVIEW, &fields, &[]).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(shown.texts("h1"), ["Ship <b>"]);
    assert!(shown.texts(".notice")[0].contains("Nothing of it is saved"));
    assert_eq!(shown.text.matches("<script").count(), 1);
    assert_eq!(
        ann.get("/preview/acme/ship-db").await.texts("h1"),
        ["Ship DB"]
    );
    // Whoever may not change the product has nothing to type, and is told nothing.
    let mut carl = Browser::of(&fixture, "carl").await;
    let own = carl.get("/account").await.attribute("[name=csrf]", "value");
    let body = format!("csrf={}", own.expect("a token"));
    let kind = "application/x-www-form-urlencoded";
    for path in [CHECK, PREVIEW] {
        let same = [("sec-fetch-site", "same-origin")];
        let answer = carl.post(path, kind, body.clone(), &same).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_script_comes_from_us_and_nothing_else_runs() {
    let (_fixture, mut ann) = market().await;
    let page = ann.get(EDITOR).await;
    let policy = page.headers["content-security-policy"].to_str();
    let policy = policy.expect("a policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let script = ann.get("/static/page.js").await;
    assert_eq!(
        script.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(script.headers["x-content-type-options"], "nosniff");
}
