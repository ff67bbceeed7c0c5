//! Every operation of the document, asked by everybody: the reviewed table of who gets what.
//! An operation that is missing here fails the test.

use std::fmt::Write as _;

use app::{NewRobot, NewToken, market::Role};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::client::Client;
use crate::fixture::{Fixture, PASSWORD, manifest, picture};

/// Who asks, in the table's order.
const ROLES: [&str; 8] = [
    "anonymous",
    "consumer",
    "subscriber",
    "viewer",
    "editor",
    "owner",
    "reviewer",
    "operator",
];

/// A market with one of everything, and the names of these things.
pub(super) struct Market {
    pub(super) fixture: Fixture,
    /// The access token of each of [`ROLES`].
    pub(super) tokens: Vec<String>,
    names: Vec<(&'static str, String)>,
}

/// Makes everybody who asks, and their publisher.
async fn people(fixture: &Fixture) {
    for name in ["consumer", "subscriber", "viewer", "editor", "owner"] {
        fixture.account(name, None).await;
    }
    fixture.account("reviewer", Some("reviewer")).await;
    fixture.account("operator", Some("operator")).await;
    fixture.publisher("owner").await;
    fixture.member("owner", "viewer", Role::Viewer).await;
    fixture.member("owner", "editor", Role::Editor).await;
}

/// Has an agreement, and its publisher's owner accept it.
async fn agree(fixture: &Fixture) {
    let (operator, owner) = (
        fixture.actor("operator").await,
        fixture.actor("owner").await,
    );
    let agreement = fixture.app.set_agreement(&operator, "Be good.").await;
    let version = agreement.expect("an agreement").version;
    let accepted = fixture.app.accept_agreement(&owner, "acme", version);
    accepted.await.expect("accepted");
}

/// Has the owner make a webhook and try it; gives its and the delivery's identifier.
async fn hooked(fixture: &Fixture) -> (String, String) {
    let hook = app::WebhookSettings {
        url: "https://hooks.example".to_owned(),
        kinds: vec![market::EventKind::Released],
        is_active: true,
        ..app::WebhookSettings::default()
    };
    let of = app::WebhookOf::Publisher("acme".to_owned());
    let owner = fixture.actor("owner").await;
    let made = fixture.app.create_webhook(&owner, &of, &hook).await;
    let webhook = made.expect("a webhook").0.webhook.id.to_string();
    let delivery = fixture.app.test_webhook(&owner, &webhook).await;
    (webhook, delivery.expect("a test").id.to_string())
}

/// Has the owner make a robot and the consumer a token; gives the token's identifier.
async fn machines(fixture: &Fixture) -> String {
    let consumer = fixture.actor("consumer").await;
    let old = NewToken {
        name: "old".to_owned(),
        ..NewToken::default()
    };
    let token = fixture.app.create_token(&consumer, &old).await;
    let robot = NewRobot {
        name: "acme+ci".to_owned(),
        role: Some(Role::Viewer),
        life: None,
    };
    let owner = fixture.actor("owner").await;
    fixture
        .app
        .create_robot(&owner, &robot)
        .await
        .expect("a robot");
    token.expect("a token").0.id.to_string()
}

/// Has somebody subscribe, and somebody invited; gives the letter's identifier.
async fn joined(fixture: &Fixture) -> String {
    let app = &fixture.app;
    let subscriber = fixture.actor("subscriber").await;
    app.subscribe(&subscriber, "acme", "ship-db", "pro", true)
        .await
        .expect("a subscription");
    let owner = fixture.actor("owner").await;
    let whom = ("new@acme.example", Role::Editor);
    let invited = app.invite_member(&owner, "acme", whom).await;
    invited.expect("invited").letter_id.to_string()
}

/// The reviewer asks something; gives what the remark is called.
async fn remarked(fixture: &Fixture, submission: &str) -> String {
    let reviewer = fixture.actor("reviewer").await;
    let remark = fixture
        .app
        .add_comment(&reviewer, submission, "submission", "Well?");
    remark.await.expect("a remark").id.to_string()
}

impl Market {
    pub(super) async fn new() -> Self {
        let fixture = Fixture::new().await;
        people(&fixture).await;
        fixture.product("owner").await;
        let first = fixture.submission("owner", "1.0").await;
        fixture.release(&first).await;
        let submission = redrafted(&fixture).await;
        let app = &fixture.app;
        let comment = remarked(&fixture, &submission).await;
        let (key, proof) = unproven(&fixture).await;
        let token = machines(&fixture).await;
        agree(&fixture).await;
        let consumer = fixture.actor("consumer").await;
        let released = app.product_page(&consumer, "acme", "ship-db").await;
        let image = released.expect("a page").images[0].digest.clone();
        let (webhook, delivery) = hooked(&fixture).await;
        let digest = app::oci::Digest::of(&picture(512)).to_string();
        let statement = state(&fixture).await;
        let names = vec![
            ("publisher", "acme".to_owned()),
            ("product", "ship-db".to_owned()),
            ("submission", submission),
            ("comment", comment),
            ("key", key),
            ("token", token),
            ("digest", digest),
            ("account", "consumer".to_owned()),
            ("robot", "acme+ci".to_owned()),
            ("action", "hold".to_owned()),
            ("statement", statement),
            ("classification", classified(&fixture).await),
            ("advisory", added(&fixture).await),
            ("waiver", waived(&fixture).await),
            ("template", templated(&fixture).await),
            ("image", image),
            ("webhook", webhook),
            ("delivery", delivery),
            ("proof", proof),
            ("letter", joined(&fixture).await),
            ("import", imported(&fixture).await),
            ("number", "1".to_owned()),
        ];
        let mut tokens = vec![String::new()];
        for role in &ROLES[1..] {
            tokens.push(fixture.token(role, true).await);
        }
        fixture.app.close().await;
        Self {
            fixture,
            tokens,
            names,
        }
    }

    pub(super) fn fill(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (name, value) in &self.names {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        assert!(!path.contains('{'), "no name for {path}");
        path
    }

    /// Asks in a copy of the market, so that the answers do not depend on each other.
    async fn ask(&self, method: &str, path: &str, role: usize) -> u16 {
        let copy = self.fixture.copy().await;
        let mut client = Client::anonymous(&copy.app);
        if role > 0 {
            client = client.with_token(&self.tokens[role]);
        }
        let (media_type, body) = self.body(method, path);
        let reply = client
            .send(method, &self.fill(path), media_type, body)
            .await;
        let status = reply.status.as_u16();
        assert!(status < 500, "{method} {path}: {}", reply.text());
        if status >= 400 {
            reply.refused();
        }
        status
    }

    /// A body with which the operation succeeds, if anything does.
    fn body(&self, method: &str, path: &str) -> (&'static str, Body) {
        if path.ends_with("/pictures") {
            return ("image/png", picture(8).into());
        }
        match self.good(method, path) {
            Some(body) => ("application/json", body.to_string().into()),
            None => ("", Body::empty()),
        }
    }

    /// The JSON with which the operation succeeds, if it takes any.
    pub(super) fn good(&self, method: &str, path: &str) -> Option<Value> {
        match (method, path) {
            ("GET" | "DELETE", _) | (_, "/advisories/reload" | "/notices/read") => None,
            (
                "POST",
                "/submissions/{submission}/publication"
                | "/webhooks/{webhook}/secret"
                | "/webhooks/{webhook}/test"
                | "/publishers/{publisher}/keys/{key}/challenge"
                | "/publishers/{publisher}/proofs/email"
                | "/publishers/{publisher}/proofs/domain"
                | "/publishers/{publisher}/leave"
                | "/holds/{publisher}/{product}/confirmation"
                | "/publishers/{publisher}/invitations/{letter}/resend"
                | "/publishers/{publisher}/products/{product}/manifest/versions/{number}/restoration"
                | "/webhooks/{webhook}/deliveries/{delivery}/redeliver",
            )
            | ("PUT", "/publishers/{publisher}/products/{product}/previewers/{account}") => None,
            (_, path) => Some(self.json(path)),
        }
    }

    fn json(&self, path: &str) -> Value {
        let digest = &self.names[6].1;
        match path {
            "/accounts" => {
                json!({"name": "new", "email": "new@example.com", "password": PASSWORD, "staff_role": "reviewer"})
            }
            "/account/tokens" | "/robots/{robot}/tokens" => json!({"name": "new"}),
            "/robots" => json!({"name": "acme+new", "role": "editor"}),
            "/publishers" => json!({
                "slug": "other", "legal_name": "Other", "website": "https://other.example",
                "phone": "+1 555 0100", "email": "a@other.example", "agreement": 1,
            }),
            "/publishers/{publisher}/products/{product}/tags/withdrawal" => {
                json!({"tag": "1.0", "reason": "So."})
            }
            "/holds/{publisher}/{product}/grace" => {
                json!({"until": "2026-11-20T00:00:00Z", "reason": "So."})
            }
            "/agreement" => json!({"text": "Be better."}),
            "/publishers/{publisher}/agreement" => json!({"version": 1}),
            "/publishers/{publisher}/decision" => json!({"state": "suspended", "reason": "So."}),
            "/publishers/{publisher}/profile" => json!({
                "legal_name": "Acme", "website": "https://acme.example",
                "phone": "+1 555 0100", "email": "a@acme.example",
            }),
            "/publishers/{publisher}/terms" => json!({
                "listing_fee": {"amount_minor": 25_000, "currency": "EUR"},
                "revenue_share": 1_500, "note": "As agreed.",
            }),
            "/publishers/{publisher}/invitations" => {
                json!({"email": "other@acme.example", "role": "finance"})
            }
            "/proofs/email" | "/invitations/accept" => {
                json!({"letter": format!("ltr_{}", "0".repeat(26)), "key": "guessed"})
            }
            "/publishers/{publisher}/logo" => json!({"digest": digest}),
            "/publishers/{publisher}/members/{account}" => json!({"role": "viewer"}),
            "/publishers/{publisher}/keys" => {
                let key = trust::SigningKey::from_scalar(&[3; 32]).expect("a key");
                json!({"name": "new", "pem": key.public().to_pem()})
            }
            "/publishers/{publisher}/keys/{key}/proof" => {
                let proof = self.names.iter().find(|(name, _)| *name == "proof");
                json!({"signature": proof.expect("one").1})
            }
            "/notices/preferences" => json!({"items": [{"kind": "remark", "mail": "daily"}]}),
            "/webhooks" => json!({"owner": "publisher", "publisher": "acme", "settings": {
                "url": "https://hooks.example", "kinds": ["listing.released"],
            }}),
            "/webhooks/{webhook}" => {
                json!({"url": "https://hooks.example/new", "kinds": ["submission.decided"]})
            }
            "/storage/collections" => json!({"dry_run": true}),
            "/storage/scrubs" => json!({"rate": 0}),
            "/publishers/{publisher}/storage" => json!({"quota_bytes": 1_000_000}),
            "/storage/retention"
            | "/publishers/{publisher}/retention"
            | "/publishers/{publisher}/retention/preview" => json!({"keep_newest": 5}),
            "/publishers/{publisher}/products" => json!({"slug": "new"}),
            "/publishers/{publisher}/products/{product}/manifest"
            | "/publishers/{publisher}/products/{product}/manifest/check" => manifest(digest),
            "/publishers/{publisher}/manifest/check" => {
                json!({ "slug": "new-db", "manifest": manifest(digest) })
            }
            "/publishers/{publisher}/products/{product}/openness" => json!({"inside_open": false}),
            "/publishers/{publisher}/products/{product}/withdrawal"
            | "/listings/{publisher}/{product}/{action}" => json!({"reason": "So."}),
            "/publishers/{publisher}/products/{product}/submissions" => {
                json!({"repository": "db", "tag": "1.0"})
            }
            "/products/{publisher}/{product}/subscription" => {
                json!({"plan": "pro", "accept_license": true})
            }
            "/submissions/{submission}/comments" => json!({"body": "Yes."}),
            "/submissions/{submission}/comments/{comment}/resolve" => json!({"resolved": true}),
            "/publishers/{publisher}/products/{product}/vex" => {
                json!({"vulnerability": "CVE-2022-0778", "status": "affected", "text": "Update."})
            }
            "/publishers/{publisher}/products/{product}/vex/import" => json!({
                "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.example/vex-1",
                "author": "Acme", "timestamp": "2026-11-01T00:00:00Z", "version": 1,
                "statements": [{"vulnerability": {"name": "CVE-2022-1"}, "status": "fixed"}],
            }),
            "/publishers/{publisher}/products/{product}/waivers" => {
                json!({"check": app::certify::CHECKS[0].id, "reason": "So.", "until": "2099-01-01T00:00:00Z"})
            }
            "/waivers/{waiver}/end" => json!({"reason": "So."}),
            "/own-advisories" => json!({
                "ecosystem": "npm", "package": "left-pad", "title": "It pads too much.",
                "class": "minor", "reason": "So.",
            }),
            "/own-advisories/{advisory}/withdrawal" => json!({"reason": "So."}),
            "/classifications" => {
                json!({"vulnerability": "CVE-2022-0778", "class": "minor", "reason": "So."})
            }
            "/classifications/{classification}/end" => json!({"reason": "So."}),
            "/vex/{statement}/decision" => json!({"decision": "accept"}),
            "/decision-templates" | "/decision-templates/{template}" => {
                json!({"decision": "approve", "name": "Welcome", "body": "Welcome."})
            }
            "/publishers/{publisher}/partnership" => {
                json!({"exchange": "member", "membership": "Acme, 4711"})
            }
            "/publishers/{publisher}/partnership/decision" => {
                json!({"decision": "grant", "reason": "So."})
            }
            "/partnership-agreement" => json!({"text": "Be a partner."}),
            "/publishers/{publisher}/imports" => json!({
                "registry": "registry.example", "repository": "team/db", "reference": "1.0",
                "into": "db", "tag": "1.0", "login": {"user": "ann", "password": "secret"},
            }),
            "/submissions/{submission}/publication" => {
                json!({"at": self.fixture.app.now() + chrono::TimeDelta::days(1)})
            }
            "/publishers/{publisher}/calendar" => json!({}),
            "/submissions/{submission}/reviewer" => json!({"reviewer": "reviewer"}),
            "/submissions/{submission}/decision" => {
                json!({"decision": "reject", "reason": "No."})
            }
            other => panic!("{other} is not covered: say what a good body is"),
        }
    }
}

/// Has the owner submit again, and then change the draft, so that there is a version to go back
/// to; gives the submission's identifier.
async fn redrafted(fixture: &Fixture) -> String {
    let submission = fixture.submission("owner", "2.0").await;
    let mut draft = manifest(&app::oci::Digest::of(&picture(512)).to_string());
    draft["name"] = json!("Ship DB 2");
    let draft = serde_json::from_value(draft).expect("a manifest");
    let owner = fixture.actor("owner").await;
    let saved = fixture.app.save_draft(&owner, "acme", "ship-db", &draft);
    saved.await.expect("saved");
    submission
}

/// Has the reviewer add a vulnerability by hand; gives its identifier.
async fn added(fixture: &Fixture) -> String {
    let new = market::OwnAdvisory {
        name: None,
        ecosystem: "npm".to_owned(),
        package: "left-pad".to_owned(),
        introduced: None,
        fixed: None,
        last_affected: None,
        title: "It pads too little.".to_owned(),
        vector: None,
        class: Some(market::Class::Minor),
        reason: "So.".to_owned(),
    };
    let reviewer = fixture.actor("reviewer").await;
    let made = fixture.app.add_own_advisory(&reviewer, &new).await;
    made.expect("added").id.to_string()
}

/// Has the owner import an image; gives the import's identifier.
async fn imported(fixture: &Fixture) -> String {
    let source = app::ImportSource {
        registry: "registry.example".to_owned(),
        repository: "team/db".parse().expect("a name"),
        reference: app::ImportTarget::Tag("1.0".parse().expect("a tag")),
        credentials: None,
    };
    let target = (
        &"db".parse().expect("a name"),
        &"1.0".parse().expect("a tag"),
    );
    let owner = fixture.actor("owner").await;
    let made = fixture.app.import_image(&owner, "acme", &source, target);
    made.await.expect("asked for").id.to_string()
}

/// Has the reviewer waive a check; gives the waiver's identifier.
async fn waived(fixture: &Fixture) -> String {
    let new = app::NewWaiver {
        check: app::certify::CHECKS[0].id,
        reason: "So.",
        until: fixture.app.now() + chrono::TimeDelta::days(1),
    };
    let reviewer = fixture.actor("reviewer").await;
    let made = fixture
        .app
        .waive_check(&reviewer, "acme", "ship-db", new)
        .await;
    made.expect("waived").id.to_string()
}

/// Has the reviewer write a template; gives its identifier.
async fn templated(fixture: &Fixture) -> String {
    let new = app::NewTemplate {
        decision: market::Decision::Reject,
        name: "No",
        body: "No.",
    };
    let reviewer = fixture.actor("reviewer").await;
    let made = fixture.app.add_template(&reviewer, new).await;
    made.expect("written").id.to_string()
}

/// Has the reviewer classify something; gives the classification's identifier.
async fn classified(fixture: &Fixture) -> String {
    let new = app::NewClassification {
        vulnerability: "CVE-2022-0778",
        product: Some(("acme", "ship-db")),
        class: market::Class::Minor,
        reason: "So.",
    };
    let reviewer = fixture.actor("reviewer").await;
    let made = fixture.app.classify(&reviewer, new).await;
    made.expect("classified").classification.id.to_string()
}

/// Has the owner register a key that is still to be proven; gives its identifier and the proof.
async fn unproven(fixture: &Fixture) -> (String, String) {
    let key = trust::SigningKey::from_scalar(&[5; 32]).expect("a key");
    let new = app::NewKey {
        name: "unproven".to_owned(),
        pem: key.public().to_pem(),
        valid_from: None,
    };
    let owner = fixture.actor("owner").await;
    let added = fixture.app.add_publisher_key(&owner, "acme", &new).await;
    let added = added.expect("a key");
    let challenge = added.challenge.expect("a text to sign");
    let proof = STANDARD.encode(key.sign_der(challenge.as_bytes()));
    (added.id.to_string(), proof)
}

/// Has the owner state something; gives the statement's identifier.
async fn state(fixture: &Fixture) -> String {
    let stated = app::NewVex {
        scope: market::VexScope {
            vulnerability: "CVE-2022-0778".to_owned(),
            image: None,
            component: None,
        },
        claim: market::VexClaim {
            status: market::VexStatus::UnderInvestigation,
            justification: None,
            text: String::new(),
        },
    };
    let owner = fixture.actor("owner").await;
    let app = &fixture.app;
    let stated = app.state_vex(&owner, "acme", "ship-db", &stated).await;
    stated.expect("a statement").id.to_string()
}

/// Returns method and path of every operation of the document.
pub(crate) fn operations() -> Vec<(String, String, Vec<u16>)> {
    let document = serde_json::to_value(plimsoll_web::api::document()).expect("JSON");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let responses = operation["responses"].as_object().expect("responses");
            let statuses = responses
                .keys()
                .map(|status| status.parse().expect("a status"));
            operations.push((method.to_uppercase(), path.clone(), statuses.collect()));
        }
    }
    operations
}

#[tokio::test]
async fn who_gets_what() {
    let market = Market::new().await;
    let mut table = format!("{:76}", "");
    for role in ROLES {
        let _ = write!(table, "{role:>11}");
    }
    for (method, path, declared) in operations() {
        let _ = write!(table, "\n{:76}", format!("{method:6} {path}"));
        for role in 0..ROLES.len() {
            let status = market.ask(&method, &path, role).await;
            assert!(
                declared.contains(&status),
                "{method} {path} answers {status}, which the document does not say"
            );
            let _ = write!(table, "{status:>11}");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_document_is_openapi_3_1_and_complete() {
    let document = serde_json::to_value(plimsoll_web::api::document()).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let name = operation["operationId"].as_str().expect("a name");
            assert!(!names.contains(&name.to_owned()), "{name} is used twice");
            names.push(name.to_owned());
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(operation["tags"][0].is_string(), "{method} {path}");
        }
    }
    let text = document.to_string();
    for part in text.split("\"$ref\":\"").skip(1) {
        let (reference, _) = part.split_once('"').expect("an end");
        let pointer = reference.trim_start_matches('#');
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} is nowhere"
        );
    }
}
