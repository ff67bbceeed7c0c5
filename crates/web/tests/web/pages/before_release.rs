//! What happens to a product before it is public: named accounts see it, it comes from another
//! registry, and goes public at its time.

use axum::http::StatusCode;
use chrono::TimeDelta;

use super::browser::{Browser, said};
use crate::fixture::Fixture;

async fn market() -> (Fixture, Browser) {
    let fixture = Fixture::new().await;
    for name in ["ann", "carl", "eve"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let ann = Browser::of(&fixture, "ann").await;
    (fixture, ann)
}

#[tokio::test]
async fn a_named_account_sees_the_page_before_its_release_and_nobody_else_does() {
    let (fixture, mut ann) = market().await;
    let editor = "/publisher/acme/ship-db";
    let name = &format!("{editor}/previewers");
    let preview = "/preview/acme/ship-db";
    let mut carl = Browser::of(&fixture, "carl").await;
    let mut eve = Browser::of(&fixture, "eve").await;
    let mut nobody = Browser::new(&fixture);
    assert_eq!(carl.get(preview).await.status, StatusCode::NOT_FOUND);
    let page = ann.get(editor).await;
    let page = ann.send(&page, name, &[("account", "nobody")], &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text.contains("nobody signs in as `nobody`"),
        "{}",
        page.text
    );
    let page = ann.send(&page, name, &[("account", "carl")], &[]).await;
    said(&page, "They see the product from now on");
    fixture.submission("ann", "1.0").await;
    fixture.work().await;

    let page = carl.get("/account").await;
    assert_eq!(page.texts("#previews + p + ul a"), ["acme/ship-db"]);
    let page = carl.get(preview).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("this product is not on the market yet"),
        "{}",
        page.text
    );
    let commands = page.texts(".commands code").join("\n");
    assert!(
        commands.contains("docker pull market.example/preview/acme/ship-db@sha256:"),
        "{commands}"
    );
    assert!(!page.text.contains("staging"), "{}", page.text);
    let unknown = eve.get("/preview/acme/none").await;
    let hidden = eve.get(preview).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    assert_eq!(hidden.texts("h1"), unknown.texts("h1"));
    let asked = nobody.get(preview).await;
    assert_eq!(
        asked.texts("h1"),
        nobody.get("/preview/acme/none").await.texts("h1")
    );

    let page = ann.get(editor).await;
    let remove = &format!("{editor}/previewers/carl/remove");
    let page = ann.send(&page, remove, &[], &[]).await;
    said(&page, "They do not see the product any more");
    assert_eq!(carl.get(preview).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_submission_goes_public_at_the_time_that_was_typed() {
    let (fixture, mut ann) = market().await;
    let id = fixture.submission("ann", "1.0").await;
    let place = format!("/submissions/{id}");
    let set = &format!("{place}/publication");
    let page = ann.get(&place).await;
    let page = ann.send(&page, set, &[("when", "at-time")], &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-at").len(), 1);
    let past = [("when", "at-time"), ("at", "2020-01-01T00:00")];
    let page = ann.send(&page, set, &past, &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let at = fixture.app.now() + TimeDelta::hours(3);
    let typed = at.format("%Y-%m-%dT%H:%M").to_string();
    let page = ann
        .send(&page, set, &[("when", "at-time"), ("at", &typed)], &[])
        .await;
    said(&page, "It is set when the submission goes public");
    let shown = at.format("at %-d %b %Y, %H:%M:00 UTC").to_string();
    assert_eq!(page.texts("#publication + p strong"), [&*shown]);
    let reviewer = fixture.actor("rita").await;
    let approve = market::Decision::Approve;
    let decided = fixture.app.decide(&reviewer, &id, approve, "").await;
    decided.expect("approved");
    fixture.work().await;
    let mut rita = Browser::of(&fixture, "rita").await;
    let page = rita.get(&place).await;
    assert!(
        page.text
            .contains("Approved; it is signed and released at its time"),
        "{}",
        page.text
    );
    assert_eq!(
        ann.get("/p/acme/ship-db").await.status,
        StatusCode::NOT_FOUND
    );
    fixture.clock.advance(TimeDelta::hours(4));
    fixture.work().await;
    assert_eq!(ann.get("/p/acme/ship-db").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_import_is_asked_for_and_stopped() {
    let (fixture, mut ann) = market().await;
    let place = "/publisher/acme/products/imports";
    let page = ann.get(place).await;
    let wrong = [
        ("image", "registry.example/A b"),
        ("into", "db"),
        ("user", "acme"),
    ];
    let page = ann.send(&page, place, &wrong, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (
            page.texts("#error-image").len(),
            page.texts("#error-password").len()
        ),
        (1, 1)
    );
    let right = [
        ("image", "registry.example/team/db:1.0"),
        ("into", "db"),
        ("user", "acme"),
        ("password", "a secret token"),
    ];
    let page = ann.send(&page, place, &right, &[]).await;
    said(&page, "The image is being brought here");
    assert!(
        page.text.contains("staging/acme/db:1.0") && !page.text.contains("a secret token"),
        "{}",
        page.text
    );
    let stop = page
        .attribute("form[action$='/stop']", "action")
        .expect("a way to stop it");
    let page = ann.send(&page, &stop, &[], &[]).await;
    said(&page, "The import was stopped");
    let mut carl = Browser::of(&fixture, "carl").await;
    assert_eq!(carl.get(place).await.status, StatusCode::NOT_FOUND);
}
