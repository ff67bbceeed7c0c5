//! Every address of the router, and a market in which each of them shows something.

use app::market::Role;

use crate::fixture::Fixture;

/// What stands for each of the routes' parameters.
pub(crate) type Names = Vec<(&'static str, String)>;

/// Returns the addresses of the router that show something, as its source lists them.
pub(crate) fn routes() -> Vec<&'static str> {
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
pub(crate) async fn market() -> (Fixture, Names) {
    stocked(Fixture::new().await).await
}

/// Makes a marketplace such a market.
pub(crate) async fn stocked(fixture: Fixture) -> (Fixture, Names) {
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
    let letters = fixture.app.list_letters(&olga, app::Part::first(10)).await;
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
        ("{number}", "1".to_owned()),
        ("{robot}", "acme+ci".to_owned()),
        ("{letter}", letter),
        ("{key}", key),
        ("{invitation}", invitation),
        ("{secret}", secret),
    ];
    (fixture, names)
}

/// Fills a route with names.
pub(crate) fn filled(route: &str, names: &[(&str, String)]) -> String {
    let fill = |path: String, (name, value): &(&str, String)| path.replace(name, value);
    names.iter().fold(route.to_owned(), fill)
}
