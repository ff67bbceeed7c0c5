//! Blobs.

use oci::Digest;

use crate::market::{Market, STAGING};

#[tokio::test]
async fn a_blob_is_read_whole_and_in_part() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let digest = market.push_blob(&token, STAGING, b"0123456789").await;
    let path = format!("/v2/{STAGING}/blobs/{digest}");
    let head = market.get(&token, &format!("HEAD {path}")).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "10");
    let whole = market.get(&token, &format!("GET {path}")).await;
    assert_eq!(whole.body, b"0123456789");
    for answer in [&head, &whole] {
        assert_eq!(answer.header("docker-content-digest"), digest.as_str());
        assert_eq!(answer.header("etag"), format!("\"{digest}\""));
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert!(answer.header("cache-control").contains("immutable"));
    }
    for (range, body, place) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
    ] {
        let part = market
            .ask(&token, &format!("GET {path}"), &[("range", range)], "")
            .await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.body, body.as_bytes(), "{range}");
        assert_eq!(part.header("content-range"), place);
        assert_eq!(part.header("content-length"), body.len().to_string());
    }
}

#[tokio::test]
async fn ranges_that_cannot_be_served() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let digest = market.push_blob(&token, STAGING, b"0123456789").await;
    let call = format!("GET /v2/{STAGING}/blobs/{digest}");
    let range = async |range: &str| market.ask(&token, &call, &[("range", range)], "").await;
    for outside in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=5-3"] {
        let answer = range(outside).await;
        assert_eq!(answer.status, 416, "{outside}");
        assert_eq!(answer.header("content-range"), "bytes */10");
    }
    assert_eq!(range("bytes=x").await.status, 400);
    let several = range("bytes=0-1,3-4").await;
    assert_eq!((several.status.as_u16(), several.body.len()), (200, 10));
    let changed = [("range", "bytes=1-2"), ("if-range", "\"other\"")];
    assert_eq!(market.ask(&token, &call, &changed, "").await.status, 200);
    let etag = format!("\"{digest}\"");
    let known = [("if-none-match", etag.as_str())];
    assert_eq!(market.ask(&token, &call, &known, "").await.status, 304);
}

#[tokio::test]
async fn what_is_not_there_or_malformed() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING, "staging/acme/none"]).await;
    market.push_blob(&token, STAGING, b"x").await;
    let absent = Digest::of(b"absent");
    let check = async |call: String, expected: &str| {
        let summary = market.get(&token, &call).await.summary();
        assert!(summary.starts_with(expected), "{call}: {summary}");
    };
    check(
        format!("GET /v2/{STAGING}/blobs/{absent}"),
        "404 BLOB_UNKNOWN",
    )
    .await;
    check(format!("HEAD /v2/{STAGING}/blobs/{absent}"), "404").await;
    check(
        format!("DELETE /v2/{STAGING}/blobs/{absent}"),
        "404 BLOB_UNKNOWN",
    )
    .await;
    check(
        format!("GET /v2/staging/acme/none/blobs/{absent}"),
        "404 NAME_UNKNOWN",
    )
    .await;
    check(
        format!("GET /v2/{STAGING}/blobs/sha256:12"),
        "400 DIGEST_INVALID",
    )
    .await;
    check(
        format!("GET /v2/{STAGING}/blobs/md5:12"),
        "400 DIGEST_INVALID",
    )
    .await;
    check(format!("GET /v2/UPPER/blobs/{absent}"), "400 NAME_INVALID").await;
    check(
        format!("PUT /v2/{STAGING}/blobs/{absent}"),
        "405 UNSUPPORTED",
    )
    .await;
    check("GET /v2/nothing".to_owned(), "404 UNSUPPORTED").await;
    check("GET /v2/%zz".to_owned(), "400 UNSUPPORTED").await;
    let method = market
        .get(&token, &format!("PUT /v2/{STAGING}/blobs/{absent}"))
        .await;
    assert_eq!(method.header("allow"), "GET, HEAD, DELETE");
}

#[tokio::test]
async fn a_blob_can_be_taken_out() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let digest = market.push_blob(&token, STAGING, b"x").await;
    let path = format!("/v2/{STAGING}/blobs/{digest}");
    let escaped = path.replace(':', "%3A");
    assert_eq!(
        market.get(&token, &format!("HEAD {escaped}")).await.status,
        200
    );
    assert_eq!(
        market.get(&token, &format!("DELETE {path}")).await.status,
        202
    );
    assert_eq!(market.get(&token, &format!("GET {path}")).await.status, 404);
}
