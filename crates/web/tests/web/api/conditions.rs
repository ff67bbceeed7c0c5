//! Changes that hang on what they replace.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use super::client::{Client, Reply};
use crate::fixture::Fixture;

async fn put_if(client: &Client, tag: &str, path: &str, body: &Value) -> Reply {
    let request = Request::put(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, client.authorization())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, tag);
    let request = request.body(Body::from(body.to_string()));
    client.request(request.expect("a request")).await
}

#[tokio::test]
async fn of_two_programs_that_change_a_draft_neither_undoes_the_other() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let ann = Client::anonymous(&fixture.app).with_token(&fixture.token("ann", true).await);
    let new = json!({"slug": "db"});
    ann.post("/publishers/acme/products", &new)
        .await
        .expect(201);
    let path = "/publishers/acme/products/db/manifest";
    let tag = |reply: &Reply| reply.headers["etag"].to_str().expect("a tag").to_owned();
    let read = ann.get(path).await;
    let (first, mut manifest) = (tag(&read), read.expect(200));

    manifest["name"] = json!("One");
    let one = put_if(&ann, &first, path, &manifest).await;
    let second = tag(&one);
    one.expect(200);
    assert_eq!(tag(&ann.get(path).await), second);
    manifest["name"] = json!("Two");
    let two = put_if(&ann, &first, path, &manifest).await;
    assert_eq!(two.refused(), (412, "changed".to_owned()));
    assert_eq!(ann.get(path).await.expect(200)["name"], "One");
    put_if(&ann, &second, path, &manifest).await.expect(200);
    put_if(&ann, "*", path, &manifest).await.expect(200);

    let openness = "/publishers/acme/products/db/openness";
    let elsewhere = put_if(&ann, "*", openness, &json!({"inside_open": true})).await;
    assert_eq!(elsewhere.refused().0, 400, "no condition is passed over");
    assert_eq!(put_if(&ann, "x", path, &manifest).await.refused().0, 400);
}
