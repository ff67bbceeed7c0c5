//! What people sign machines in with: access tokens and robots; and signing in itself.

use app::market::Role;
use axum::http::StatusCode;

use super::browser::{Browser, said};
use crate::fixture::Fixture;

#[tokio::test]
async fn tokens_are_shown_once_and_revoked() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/account").await;
    let page = ann
        .send(&page, "/account/tokens", &[("label", "")], &[])
        .await;
    assert_eq!(
        (page.status, page.texts("#error-label").len()),
        (StatusCode::UNPROCESSABLE_ENTITY, 1)
    );
    let fields = [("label", "build"), ("access", "read-write")];
    let page = ann.send(&page, "/account/tokens", &fields, &[]).await;
    assert_eq!(page.headers["cache-control"], "no-store");
    let secret = page.texts(".notice pre")[0].clone();
    let actor = fixture
        .app
        .authenticate("ann", &secret, None)
        .await
        .expect("it works");
    assert!(actor.may_write());
    let page = ann.get("/account").await;
    assert!(!page.text.contains(&secret));
    let revoke = page
        .attribute("form[action$='/revoke']", "action")
        .expect("a form");
    let page = ann.send(&page, &revoke, &[], &[]).await;
    said(&page, "The token was revoked");
    fixture
        .app
        .authenticate("ann", &secret, None)
        .await
        .expect_err("it is over");
}

#[tokio::test]
async fn tokens_are_cut_down_and_end() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/account").await;
    let wrong = [("label", "ci"), ("scopes", "staging/acme"), ("days", "7")];
    let page = ann.send(&page, "/account/tokens", &wrong, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-scopes").len(), 1);
    assert_eq!(page.texts("textarea"), ["staging/acme"]);
    let fields = [
        ("label", "ci"),
        ("scopes", "acme/*:pull\r\nstaging/acme/db:pull,push"),
        ("days", "7"),
    ];
    let page = ann.send(&page, "/account/tokens", &fields, &[]).await;
    assert_eq!(
        page.texts("td code"),
        ["acme/*:pull", "staging/acme/db:pull,push"]
    );
    // What ends within two weeks is marked.
    assert_eq!(page.texts(".overdue"), ["in 7 days"]);
}

#[tokio::test]
async fn robots_are_made_and_revoked() {
    let fixture = Fixture::new().await;
    for name in ["ann", "carl", "vic"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.member("ann", "vic", Role::Viewer).await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/publisher/acme").await;
    let fields = [("owner", "acme+"), ("robot", "ci"), ("role", "editor")];
    let page = ann.send(&page, "/robots", &fields, &[]).await;
    said(&page, "The robot was made");
    assert_eq!(page.texts("h1"), ["Robot acme+ci"]);
    let token = [("label", "runner"), ("access", "read-write"), ("days", "")];
    let page = ann
        .send(&page, "/robots/acme%2Bci/tokens", &token, &[])
        .await;
    assert_eq!(page.headers["cache-control"], "no-store");
    let secret = page.texts(".notice pre")[0].clone();
    let robot = fixture.app.authenticate("acme+ci", &secret, None).await;
    assert!(robot.expect("it works").may_write());
    // A robot signs in to no page; a member looks; nobody else knows of it.
    assert!(fixture.app.sign_in("acme+ci", &secret, None).await.is_err());
    let mut vic = Browser::of(&fixture, "vic").await;
    let looked = vic.get("/robots/acme%2Bci").await;
    assert_eq!(
        (looked.status, looked.texts("main form").len()),
        (StatusCode::OK, 0)
    );
    let mut carl = Browser::of(&fixture, "carl").await;
    assert_eq!(
        carl.get("/robots/acme%2Bci").await.status,
        StatusCode::NOT_FOUND
    );
    let page = ann.get("/publisher/acme").await;
    assert!(page.text.contains("acme+ci") && !page.text.contains(&secret));
    let page = ann.get("/robots/acme%2Bci").await;
    let page = ann.send(&page, "/robots/acme%2Bci/revoke", &[], &[]).await;
    said(&page, "The robot was revoked");
    assert!(
        fixture
            .app
            .authenticate("acme+ci", &secret, None)
            .await
            .is_err()
    );
    let page = carl.get("/account").await;
    let fields = [("owner", "carl~"), ("robot", "cluster")];
    let page = carl.send(&page, "/robots", &fields, &[]).await;
    assert_eq!(page.texts("h1"), ["Robot carl~cluster"]);
}

#[tokio::test]
async fn the_address_of_a_calendar_is_shown_once() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/publisher/acme").await;
    let make = [("action", "make")];
    let page = ann
        .send(&page, "/publisher/acme/calendar", &make, &[])
        .await;
    assert_eq!(page.headers["cache-control"], "no-store");
    let address = page.texts(".notice pre")[0].clone();
    let (_, path) = address.split_once("/calendars/").expect("an address");
    let read = Browser::new(&fixture)
        .get(&format!("/calendars/{path}"))
        .await;
    assert_eq!(read.status, StatusCode::OK);
    assert_eq!(read.headers["content-type"], "text/calendar; charset=utf-8");
    assert!(read.text.starts_with("BEGIN:VCALENDAR"), "{}", read.text);
    let bare = path.trim_end_matches(".ics");
    for other in [bare, "x.ics", &format!("{bare}.ics.ics")] {
        let page = Browser::new(&fixture)
            .get(&format!("/calendars/{other}"))
            .await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{other}");
    }
    let page = ann.get("/publisher/acme").await;
    assert!(!page.text.contains(path) && page.text.contains("Make a new address"));
    let end = [("action", "end")];
    let page = ann.send(&page, "/publisher/acme/calendar", &end, &[]).await;
    said(&page, "The address of the calendar has ended");
    let read = Browser::new(&fixture)
        .get(&format!("/calendars/{path}"))
        .await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn too_many_wrong_passwords_say_how_long_to_wait() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let mut nobody = Browser::new(&fixture);
    let fields = [("name", "ann"), ("password", "wrong")];
    for _ in 0..5 {
        let page = nobody.get("/sign-in").await;
        let page = nobody.send(&page, "/sign-in", &fields, &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let page = nobody.get("/sign-in").await;
    let page = nobody.send(&page, "/sign-in", &fields, &[]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.headers["retry-after"], "1");
}
