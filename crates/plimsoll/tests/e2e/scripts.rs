//! What pages gain where scripts run, in a real browser; and that the same is done without.

use serde_json::json;
use testkit::{
    Cast,
    webdriver::{Browser, Look},
};

use crate::{
    browser::{keep, look, sign_in},
    market::{Market, listing},
    skip,
};

const SCRIPTS: Look = Look {
    scripts: true,
    ..Look::DESKTOP
};

fn editor() -> Option<(Market, Browser, Browser)> {
    if !Browser::is_installed() {
        skip("Chromium and its driver are not installed");
        return None;
    }
    let market = Market::start();
    let problems = market.desk.describe(&listing()).expect("it is taken");
    assert!(problems.is_empty(), "{problems:?}");
    let open = |look: Look| {
        let browser = Browser::start(look).expect("the browser starts");
        sign_in(&browser, market.server.url(), "ann", Cast::password());
        browser
    };
    let (with, without) = (open(SCRIPTS), open(Look::DESKTOP));
    Some((market, with, without))
}

/// Returns what stands in an element, or nothing where there is none.
fn said(browser: &Browser, css: &str) -> String {
    let found = browser.evaluate(&format!(
        "document.querySelector(`{css}`)?.textContent ?? ''"
    ));
    let found = found.expect("a text");
    found.as_str().unwrap_or_default().to_owned()
}

fn draft(market: &Market) -> serde_json::Value {
    let draft = market
        .cast
        .publisher
        .get("/api/v1/publishers/acme/products/harbour");
    let mut draft = draft.expect("the draft");
    draft["manifest"].take()
}

#[test]
fn the_editor_says_what_is_wrong_as_one_types_and_without_scripts_when_one_saves() {
    let Some((market, with, without)) = editor() else {
        return;
    };
    let url = format!("{}/publisher/acme/harbour", market.server.url());
    let before = draft(&market);
    look(&with, &url);
    assert_eq!(said(&with, "#problems"), "");
    assert_eq!(said(&with, "#short_description + .counter"), "35 of 140");
    with.fill("#support_link", "nowhere").expect("it is typed");
    with.wait_for(
        "document.querySelector('#error-support_link').textContent.includes('must be an address')",
    )
    .expect("the server's words stand beside the field");
    assert!(said(&with, "#problems").starts_with("1 item missing or wrong."));
    let spoken = said(&with, "[role=status].hidden");
    assert!(
        spoken.contains("must be an address") && spoken.contains("1 item"),
        "{spoken}"
    );
    keep(&with, "editor");
    let focus = with.evaluate(
        "[document.activeElement.id, document.activeElement.getAttribute('aria-invalid')].join()",
    );
    assert_eq!(focus.expect("a focus"), "support_link,true");

    // The last plan that is filled in makes room for another.
    assert_eq!(with.count(".plan").expect("plans"), 3);
    with.fill("[id='plans[2].name']", "Fleet")
        .expect("it is typed");
    with.wait_for("document.querySelectorAll('.plan').length === 4")
        .expect("there is room for a fourth plan");
    with.fill("[id='plans[2].name']", " ")
        .expect("it is taken away");

    // The page as it will be follows what is typed.
    with.click(".live-preview summary").expect("it opens");
    with.fill("#name", "Harbour & Pier").expect("it is typed");
    with.wait_for("document.querySelector('.live-preview > div').shadowRoot.querySelector('h1')?.textContent === 'Harbour & Pier'")
        .expect("the preview follows");
    with.fill("#support_link", "https://acme.example")
        .expect("it is typed");
    with.wait_for("document.querySelector('#problems').textContent === '' && !document.querySelector('[aria-invalid]')")
        .expect("nothing is wrong any more");
    assert_eq!(draft(&market), before, "nothing is saved unasked");

    look(
        &with,
        &format!("{}/publisher/acme/products/new", market.server.url()),
    );
    with.fill("#slug", "harbour").expect("it is typed");
    with.wait_for("document.querySelector('#error-slug').textContent.includes('already')")
        .expect("a new product is looked at as well");

    look(&without, &url);
    assert_eq!(without.count(".counter, .live-preview").expect("none"), 0);
    without
        .fill("#support_link", "nowhere")
        .expect("it is typed");
    without
        .click_through(".savebar button:first-child")
        .expect("it is saved");
    let beside = without.text("#error-support_link").expect("the words");
    assert!(beside.contains("must be an address"), "{beside}");
    assert_eq!(draft(&market)["support_link"], "nowhere");
    // The preview opens as a page, in a window of its own; here in this one.
    without
        .evaluate("document.querySelector('[formtarget]').removeAttribute('formtarget')")
        .expect("it opens here");
    without
        .fill("#name", "Harbour & Pier")
        .expect("it is typed");
    without.click_through("[formaction]").expect("it is sent");
    assert_eq!(without.text("h1").expect("a name"), "Harbour & Pier");
    assert_eq!(draft(&market)["name"], "Harbour");
}

#[test]
fn lists_go_on_in_their_place_and_times_are_the_readers() {
    let Some((market, with, without)) = editor() else {
        return;
    };
    let url = format!("{}/publisher/acme", market.server.url());
    for number in 0..60 {
        let slug = json!({ "slug": format!("ship-{number:02}") });
        let made = market
            .cast
            .publisher
            .post("/api/v1/publishers/acme/products", &slug);
        made.expect("a product");
    }
    with.set_time_zone("Asia/Tokyo").expect("in Tokyo");
    look(&with, &url);
    let title = with.evaluate("document.querySelector('time').title");
    let title = title
        .expect("a time")
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        title.contains("GMT+9 (") && title.ends_with("UTC)"),
        "{title}"
    );

    with.evaluate("window.stays = true").expect("a mark");
    with.evaluate("document.querySelector('nav.paging a[rel=next]').focus()")
        .expect("it is there");
    with.click("nav.paging a[rel=next]").expect("it is clicked");
    with.wait_for("!!document.querySelector('nav.paging a[rel=prev]')")
        .expect("the next part comes");
    let state = with.evaluate("[window.stays, location.search, document.activeElement.matches('h2, nav.paging a')].join()");
    assert_eq!(state.expect("a state"), "true,?page=2,true");
    assert!(said(&with, "[role=status].hidden").contains(" of 61"));
    with.evaluate("history.back()").expect("back");
    with.wait_for("!window.stays && document.readyState === 'complete' && !!document.querySelector('nav.paging a[rel=next]')")
        .expect("the part before is there again");

    // Of two that are asked for at once the last one is shown, and the address says so.
    with.evaluate("(link => { link.click(); link.search = '?page=1'; link.click() })(document.querySelector('nav.paging a[rel=next]'))")
        .expect("two are asked for");
    with.wait_for("location.search === '?page=1' && !document.querySelector('[aria-busy]')")
        .expect("the last one comes");
    let others = with.count("nav.paging a[rel=prev]").expect("a list");
    assert_eq!(others, 0);

    look(&without, &url);
    without
        .click_through("nav.paging a[rel=next]")
        .expect("the next page comes");
    let title = without.evaluate("document.querySelector('time').title");
    let title = title
        .expect("a time")
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(title.ends_with("UTC") && !title.contains('('), "{title}");
}

#[test]
fn two_lists_of_a_page_go_on_each_by_itself() {
    if !Browser::is_installed() {
        return skip("Chromium and its driver are not installed");
    }
    let market = Market::start();
    let (base, cast) = (market.server.url(), &market.cast);
    for number in 0..55 {
        let slug = format!("other-{number}");
        let application = json!({
            "slug": slug, "legal_name": "Other", "website": "https://other.example",
            "phone": "+49 40 5550100", "email": "a@other.example",
        });
        let applied = cast.publisher.post("/api/v1/publishers", &application);
        applied.expect("an application");
        let no = json!({ "state": "rejected", "reason": "No." });
        let path = format!("/api/v1/publishers/{slug}/decision");
        cast.operator.post(&path, &no).expect("a decision");
    }
    let browser = Browser::start(SCRIPTS).expect("the browser starts");
    let password = market.server.ready.operator_password.clone();
    sign_in(&browser, base, "operator", &password.expect("a password"));
    look(&browser, &format!("{base}/operator?publishers=rejected"));
    browser.evaluate("window.stays = true").expect("a mark");
    browser.fill("#listing-words", "harbour").expect("typed");
    browser.click(".grid-filter button").expect("it is sent");
    browser
        .wait_for("location.search.includes('q=harbour')")
        .expect("the listings are looked for");
    let focus = browser.evaluate("document.activeElement.matches('.grid-filter button')");
    assert_eq!(focus.expect("a focus"), true);
    browser
        .click("nav.paging a[rel=next]")
        .expect("the publishers go on");
    browser
        .wait_for("document.querySelectorAll('#publishers ~ table tbody tr').length === 5")
        .expect("the last publishers come");
    let state = browser.evaluate(
        "[window.stays, document.querySelector('#listing-words').value, document.querySelector('.grid-filter [name=after]').value, location.search].join()",
    );
    assert_eq!(
        state.expect("a state"),
        "true,harbour,other-49,?q=harbour&publishers=rejected&after=other-49&listings=1"
    );
}
