//! What the certification team does by hand, in a browser: classes and vulnerabilities.

use axum::http::StatusCode;

use super::browser::{Browser, said};
use crate::fixture::Fixture;

/// A released product with findings; gives its submission.
async fn released(fixture: &Fixture) -> String {
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    fixture.release(&id).await;
    id
}

#[tokio::test]
async fn a_reviewer_classifies_and_takes_it_back() {
    let fixture = Fixture::new().await;
    let id = released(&fixture).await;
    let mut rita = Browser::of(&fixture, "rita").await;
    let page = rita.get(&format!("/submissions/{id}")).await;
    let form = page.attribute("a[href^='/review/classes?']", "href");
    let form = form.expect("a way to the form");
    let page = rita.get(form.trim_end_matches("#classify")).await;
    let vulnerability = page.attribute("#vulnerability", "value").expect("a name");
    assert_eq!(
        page.attribute("#product", "value").as_deref(),
        Some("acme/ship-db")
    );
    let url = "/review/classes";
    let fields = [
        ("vulnerability", vulnerability.as_str()),
        ("product", "acme/nothing"),
        ("class", "none"),
        ("reason", "Never reached."),
    ];
    let page = rita.send(&page, url, &fields, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.texts("#error-product")[0].contains("there is no product `nothing`"));
    assert_eq!(page.texts("#reason"), ["Never reached."]);
    let mut fields = fields;
    fields[1].1 = "acme/ship-db";
    let page = rita.send(&page, url, &fields, &[]).await;
    said(&page, "It is classified");
    let action = page.attribute("form[action$='/end']", "action");
    let action = action.expect("a way back");

    let mut ann = Browser::of(&fixture, "ann").await;
    let seen = ann.get(&format!("/submissions/{id}")).await;
    let beside = seen.texts("#findings ~ table tbody .summary").join("\n");
    assert!(beside.contains("None by rita, "), "{beside}");
    assert!(
        beside.contains("by the advisories: Never reached."),
        "{beside}"
    );
    assert_eq!(seen.texts("a[href^='/review/classes']"), [""; 0]);
    assert_eq!(ann.get(url).await.status, StatusCode::FORBIDDEN);

    let page = rita
        .send(&page, &action, &[("reason", "It is.")], &[])
        .await;
    said(&page, "It was taken back");
    assert!(
        page.texts("tbody .summary")
            .join(" ")
            .contains("Taken back by rita")
    );
    let page = rita.get("/review/classes").await;
    assert!(
        !page
            .texts("tbody .summary")
            .join(" ")
            .contains("Taken back")
    );
}

#[tokio::test]
async fn a_reviewer_adds_a_vulnerability_and_withdraws_it() {
    let fixture = Fixture::new().await;
    let id = released(&fixture).await;
    let mut rita = Browser::of(&fixture, "rita").await;
    let url = "/review/advisories";
    let page = rita.get(url).await;
    let fields = [
        ("title", "It pads too much"),
        ("ecosystem", "Nowhere"),
        ("package", "left-pad"),
        ("class", "critical"),
        ("reason", "Seen."),
    ];
    let page = rita.send(&page, url, &fields, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.texts("#error-ecosystem")[0].contains("nothing here is of this ecosystem"));
    let mut fields = fields;
    fields[1].1 = "npm";
    let page = rita.send(&page, url, &fields, &[]).await;
    said(&page, "It was added");
    let row = page.texts("tbody th").join(" ");
    assert!(
        row.contains("OWN-2") && row.contains("left-pad in npm"),
        "{row}"
    );
    let action = page.attribute("form[action$='/withdraw']", "action");
    let action = action.expect("a way back");
    let page = rita.send(&page, &action, &[("reason", "No.")], &[]).await;
    said(&page, "It was withdrawn");
    assert!(
        page.texts("tbody .summary")
            .join(" ")
            .contains("Withdrawn by rita")
    );
    let page = rita.get("/review/advisories").await;
    assert!(!page.texts("tbody .summary").join(" ").contains("Withdrawn"));
    let mut ann = Browser::of(&fixture, "ann").await;
    assert_eq!(ann.get(url).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        ann.get(&format!("/submissions/{id}")).await.status,
        StatusCode::OK
    );
}
