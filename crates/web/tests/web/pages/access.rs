//! Every page of the router, as everybody: who sees it, how it may be kept, and that
//! nothing private reaches a consumer.

use axum::http::StatusCode;

use super::{
    browser::Browser,
    places::{filled, market, routes},
};

#[tokio::test]
async fn every_page_as_everybody() {
    let (fixture, names) = market().await;
    let mut browsers = vec![("nobody", Browser::new(&fixture))];
    for name in ["carl", "ann", "rita", "olga"] {
        browsers.push((name, Browser::of(&fixture, name).await));
    }
    let mut lines = vec![format!(
        "{:52} {}",
        "",
        browsers
            .iter()
            .map(|(name, _)| format!("{name:7}"))
            .collect::<String>()
    )];
    for route in routes() {
        let mut line = format!("{route:52} ");
        for (_, browser) in &mut browsers {
            let page = browser.look(&filled(route, &names)).await;
            line.push_str(&format!("{:7}", page.status.as_u16().to_string()));
            let kept = page
                .headers
                .get("cache-control")
                .map(|policy| policy.to_str().expect("text"));
            let is_page = page
                .headers
                .get("content-type")
                .is_some_and(|kind| kind == "text/html; charset=utf-8");
            assert!(
                !is_page || kept == Some("private, no-cache"),
                "{route}: {kept:?}"
            );
            assert!(
                page.headers.contains_key("content-security-policy"),
                "{route}"
            );
            assert_eq!(page.headers["x-content-type-options"], "nosniff", "{route}");
        }
        lines.push(line.trim_end().to_owned());
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// Leaves out what a publisher promises of its support, which is public and names classes.
fn without_service_level(text: &str) -> String {
    let Some((before, rest)) = text.split_once(r#"<dl class="service-level">"#) else {
        return text.to_owned();
    };
    let (_, after) = rest.split_once("</dl>").expect("its end");
    format!("{before}{after}")
}

#[tokio::test]
async fn consumers_see_nothing_private() {
    let (fixture, names) = market().await;
    let mut nobody = Browser::new(&fixture);
    let mut carl = Browser::of(&fixture, "carl").await;
    for route in routes() {
        let path = filled(route, &names);
        for browser in [&mut nobody, &mut carl] {
            let page = browser.get(&path).await;
            let text = without_service_level(&page.text);
            for word in [
                "staging/acme",
                "CVE-",
                "libssl",
                "openssl",
                "1.1.1k",
                "Critical",
                "1.1</",
                "sub_",
                "/submissions/",
            ] {
                assert!(
                    !text.contains(word) || path.contains(word),
                    "{path} says {word}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_with_a_way_on() {
    let (fixture, ..) = market().await;
    let mut nobody = Browser::new(&fixture);
    let mut carl = Browser::of(&fixture, "carl").await;
    let mut told = Vec::new();
    for path in [
        "/nowhere",
        "/p/acme/nothing",
        "/p/nobody/ship-db",
        "/publisher/acme",
        "/submissions/sub_x",
        "/review",
        "/pictures/sha256:00",
        "/p/no/where/badge.svg",
    ] {
        let page = carl.get(path).await;
        told.push(format!(
            "{} {path}: {} {}",
            page.status.as_u16(),
            page.texts("h1").join(""),
            page.texts("main .lead").join("")
        ));
    }
    insta::assert_snapshot!(told.join("\n"));
    let page = carl
        .post("/search", "application/x-www-form-urlencoded", "", &[])
        .await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(page.texts("h1"), ["This address takes no such request"]);
    let page = nobody.get("/api/v1/nowhere").await;
    let kind = page.headers["content-type"].to_str().expect("text");
    assert!(
        kind.starts_with("application/"),
        "the API speaks for itself: {kind}"
    );
}

#[tokio::test]
async fn the_release_key_is_where_the_product_page_says() {
    let (fixture, ..) = market().await;
    let mut nobody = Browser::new(&fixture);
    let page = nobody.get("/p/acme/ship-db").await;
    let commands = page.texts(".commands pre").join("\n");
    let at = "https://market.example/.well-known/plimsoll/release.pub";
    assert!(
        commands.contains(&format!("curl --fail --output operator.pub {at}")),
        "{commands}"
    );
    assert!(
        commands.contains("docker pull market.example/acme/ship-db:1.0"),
        "{commands}"
    );
    let key = nobody.get("/.well-known/plimsoll/release.pub").await;
    assert_eq!(key.text, fixture.app.release_key().to_pem());
    let at = "https://market.example/.well-known/plimsoll/release.crt";
    assert!(
        commands.contains(&format!("curl --fail --output operator.crt {at}")),
        "{commands}"
    );
    let certificate = nobody.get("/.well-known/plimsoll/release.crt").await;
    let expected = fixture.app.release_certificate().await;
    let expected = expected.expect("a certificate");
    assert_eq!(certificate.text, expected);
}
