//! Every page of the router, as everybody: who sees it, how it may be kept, and that
//! nothing private reaches a consumer.

use app::market::Role;
use axum::http::StatusCode;

use super::browser::Browser;
use crate::fixture::Fixture;

/// Returns the addresses of the router that show something, as its source lists them.
fn routes() -> Vec<&'static str> {
    let source = include_str!("../../../src/router.rs");
    let routes = source.split(".route(").skip(1).filter_map(|rest| {
        let path = rest.trim_start();
        let path = match path.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => "/.well-known/plimsoll/release.pub",
        };
        rest.contains("get(").then_some((path, rest))
    });
    let shown = routes.filter(|(_, rest)| {
        let get = rest.find("get(");
        let end = rest.find("\n}").unwrap_or(rest.len());
        get.is_some_and(|get| get < end)
    });
    shown.map(|(path, _)| path).collect()
}

/// A market with a listing, whose next submission waits for review; what routes are filled with.
async fn market() -> (Fixture, Vec<(&'static str, String)>) {
    let fixture = Fixture::new().await;
    for name in ["ann", "carl"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let released = fixture.submission("ann", "1.0").await;
    fixture.release(&released).await;
    let robot = app::NewRobot {
        name: "acme+ci".to_owned(),
        role: Some(Role::Editor),
        life: None,
    };
    let ann = fixture.actor("ann").await;
    let made = fixture.app.create_robot(&ann, &robot).await;
    made.expect("a robot");
    let hook = app::WebhookSettings {
        url: "https://hooks.example/secret".to_owned(),
        kinds: vec![market::EventKind::Released],
        is_active: true,
        ..app::WebhookSettings::default()
    };
    let of = app::WebhookOf::Publisher("acme".to_owned());
    let hook = fixture.app.create_webhook(&ann, &of, &hook).await;
    let hook = hook.expect("a webhook").0.webhook.id.to_string();
    let sent = fixture.app.test_webhook(&ann, &hook).await;
    let hook = [hook, sent.expect("a test").id.to_string()];
    let waiting = fixture.submission("ann", "1.1").await;
    let system = app::Actor::system();
    let agreement = fixture.app.set_agreement(&system, "Be good.");
    agreement.await.expect("an agreement");
    let page = fixture
        .app
        .product_page(&fixture.actor("carl").await, "acme", "ship-db")
        .await;
    let page = page.expect("a page");
    let logo = page.product.listed.expect("a manifest").0.logo;
    let [webhook, delivery] = hook;
    let olga = fixture.actor("olga").await;
    let whom = ("new@acme.example", Role::Finance);
    let invited = fixture.app.invite_member(&ann, "acme", whom).await;
    invited.expect("invited");
    let letters = fixture.app.list_letters(&olga, "", 10).await;
    let letters = letters.expect("letters");
    let link = |of: usize| {
        let link = letters[of].link.clone().expect("a link");
        let mut parts = link.rsplit('/').map(str::to_owned);
        let key = parts.next().expect("a key");
        (parts.next().expect("a letter"), key)
    };
    let ((invitation, secret), (letter, key)) = (link(0), link(1));
    let names = vec![
        ("{digest}", logo.expect("a logo")),
        ("{image}", page.images[0].digest.clone()),
        ("{webhook}", webhook),
        ("{delivery}", delivery),
        ("{id}", waiting),
        ("{publisher}", "acme".to_owned()),
        ("{slug}", "acme".to_owned()),
        ("{product}", "ship-db".to_owned()),
        ("{robot}", "acme+ci".to_owned()),
        ("{letter}", letter),
        ("{key}", key),
        ("{invitation}", invitation),
        ("{secret}", secret),
    ];
    (fixture, names)
}

fn filled(route: &str, names: &[(&str, String)]) -> String {
    let fill = |path: String, (name, value): &(&str, String)| path.replace(name, value);
    names.iter().fold(route.to_owned(), fill)
}

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

#[tokio::test]
async fn consumers_see_nothing_private() {
    let (fixture, names) = market().await;
    let mut nobody = Browser::new(&fixture);
    let mut carl = Browser::of(&fixture, "carl").await;
    for route in routes() {
        let path = filled(route, &names);
        for browser in [&mut nobody, &mut carl] {
            let page = browser.get(&path).await;
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
                    !page.text.contains(word) || path.contains(word),
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
    let expected = fixture.app.release_certificate().expect("a certificate");
    assert_eq!(certificate.text, expected);
}
