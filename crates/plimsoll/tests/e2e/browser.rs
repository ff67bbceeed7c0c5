//! Every page in a real browser, with scripts and without, as people use it: desktop and phone.
//! With `PLIMSOLL_SCREENSHOTS=DIR` the main ones are kept as pictures.

use std::{path::PathBuf, sync::LazyLock};

use testkit::{
    Cast,
    webdriver::{Browser, Look},
};

use crate::{
    market::{Market, Silent},
    skip,
};

fn pictures() -> Option<PathBuf> {
    std::env::var_os("PLIMSOLL_SCREENSHOTS").map(PathBuf::from)
}

pub(crate) fn keep(browser: &Browser, name: &str) {
    if let Some(dir) = pictures() {
        browser
            .screenshot(&dir.join(format!("{name}.png")), false)
            .expect("the picture is kept");
    }
}

pub(crate) fn sign_in(browser: &Browser, base: &str, name: &str, password: &str) {
    browser
        .open(&format!("{base}/sign-in"))
        .expect("the page opens");
    browser
        .fill("input[name=name]", name)
        .expect("the name is typed");
    browser
        .fill("input[name=password]", password)
        .expect("the password is typed");
    browser
        .click_through("main button[type=submit]")
        .expect("the button is clicked");
}

/// Opens a page and looks at it: one heading, and nothing wider than the window.
pub(crate) fn look(browser: &Browser, url: &str) {
    browser.open(url).expect("the page opens");
    assert_eq!(browser.count("h1").expect("headings"), 1, "{url}");
    let overflow = browser
        .evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        .expect("a width");
    assert!(
        overflow.as_i64().unwrap_or(99) <= 0,
        "{url} is {overflow} pixels wider than the window"
    );
    // It waits as pages do, by timers, which are off where scripts are.
    if browser.look().scripts
        && let Some(axe) = axe()
    {
        let found = audit(browser, axe);
        assert_eq!(found, "", "{url} keeps people out:\n{found}");
    }
}

/// Names what axe-core finds, and where.
fn audit(browser: &Browser, axe: &str) -> String {
    const RUN: &str = r"axe.run().then(({ violations }) => violations
        .map(({ id, help, nodes }) => [`${id}: ${help}`, ...nodes.map(({ html }) => html)].join('\n  '))
        .join('\n'))";
    let found = browser.evaluate(&format!("{axe};{RUN}"));
    let found = found.expect("the page is looked through");
    found.as_str().expect("a text").to_owned()
}

#[test]
fn what_keeps_people_out_is_found() {
    let Some(axe) = axe() else { return };
    if !Browser::is_installed() {
        return skip("Chromium and its driver are not installed");
    }
    let browser = Browser::start(Look {
        scripts: true,
        ..Look::DESKTOP
    });
    let browser = browser.expect("the browser starts");
    let page = "data:text/html,<title>x</title><h1>x</h1><img src='x'>";
    browser.open(page).expect("the page opens");
    let found = audit(&browser, axe);
    assert!(found.contains("image-alt"), "{found}");
}

/// Returns the script of axe-core, where `cargo xtask test` has fetched it.
fn axe() -> Option<&'static str> {
    static SCRIPT: LazyLock<Option<String>> = LazyLock::new(|| {
        let Some(path) = std::env::var_os("PLIMSOLL_AXE") else {
            skip("axe-core is not there, so pages are looked at without it");
            return None;
        };
        Some(std::fs::read_to_string(path).expect("axe-core can be read"))
    });
    SCRIPT.as_deref()
}

#[test]
fn people_walk_through_the_pages() {
    if !Browser::is_installed() {
        return skip("Chromium and its driver are not installed");
    }
    let (market, _) = Market::with_release();
    let base = market.server.url().to_owned();
    let operator_password = market
        .server
        .ready
        .operator_password
        .clone()
        .expect("the password was printed");
    let (submission, _) = market.in_review("1.1");
    let tags = market
        .cast
        .reviewer
        .get("/api/v1/products/acme/harbour/tags");
    let tags = tags.expect("the releases are listed");
    let image = tags["items"][0]["images"][0]["digest"].as_str();
    let image = format!("/p/acme/harbour/images/{}", image.expect("a digest"));
    let components = format!("{image}/components");
    let files = format!("{image}/files");

    for look_at in [
        Look {
            scripts: true,
            ..Look::DESKTOP
        },
        Look::PHONE,
        Look {
            dark: true,
            scripts: true,
            ..Look::PHONE
        },
    ] {
        let browser = Browser::start(look_at).expect("the browser starts");
        for page in [
            "/",
            "/search?q=harbour",
            "/search?q=nothing-like-it",
            "/p/acme/harbour",
            "/publishers/acme",
            "/p/acme/harbour/tags",
            "/p/acme/harbour/compare",
            &image,
            "/sign-in",
            "/register",
            "/no/such/page",
        ] {
            look(&browser, &format!("{base}{page}"));
        }
        sign_in(&browser, &base, "ann", Cast::password());
        for page in [
            "/account",
            "/notices",
            "/notices?product=acme/harbour",
            "/webhooks",
            "/publisher",
            "/publisher/acme",
            "/publisher/acme/harbour",
            "/publisher/acme/harbour/versions",
            "/publisher/acme/harbour/versions/1",
            "/publisher/acme/products/new",
            "/preview/acme/harbour",
            "/publisher/acme/products/imports",
            &image,
            &components,
            &files,
        ] {
            look(&browser, &format!("{base}{page}"));
        }
        look(&browser, &format!("{base}/submissions/{submission}"));
        browser.open(&format!("{base}/")).expect("the page opens");
        browser
            .click_through("form[action='/sign-out'] button")
            .expect("ann signs out");
        sign_in(&browser, &base, "operator", &operator_password);
        for page in [
            "/review",
            "/review?state=changes-requested&assigned=mine",
            "/review?publisher=acme&certifiable=false&assigned=nobody",
            &format!("/submissions/{submission}"),
            "/review/classes",
            "/review/advisories",
            "/review/templates",
            "/operator",
            "/operator/audit",
            "/operator/outbox",
        ] {
            look(&browser, &format!("{base}{page}"));
        }
        let link = browser.text("td code.break").expect("a letter's link");
        look(&browser, &link);
        look(&browser, &format!("{base}/operator/partnership"));
        look(&browser, &format!("{base}/operator/agreement"));
        // A new version in each round, which ann has to accept in the next.
        browser
            .fill(
                "textarea",
                &format!("# Terms\n\nBe *good* on {look_at:?}.\n"),
            )
            .expect("the text is typed");
        browser
            .click_through("main button[type=submit]")
            .expect("the agreement is sent");
        look(&browser, &format!("{base}/agreement"));
    }
}

#[test]
fn a_consumer_subscribes_and_a_reviewer_decides() {
    if !Browser::is_installed() {
        return skip("Chromium and its driver are not installed");
    }
    let (market, _) = Market::with_release();
    let base = market.server.url().to_owned();
    let browser = Browser::start(Look::DESKTOP).expect("the browser starts");

    browser.open(&format!("{base}/")).expect("the page opens");
    keep(&browser, "storefront");
    browser
        .fill("input[name=q]", "harbour")
        .expect("the word is typed");
    browser
        .click_through("form[action='/search'] button")
        .expect("the search is sent");
    assert!(browser.text("main").expect("results").contains("Harbour"));

    sign_in(&browser, &base, "carl", Cast::password());
    browser
        .open(&format!("{base}/p/acme/harbour"))
        .expect("the page opens");
    keep(&browser, "product");
    browser
        .click("input[name=accept_license]")
        .expect("the licence is accepted");
    browser
        .click_through("form[action='/p/acme/harbour/subscribe'] button")
        .expect("carl subscribes");
    let page = browser.text("main").expect("the page");
    assert!(page.contains("Community"), "{page}");
    look(&browser, &format!("{base}/account"));
    assert!(
        browser
            .text("main")
            .expect("the account")
            .contains("acme/harbour")
    );
    browser.open(&format!("{base}/")).expect("the page opens");
    browser
        .click_through("form[action='/sign-out'] button")
        .expect("carl signs out");

    let (submission, _) = market.in_review("1.1");
    sign_in(&browser, &base, "rita", Cast::password());
    browser
        .open(&format!("{base}/review"))
        .expect("the queue opens");
    keep(&browser, "queue");
    browser
        .click_through("form[action$='/reviewer'] button")
        .expect("the oldest one is taken, and opened");
    let hand = browser.text("#in-hand").expect("whose it is");
    assert!(hand.contains("In hand: you"), "{hand}");
    keep(&browser, "submission");
    browser
        .fill("textarea[name=body]", "What about the OpenSSL?")
        .expect("a remark is typed");
    browser
        .click_through("form[action$='/remarks'] button")
        .expect("it is sent");
    assert!(
        browser
            .text("main")
            .expect("the thread")
            .contains("What about the OpenSSL?")
    );
    // A text that is kept arrives in the form, and is edited there.
    let page = browser.evaluate("location.pathname").expect("an address");
    let page = format!("{base}{}", page.as_str().expect("a path"));
    look(&browser, &format!("{base}/review/templates"));
    for (field, text) in [
        ("input[name=name]", "Welcome"),
        ("textarea[name=body]", "Welcome on the market."),
    ] {
        browser.fill(field, text).expect("it is typed");
    }
    browser
        .click_through("form[action='/review/templates'] button")
        .expect("the template is added");
    browser.open(&page).expect("the submission opens");
    browser
        .click_through("form[action$='#decision'] button")
        .expect("its text is used");
    let reason = browser.evaluate("document.querySelector('#reason').value");
    assert_eq!(reason.expect("a reason"), "Welcome on the market.");
    browser
        .click("input[name=decision][value=approve]")
        .expect("approve is chosen");
    browser
        .click_through("form[action$='/decision'] button")
        .expect("it is decided");
    let page = market
        .desk
        .wait(&submission, &["in-review", "approved"], &Silent)
        .expect("the release ends");
    assert_eq!(page["submission"]["state"], "released", "{page:#}");

    if let Some(dir) = pictures() {
        let phone = Browser::start(Look {
            dark: true,
            ..Look::PHONE
        })
        .expect("the browser starts");
        phone.open(&format!("{base}/")).expect("the page opens");
        phone
            .screenshot(&dir.join("phone.png"), false)
            .expect("the picture is kept");
    }
}
