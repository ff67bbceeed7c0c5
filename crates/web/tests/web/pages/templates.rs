//! Templates of decisions in a browser.

use axum::http::StatusCode;

use super::browser::{Browser, said};
use crate::fixture::Fixture;

#[tokio::test]
async fn a_template_arrives_in_the_form_of_a_decision() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    let mut rita = Browser::of(&fixture, "rita").await;
    let url = "/review/templates";
    let page = rita.get(url).await;
    assert_eq!(page.texts(".empty").len(), 1);
    let fields = [
        ("name", "Root"),
        ("decision", "request-changes"),
        ("body", " "),
    ];
    let page = rita.send(&page, url, &fields, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-body").len(), 1);
    assert_eq!(page.attribute("#name", "value").as_deref(), Some("Root"));
    let mut fields = fields;
    fields[2].1 = "Please set a user.";
    let page = rita.send(&page, url, &fields, &[]).await;
    said(&page, "The template was saved.");
    let change = page.attribute("tbody form", "action").expect("a form");
    fields[2].1 = "Please set a user <b>.";
    let page = rita.send(&page, &change, &fields, &[]).await;
    said(&page, "The template was saved.");

    let submission = format!("/submissions/{id}");
    let page = rita.get(&submission).await;
    assert_eq!(page.texts("#template option"), ["Request changes: Root"]);
    let template = page.attribute("#template option", "value");
    let template = template.expect("its identifier");
    let page = rita.get(&format!("{submission}?template={template}")).await;
    assert_eq!(page.texts("#reason"), ["Please set a user <b>."]);
    assert_eq!(
        page.attribute("[name=decision][checked]", "value")
            .as_deref(),
        Some("request-changes")
    );
    let fields = [
        ("decision", "request-changes"),
        ("reason", "Please set a user, ann."),
    ];
    let decision = format!("{submission}/decision");
    let page = rita.send(&page, &decision, &fields, &[]).await;
    said(&page, "The decision was recorded.");
    let page = rita.get(url).await;
    let page = rita
        .send(&page, &format!("{change}/remove"), &[], &[])
        .await;
    said(&page, "The template was removed.");
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(&format!("{submission}?template={template}")).await;
    assert!(page.text.contains("Please set a user, ann."));
    assert_eq!(page.texts("#template"), [""; 0]);
    assert_eq!(ann.get(url).await.status, StatusCode::FORBIDDEN);
}
