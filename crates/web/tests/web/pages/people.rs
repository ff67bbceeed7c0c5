//! An organisation and its people: what it proves, whom it invites, what everybody sees of it.

use axum::http::StatusCode;

use super::browser::{Browser, said};
use crate::fixture::Fixture;

/// The path of the newest letter's link, as the operator hands it over.
async fn link(olga: &mut Browser) -> String {
    let page = olga.get("/operator/outbox").await;
    let link = page.texts("td code").first().cloned().expect("a link");
    let path = link.strip_prefix("https://market.example");
    path.expect("a page of ours").to_owned()
}

#[tokio::test]
async fn an_organisation_proves_its_e_mail_and_mends_its_website() {
    let fixture = Fixture::new().await;
    let ann = fixture.account("ann", None).await;
    let application = app::Application {
        slug: "acme".to_owned(),
        legal_name: "Acme Ltd".to_owned(),
        website: "https://10.0.0.1".to_owned(),
        phone: "+1 555 0100".to_owned(),
        email: "sales@acme.example".to_owned(),
        agreement: None,
    };
    let applied = fixture.app.apply_as_publisher(&ann, &application).await;
    applied.expect("applied");
    let mut ann = Browser::of(&fixture, "ann").await;
    let mut olga = Browser::of(&fixture, "olga").await;
    let page = ann.get("/publisher/acme").await;
    assert!(page.text.contains("Cannot be proven"), "{}", page.text);
    let mend = "/publisher/acme/proofs/profile";
    let page = ann.send(&page, mend, &[("website", "nonsense")], &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-website").len(), 1);
    let website = [("website", "https://www.acme.example")];
    let page = ann.send(&page, mend, &website, &[]).await;
    said(&page, "What you say of yourselves was saved");
    let text = page.texts("dl pre code").join("");
    assert!(text.starts_with("plimsoll-verification="), "{text}");
    let look = "/publisher/acme/proofs/domain";
    let page = ann.send(&page, look, &[], &[]).await;
    said(&page, "The domain is being looked at");

    let path = link(&mut olga).await;
    let mut nobody = Browser::new(&fixture);
    let page = nobody.get(&path).await;
    assert_eq!(page.texts("h1"), ["Is this your company e-mail?"]);
    let page = nobody.send(&page, &path, &[], &[]).await;
    said(&page, "Thank you: the address is proven");
    assert_eq!(page.texts("h1"), ["The company e-mail is proven"]);
    let guessed = nobody.get(&format!("{path}x")).await;
    assert_eq!(guessed.status, StatusCode::NOT_FOUND);
    let page = olga.get("/operator").await;
    let proven = page.texts("ul.plain .pill");
    assert_eq!(proven, ["E-mail proven", "acme.example not proven"]);

    // Who goes on in one list of the outbox stays where they are in the other.
    let actor = fixture.actor("olga").await;
    let told = fixture.app.outbox(&actor, app::Part::first(2)).await;
    let told = told.expect("the outbox");
    let newest = &told[0].notice.id;
    let page = format!("/operator/outbox?before={newest}&letters=ltr_1");
    let page = olga.get(&page).await;
    let first = page.attribute("nav.paging a[rel=first]", "href");
    let kept = format!("/operator/outbox?before={newest}#letters");
    assert_eq!(first.as_deref(), Some(kept.as_str()));
}

#[tokio::test]
async fn somebody_is_invited_and_joins_with_a_new_account() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let mut olga = Browser::of(&fixture, "olga").await;
    let invite = "/publisher/acme/members/invite";
    let page = ann.get("/publisher/acme").await;
    let wrong = [("invite_email", "nora"), ("invite_role", "finance")];
    let page = ann.send(&page, invite, &wrong, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-invite_email").len(), 1);
    let right = [("invite_email", "nora@acme.example")];
    let page = ann.send(&page, invite, &right, &[]).await;
    said(&page, "The invitation is on its way");

    let path = link(&mut olga).await;
    let mut nora = Browser::new(&fixture);
    let page = nora.get(&path).await;
    assert_eq!(page.texts("h1"), ["Join Acme Ltd"]);
    let short = [("name", "nora"), ("password", "short")];
    let page = nora.send(&page, &path, &short, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-password").len(), 1);
    let password = [("password", "a long enough password")];
    let page = nora.send(&page, &path, &password, &[]).await;
    said(&page, "Welcome: you belong to it now");
    assert_eq!(page.path, "/publisher/acme");
    assert!(
        page.texts("main form[action$='/members/invite']")
            .is_empty()
    );
    let page = nora.get(&path).await;
    assert_eq!(page.texts("h1"), ["This invitation is no longer good"]);

    let page = ann.get("/publisher/acme").await;
    let role = "/publisher/acme/members/nora/role";
    let page = ann.send(&page, role, &[("role", "owner")], &[]).await;
    said(&page, "The role was changed");
    let page = ann
        .send(&page, "/publisher/acme/members/leave", &[], &[])
        .await;
    said(&page, "You no longer belong to it");
    let page = nora.get("/publisher/acme").await;
    let leave = "/publisher/acme/members/leave";
    let page = nora.send(&page, leave, &[], &[]).await;
    said(&page, "is the last owner of acme");
}

#[tokio::test]
async fn everybody_sees_a_verified_publisher_and_nothing_private() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let mut nobody = Browser::new(&fixture);
    let page = nobody.get("/publishers/acme").await;
    assert_eq!(page.texts("h1"), ["Acme Ltd"]);
    assert_eq!(page.texts(".verified"), ["✓ Verified publisher"]);
    assert!(page.texts(".card").is_empty(), "a draft is not shown");
    for private in [
        "sales@acme.example",
        "555 0100",
        "Known to us",
        "ship-db",
        "ann",
    ] {
        let main = page.texts("main").join(" ");
        assert!(!main.contains(private), "{private} in {main}");
    }
    let submission = fixture.submission("ann", "1.0").await;
    fixture.release(&submission).await;
    let page = nobody.get("/p/acme/ship-db").await;
    let by = page.attribute(".by a", "href");
    assert_eq!(by.as_deref(), Some("/publishers/acme"));
    let page = nobody.get("/publishers/acme").await;
    assert_eq!(page.texts(".card h3"), ["Ship DB"]);
    let missing = nobody.get("/publishers/nobody").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_owner_applies_for_partnership_and_the_operator_decides() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let mut olga = Browser::of(&fixture, "olga").await;
    let text = "/operator/partnership";
    let page = olga.get(text).await;
    let page = olga.send(&page, text, &[("text", "Be *good*.")], &[]).await;
    said(&page, "The partnership agreement has a new version");
    let (home, apply) = ("/publisher/acme", "/publisher/acme/partnership");
    let page = ann.get(home).await;
    let unread = [("exchange", "member"), ("membership", "Acme, 4711")];
    let page = ann.send(&page, apply, &unread, &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let read = [unread.as_slice(), &[("agreement", "1")]].concat();
    let page = ann.send(&page, apply, &read, &[]).await;
    said(&page, "The application was sent");
    let decide = "/operator/publishers/acme/partnership";
    let page = olga.get(home).await;
    let page = olga
        .send(&page, decide, &[("decision", "grant"), ("reason", "")], &[])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let grant = [("decision", "grant"), ("reason", "Known to the exchange.")];
    let page = olga.send(&page, decide, &grant, &[]).await;
    said(&page, "The decision on the partnership was recorded");
    let page = ann.get(home).await;
    assert_eq!(page.texts("#partnership ~ table .pill"), ["Partner"]);
    assert!(
        page.text.contains("Known to the exchange."),
        "{}",
        page.text
    );
}
