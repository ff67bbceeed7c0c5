//! The review queue in a browser: filters, and who has what in hand.

use axum::http::StatusCode;

use super::browser::{Browser, said};
use crate::fixture::Fixture;

#[tokio::test]
async fn a_reviewer_takes_a_submission_and_gives_it_on() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    let mut rita = Browser::of(&fixture, "rita").await;
    for (query, shown) in [
        ("", 1),
        ("?state=in-review&publisher=acme&product=ship-db", 1),
        ("?state=changes-requested", 0),
        ("?assigned=mine", 0),
        ("?assigned=nobody", 1),
        ("?after=nonsense&state=nonsense", 1),
        ("?after=9999999999999999~sub_01ARZ3NDEKTSV4RRFFQ69G5FAV", 0),
    ] {
        let page = rita.get(&format!("/review{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(page.texts("tbody th a").len(), shown, "{query}");
        assert_eq!(page.texts(".empty").len(), 1 - shown, "{query}");
    }
    let page = rita.get("/review?state=in-review&publisher=acme").await;
    assert_eq!(
        page.attribute("#publisher", "value").as_deref(),
        Some("acme")
    );
    assert_eq!(
        page.attribute("#state [selected]", "value").as_deref(),
        Some("in-review")
    );

    // Who goes on, or filters, stays where they are in the statements.
    let places = "after=9999999999999999~sub_01ARZ3NDEKTSV4RRFFQ69G5FAV&statements=vex_1";
    let page = rita.get(&format!("/review?state=in-review&{places}")).await;
    let first = page.attribute(".empty a", "href");
    assert_eq!(
        first.as_deref(),
        Some("/review?state=in-review&statements=vex_1")
    );
    let kept = page.attribute(".queue-filter input[name=statements]", "value");
    assert_eq!(kept.as_deref(), Some("vex_1"));
    let page = rita.get("/review?state=in-review&publisher=acme").await;

    let url = format!("/submissions/{id}/reviewer");
    let mut olga = Browser::of(&fixture, "olga").await;
    let before = olga.get(&format!("/submissions/{id}")).await;
    let take = [("reviewer", "rita")];
    let page = rita.send(&page, &url, &take, &[]).await;
    said(&page, "The submission is in your hands.");
    assert_eq!(page.texts("#in-hand > span"), ["In hand: you"]);
    let queue = rita.get("/review?assigned=mine").await;
    assert_eq!(queue.texts("tbody td strong"), ["you"]);

    // Somebody else takes it from her, knowingly only.
    let seen = olga.get(&format!("/submissions/{id}")).await;
    assert_eq!(seen.texts("#in-hand > span"), ["In hand: rita"]);
    let by_chance = olga.send(&before, &url, &[("reviewer", "olga")], &[]).await;
    assert_eq!(by_chance.status, StatusCode::CONFLICT);
    let fields = [("reviewer", "olga"), ("instead_of", "rita")];
    let taken = olga.send(&seen, &url, &fields, &[]).await;
    said(&taken, "The submission is in your hands.");
    let fields = [("reviewer", "ann"), ("instead_of", "olga")];
    let refused = olga.send(&taken, &url, &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let fields = [("reviewer", "rita"), ("instead_of", "olga")];
    let given = olga.send(&taken, &url, &fields, &[]).await;
    said(&given, "The submission was given to them");
    let page = rita.get("/notices").await;
    assert!(page.text.contains("olga gave you submission 1"));
    let page = rita.get(&format!("/submissions/{id}")).await;
    let page = rita.send(&page, &url, &[("instead_of", "rita")], &[]).await;
    said(&page, "in nobody’s hands");

    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(&format!("/submissions/{id}")).await;
    assert_eq!(page.texts("#in-hand"), [""; 0], "publishers see none of it");
}

#[tokio::test]
async fn a_first_release_shows_who_approved_it_and_that_another_must() {
    let policy = app::ReviewPolicy {
        two_for_first_release: true,
        partners_only: false,
        confirm_holds: false,
    };
    let fixture = Fixture::reviewing(policy).await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    let (url, decision) = (
        format!("/submissions/{id}"),
        format!("/submissions/{id}/decision"),
    );
    let approve = [("decision", "approve")];
    let mut rita = Browser::of(&fixture, "rita").await;
    let page = rita.get(&url).await;
    assert!(page.texts("#approvals")[0].ends_with("Nobody has approved it yet."));
    let page = rita.send(&page, &decision, &approve, &[]).await;
    said(&page, "Your approval counts. Another reviewer");
    assert!(page.texts("#approvals")[0].contains("You (rita) approved it"));
    assert_eq!(page.texts("#decision-approve[disabled]").len(), 1);
    let again = rita.send(&page, &decision, &approve, &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(&url).await;
    assert!(page.texts("#approvals")[0].contains("rita approved it; another reviewer has to"));
    let mut olga = Browser::of(&fixture, "olga").await;
    fixture.clock.advance(chrono::TimeDelta::minutes(1));
    let page = olga.get(&url).await;
    let page = olga.send(&page, &decision, &approve, &[]).await;
    said(&page, "The decision was recorded.");
    assert!(page.texts("#approvals")[0].ends_with("Approved by rita and olga."));
}
