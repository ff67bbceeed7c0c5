//! Promises that were broken where an operator confirms holds: what the operator does on the
//! page, and what clients see of it.

use std::{fs, path::Path, process::Command};

use chrono::TimeDelta;
use serde_json::json;
use store::Part;
use tempfile::TempDir;
use testkit::{
    User,
    webdriver::{Browser, Look},
};

use crate::{
    browser::{keep, look, sign_in},
    databases::block_on,
    engine::Engine,
    has,
    market::{Market, Silent, database, fail, serve_by, skopeo, succeed},
    skip,
};

/// A market whose one product was released longer ago than its findings may stand, and whose
/// operator is asked.
fn broken() -> (Market, TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("p.toml");
    fs::write(&config, "[review]\nconfirm_holds = true\n").expect("a file");
    let config = config.display().to_string();
    let data = dir.path().join("data");
    let mut market = Market::start_with(&data, &["--config", &config]);
    let (submission, _) = market.in_review("1.0");
    market.decide(&submission, "approve", "");
    let released = market.desk.wait(&submission, &["approved"], &Silent);
    let released = released.expect("the release ends");
    assert_eq!(released["submission"]["state"], "released", "{released:#}");
    let at = market.server.host().to_owned();
    market.server.kill().expect("the server is killed");
    a_month_passes(&data, &submission);
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    let password = market.server.ready.operator_password.take();
    market.server = serve_by(program, &data, &at, &["--config", &config]);
    market.server.ready.operator_password = password;
    (market, dir)
}

/// Makes everything that was promised of a submission a month older.
fn a_month_passes(data: &Path, submission: &str) {
    block_on(async {
        let db = database(data).await;
        let mut tx = db.begin().await.expect("a transaction");
        let id = submission.parse().expect("an identifier");
        let found = store::findings::of_submission(&mut tx, &id, Part::ALL).await;
        let earlier = |at| at - TimeDelta::days(30);
        for mut finding in found.expect("findings") {
            finding.told_at = finding.told_at.map(earlier);
            finding.notified_at = finding.notified_at.map(earlier);
            finding.due_at = finding.due_at.map(earlier);
            let kept = store::findings::keep_clock(&mut tx, &finding).await;
            kept.expect("kept");
        }
        tx.commit().await.expect("committed");
        db.close().await;
    });
}

fn operator(market: &Market) -> User {
    let password = market.server.ready.operator_password.clone();
    let password = password.expect("the password was printed");
    User::with_password(market.server.url(), "operator", &password)
}

/// The lines that a server sends before the manifest of what is pulled.
fn head(market: &Market, token: &str) -> String {
    let url = market.server.url();
    let curl = |args: &[&str]| succeed(Command::new("curl").args(["--silent"]).args(args));
    let asked = format!("{url}/token?scope=repository:acme/harbour:pull");
    let granted = curl(&["--user", &format!("carl:{token}"), &asked]);
    let granted: serde_json::Value = serde_json::from_str(&granted).expect("JSON");
    let bearer = granted["token"].as_str().expect("a token");
    let bearer = format!("Authorization: Bearer {bearer}");
    let manifest = format!("{url}/v2/acme/harbour/manifests/1.0");
    let both = "Accept: application/vnd.oci.image.manifest.v1+json";
    let head = [
        "--dump-header",
        "-",
        "--output",
        "/dev/null",
        "--header",
        &bearer,
    ];
    curl(&[head.as_slice(), &["--header", both, &manifest]].concat()).to_lowercase()
}

#[test]
fn clients_are_warned_of_a_confirmed_hold_and_refused_while_its_pulls_are_closed() {
    if !has("skopeo") || !has("curl") {
        return;
    }
    let (market, _dir) = broken();
    let (operator, token) = (operator(&market), market.subscribe());
    let creds = format!("carl:{token}");
    let image = format!("{}/acme/harbour:1.0", market.server.host());
    let (from, to) = (format!("docker://{image}"), market.dir.path().join("out"));
    let to = format!("dir:{}", to.display());
    let copy = [
        "copy",
        "--src-tls-verify=false",
        "--src-creds",
        &creds,
        &from,
        &to,
    ];
    let holds = || operator.get("/api/v1/holds").expect("the holds")["items"].take();
    let told = market
        .cast
        .publisher
        .get("/api/v1/notices?limit=100")
        .expect("notices");
    let told = told["items"].as_array().expect("a list").iter();
    let begun = told
        .filter(|notice| notice["kind"] == "promise")
        .collect::<Vec<_>>();
    let body = begun[0]["body"].as_str().expect("text");
    // What is told at once is due at once: one line for each class.
    let lines = ["Critical by", "Major by"].map(|class| body.matches(class).count());
    assert!(begun.len() == 1 && lines == [1, 1], "{begun:?}");
    let waits = holds();
    assert_eq!(
        (&waits[0]["product"], &waits[0]["waits"]),
        (&json!("harbour"), &json!(true))
    );
    let before = head(&market, &token);
    assert!(
        before.contains("200 ok") && !before.contains("warning:"),
        "{before}"
    );

    operator
        .post("/api/v1/holds/acme/harbour/confirmation", &json!(null))
        .expect("confirmed");
    assert_eq!(holds(), json!([]));
    let held = head(&market, &token);
    assert!(
        held.contains("warning: 299 - ") && held.contains("on hold"),
        "{held}"
    );
    succeed(&mut skopeo(&copy));

    market.manage("close-pulls");
    let refused = fail(&mut skopeo(&copy));
    assert!(refused.contains("cannot be pulled at present"), "{refused}");
    if let Some(engine) = Engine::start(&market.dir.path().join("engine")) {
        let docker = |args: &[&str]| engine.docker(market.dir.path(), args);
        succeed(&mut docker(&[
            "login",
            "-u",
            "carl",
            "-p",
            &token,
            market.server.host(),
        ]));
        let refused = fail(&mut docker(&["pull", &image]));
        assert!(refused.contains("cannot be pulled at present"), "{refused}");
        market.manage("open-pulls");
        succeed(&mut docker(&["pull", &image]));
    } else {
        market.manage("open-pulls");
    }
    succeed(&mut skopeo(&copy));
}

/// What stands in the operator's section about something.
fn section(browser: &Browser, heading: &str) -> String {
    let css = format!("section[aria-labelledby={heading}]");
    match browser.count(&css).expect("sections") {
        0 => String::new(),
        _ => browser.text(&css).expect("its text"),
    }
}

#[test]
fn an_operator_gives_a_grace_confirms_a_hold_and_closes_its_pulls() {
    if !Browser::is_installed() {
        return skip("Chromium and its driver are not installed");
    }
    let (market, _dir) = broken();
    let page = format!("{}/operator", market.server.url());
    let password = market.server.ready.operator_password.clone();
    let password = password.expect("the password was printed");
    let open = |at: Look| {
        let browser = Browser::start(at).expect("the browser starts");
        sign_in(&browser, market.server.url(), "operator", &password);
        look(&browser, &page);
        browser
    };
    let browser = open(Look {
        scripts: true,
        ..Look::DESKTOP
    });
    let phone = open(Look {
        scripts: true,
        dark: true,
        ..Look::PHONE
    });
    let holds = section(&phone, "holds");
    assert!(
        holds.contains("Harbour") && holds.contains("Waits for you"),
        "{holds}"
    );
    keep(&browser, "holds");

    let row = "form[action='/operator/holds/acme/harbour']";
    let press = |decision: &str| {
        let button = format!("{row} button[value={decision}]");
        browser.click_through(&button).expect("it is decided");
    };
    // Without a day nothing is given, and the page says so.
    browser
        .fill(
            &format!("{row} input[name=reason]"),
            "The fix is in review.",
        )
        .expect("it is typed");
    press("grace");
    let said = browser.text("main").expect("the page");
    assert!(said.contains("say until which day"), "{said}");
    browser
        .fill(
            &format!("{row} input[name=reason]"),
            "The fix is in review.",
        )
        .expect("it is typed");
    browser.evaluate(&format!("document.querySelector(`{row} input[name=until]`).value = new Date(Date.now() + 9 * 864e5).toISOString().slice(0, 10)")).expect("a day is chosen");
    press("grace");
    let holds = section(&browser, "holds");
    assert!(
        holds.contains("Grace") && holds.contains("The fix is in review."),
        "{holds}"
    );
    assert!(!holds.contains("Waits for you"), "{holds}");
    for browser in [&browser, &phone] {
        look(browser, &page);
    }

    press("hold");
    assert_eq!(section(&browser, "holds"), "", "nothing is to be decided");
    let listed = section(&browser, "listings");
    assert!(listed.contains("On hold"), "{listed}");
    let row = "form[action='/operator/listings/acme/harbour']";
    for (action, is_closed) in [("close-pulls", true), ("open-pulls", false)] {
        browser
            .fill(&format!("{row} input[name=reason]"), "It spreads.")
            .expect("it is typed");
        browser
            .click_through(&format!("{row} button[value={action}]"))
            .expect("it is done");
        let listed = section(&browser, "listings");
        assert_eq!(listed.contains("Pulls closed"), is_closed, "{listed}");
        for browser in [&browser, &phone] {
            look(browser, &page);
        }
    }
    let product = browser.open(&format!("{}/p/acme/harbour", market.server.url()));
    product.expect("the page opens");
    let product = browser.text("main").expect("the page");
    assert!(product.contains("on hold"), "{product}");
}
