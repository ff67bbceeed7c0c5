//! Webhooks on their pages, and the feeds.

use app::market::ListingEvent;
use axum::http::{StatusCode, header};
use quick_xml::events::Event;

use super::browser::{Browser, Page};
use crate::fixture::Fixture;

/// A market with a listing; `carl` is subscribed to nothing.
async fn market() -> Fixture {
    let fixture = Fixture::new().await;
    for name in ["ann", "carl"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let submission = fixture.submission("ann", "1.0").await;
    fixture.release(&submission).await;
    fixture
}

/// Returns where the page's form with an action that ends so is sent.
fn action(page: &Page, end: &str) -> String {
    let actions = page.text.split("action=\"").skip(1);
    let mut actions = actions.filter_map(|rest| rest.split('"').next());
    let found = actions.find(|action| action.ends_with(end));
    found
        .unwrap_or_else(|| panic!("no form {end} in {}", page.text))
        .to_owned()
}

#[tokio::test]
async fn a_publisher_keeps_a_webhook() {
    let fixture = market().await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/webhooks?of=publisher:acme").await;
    assert_eq!(page.texts("h2"), ["Your own", "Of acme", "A new webhook"]);
    assert!(
        page.text
            .contains("<option value=\"publisher:acme\" selected>")
    );

    let wrong = [
        ("url", "http://hooks.example"),
        ("kind", "submission.decided"),
    ];
    let page = ann.send(&page, "/webhooks", &wrong, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        page.texts(".field-error"),
        ["use https://: the operator permits nothing else"]
    );

    let right = [
        ("url", "https://hooks.example/x?token=1"),
        ("description", "chat"),
    ];
    let page = ann.send(&page, "/webhooks", &right, &[]).await;
    assert_eq!(
        (page.status, page.texts("h1")),
        (StatusCode::OK, vec!["Webhook to hooks.example".to_owned()])
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    let secret = page.texts("pre code").remove(0);
    assert!(
        secret.starts_with("whsec_") && secret.len() == 50,
        "{secret}"
    );

    let test = action(&page, "/test");
    let delivery = ann.send(&page, &test, &[], &[]).await;
    assert_eq!(delivery.texts("h1"), ["ping"]);
    assert!(delivery.text.contains("plimsoll.ping"), "{}", delivery.text);
    let call = fixture
        .app
        .take_webhook_calls(9)
        .await
        .expect("calls")
        .remove(0);
    let answer = app::WebhookAnswer {
        status: Some(500),
        body: "<b>no</b>".to_owned(),
        ..app::WebhookAnswer::default()
    };
    fixture
        .app
        .webhook_call_ended(&call, &answer)
        .await
        .expect("noted");
    let delivery = ann.get(&delivery.path).await;
    assert!(delivery.text.contains("&#60;b&#62;no"), "{}", delivery.text);
    assert!(delivery.text.contains("it answered 500"));
    let again = ann.send(&delivery, &delivery.path, &[], &[]).await;
    assert_eq!(again.status, StatusCode::OK);

    let page = ann.get(test.trim_end_matches("/test")).await;
    assert!(!page.text.contains("whsec_"), "it was shown once");
    let page = ann.send(&page, &action(&page, "/secret"), &[], &[]).await;
    assert_ne!(page.texts("pre code").remove(0), secret);
    let page = ann.send(&page, &action(&page, "/delete"), &[], &[]).await;
    assert_eq!(page.path, "/webhooks");
    assert_eq!(page.texts("main table"), [""; 0]);
}

#[tokio::test]
async fn a_consumer_is_offered_what_they_may_hear() {
    let fixture = market().await;
    let mut carl = Browser::of(&fixture, "carl").await;
    let page = carl.get("/webhooks").await;
    assert!(!page.text.contains("submission."), "{}", page.text);
    assert!(page.text.contains("listing.revoked"));
    let fields = [
        ("of", "market"),
        ("url", "https://hooks.example"),
        ("kind", "listing.revoked"),
    ];
    let refused = carl.send(&page, "/webhooks", &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

/// Reads a feed; gives the text of all elements called `name`.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut path, mut found) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) => {
                path.push(String::from_utf8_lossy(start.name().as_ref()).into_owned());
            }
            Event::End(_) => drop(path.pop()),
            Event::Text(text) if path.last().is_some_and(|last| last == name) => {
                found.push(String::from_utf8_lossy(&text).into_owned());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(path.is_empty(), "{path:?} is open at the end");
    found
}

#[tokio::test]
async fn feeds_say_what_became_of_listings_and_never_why() {
    let fixture = market().await;
    let mut nobody = Browser::new(&fixture);
    let before = nobody.get("/feed.atom").await;
    fixture.clock.advance(chrono::TimeDelta::hours(1));
    let olga = fixture.actor("olga").await;
    let held = fixture.app.manage_listing(
        &olga,
        "acme",
        "ship-db",
        ListingEvent::Hold,
        "CVE-2021-44228 is late",
    );
    held.await.expect("held");
    for path in [
        "/feed.atom",
        "/p/acme/feed.atom",
        "/p/acme/ship-db/feed.atom",
    ] {
        let page = nobody.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert_eq!(
            page.headers["content-type"],
            "application/atom+xml; charset=utf-8"
        );
        assert_eq!(
            texts(&page.text, "title")[1..],
            ["acme/ship-db is on hold", "acme/ship-db: 1.0 was released"]
        );
        let ids = texts(&page.text, "id");
        assert_eq!(
            ids[1..],
            [
                "tag:market.example,2026:/log/1",
                "tag:market.example,2026:/log/0"
            ]
        );
        for one in ["updated", "name"] {
            assert!(
                !texts(&page.text, one).is_empty(),
                "RFC 4287 asks for {one}"
            );
        }
        assert!(!page.text.contains("CVE"), "{}", page.text);
    }
    let now = nobody.get("/feed.atom").await;
    assert_eq!(
        texts(&before.text, "id")[1..],
        texts(&now.text, "id")[2..],
        "names stay"
    );
    for path in [
        "/p/nobody/feed.atom",
        "/p/acme/nothing/feed.atom",
        "/p/ac%20me/x/feed.atom",
    ] {
        assert_eq!(
            nobody.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let page = nobody.get("/p/acme/ship-db").await;
    for feed in [
        "/feed.atom",
        "/p/acme/feed.atom",
        "/p/acme/ship-db/feed.atom",
    ] {
        assert!(page.text.contains(&format!("href=\"{feed}\"")), "{feed}");
    }
}

#[tokio::test]
async fn a_feed_that_is_known_is_not_sent_again() {
    let fixture = market().await;
    let mut nobody = Browser::new(&fixture);
    let first = nobody.get("/feed.atom").await;
    let etag = first.headers[header::ETAG]
        .to_str()
        .expect("text")
        .to_owned();
    let modified = first.headers[header::LAST_MODIFIED]
        .to_str()
        .expect("text")
        .to_owned();
    let mut ask = async |name: &str, value: &str| {
        nobody.get_with("/feed.atom", &[(name, value)]).await.status
    };
    assert_eq!(ask("if-none-match", &etag).await, StatusCode::NOT_MODIFIED);
    assert_eq!(
        ask("if-none-match", &format!("\"x\", W/{etag}")).await,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(ask("if-none-match", "\"x\"").await, StatusCode::OK);
    assert_eq!(
        ask("if-modified-since", &modified).await,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        ask("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT").await,
        StatusCode::OK
    );
    assert_eq!(ask("if-modified-since", "yesterday").await, StatusCode::OK);
}
