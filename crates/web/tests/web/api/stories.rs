//! What people do with the API, from the first application to the first subscription.

use serde_json::{Value, json};

use super::client::Client;
use crate::fixture::{Fixture, PASSWORD, manifest, picture};

#[tokio::test]
async fn a_calendar_is_followed_without_signing_in() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let nobody = Client::anonymous(&fixture.app);
    let ann = basic(&nobody, "ann", PASSWORD);
    let path = "/publishers/acme/calendar";
    let with_token = nobody.with_token(&fixture.token("ann", true).await);
    let refused = with_token.post(path, &json!({})).await;
    assert_eq!(refused.refused(), (403, "denied".to_owned()));
    let made = ann.post(path, &json!({})).await.expect(201);
    let url = made["url"].as_str().expect("an address");
    let address = url.rsplit_once("/calendars/").expect("of a calendar").1;
    let key = address.strip_suffix(".ics").expect("a file's name");
    let read = fixture.app.calendar_by_key(key).await;
    assert_eq!(read.expect("a calendar").0, "acme");
    ann.delete(path).await.expect(204);
    fixture.app.calendar_by_key(key).await.expect_err("ended");
    assert_eq!(ann.delete(path).await.refused().0, 404);
}

/// Signs in with name and password, as for the first token.
fn basic(anonymous: &Client, name: &str, password: &str) -> Client {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    anonymous.with(&format!(
        "Basic {}",
        STANDARD.encode(format!("{name}:{password}"))
    ))
}

#[tokio::test]
async fn a_publisher_gets_on_the_market_and_a_consumer_subscribes() {
    let fixture = Fixture::new().await;
    let nobody = Client::anonymous(&fixture.app);

    // Ann makes an account and a token, and applies.
    let ann = json!({"name": "ann", "email": "ann@acme.example", "password": PASSWORD});
    nobody.post("/accounts", &ann).await.expect(201);
    let by_password = basic(&nobody, "ann", PASSWORD);
    let new = json!({"name": "laptop", "may_push": true});
    let made = by_password.post("/account/tokens", &new).await.expect(201);
    let ann = nobody.with_token(made["secret"].as_str().expect("a secret"));
    let application = json!({
        "slug": "acme", "legal_name": "Acme Ltd", "website": "https://acme.example",
        "phone": "+1 555 0100", "email": "sales@acme.example",
    });
    let applied = ann.post("/publishers", &application).await.expect(201);
    assert_eq!(applied["state"], "applied");

    // Before the operator has verified her she cannot make products.
    let new = json!({"slug": "ship-db"});
    let early = ann.post("/publishers/acme/products", &new).await;
    assert_eq!(early.refused(), (403, "denied".to_owned()));
    let operator = nobody.with_token(&fixture.token("olga", true).await);
    let all = operator.get("/publishers?all=true").await.expect(200);
    assert_eq!(all["items"][0]["slug"], "acme");
    let decision = json!({"state": "verified-without-proofs", "reason": "Known."});
    operator
        .post("/publishers/acme/decision", &decision)
        .await
        .expect(200);

    // The empty draft says everything that is missing; submitting it is refused with the same list.
    let made = ann
        .post("/publishers/acme/products", &new)
        .await
        .expect(201);
    let missing = made["problems"].as_array().expect("problems").len();
    assert!(missing > 5, "{made}");
    let path = "/publishers/acme/products/ship-db";
    let image = json!({"repository": "db", "tag": "1.0"});
    let refused = ann.post(&format!("{path}/submissions"), &image).await;
    let refused = refused.expect(422);
    assert_eq!(refused["error"]["problems"], made["problems"]);

    // With a picture and the rest the draft is complete, but there is no image yet.
    let bytes = picture(512);
    let sent = ann
        .send(
            "POST",
            "/publishers/acme/pictures",
            "image/png",
            bytes.clone().into(),
        )
        .await
        .expect(201);
    let digest = sent["digest"].as_str().expect("a digest");
    let logo = json!({"digest": digest});
    ann.put("/publishers/acme/logo", &logo).await.expect(204);
    let served = nobody.get(&format!("/pictures/{digest}")).await;
    assert_eq!(served.bytes, bytes);
    assert_eq!(
        served.headers["cache-control"],
        "public, max-age=31536000, immutable"
    );
    let saved = ann
        .put(&format!("{path}/manifest"), &manifest(digest))
        .await
        .expect(200);
    assert_eq!(saved["problems"], json!([]));
    let draft = ann.get(path).await.expect(200);
    assert_eq!(draft["manifest"], with_nulls(manifest(digest)));
    let refused = ann.post(&format!("{path}/submissions"), &image).await;
    assert_eq!(refused.expect(422)["error"]["problems"][0]["field"], "tag");
}

/// What is sent back names every field.
fn with_nulls(mut manifest: Value) -> Value {
    manifest["license"]["text"] = Value::Null;
    manifest["kind"] = json!("image");
    manifest["test_report"] = Value::Null;
    manifest["service_link"] = Value::Null;
    manifest["support"]["website"] = Value::Null;
    manifest["support"]["resources"] = Value::Null;
    manifest["support"]["sla"]["days"] = json!("monday-to-friday");
    manifest
}

#[tokio::test]
async fn a_submission_is_reviewed_released_and_subscribed_to() {
    let fixture = Fixture::new().await;
    for name in ["ann", "bob"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    let nobody = Client::anonymous(&fixture.app);
    let ann = nobody.with_token(&fixture.token("ann", true).await);
    let reviewer = nobody.with_token(&fixture.token("rita", true).await);
    let bob = nobody.with_token(&fixture.token("bob", true).await);

    // The reviewer sees everything that was found.
    let queue = reviewer.get("/review-queue").await.expect(200);
    assert_eq!(queue["items"][0]["submission"]["id"], *id);
    let path = format!("/submissions/{id}");
    let page = reviewer.get(&path).await.expect(200);
    assert_eq!(page["submission"]["signature"]["verified"], true, "{page}");
    let findings = reviewer.get(&format!("{path}/findings")).await.expect(200);
    assert!(!findings["items"].as_array().expect("a list").is_empty());
    assert_eq!(findings["items"][0]["class"], "critical");
    let checks = reviewer.get(&format!("{path}/checks")).await.expect(200);
    assert!(checks["items"].as_array().expect("a list").len() > 10);
    let images = reviewer.get(&format!("{path}/images")).await.expect(200);
    assert_eq!(images["items"][0]["components"][0]["name"], "libssl1.1");

    // They talk, and the remark is settled.
    let remark = json!({"anchor": "field:logo", "body": "Is it yours?"});
    let added = reviewer
        .post(&format!("{path}/comments"), &remark)
        .await
        .expect(201);
    let comment = added["id"].as_str().expect("an id");
    let resolve = format!("{path}/comments/{comment}/resolve");
    ann.post(&resolve, &json!({"resolved": true}))
        .await
        .expect(204);
    let thread = ann.get(&format!("{path}/thread")).await.expect(200);
    assert_eq!(thread["items"][0]["author"], "rita");
    assert!(thread["items"][0]["resolved_at"].is_string());

    // Approved, released, found by everybody.
    let decision = json!({"decision": "approve"});
    let decided = reviewer
        .post(&format!("{path}/decision"), &decision)
        .await
        .expect(200);
    assert_eq!(decided["state"], "approved");
    fixture.work().await;
    let found = nobody.get("/products?q=ship&category=Databases").await;
    assert_eq!(found.expect(200)["items"][0]["product"], "ship-db");

    // Bob must accept the licence; then he may pull.
    let product = "/products/acme/ship-db";
    let subscription = format!("{product}/subscription");
    let wrong = json!({"plan": "pro", "accept_license": false});
    let refused = bob.post(&subscription, &wrong).await.expect(422);
    assert_eq!(refused["error"]["problems"][0]["field"], "accept_license");
    let right = json!({"plan": "pro", "accept_license": true});
    bob.post(&subscription, &right).await.expect(201);
    let twice = bob.post(&subscription, &right).await;
    assert_eq!(twice.refused(), (409, "conflict".to_owned()));
    assert_eq!(bob.get(product).await.expect(200)["may_pull"], true);
    let own = bob.get("/subscriptions").await.expect(200);
    assert_eq!(own["items"][0]["product"], "acme/ship-db");
    bob.delete(&subscription).await.expect(204);
    assert_eq!(bob.get(product).await.expect(200)["may_pull"], false);
}

#[tokio::test]
async fn nothing_private_is_in_what_consumers_see() {
    let fixture = Fixture::new().await;
    for name in ["ann", "bob"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    fixture.release(&id).await;
    let nobody = Client::anonymous(&fixture.app);
    let ann = nobody.with_token(&fixture.token("ann", true).await);
    let bob = nobody.with_token(&fixture.token("bob", true).await);
    let subscribe = json!({"plan": "pro", "accept_license": true});
    bob.post("/products/acme/ship-db/subscription", &subscribe)
        .await
        .expect(201);
    let operator = nobody.with_token(&fixture.token("olga", true).await);
    let reason = json!({"reason": "A promise was broken."});
    operator
        .post("/listings/acme/ship-db/hold", &reason)
        .await
        .expect(204);
    for path in ["/products", "/products/acme/ship-db", "/advisories"] {
        let text = nobody.get(path).await.expect(200).to_string();
        for private in [
            "staging",
            "CVE-",
            "libssl",
            "bob",
            "rita",
            "acc_",
            "sub_",
            "+1 555",
            fixture.path().to_str().expect("a path"),
        ] {
            assert!(!text.contains(private), "{path} tells {private}: {text}");
        }
    }
    // The publisher learns who subscribed from reports that are agreed on, not here.
    let page = ann.get("/publishers/acme").await.expect(200).to_string();
    assert!(!page.contains("bob"));
}

#[tokio::test]
async fn the_operator_holds_reinstates_and_revokes() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    fixture.release(&id).await;
    let nobody = Client::anonymous(&fixture.app);
    let operator = nobody.with_token(&fixture.token("olga", true).await);
    let ann = nobody.with_token(&fixture.token("ann", true).await);
    let reason = json!({"reason": "A promise was broken."});
    let act = |action: &str| format!("/listings/acme/ship-db/{action}");

    operator.post(&act("hold"), &reason).await.expect(204);
    let held = nobody.get("/products/acme/ship-db").await.expect(200);
    assert_eq!(held["state"], "on-hold");
    let plan = json!({"plan": "pro", "accept_license": true});
    let late = ann.post("/products/acme/ship-db/subscription", &plan).await;
    assert_eq!(late.refused().0, 409);
    operator.post(&act("reinstate"), &reason).await.expect(204);
    let twice = operator.post(&act("reinstate"), &reason).await;
    assert_eq!(twice.refused().0, 409);
    operator.post(&act("revoke"), &reason).await.expect(204);
    assert_eq!(nobody.get("/products/acme/ship-db").await.refused().0, 404);
    let log = operator.get("/audit?limit=1").await.expect(200);
    assert_eq!(log["items"][0]["after"], "revoked");
    let last = log["items"][0]["id"].as_str().expect("an id").to_owned();
    let before = operator
        .get(&format!("/audit?limit=1&before={last}"))
        .await
        .expect(200);
    assert_eq!(before["items"][0]["after"], "listed");
    let of_product = operator
        .get("/audit?subject=acme/ship-db&action=reinstate-listing")
        .await
        .expect(200);
    let of_nobody = operator.get("/audit?actor=nobody-at-all").await.expect(200);
    assert!(
        of_product["items"]
            .as_array()
            .is_some_and(|all| all.iter().all(|one| one["action"] == "reinstate-listing"))
    );
    assert_eq!(of_nobody["items"], json!([]));
    let jobs = operator.get("/jobs").await.expect(200);
    assert_eq!(jobs["failed"], json!([]));
    operator
        .post("/advisories/reload", &Value::Null)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_token_reads_or_writes_until_it_is_revoked() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let nobody = Client::anonymous(&fixture.app);
    let reader = nobody.with_token(&fixture.token("ann", false).await);
    let application = json!({
        "slug": "acme", "legal_name": "Acme Ltd", "website": "https://acme.example",
        "phone": "+1 555 0100", "email": "sales@acme.example",
    });
    assert_eq!(
        reader.post("/publishers", &application).await.refused().0,
        403
    );
    let more = json!({"name": "more", "may_push": true});
    assert_eq!(reader.post("/account/tokens", &more).await.refused().0, 403);
    let list = reader.get("/account/tokens").await.expect(200);
    let id = list["items"][0]["id"].as_str().expect("an id").to_owned();
    assert!(!list.to_string().contains("plm_"), "secrets are shown once");
    let path = format!("/account/tokens/{id}");
    let writer = nobody.with_token(&fixture.token("ann", true).await);
    assert_eq!(
        writer.delete(&path).await.refused().0,
        404,
        "it is not its own"
    );
    let ann = basic(&nobody, "ann", PASSWORD);
    ann.delete(&path).await.expect(204);
    assert_eq!(reader.get("/account").await.refused().0, 401);
}

#[tokio::test]
async fn a_token_hands_down_less_than_it_has() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let nobody = Client::anonymous(&fixture.app);
    let writer = nobody.with_token(&fixture.token("ann", true).await);
    let narrow =
        json!({"name": "ci", "may_push": true, "scopes": ["staging/acme/*:pull,push"], "days": 7});
    let made = writer.post("/account/tokens", &narrow).await.expect(201);
    assert_eq!(made["token"]["scopes"], json!(["staging/acme/*:pull,push"]));
    assert!(made["token"]["parent"].is_string());
    let narrow = nobody.with_token(made["secret"].as_str().expect("a secret"));
    for (body, status) in [
        (json!({"name": "all", "may_push": true}), 403),
        (
            json!({"name": "other", "scopes": ["staging/rival/*:pull"]}),
            403,
        ),
        (json!({"name": "bad", "scopes": ["acme"]}), 422),
        (json!({"name": "bad", "scopes": vec!["*:pull"; 21]}), 422),
        (
            json!({"name": "less", "scopes": ["staging/acme/db:pull"], "days": 30}),
            201,
        ),
    ] {
        let reply = narrow.post("/account/tokens", &body).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.text());
    }
    let seen = narrow.get("/account/tokens").await.expect(200);
    let seen = seen["items"].as_array().expect("a list");
    assert_eq!((&seen[0]["name"], seen.len()), (&json!("less"), 2));
    assert_eq!(
        seen[0]["expires_at"], seen[1]["expires_at"],
        "it ends with its parent"
    );
    assert_eq!(narrow.get("/subscriptions").await.refused().0, 403);
}

#[tokio::test]
async fn robots_are_made_with_a_password_and_sign_in_with_tokens() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let nobody = Client::anonymous(&fixture.app);
    let ann = basic(&nobody, "ann", PASSWORD);
    let new = json!({"name": "acme+ci", "role": "editor", "days": 365});
    let writer = nobody.with_token(&fixture.token("ann", true).await);
    assert_eq!(writer.post("/robots", &new).await.refused().0, 403);
    let made = ann.post("/robots", &new).await.expect(201);
    assert_eq!(
        (&made["role"], &made["tokens"]),
        (&json!("editor"), &json!([]))
    );
    let token = json!({"name": "runner", "may_push": true});
    let made = ann.post("/robots/acme+ci/tokens", &token).await.expect(201);
    let robot = basic(
        &nobody,
        "acme+ci",
        made["secret"].as_str().expect("a secret"),
    );
    assert_eq!(robot.get("/account").await.expect(200)["name"], "acme+ci");
    let product = json!({"slug": "made-by-robot"});
    robot
        .post("/publishers/acme/products", &product)
        .await
        .expect(201);
    assert_eq!(
        robot
            .post("/robots", &json!({"name": "acme+x", "role": "editor"}))
            .await
            .refused()
            .0,
        403
    );
    let listed = writer.get("/robots").await.expect(200);
    assert_eq!(listed["items"][0]["tokens"][0]["name"], "runner");
    let id = made["token"]["id"].as_str().expect("an id");
    ann.delete(&format!("/robots/acme+ci/tokens/{id}"))
        .await
        .expect(204);
    assert_eq!(robot.get("/account").await.refused().0, 401);
    ann.delete("/robots/acme+ci").await.expect(204);
    assert_eq!(ann.delete("/robots/acme+ci").await.refused().0, 404);
    assert_eq!(ann.post("/robots", &new).await.refused().0, 422);
}

#[tokio::test]
async fn a_session_reads_but_never_writes() {
    use axum::{body::Body, http::Request};
    let fixture = Fixture::new().await;
    let session = fixture
        .app
        .sign_in("olga", PASSWORD, None)
        .await
        .expect("a session");
    let nobody = Client::anonymous(&fixture.app);
    let request = |method: &str, path: &str| {
        Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(
                "cookie",
                format!("a=b; plimsoll_session={}", session.secret),
            )
            .body(Body::empty())
            .expect("a request")
    };
    let read = nobody.request(request("GET", "/account")).await;
    assert_eq!(read.expect(200)["name"], "olga");
    let write = nobody.request(request("POST", "/advisories/reload")).await;
    assert_eq!(write.refused().0, 401);
    fixture
        .app
        .sign_out(&session.secret)
        .await
        .expect("signed out");
    let read = nobody.request(request("GET", "/account")).await;
    assert_eq!(read.refused().0, 401);
}

#[tokio::test]
async fn a_statement_answers_a_finding() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let id = fixture.submission("ann", "1.0").await;
    let nobody = Client::anonymous(&fixture.app);
    let ann = nobody.with_token(&fixture.token("ann", true).await);
    let rita = nobody.with_token(&fixture.token("rita", true).await);
    let findings = format!("/submissions/{id}/findings");
    let found = ann.get(&findings).await.expect(200)["items"][0].clone();
    assert_eq!(
        (&found["state"], &found["statement"]),
        (&json!("open"), &Value::Null)
    );

    let path = "/publishers/acme/products/ship-db/vex";
    let new = json!({
        "vulnerability": found["vulnerability"], "image": found["image"], "component": found["purl"],
        "status": "not_affected", "justification": "inline_mitigations_already_exist", "text": "It is switched off.",
    });
    let made = ann.post(path, &new).await.expect(201);
    assert_eq!(
        (&made["standing"], &made["version"]),
        (&json!("waiting"), &json!(1))
    );
    let queue = rita.get("/vex-queue").await.expect(200);
    assert_eq!(queue["items"][0]["statement"], made);
    let decision = format!("/vex/{}/decision", made["id"].as_str().expect("an id"));
    let refused = rita.post(&decision, &json!({"decision": "refuse"})).await;
    assert_eq!(refused.refused(), (422, "invalid".to_owned()));
    let decided = rita
        .post(
            &decision,
            &json!({"decision": "accept", "until": "2099-01-01T00:00:00Z"}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&decided["standing"], &decided["decided_by"]),
        (&json!("accepted"), &json!("rita"))
    );
    let all = ann.get(&findings).await.expect(200);
    let now = all["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|it| it["id"] == found["id"])
        .expect("there")
        .clone();
    assert_eq!(
        (&now["state"], &now["statement"]),
        (&json!("answered"), &decided)
    );
    let listed = ann.get(path).await.expect(200);
    assert_eq!(listed["items"], json!([decided]));
}
