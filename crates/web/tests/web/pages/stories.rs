//! From registering to pulling: what people do, page by page.

use app::market::{ListingEvent, Role};
use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::browser::{Browser, File, said};
use crate::fixture::{Fixture, picture};

#[tokio::test]
async fn somebody_registers_applies_and_is_verified() {
    let fixture = Fixture::new().await;
    let mut ann = Browser::new(&fixture);
    let page = ann.get("/register").await;
    let fields = [
        ("name", "Ann!"),
        ("email", "ann@acme.example"),
        ("password", "long enough for this"),
    ];
    let page = ann.send(&page, "/register", &fields, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-name").len(), 1);
    assert_eq!(
        page.attribute("#email", "value").as_deref(),
        Some("ann@acme.example")
    );
    assert_eq!(page.attribute("#password", "value"), None);
    let page = ann
        .send(&page, "/register", &[("name", "ann"), fields[2]], &[])
        .await;
    said(&page, "Your account was created");
    assert_eq!(
        page.texts("header nav a"),
        ["Browse", "Publish", "Notices", "ann"]
    );
    assert_eq!(ann.get("/").await.texts(".notice"), [""; 0], "said once");

    let page = ann.get("/publisher").await;
    let fields = [
        ("legal_name", "Acme & Söhne"),
        ("slug", "acme"),
        ("website", "acme"),
        ("phone", "+1 555 0100"),
        ("email", "sales@acme.example"),
    ];
    let page = ann
        .send(&page, "/publisher", &fields, &[File("logo", &picture(100))])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        page.attribute("#legal_name", "value").as_deref(),
        Some("Acme & Söhne")
    );
    assert_eq!(
        (
            page.texts("#error-website").len(),
            page.texts("#error-logo").len()
        ),
        (1, 1)
    );
    let website = [("website", "https://acme.example")];
    let page = ann
        .send(
            &page,
            "/publisher",
            &website,
            &[File("logo", &picture(512))],
        )
        .await;
    said(&page, "The application was sent");
    assert_eq!(
        (page.path.as_str(), page.texts("h1")),
        ("/publisher/acme", vec!["Acme & Söhne".to_owned()])
    );

    let mut olga = Browser::of(&fixture, "olga").await;
    let page = olga.get("/operator").await;
    let decision = "/operator/publishers/acme/decision";
    let page = olga
        .send(&page, decision, &[("decision", "rejected")], &[])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    said(&page, "say why");
    let page = olga
        .send(&page, decision, &[("decision", "verified")], &[])
        .await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    said(
        &page,
        "has not proven the company e-mail and the website's domain",
    );
    let known = [
        ("decision", "verified-without-proofs"),
        ("reason", "Known for years"),
    ];
    let page = olga.send(&page, decision, &known, &[]).await;
    said(&page, "The decision on the publisher was recorded");
    let page = ann.get("/publisher").await;
    assert_eq!(page.texts(".card .pill"), ["Verified publisher"]);
}

#[tokio::test]
async fn a_product_is_drafted_with_mistakes_and_completed() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/publisher/acme/products/new").await;
    let fields = [
        ("slug", "ship-db"),
        ("name", "Ship <DB>"),
        ("plans[0].id", "No Slug"),
        ("plans[0].price", "dear"),
    ];
    let create = "/publisher/acme/products/new";
    let page = ann
        .send(&page, create, &fields, &[File("screenshots", &picture(64))])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        page.attribute("#name", "value").as_deref(),
        Some("Ship <DB>")
    );
    assert_eq!(
        page.texts(".field-error:not(:empty)").len(),
        2,
        "short name and price of the plan"
    );
    assert_eq!(
        page.texts(".shots .choice").len(),
        1,
        "the uploaded picture is kept"
    );
    let fields = [
        ("plans[0].id", "pro"),
        ("plans[0].name", "Pro"),
        ("plans[0].description", "All."),
        ("plans[0].price", "19.99"),
        ("plans[0].price.currency", "usd"),
        ("tags", "sql, fleet"),
    ];
    let page = ann.send(&page, create, &fields, &[]).await;
    said(&page, "The product was created");
    assert_eq!(page.path, "/publisher/acme/ship-db");
    said(&page, "9 items missing or wrong");
    assert_eq!(
        page.attribute("[name='plans[0].price']", "value")
            .as_deref(),
        Some("19.99")
    );

    let save = "/publisher/acme/ship-db";
    let fields = [
        ("short_description", "A database for ships."),
        ("category", "Databases"),
        ("long_description", "# Hello\n\nIt *sails*."),
        ("support_link", "https://acme.example/help"),
        ("support.email", "help@acme.example"),
        ("support.sla.from", "09:00"),
        ("support.sla.until", "17:00"),
        ("support.sla.time_zone", "UTC"),
        ("support.sla.response_hours.critical", "4"),
        ("support.sla.response_hours.major", "24"),
        ("support.sla.response_hours.minor", "72"),
        ("installation_instructions", "Run it."),
        ("license.text", "Be kind."),
    ];
    let page = ann
        .send(&page, save, &fields, &[File("logo", b"no picture")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.texts("#error-logo:not(:empty)").len(), 1);
    let page = ann
        .send(&page, save, &[], &[File("logo", &picture(512))])
        .await;
    said(&page, "The draft was saved");
    assert_eq!(page.texts(".field-error:not(:empty)"), [""; 0]);
    assert_eq!(
        page.texts("#long_description"),
        ["# Hello It *sails*."],
        "what was typed is kept"
    );

    let page = ann
        .send(
            &page,
            "/publisher/acme/ship-db/submit",
            &[("tag", "9.9"), ("repository", "db")],
            &[],
        )
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.texts("#error-tag")[0].contains("push it first"),
        "{:?}",
        page.texts("#error-tag")
    );
    assert_eq!(page.attribute("#tag", "value").as_deref(), Some("9.9"));
}

#[tokio::test]
async fn a_submission_is_reviewed_released_and_subscribed_to() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.account("carl", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    let url = format!("/submissions/{id}");

    let mut rita = Browser::of(&fixture, "rita").await;
    let page = rita.get("/review").await;
    assert_eq!(page.texts("tbody th a"), ["Ship DB no. 1"]);
    let page = rita.get(&url).await;
    assert!(
        page.texts("#findings ~ table tbody tr").len() > 1,
        "old OpenSSL has findings"
    );
    let remarks = format!("{url}/remarks");
    let page = rita
        .send(
            &page,
            &remarks,
            &[("body", " "), ("anchor", "submission")],
            &[],
        )
        .await;
    assert_eq!(
        (page.status, page.texts("#error-body").len()),
        (StatusCode::UNPROCESSABLE_ENTITY, 1)
    );
    let page = rita
        .send(
            &page,
            &remarks,
            &[("body", "Why *root*?"), ("anchor", "check:non-root-user")],
            &[],
        )
        .await;
    said(&page, "The remark was added");
    assert_eq!(page.texts(".thread .prose em"), ["root"]);

    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(&url).await;
    assert_eq!(
        page.texts("#decision"),
        [""; 0],
        "nobody decides on their own work"
    );
    let resolve = page
        .attribute("form[action$='/resolve']", "action")
        .expect("a form");
    let page = ann.send(&page, &resolve, &[], &[]).await;
    said(&page, "The remark is resolved");

    let page = rita.get(&url).await;
    let decision = format!("{url}/decision");
    let page = rita
        .send(
            &page,
            &decision,
            &[("decision", "reject"), ("reason", "")],
            &[],
        )
        .await;
    assert_eq!(
        (page.status, page.texts("#error-reason").len()),
        (StatusCode::UNPROCESSABLE_ENTITY, 1)
    );
    let page = rita
        .send(
            &page,
            &decision,
            &[("decision", "approve"), ("reason", "Good.")],
            &[],
        )
        .await;
    said(&page, "The decision was recorded");
    assert_eq!(page.texts("#inspection"), ["Release"]);
    assert!(
        page.attribute("meta[http-equiv=refresh]", "content")
            .is_some()
    );
    fixture.work().await;
    let page = rita.get(&url).await;
    assert_eq!(page.attribute("meta[http-equiv=refresh]", "content"), None);

    let mut carl = Browser::of(&fixture, "carl").await;
    let page = carl.get("/search?q=ship").await;
    assert_eq!(page.texts(".card h3"), ["Ship DB"]);
    let page = carl.get("/p/acme/ship-db").await;
    let subscribe = "/p/acme/ship-db/subscribe";
    let page = carl.send(&page, subscribe, &[], &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    said(&page, "accept the licence agreement first");
    let page = carl
        .send(&page, subscribe, &[("accept_license", "true")], &[])
        .await;
    said(&page, "You are subscribed");
    let page = carl.get("/account").await;
    assert_eq!(page.texts("[data-label=Price]"), ["USD 19.99 a month"]);
    let cancel = page
        .attribute("form[action$='/cancel']", "action")
        .expect("a form");
    let page = carl.send(&page, &cancel, &[], &[]).await;
    said(&page, "The subscription has ended");
}

#[tokio::test]
async fn an_inspection_shows_how_far_it_is() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    fixture.submission("ann", "1.0").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/publisher/acme/ship-db").await;
    let submit = "/publisher/acme/ship-db/submit";
    let again = [("tag", "1.0"), ("repository", "db")];
    let refused = ann.send(&page, submit, &again, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.texts("#error-tag")[0].contains("nothing changed"));
    let page = ann
        .send(
            &page,
            "/publisher/acme/ship-db",
            &[("name", "Ship DB 2")],
            &[],
        )
        .await;
    let page = ann.send(&page, submit, &again, &[]).await;
    said(&page, "It is being inspected now");
    assert_eq!(page.texts("progress").len(), 1);
    assert_eq!(
        page.attribute("meta[http-equiv=refresh]", "content")
            .as_deref(),
        Some("3")
    );
    assert_eq!(
        page.texts("form textarea"),
        [""; 0],
        "nothing to type on a page that renews itself"
    );
    fixture.work().await;
    let page = ann.get(&page.path).await;
    assert_eq!(page.texts("progress"), [""; 0]);
    assert_eq!(page.texts(".changes dd"), ["Product name"]);
}

#[tokio::test]
async fn keys_are_registered_and_revoked() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/publisher/acme").await;
    let add = "/publisher/acme/keys/new";
    let page = ann
        .send(
            &page,
            add,
            &[("key_name", "second"), ("key_pem", "nonsense")],
            &[],
        )
        .await;
    assert_eq!(
        (page.status, page.texts("#error-key_pem").len()),
        (StatusCode::UNPROCESSABLE_ENTITY, 1)
    );
    assert_eq!(
        page.attribute("#key_name", "value").as_deref(),
        Some("second")
    );
    let key = trust::SigningKey::from_scalar(&[3; 32]).expect("a key");
    let identity = "issuer: https://accounts.example\nsubject: ann@acme.example";
    let refused = ann.send(&page, add, &[("key_pem", identity)], &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.texts(".field-error")[0].contains("the operator has set no trust root"));
    let pem = key.public().to_pem();
    let page = ann.send(&page, add, &[("key_pem", &pem)], &[]).await;
    said(&page, "The key was registered");
    let proof = page.attribute("form[action$='/proof']", "action");
    let proof = proof.expect("a form");
    let refused = ann.send(&page, &proof, &[("proof", "AAAA")], &[]).await;
    assert_eq!(
        (refused.status, refused.texts(".field-error").len()),
        (StatusCode::UNPROCESSABLE_ENTITY, 1)
    );
    let commands = page.texts(".commands pre").join("\n");
    let (_, text) = commands.split_once("printf '%s' '").expect("a command");
    let (text, _) = text.split_once('\'').expect("a quoted text");
    let signature = STANDARD.encode(key.sign_der(text.as_bytes()));
    let page = ann.send(&page, &proof, &[("proof", &signature)], &[]).await;
    said(&page, "The key is proven");
    assert!(page.attribute("form[action$='/proof']", "action").is_none());
    let revoke = page
        .attribute("form[action$='/revoke']", "action")
        .expect("a form");
    let page = ann.send(&page, &revoke, &[("at", "2099-01-31")], &[]).await;
    said(&page, "The key ends on that day");
    said(
        &ann.send(&page, &revoke, &[], &[]).await,
        "The key was revoked",
    );
}

#[tokio::test]
async fn a_hold_warns_and_closes_subscriptions() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    fixture
        .release(&fixture.submission("ann", "1.0").await)
        .await;
    let mut olga = Browser::of(&fixture, "olga").await;
    let page = olga.get("/operator").await;
    let listing = "/operator/listings/acme/ship-db";
    let page = olga
        .send(
            &page,
            listing,
            &[("action", "hold"), ("reason", "too slow")],
            &[],
        )
        .await;
    said(&page, "The listing was changed");
    let page = Browser::new(&fixture).get("/p/acme/ship-db").await;
    said(&page, "Warning: this listing is on hold");
    assert!(
        !page.text.contains("too slow"),
        "the reason is the operator's and the publisher's"
    );
    let badge = Browser::new(&fixture)
        .get("/p/acme/ship-db/badge.svg")
        .await;
    assert!(badge.text.contains("on hold"));

    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get("/publisher/acme/ship-db").await;
    let openness = "/publisher/acme/ship-db/openness";
    let page = ann.send(&page, openness, &[("inside", "open")], &[]).await;
    said(&page, "Whoever may pull the product sees components");
    let again = page.attribute("form[action$='/openness'] button", "value");
    assert_eq!(again.as_deref(), Some("closed"));
    let page = ann
        .send(&page, openness, &[("inside", "closed")], &[])
        .await;
    said(&page, "for members and the certification team again");
    let withdraw = "/publisher/acme/ship-db/withdraw";
    let page = ann.send(&page, withdraw, &[("reason", "")], &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    said(
        &ann.send(&page, withdraw, &[("reason", "sold")], &[]).await,
        "taken off the market",
    );
    let page = Browser::new(&fixture).get("/p/acme/ship-db").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(page.texts("main li a")[0], "Search for “ship db”");
}

#[tokio::test]
async fn members_see_what_their_role_allows() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.account("vera", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    fixture.member("ann", "vera", Role::Viewer).await;
    let mut vera = Browser::of(&fixture, "vera").await;
    let page = vera.get("/publisher/acme/ship-db").await;
    assert_eq!(
        page.texts("main button"),
        [""; 0],
        "a viewer changes nothing"
    );
    let page = vera.get("/publisher/acme").await;
    // A calendar is one's own, and what rules would drop may be looked at.
    assert_eq!(
        page.texts("main button, main a.button"),
        ["Make an address", "Preview", "Leave"]
    );
    assert_eq!(
        vera.get("/publisher").await.texts(".card .muted"),
        ["You are viewer · 1 product"]
    );
    let denied = fixture.actor("vera").await;
    let held = fixture
        .app
        .manage_listing(&denied, "acme", "ship-db", ListingEvent::Hold, "x")
        .await;
    held.expect_err("only the operator does");
}

#[tokio::test]
async fn an_agreement_is_written_read_and_accepted() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let mut olga = Browser::of(&fixture, "olga").await;
    assert_eq!(ann.get("/agreement").await.status, StatusCode::NOT_FOUND);
    let page = olga.get("/operator/agreement").await;
    let empty = olga
        .send(&page, "/operator/agreement", &[("text", " ")], &[])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = [("text", "# Terms\n\nBe *good*.")];
    let page = olga.send(&page, "/operator/agreement", &text, &[]).await;
    said(&page, "The agreement has a new version");
    let page = ann.get("/agreement").await;
    assert_eq!(page.texts(".prose em"), ["good"]);
    let page = ann.get("/publisher/acme").await;
    assert_eq!(page.texts("#agreement-due"), ["Publisher agreement"]);
    let accept = [("agreement", "1")];
    let page = ann
        .send(&page, "/publisher/acme/agreement", &accept, &[])
        .await;
    said(&page, "The publisher agreement is accepted");
    assert!(page.texts("#agreement-due").is_empty());
    assert_eq!(page.texts("#accepted"), ["Agreements"]);
}

#[tokio::test]
async fn an_operator_decides_nothing_of_their_own() {
    let fixture = Fixture::new().await;
    for (name, role) in [("ann", None), ("otto", Some("operator"))] {
        fixture.account(name, role).await;
    }
    fixture.publisher("ann").await;
    fixture.member("ann", "olga", Role::Viewer).await;
    let forms = async |name: &str| {
        let page = Browser::of(&fixture, name).await.get("/operator").await;
        (
            page.texts("form.decide").len(),
            page.text.contains("another operator decides"),
        )
    };
    assert_eq!(forms("olga").await, (0, true));
    assert_eq!(forms("otto").await, (1, false));
}
