//! What is sent again because its answer was lost.

use axum::{
    body::Body,
    http::{Request, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::client::{Client, Reply};
use crate::fixture::{Fixture, PASSWORD};

const FIRST: &str = "0191e2a4-7c1b-7f00-8a00-000000000001";
const SECOND: &str = "0191e2a4-7c1b-7f00-8a00-000000000002";

struct Keyed {
    client: Client,
    authorization: String,
}

impl Keyed {
    /// Somebody with their password.
    fn of(fixture: &Fixture, name: &str) -> Self {
        let credentials = STANDARD.encode(format!("{name}:{PASSWORD}"));
        Self {
            client: Client::anonymous(&fixture.app),
            authorization: format!("Basic {credentials}"),
        }
    }

    fn with_token(&self, token: &str) -> Self {
        Self {
            client: self.client.clone(),
            authorization: format!("Bearer {token}"),
        }
    }

    async fn post(&self, key: &str, path: &str, body: &Value) -> Reply {
        let request = Request::post(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key);
        let request = request.body(Body::from(body.to_string()));
        self.client.request(request.expect("a request")).await
    }
}

#[tokio::test]
async fn what_has_a_key_is_done_once() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.account("ben", None).await;
    fixture.publisher("ann").await;
    let ann = Keyed::of(&fixture, "ann");
    let new = json!({"name": "acme+ci", "role": "viewer"});

    let first = ann.post(FIRST, "/robots", &new).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert!(!first.headers.contains_key("Idempotent-Replayed"));
    // Its password is shown once, and in this answer once more.
    let again = ann.post(FIRST, "/robots", &new).await;
    assert_eq!((again.status, &again.bytes), (first.status, &first.bytes));
    assert_eq!(again.headers["Idempotent-Replayed"], "true");
    assert_eq!(
        again.headers[header::CONTENT_TYPE],
        first.headers[header::CONTENT_TYPE]
    );
    let quoted = ann.post(&format!("\"{FIRST}\""), "/robots", &new).await;
    assert_eq!(quoted.bytes, first.bytes);

    let other = json!({"name": "acme+other", "role": "viewer"});
    let refused = ann.post(FIRST, "/robots", &other).await;
    assert_eq!(refused.refused(), (422, "invalid".to_owned()));
    let elsewhere = ann.post(FIRST, "/account/tokens", &new).await;
    assert_eq!(elsewhere.refused(), (422, "invalid".to_owned()));
    let new_key = ann.post(SECOND, "/robots", &new).await;
    assert_eq!(new_key.refused().0, 422, "there is one of this name");

    // A key is one account's, and one token's.
    let ben = Keyed::of(&fixture, "ben");
    let bens = json!({"name": "ben's"});
    let own = ben.post(FIRST, "/account/tokens", &bens).await;
    assert_eq!(own.status, 201);
    let less = ann.with_token(&fixture.token("ann", true).await);
    assert_eq!(less.post(FIRST, "/robots", &new).await.refused().0, 422);
}

#[tokio::test]
async fn what_was_refused_is_tried_again() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let ann = Keyed::of(&fixture, "ann");
    let new = json!({"name": "acme+ci", "role": "viewer"});
    let early = ann.post(FIRST, "/robots", &new).await;
    assert!(early.status.is_client_error(), "there is no acme");
    fixture.publisher("ann").await;
    assert_eq!(ann.post(FIRST, "/robots", &new).await.status, 201);
}

#[tokio::test]
async fn keys_are_for_people_who_are_known() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let ann = Keyed::of(&fixture, "ann");
    let body = json!({"name": "x"});
    let malformed = ann.post("\"first", "/account/tokens", &body).await;
    assert_eq!(malformed.refused(), (400, "malformed".to_owned()));
    let nobody = ann.with_token("plm_wrong");
    let unknown = nobody.post(FIRST, "/account/tokens", &body).await;
    assert_eq!(unknown.refused().0, 401);
}
