//! Statements about vulnerabilities, as people make and decide them in a browser.

use axum::http::StatusCode;

use super::browser::{Browser, File, said};
use crate::fixture::Fixture;

#[tokio::test]
async fn a_publisher_states_and_a_reviewer_accepts() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    fixture.release(&id).await;
    let url = "/publisher/acme/ship-db/vex";

    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(&format!("/submissions/{id}")).await;
    let prefilled = page.attribute(&format!("a[href^='{url}?']"), "href");
    let prefilled = prefilled.expect("a way to the form");
    let page = ann.get(prefilled.trim_end_matches("#state")).await;
    let vulnerability = page.attribute("#vulnerability", "value").expect("a name");
    let component = page.attribute("#component", "value").expect("a component");
    assert!(vulnerability.starts_with("CVE-") && component.starts_with("pkg:"));
    let fields = [
        ("vulnerability", vulnerability.as_str()),
        ("component", &component),
        ("status", "not_affected"),
        ("text", "It never parses certificates."),
    ];
    let page = ann.send(&page, url, &fields, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-justification").len(), 1);
    assert_eq!(page.texts("#text"), ["It never parses certificates."]);
    let why = ("justification", "vulnerable_code_not_in_execute_path");
    let page = ann
        .send(&page, url, &[&fields[..], &[why]].concat(), &[])
        .await;
    said(&page, "The statement waits");
    assert_eq!(page.texts("tbody .pill"), ["Waits for review"]);
    assert_eq!(
        page.texts("form[action$='/decision']"),
        [""; 0],
        "nobody decides on their own"
    );

    fixture.clock.advance(chrono::TimeDelta::seconds(1));
    let document = br#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x:1", "author": "Acme", "timestamp": "2026-11-01T00:00:00Z",
        "version": 1, "statements": [{"vulnerability": {"name": "CVE-2020-1"}, "products": [{"@id": "pkg:oci/ship-db"}], "status": "fixed"}]}"#;
    let import = format!("{url}/import");
    let page = ann.send(&page, &import, &[("document", "{}")], &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.texts("#error-document")[0].contains("OpenVEX 0.2.0 is read"));
    let page = ann
        .send(&page, &import, &[], &[File("file", document)])
        .await;
    said(&page, "What the document states");
    assert_eq!(page.texts("tbody .pill").len(), 2);

    let mut rita = Browser::of(&fixture, "rita").await;
    let page = rita.get("/review").await;
    assert_eq!(
        page.texts("#statements ~ table tbody th a"),
        [vulnerability.as_str(), "CVE-2020-1"]
    );
    let page = rita.get(url).await;
    let decision = page.attribute("tbody tr:last-child form[action$='/decision']", "action");
    let decision = decision.expect("a form");
    let past = [("decision", "accept"), ("until", "2020-01-01")];
    let page = rita.send(&page, &decision, &past, &[]).await;
    said(&page, "name a time to come");
    let until = [
        ("decision", "accept"),
        ("until", "2099-12-31"),
        ("reason", "Seen."),
    ];
    let page = rita.send(&page, &decision, &until, &[]).await;
    said(&page, "The decision was recorded");
    let page = rita.get(&format!("/submissions/{id}")).await;
    let beside = page.texts("#findings ~ table tbody .summary").join("\n");
    assert!(
        beside.contains(
            "says the publisher. “It never parses certificates.” Accepted by rita until 2099-12-31."
        ),
        "{beside}"
    );

    let mut nobody = Browser::new(&fixture);
    let page = nobody.get("/p/acme/ship-db").await;
    let public = page
        .attribute("a[href$='/vex.json']", "href")
        .expect("a link");
    let document = nobody.get(&public).await;
    let document: serde_json::Value = serde_json::from_str(&document.text).expect("JSON");
    assert_eq!(document["statements"].as_array().expect("a list").len(), 1);
    assert_eq!(
        document["statements"][0]["vulnerability"]["name"],
        *vulnerability
    );
}
