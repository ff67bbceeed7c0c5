//! A process that is killed: what was acknowledged stands, what was begun goes on.

use oci::Digest;

use crate::{
    image::image,
    market::{Market, STAGING},
};

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let call = format!("POST /v2/{STAGING}/blobs/uploads/");
    let location = market
        .get(&token, &call)
        .await
        .header("location")
        .to_owned();
    let patch = format!("PATCH {location}");
    assert_eq!(market.ask(&token, &patch, &[], "hello ").await.status, 202);
    let market = market.restarted().await;
    let status = market.get(&token, &format!("GET {location}")).await;
    assert_eq!(
        (status.status.as_u16(), status.header("range")),
        (204, "0-5")
    );
    let range = [("content-range", "6-10")];
    assert_eq!(
        market.ask(&token, &patch, &range, "world").await.status,
        202
    );
    let digest = Digest::of(b"hello world");
    let done = market
        .get(&token, &format!("PUT {location}?digest={digest}"))
        .await;
    assert_eq!(done.status, 201, "{}", done.summary());
    let market = market.restarted().await;
    let blob = market
        .get(&token, &format!("GET /v2/{STAGING}/blobs/{digest}"))
        .await;
    assert_eq!(blob.body, b"hello world");
}

#[tokio::test]
async fn what_was_acknowledged_stands() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    market.push(&token, STAGING, "v1", &image).await;
    let market = market.restarted().await;
    let got = market
        .get(&token, &format!("GET /v2/{STAGING}/manifests/v1"))
        .await;
    assert_eq!(got.body, image.manifest.bytes);
}
