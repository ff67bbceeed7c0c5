//! What is asked for again.

use axum::{
    body::Body,
    http::{Request, header},
};

use super::client::{Client, Reply};
use crate::fixture::Fixture;

#[tokio::test]
async fn what_a_client_has_is_not_sent_again_until_it_changes() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let nobody = Client::anonymous(&fixture.app);
    let secret = fixture.token("ann", true).await;
    let ann = nobody.with_token(&secret);
    let ask = async |tag: &str| -> Reply {
        let request = Request::get("/api/v1/publishers")
            .header(header::AUTHORIZATION, format!("Bearer {secret}"))
            .header(header::IF_NONE_MATCH, tag);
        ann.request(request.body(Body::empty()).expect("a request"))
            .await
    };
    let first = ann.get("/publishers").await;
    let tag = first.headers[header::ETAG].to_str().expect("text");
    let again = ask(tag).await;
    assert_eq!(again.status, 304);
    assert!(again.bytes.is_empty());
    assert_eq!(again.headers[header::ETAG], tag);
    assert_eq!(ask("\"another\"").await.bytes, first.bytes);
    let refused = nobody.get("/publishers").await;
    assert!(!refused.headers.contains_key(header::ETAG));

    fixture.publisher("ann").await;
    let changed = ask(tag).await;
    assert_eq!(changed.status, 200, "ann has a publisher now");
    assert_ne!(changed.headers[header::ETAG], tag);
}
