//! Versions of a draft in a browser.

use app::market::{ProductManifest, Role};
use axum::http::StatusCode;

use super::browser::{Browser, said};
use crate::fixture::Fixture;

#[tokio::test]
async fn what_was_written_over_is_found_compared_and_gone_back_to() {
    let fixture = Fixture::new().await;
    for name in ["ann", "vic", "carl"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.member("ann", "vic", Role::Viewer).await;
    fixture.product("ann").await;
    let editor = "/publisher/acme/ship-db";
    let versions = "/publisher/acme/ship-db/versions";
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(versions).await;
    assert_eq!(page.texts("tbody th"), ["No. 1"]);
    assert_eq!(page.texts("#compare"), [""; 0]);

    let actor = fixture.actor("ann").await;
    let (_, product, ..) = fixture
        .app
        .product_draft(&actor, "acme", "ship-db")
        .await
        .expect("the draft");
    let draft = ProductManifest {
        name: "Ship <b>".to_owned(),
        long_description: "Longer.\nIt is.".to_owned(),
        ..product.draft.0
    };
    fixture
        .app
        .save_draft(&actor, "acme", "ship-db", &draft)
        .await
        .expect("saved");

    let page = ann.get(versions).await;
    assert_eq!(page.texts("tbody th"), ["No. 2", "No. 1"]);
    assert_eq!(
        page.texts("tbody td[data-label=Changed]")[0],
        "Product name, Long description"
    );
    assert_eq!(page.texts("h3"), ["Product name", "Long description"]);
    assert_eq!(page.texts(".compared .panel")[1], "+ afterShip <b>");
    assert_eq!(
        page.texts(".lines li"),
        ["− gone: Long.", "+ new: Longer.", "+ new: It is."]
    );
    let page = ann.get(&format!("{versions}?before=2&after=2")).await;
    assert!(page.text.contains("Nothing differs"));
    let page = ann.get(&format!("{versions}?before=1&after=7")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);

    // Who may look sees one, but cannot go back to it.
    let mut vic = Browser::of(&fixture, "vic").await;
    let page = vic.get(&format!("{versions}/1")).await;
    assert!(page.text.contains("Ship DB"));
    assert_eq!(page.texts("form[action$='/restore']"), [""; 0]);
    let mut rita = Browser::of(&fixture, "rita").await;
    assert_eq!(rita.get(versions).await.status, StatusCode::OK);
    let mut carl = Browser::of(&fixture, "carl").await;
    assert_eq!(carl.get(versions).await.status, StatusCode::NOT_FOUND);

    let restore = &format!("{versions}/1/restore");
    let page = ann.get(&format!("{versions}/1")).await;
    let page = ann.send(&page, restore, &[], &[]).await;
    said(&page, "The draft says again what that version said.");
    assert_eq!(page.path, editor);
    assert_eq!(page.attribute("#name", "value").as_deref(), Some("Ship DB"));
    let page = ann.get(&format!("{versions}/3")).await;
    assert!(page.texts(".lead")[0].contains("who went back to no. 1"));
    assert_eq!(page.texts("form[action$='/restore']"), [""; 0]);
    let page = ann.get(&format!("{versions}/1")).await;
    let page = ann.send(&page, restore, &[], &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    said(&page, "version 1 says what the draft says");
}
