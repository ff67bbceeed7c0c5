//! The operator's page.

use app::{Application, market::PublisherDecision};

use super::browser::Browser;
use crate::fixture::Fixture;

#[tokio::test]
async fn neither_list_forgets_where_the_other_is() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let (ann, operator) = (fixture.actor("ann").await, fixture.actor("olga").await);
    for number in 0..60 {
        let application = Application {
            slug: format!("other-{number}"),
            legal_name: "Other".to_owned(),
            website: "https://other.example".to_owned(),
            phone: "+1 555 0100".to_owned(),
            email: "a@other.example".to_owned(),
            agreement: None,
        };
        let applied = fixture.app.apply_as_publisher(&ann, &application).await;
        applied.expect("an application");
        // Nobody has many that wait.
        let decided = fixture.app.decide_publisher(
            &operator,
            &application.slug,
            PublisherDecision::Reject,
            "No.",
        );
        decided.await.expect("rejected");
    }
    let mut olga = Browser::of(&fixture, "olga").await;
    let page = olga
        .get("/operator?q=ship%20db&on_hold=true&publishers=rejected")
        .await;
    let next = page.attribute(".paging a[rel=next]", "href");
    let next = next.expect("more publishers");
    assert_eq!(
        next,
        "/operator?q=ship%20db&on_hold=true&publishers=rejected&after=other-49&listings=1#publishers"
    );
    let page = olga.get(next.trim_end_matches("#publishers")).await;
    assert_eq!(
        page.attribute("#listing-words", "value").as_deref(),
        Some("ship db")
    );
    assert!(page.attribute("#listing-on-hold[checked]", "id").is_some());
    assert_eq!(page.texts("#publishers ~ table tbody tr").len(), 10);
    // Looking for other listings does not turn the publishers' pages back.
    let kept = |name| page.attribute(&format!(".grid-filter [name={name}]"), "value");
    assert_eq!(kept("publishers").as_deref(), Some("rejected"));
    assert_eq!(kept("after").as_deref(), Some("other-49"));
    // One that is decided meanwhile takes nobody along.
    let verified = fixture.app.decide_publisher(
        &operator,
        "other-49",
        PublisherDecision::VerifyWithoutProofs,
        "Known.",
    );
    verified.await.expect("verified");
    let page = olga.get(next.trim_end_matches("#publishers")).await;
    assert_eq!(page.texts("#publishers ~ table tbody tr").len(), 10);
}

#[tokio::test]
async fn the_whole_audit_log_is_read_by_who_what_and_to_what() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let mut olga = Browser::of(&fixture, "olga").await;
    let page = olga.get("/operator").await;
    assert!(
        page.texts("a")
            .iter()
            .any(|text| text == "The whole audit log")
    );
    let page = olga.get("/operator/audit").await;
    let all = page.texts("tbody tr").len();
    assert!(all > 2, "{all}");
    let page = olga.get("/operator/audit?subject=acme").await;
    let of_publisher = page.texts("tbody tr").len();
    assert!(of_publisher > 0 && of_publisher < all, "{of_publisher}");
    let page = olga
        .get("/operator/audit?actor=nobody-at-all&before=aud_x")
        .await;
    assert!(page.texts(".empty p")[0].starts_with("No record fits."));
    assert_eq!(page.texts("nav.paging a"), ["← To the beginning"]);
}
