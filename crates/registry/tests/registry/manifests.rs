//! Manifests.

use app::Actor;
use market::{ListingEvent, PullAccess};
use oci::{Digest, Digester, MAX_MANIFEST_BYTES, media_type};

use crate::{
    image::{artifact, image, index},
    market::{Market, RELEASED, STAGING, actor},
};

#[tokio::test]
async fn pushed_and_pulled_by_tag_and_digest() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    market.push(&token, STAGING, "v1", &image).await;
    for reference in ["v1", image.manifest.digest.as_str()] {
        let path = format!("/v2/{STAGING}/manifests/{reference}");
        let head = market.get(&token, &format!("HEAD {path}")).await;
        let got = market.get(&token, &format!("GET {path}")).await;
        assert_eq!(got.body, image.manifest.bytes);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-length"), got.body.len().to_string());
        for answer in [&head, &got] {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), media_type::OCI_MANIFEST);
            assert_eq!(
                answer.header("docker-content-digest"),
                image.manifest.digest.as_str()
            );
            assert_eq!(
                answer.header("etag"),
                format!("\"{}\"", image.manifest.digest)
            );
        }
        let known = [("if-none-match", got.header("etag"))];
        let again = market.ask(&token, &format!("GET {path}"), &known, "").await;
        assert_eq!(again.status, 304);
    }
}

#[tokio::test]
async fn by_digest_with_tags() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    market.push(&token, STAGING, "first", &image).await;
    let digest = &image.manifest.digest;
    let put = async |query: &str, digest: &Digest| {
        let call = format!("PUT /v2/{STAGING}/manifests/{digest}{query}");
        market
            .ask(&token, &call, &[], image.manifest.bytes.clone())
            .await
    };
    let answer = put("?tag=1.2&tag=latest", digest).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.header("location"),
        format!("/v2/{STAGING}/manifests/{digest}")
    );
    let tags: Vec<_> = answer.headers.get_all("oci-tag").iter().collect();
    assert_eq!(tags, ["1.2", "latest"]);
    let tags = market
        .get(&token, &format!("GET /v2/{STAGING}/tags/list"))
        .await;
    assert_eq!(
        tags.json()["tags"],
        serde_json::json!(["1.2", "first", "latest"])
    );
    let mut digester = Digester::new(oci::Algorithm::Sha512);
    digester.update(&image.manifest.bytes);
    let long = digester.finish();
    let answer = put("", &long).await;
    assert_eq!(answer.header("docker-content-digest"), long.as_str());
    let got = market
        .get(&token, &format!("GET /v2/{STAGING}/manifests/{long}"))
        .await;
    assert_eq!(got.body, image.manifest.bytes);
    let wrong = put("", &Digest::of(b"other")).await;
    assert!(wrong.summary().starts_with("400 DIGEST_INVALID"));
    assert!(
        put("?tag=.bad", digest)
            .await
            .summary()
            .starts_with("400 MANIFEST_INVALID")
    );
    let many: Vec<_> = (0..51).map(|n| format!("tag=t{n}")).collect();
    assert_eq!(
        put(&format!("?{}", many.join("&")), digest).await.status,
        414
    );
    let call = format!("PUT /v2/{STAGING}/manifests/v1?tag=v2");
    assert_eq!(market.ask(&token, &call, &[], "{}").await.status, 400);
}

#[tokio::test]
async fn broken_manifests_say_what_is_wrong() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    let put = async |kind: &str, body: Vec<u8>| {
        let call = format!("PUT /v2/{STAGING}/manifests/v1");
        let answer = market
            .ask(&token, &call, &[("content-type", kind)], body)
            .await;
        answer.summary()
    };
    let mut answers = vec![
        put(media_type::OCI_MANIFEST, b"{".to_vec()).await,
        put(media_type::OCI_MANIFEST, b"{}".to_vec()).await,
        put(media_type::OCI_MANIFEST, b"[]".to_vec()).await,
        put(media_type::DOCKER_SCHEMA1_SIGNED, b"{}".to_vec()).await,
        put("text/plain", br#"{"schemaVersion":2}"#.to_vec()).await,
        put(media_type::DOCKER_MANIFEST, image.manifest.bytes.clone()).await,
        put(media_type::OCI_MANIFEST, image.manifest.bytes.clone()).await,
        put(media_type::OCI_INDEX, image.manifest.bytes.clone()).await,
        put("application/vnd.example+json", b"[1]".to_vec()).await,
        put(media_type::OCI_MANIFEST, vec![b' '; MAX_MANIFEST_BYTES + 1]).await,
    ];
    let call = format!("PUT /v2/{STAGING}/manifests/.v1");
    answers.push(market.ask(&token, &call, &[], "{}").await.summary());
    let call = format!("GET /v2/{STAGING}/manifests/.v1");
    answers.push(market.get(&token, &call).await.summary());
    insta::assert_snapshot!(answers.join("\n"));
}

/// Whoever copies one platform of several keeps the digest of the whole.
#[tokio::test]
async fn an_index_may_lack_manifests_and_is_not_deep() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let put = async |index: &oci::RawManifest| {
        let call = format!("PUT /v2/{STAGING}/manifests/{}", index.digest);
        let answer = market.ask(&token, &call, &[], index.bytes.clone());
        answer.await.summary()
    };
    let (absent, mut inner) = (image("absent"), image("deep").manifest);
    assert_eq!(put(&index(&[&absent.manifest])).await, "201");
    for _ in 0..4 {
        inner = index(&[&inner]);
        assert_eq!(put(&inner).await, "201");
    }
    insta::assert_snapshot!(put(&index(&[&inner])).await, @"400 MANIFEST_INVALID: indexes stand in one another 4 deep at most; this one has more");
}

#[tokio::test]
async fn what_is_neither_image_nor_index_is_kept_as_it_is() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let subject = image("one").manifest;
    let blob = market.push_blob(&token, STAGING, b"sbom").await;
    let kind = "application/vnd.oci.artifact.manifest.v1+json";
    let document = |blob: &Digest| {
        serde_json::to_vec(&serde_json::json!({
            "mediaType": kind, "artifactType": "text/spdx", "subject": subject.descriptor(),
            "blobs": [{"mediaType": "text/spdx", "digest": blob, "size": 4}], "more": [1, 2],
        }))
        .unwrap()
    };
    let put = async |tag: &str, bytes: Vec<u8>| {
        let call = format!("PUT /v2/{STAGING}/manifests/{tag}");
        let kind = [("content-type", kind)];
        market.ask(&token, &call, &kind, bytes).await
    };
    let pushed = put("note", document(&blob)).await;
    assert_eq!(pushed.status, 201, "{}", pushed.summary());
    assert_eq!(pushed.header("oci-subject"), subject.digest.as_str());
    let got = market
        .get(&token, &format!("GET /v2/{STAGING}/manifests/note"))
        .await;
    assert_eq!(got.header("content-type"), kind);
    assert_eq!(got.body, document(&blob));
    let path = format!("GET /v2/{STAGING}/referrers/{}", subject.digest);
    let listed = market.get(&token, &path).await.json();
    assert_eq!(listed["manifests"][0]["artifactType"], "text/spdx");
    assert_eq!(listed["manifests"][0]["mediaType"], kind);
    let absent = Digest::of(b"absent");
    let refused = put("note", document(&absent)).await.summary();
    assert!(
        refused.starts_with("404 MANIFEST_BLOB_UNKNOWN"),
        "{refused}"
    );
    assert!(refused.contains(absent.as_str()), "{refused}");
}

/// Two clients that keep a list under a tag do not undo each other's change
/// (distribution-spec, "Referrers Tag Schema").
#[tokio::test]
async fn a_push_replaces_what_its_client_has_seen_only() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let put = async |image: &oci::RawManifest, condition: (&str, &str)| {
        let call = format!("PUT /v2/{STAGING}/manifests/list");
        let headers = [condition];
        let answer = market.ask(&token, &call, &headers, image.bytes.clone());
        answer.await.summary()
    };
    let lists = ["a", "b", "c"].map(|name| index(&[&image(name).manifest]));
    let tag = |list: &oci::RawManifest| format!("\"{}\"", list.digest);
    let first = put(&lists[0], ("if-match", "*")).await;
    assert!(
        first.starts_with("412 MANIFEST_INVALID: `list` is nothing"),
        "{first}"
    );
    assert_eq!(put(&lists[0], ("if-none-match", "*")).await, "201");
    let again = put(&lists[1], ("if-none-match", "*")).await;
    assert!(again.starts_with("412"), "{again}");
    assert_eq!(put(&lists[1], ("if-match", &tag(&lists[0]))).await, "201");
    let late = put(&lists[2], ("if-match", &tag(&lists[0]))).await;
    assert!(late.contains(lists[1].digest.as_str()), "{late}");
    assert_eq!(put(&lists[2], ("if-match", "*")).await, "201");
}

#[tokio::test]
async fn what_is_announced_too_large_is_not_read() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let call = format!("PUT /v2/{STAGING}/manifests/v1");
    let answer = market
        .ask(&token, &call, &[("content-length", "99999999")], "")
        .await;
    assert!(answer.summary().starts_with("413 SIZE_INVALID"));
}

#[tokio::test]
async fn tags_and_manifests_can_be_taken_out() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    market.push(&token, STAGING, "v1", &image).await;
    market.push(&token, STAGING, "v2", &image).await;
    let ask = async |call: &str, reference: &str| {
        let call = format!("{call} /v2/{STAGING}/manifests/{reference}");
        market.get(&token, &call).await.status.as_u16()
    };
    let digest = image.manifest.digest.as_str();
    assert_eq!(ask("DELETE", "v1").await, 202);
    assert_eq!((ask("GET", "v1").await, ask("GET", "v2").await), (404, 200));
    assert_eq!(ask("DELETE", digest).await, 202);
    assert_eq!(
        (ask("GET", digest).await, ask("GET", "v2").await),
        (404, 404)
    );
    assert_eq!(ask("DELETE", digest).await, 404);
    assert_eq!(ask("DELETE", "v2").await, 404);
}

#[tokio::test]
async fn a_subject_is_acknowledged() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    let note = artifact(&image.manifest, "application/vnd.example.note");
    market.push_blob(&token, STAGING, &note.blobs[0]).await;
    let call = format!("PUT /v2/{STAGING}/manifests/{}", note.manifest.digest);
    let answer = market.ask(&token, &call, &[], note.manifest.bytes).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("oci-subject"), image.manifest.digest.as_str());
}

#[tokio::test]
async fn pulls_are_counted_and_a_hold_warns() {
    let (market, image) = Market::listed(PullAccess::Subscribers).await;
    let token = market.token("subscriber", &[RELEASED]).await;
    let path = format!("/v2/{RELEASED}/manifests/1");
    assert_eq!(
        market.get(&token, &format!("HEAD {path}")).await.status,
        200
    );
    let got = market.get(&token, &format!("GET {path}")).await;
    assert_eq!(got.body, image.manifest.bytes);
    assert_eq!(got.header("warning"), "");
    market
        .app
        .manage_listing(
            &Actor::system(),
            "acme",
            "db",
            ListingEvent::Hold,
            "CVE overdue",
        )
        .await
        .unwrap();
    let got = market.get(&token, &format!("GET {path}")).await;
    insta::assert_snapshot!(got.header("warning"), @r#"299 - "acme/db is on hold: see https://registry.example/p/acme/db""#);
    assert_eq!(market.pulls().await, 2);
}

#[tokio::test]
async fn what_is_revoked_is_gone_for_customers() {
    let (market, _) = Market::listed(PullAccess::Everyone).await;
    market
        .app
        .manage_listing(
            &Actor::system(),
            "acme",
            "db",
            ListingEvent::Revoke,
            "fraud",
        )
        .await
        .unwrap();
    let token = market.token("subscriber", &[RELEASED]).await;
    let answer = market.get(&token, "GET /v2/acme/db/manifests/1").await;
    assert_eq!(answer.status, 403);
    assert!(answer.summary().contains("there is no repository acme/db"));
}

#[tokio::test]
async fn a_document_that_does_not_say_its_type_keeps_the_first_one() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    market.push(&token, STAGING, "v1", &image).await;
    let mut document = image.manifest.image().expect("an image").clone();
    document.media_type = None;
    let bytes = serde_json::to_vec(&document).expect("a document");
    let put = async |kind: &str| {
        let call = format!("PUT /v2/{STAGING}/manifests/plain");
        let headers = [("content-type", kind)];
        market.ask(&token, &call, &headers, bytes.clone()).await
    };
    assert_eq!(put(media_type::OCI_MANIFEST).await.status, 201);
    let refused = put("application/x+json").await.summary();
    assert!(refused.starts_with("400 MANIFEST_INVALID"), "{refused}");
    assert!(
        refused.contains("cannot become application/x+json"),
        "{refused}"
    );
    assert_eq!(put(media_type::OCI_MANIFEST).await.status, 201);
    let digest = Digest::of(&bytes);
    let path = format!("/v2/{STAGING}/manifests/{digest}");
    assert_eq!(
        market.get(&token, &format!("DELETE {path}")).await.status,
        202
    );
    assert_eq!(put("application/x+json").await.status, 201);
}

/// Layers that may not be distributed are fetched from elsewhere, so they need not be here.
#[tokio::test]
async fn a_layer_that_may_not_be_distributed_need_not_be_there() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    market.push(&token, STAGING, "v1", &image).await;
    let layer = |kind: &str| {
        let mut document = image.manifest.image().expect("an image").clone();
        document.layers[0].media_type = kind.to_owned();
        document.layers[0].digest = Digest::of(kind.as_bytes());
        serde_json::to_vec(&document).expect("a document")
    };
    let put = async |body: Vec<u8>| {
        let call = format!("PUT /v2/{STAGING}/manifests/foreign");
        let headers = [("content-type", media_type::OCI_MANIFEST)];
        market.ask(&token, &call, &headers, body).await.summary()
    };
    for kind in [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ] {
        assert_eq!(put(layer(kind)).await, "201", "{kind}");
    }
    let refused = put(layer(media_type::OCI_LAYER_GZIP)).await;
    assert!(
        refused.starts_with("404 MANIFEST_BLOB_UNKNOWN")
            || refused.starts_with("400 MANIFEST_BLOB_UNKNOWN"),
        "{refused}"
    );
}

#[tokio::test]
async fn images_with_gaps_are_taken_where_the_operator_allows_it() {
    for (market, status) in [(Market::new().await, 404), (Market::sparse().await, 201)] {
        let token = market.token("owner", &[STAGING]).await;
        let image = image("never pushed");
        let call = format!("PUT /v2/{STAGING}/manifests/v1");
        let headers = [("content-type", media_type::OCI_MANIFEST)];
        let body = image.manifest.bytes.clone();
        let answer = market.ask(&token, &call, &headers, body).await;
        assert_eq!(answer.status, status, "{}", answer.summary());
    }
}

#[tokio::test]
async fn a_publisher_that_is_nearly_full_is_warned_on_the_wire_and_then_refused() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let operator = actor(&market.app, "operator").await;
    let image = image("one");
    let blobs: usize = image.blobs.iter().map(Vec::len).sum();
    let bytes = blobs + image.manifest.bytes.len();
    let quota = u64::try_from(bytes + 40).expect("small");
    let set = market
        .app
        .set_publisher_quota(&operator, "acme", Some(quota));
    set.await.expect("set");
    market.push(&token, STAGING, "v1", &image).await;
    let push = async |blob: Vec<u8>| {
        let call = format!(
            "POST /v2/{STAGING}/blobs/uploads/?digest={}",
            Digest::of(&blob)
        );
        market.ask(&token, &call, &[], blob).await
    };
    let warned = push(vec![1; 20]).await;
    assert_eq!(warned.status, 201);
    let warning = warned.header("warning");
    assert!(
        warning.starts_with("299 - \"the publisher's staging repositories take"),
        "{warning}"
    );
    let refused = push(vec![2; 21]).await.summary();
    assert!(refused.starts_with("403 DENIED"), "{refused}");
    assert!(refused.contains("ask the operator for more"), "{refused}");
}
