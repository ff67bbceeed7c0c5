//! Uploads.

use oci::{Digest, Digester};

use crate::market::{Answer, Market, STAGING};

struct Uploader {
    market: Market,
    token: String,
}

impl Uploader {
    async fn new() -> Self {
        let market = Market::new().await;
        let token = market.token("owner", &[STAGING]).await;
        Self { market, token }
    }

    /// Begins an upload; gives where it goes on.
    async fn begin(&self) -> String {
        let answer = self
            .ask("POST", &format!("/v2/{STAGING}/blobs/uploads/"), "")
            .await;
        assert_eq!(answer.status, 202, "{}", answer.summary());
        assert_eq!(answer.header("range"), "0-0");
        let location = answer.header("location").to_owned();
        assert!(location.ends_with(answer.header("docker-upload-uuid")));
        location
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.chunk(method, path, "", body).await
    }

    async fn chunk(&self, method: &str, path: &str, range: &str, body: &str) -> Answer {
        let length = body.len().to_string();
        let mut headers = vec![("content-length", length.as_str())];
        if !range.is_empty() {
            headers.push(("content-range", range));
        }
        let call = format!("{method} {path}");
        self.market
            .ask(&self.token, &call, &headers, body.to_owned())
            .await
    }

    async fn has(&self, content: &str) -> bool {
        let path = format!("/v2/{STAGING}/blobs/{}", Digest::of(content.as_bytes()));
        let answer = self.ask("GET", &path, "").await;
        answer.status == 200 && answer.body == content.as_bytes()
    }
}

#[tokio::test]
async fn in_one_piece() {
    let up = Uploader::new().await;
    let location = up.begin().await;
    let digest = Digest::of(b"hello");
    let done = up
        .ask("PUT", &format!("{location}?digest={digest}"), "hello")
        .await;
    assert_eq!(done.status, 201, "{}", done.summary());
    assert_eq!(
        done.header("location"),
        format!("/v2/{STAGING}/blobs/{digest}")
    );
    assert_eq!(done.header("docker-content-digest"), digest.as_str());
    assert!(up.has("hello").await);
    assert_eq!(up.ask("GET", &location, "").await.status, 404);
    let empty = Digest::of(b"");
    let path = format!("/v2/{STAGING}/blobs/uploads?digest={empty}");
    assert_eq!(up.ask("POST", &path, "").await.status, 201);
    assert!(up.has("").await);
}

#[tokio::test]
async fn in_chunks_with_and_without_ranges() {
    let up = Uploader::new().await;
    let location = up.begin().await;
    let first = up.chunk("PATCH", &location, "0-4", "hello").await;
    assert_eq!((first.status.as_u16(), first.header("range")), (202, "0-4"));
    let second = up.ask("PATCH", &location, " old").await;
    assert_eq!(
        (second.status.as_u16(), second.header("range")),
        (202, "0-8")
    );
    let status = up.ask("GET", &location, "").await;
    assert_eq!(
        (status.status.as_u16(), status.header("range")),
        (204, "0-8")
    );
    assert_eq!(status.header("location"), location);
    let digest = Digest::of(b"hello old world");
    let done = up
        .chunk(
            "PUT",
            &format!("{location}?digest={digest}"),
            "9-14",
            " world",
        )
        .await;
    assert_eq!(done.status, 201, "{}", done.summary());
    assert!(up.has("hello old world").await);
}

#[tokio::test]
async fn out_of_order() {
    let up = Uploader::new().await;
    let location = up.begin().await;
    up.chunk("PATCH", &location, "0-4", "hello").await;
    let digest = Digest::of(b"hello");
    for (method, path, range) in [
        ("PATCH", location.clone(), "7-8"),
        ("PATCH", location.clone(), "0-1"),
        ("PUT", format!("{location}?digest={digest}"), "9-10"),
    ] {
        let answer = up.chunk(method, &path, range, "xx").await;
        assert_eq!(answer.status, 416, "{method} {range}");
        assert_eq!(answer.header("range"), "0-4");
        assert_eq!(answer.header("location"), location);
    }
    let done = up
        .ask("PUT", &format!("{location}?digest={digest}"), "")
        .await;
    assert_eq!(done.status, 201);
}

#[tokio::test]
async fn lengths_that_do_not_fit() {
    let up = Uploader::new().await;
    let location = up.begin().await;
    let check = async |range: &str, body: &str, expected: &str| {
        let summary = up.chunk("PATCH", &location, range, body).await.summary();
        assert!(summary.starts_with(expected), "{range}: {summary}");
    };
    check("0-9", "hello", "400 SIZE_INVALID").await;
    check("x", "hello", "400 BLOB_UPLOAD_INVALID").await;
    check("4-0", "hello", "400 BLOB_UPLOAD_INVALID").await;
    // Without a length, what is announced is checked against what comes.
    let call = format!("PATCH {location}");
    let long = [("content-range", "0-1")];
    let answer = up.market.ask(&up.token, &call, &long, "hello").await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .summary()
            .contains("more bytes came than the 2 announced")
    );
    let short = [("content-range", "0-9")];
    let answer = up.market.ask(&up.token, &call, &short, "hello").await;
    assert!(
        answer
            .summary()
            .contains("5 of the 10 bytes announced did not come")
    );
    assert_eq!(answer.header("range"), "0-4");
    assert!(!up.has("hello").await);
}

#[tokio::test]
async fn a_wrong_digest_makes_no_blob() {
    let up = Uploader::new().await;
    let wrong = Digest::of(b"other");
    let location = up.begin().await;
    let answer = up
        .ask("PUT", &format!("{location}?digest={wrong}"), "hello")
        .await;
    assert!(answer.summary().starts_with("400 DIGEST_INVALID"));
    assert!(!up.has("hello").await && !up.has("other").await);
    // The bytes are still there: the right digest ends it.
    let right = Digest::of(b"hello");
    let answer = up
        .ask("PUT", &format!("{location}?digest={right}"), "")
        .await;
    assert_eq!(answer.status, 201);
    let path = format!("/v2/{STAGING}/blobs/uploads/?digest={wrong}");
    let answer = up.ask("POST", &path, "hello").await;
    assert!(answer.summary().starts_with("400 DIGEST_INVALID"));
    assert_eq!(up.market.open_uploads().await, 0);
}

#[tokio::test]
async fn malformed_and_unknown_uploads() {
    let up = Uploader::new().await;
    let base = format!("/v2/{STAGING}/blobs/uploads/");
    let location = up.begin().await;
    let digest = Digest::of(b"x");
    for (method, path, expected) in [
        ("PUT", location.clone(), "400 DIGEST_INVALID"),
        (
            "PUT",
            format!("{location}?digest=sha256:1"),
            "400 DIGEST_INVALID",
        ),
        (
            "PUT",
            format!("{location}?digest={digest}&digest={digest}"),
            "400 UNSUPPORTED",
        ),
        ("PUT", format!("{location}?digest=%"), "400 UNSUPPORTED"),
        ("POST", format!("{base}?digest=x"), "400 DIGEST_INVALID"),
        (
            "POST",
            format!("{base}?digest-algorithm=md5"),
            "400 DIGEST_INVALID",
        ),
        (
            "POST",
            format!("{base}?mount=x&from=a/b"),
            "400 DIGEST_INVALID",
        ),
        ("POST", format!("{base}?mount={digest}&from=A"), "202"),
        ("PATCH", format!("{base}nothing"), "404 BLOB_UPLOAD_UNKNOWN"),
        ("GET", format!("{base}..%2F..%2Fmarket.db"), "404"),
        (
            "GET",
            format!("{base}upl_00000000000000000000000000"),
            "404 BLOB_UPLOAD_UNKNOWN",
        ),
        (
            "DELETE",
            format!("{base}nothing"),
            "404 BLOB_UPLOAD_UNKNOWN",
        ),
        ("GET", base.clone(), "405 UNSUPPORTED"),
    ] {
        let summary = up.ask(method, &path, "").await.summary();
        assert!(summary.starts_with(expected), "{method} {path}: {summary}");
    }
}

#[tokio::test]
async fn cancelled_and_of_another_repository() {
    let up = Uploader::new().await;
    let location = up.begin().await;
    up.ask("PATCH", &location, "hello").await;
    let elsewhere = location.replace("acme/db", "acme/elsewhere");
    let token = up.market.token("owner", &["staging/acme/elsewhere"]).await;
    up.market
        .push_blob(&token, "staging/acme/elsewhere", b"x")
        .await;
    let answer = up.market.get(&token, &format!("GET {elsewhere}")).await;
    assert!(answer.summary().starts_with("404 BLOB_UPLOAD_UNKNOWN"));
    assert_eq!(up.ask("DELETE", &location, "").await.status, 204);
    assert_eq!(up.ask("GET", &location, "").await.status, 404);
    assert_eq!(up.ask("DELETE", &location, "").await.status, 404);
}

#[tokio::test]
async fn sha512_and_mounts() {
    let up = Uploader::new().await;
    let mut digester = Digester::new(oci::Algorithm::Sha512);
    digester.update(b"hello");
    let digest = digester.finish();
    let base = format!("/v2/{STAGING}/blobs/uploads/");
    let begun = up
        .ask("POST", &format!("{base}?digest-algorithm=sha512"), "")
        .await;
    let location = begun.header("location");
    let done = up
        .ask("PUT", &format!("{location}?digest={digest}"), "hello")
        .await;
    assert_eq!(done.status, 201, "{}", done.summary());
    let other = "staging/acme/other";
    let token = up.market.token("owner", &[STAGING, other]).await;
    let mount = format!("POST /v2/{other}/blobs/uploads/?mount={digest}&from={STAGING}");
    let mounted = up.market.get(&token, &mount).await;
    assert_eq!(mounted.status, 201);
    assert_eq!(
        mounted.header("location"),
        format!("/v2/{other}/blobs/{digest}")
    );
    let blob = up
        .market
        .get(&token, &format!("GET /v2/{other}/blobs/{digest}"))
        .await;
    assert_eq!(blob.body, b"hello");
    let blob = Digest::of(b"hello");
    assert_eq!(
        up.market
            .get(&token, &format!("HEAD /v2/{other}/blobs/{blob}"))
            .await
            .status,
        404
    );
    // What cannot be mounted is uploaded instead.
    for query in ["from=staging/acme/none", "from=staging/acme/db", "x=y"] {
        let absent = Digest::of(b"absent");
        let mount = format!("POST /v2/{other}/blobs/uploads/?mount={absent}&{query}");
        assert_eq!(up.market.get(&token, &mount).await.status, 202, "{query}");
    }
}

/// Clients ask for a token for the repository they push to, and only some name a source.
#[tokio::test]
async fn a_mount_takes_any_repository_that_its_holder_may_pull_from() {
    let up = Uploader::new().await;
    let (other, rivals) = ("staging/acme/other", "staging/rival/x");
    let digest = up.market.push_blob(&up.token, STAGING, b"hello").await;
    let mount = async |who: &str, into: &str, query: &str| {
        let token = up.market.token(who, &[into]).await;
        let call = format!("POST /v2/{into}/blobs/uploads/?mount={digest}{query}");
        let answer = up.market.get(&token, &call).await;
        let blob = format!("GET /v2/{into}/blobs/{digest}");
        let got = up.market.get(&token, &blob).await;
        (answer.status.as_u16(), got.status.as_u16())
    };
    let from = format!("&from={STAGING}");
    // Others' blobs are as good as none, whether their repository is named or not.
    assert_eq!(mount("rival", rivals, "").await, (202, 404));
    assert_eq!(mount("rival", rivals, &from).await, (202, 404));
    assert_eq!(
        mount("owner", other, "&from=staging/rival/x").await,
        (202, 404)
    );
    assert_eq!(mount("editor", other, "").await, (201, 200));
    assert_eq!(
        mount("owner", "staging/acme/third", &from).await,
        (201, 200)
    );
    // What is there already is there.
    assert_eq!(mount("owner", other, "").await, (201, 200));
}

#[tokio::test]
async fn larger_than_the_limit() {
    let up = Uploader::new().await;
    let location = up.begin().await;
    let body = "x".repeat((64 << 20) + 1);
    let answer = up.ask("PATCH", &location, &body).await;
    assert!(answer.summary().starts_with("413 SIZE_INVALID"));
}
