//! Tags, referrers, the catalogue.

use market::PullAccess;
use oci::{Digest, media_type};

use crate::{
    image::{artifact, image},
    market::{Market, STAGING},
};

#[tokio::test]
async fn tags_in_pages() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    market.push(&token, STAGING, "a", &image).await;
    let query: Vec<_> = ["b", "C", "d.1", "d_1", "e"]
        .map(|tag| format!("tag={tag}"))
        .into();
    let digest = &image.manifest.digest;
    let call = format!("PUT /v2/{STAGING}/manifests/{digest}?{}", query.join("&"));
    market.ask(&token, &call, &[], image.manifest.bytes).await;
    let list = async |query: &str| {
        let answer = market
            .get(&token, &format!("GET /v2/{STAGING}/tags/list{query}"))
            .await;
        (
            answer.status.as_u16(),
            answer.json()["tags"].clone(),
            answer.header("link").to_owned(),
        )
    };
    let all = serde_json::json!(["C", "a", "b", "d.1", "d_1", "e"]);
    assert_eq!(list("").await, (200, all.clone(), String::new()));
    assert_eq!(list("?n=6").await.2, "");
    assert_eq!(list("?n=99999999999999999999").await.1, all);
    assert_eq!(
        list("?n=0").await,
        (200, serde_json::json!([]), String::new())
    );
    // All pages together are the list.
    let (mut seen, mut next) = (Vec::new(), "?n=4".to_owned());
    loop {
        let (_, tags, link) = list(&next).await;
        seen.extend(tags.as_array().unwrap().clone());
        let Some(link) = link.strip_suffix(">; rel=\"next\"") else {
            break;
        };
        next = link.replace(&format!("</v2/{STAGING}/tags/list"), "");
    }
    assert_eq!(serde_json::Value::from(seen), all);
    for bad in ["?n=x", "?n=-1", "?n=+1", "?n=", "?n=1&n=2", "?last=%"] {
        assert_eq!(list(bad).await.0, 400, "{bad}");
    }
    assert_eq!(list("?last=zzz").await.1, serde_json::json!([]));
}

#[tokio::test]
async fn no_tags_are_an_empty_list() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let call = format!("GET /v2/{STAGING}/tags/list");
    assert!(
        market
            .get(&token, &call)
            .await
            .summary()
            .starts_with("404 NAME_UNKNOWN")
    );
    market.push_blob(&token, STAGING, b"x").await;
    let answer = market.get(&token, &call).await;
    assert_eq!(
        answer.json(),
        serde_json::json!({"name": STAGING, "tags": []})
    );
}

#[tokio::test]
async fn referrers_and_their_filter() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let image = image("one");
    let path = format!("/v2/{STAGING}/referrers/{}", image.manifest.digest);
    let list = async |query: &str| market.get(&token, &format!("GET {path}{query}")).await;
    let empty = list("").await;
    assert_eq!(empty.status, 200);
    assert_eq!(empty.header("content-type"), media_type::OCI_INDEX);
    assert_eq!(
        empty.json(),
        serde_json::json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []})
    );
    let sbom = artifact(&image.manifest, "application/vnd.cyclonedx+json");
    let note = artifact(&image.manifest, "application/vnd.example.note");
    for artifact in [&sbom, &note] {
        let reference = artifact.manifest.digest.to_string();
        market.push(&token, STAGING, &reference, artifact).await;
    }
    assert_eq!(
        list("").await.json()["manifests"].as_array().unwrap().len(),
        2
    );
    // Escaped, and as clients forget to escape it.
    for kind in [
        "application/vnd.cyclonedx%2Bjson",
        "application/vnd.cyclonedx+json",
    ] {
        let answer = list(&format!("?artifactType={kind}")).await;
        assert_eq!(answer.header("oci-filters-applied"), "artifactType");
        let found = answer.json()["manifests"].clone();
        assert_eq!(found.as_array().unwrap().len(), 1);
        assert_eq!(found[0]["digest"], sbom.manifest.digest.as_str());
        assert_eq!(found[0]["artifactType"], "application/vnd.cyclonedx+json");
        assert_eq!(
            found[0]["annotations"]["org.example.note"],
            "application/vnd.cyclonedx+json"
        );
        assert_eq!(found[0]["size"], sbom.manifest.bytes.len());
    }
    let first = list("").await.json()["manifests"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let rest = list(&format!("?last={first}")).await;
    assert_eq!(rest.json()["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(list("?last=x").await.status, 400);
    let unknown = format!("GET /v2/{STAGING}/referrers/{}", Digest::of(b"x"));
    assert_eq!(market.get(&token, &unknown).await.status, 200);
    let bad = format!("GET /v2/{STAGING}/referrers/sha256:x");
    assert!(
        market
            .get(&token, &bad)
            .await
            .summary()
            .starts_with("400 DIGEST_INVALID")
    );
}

/// The list goes on in `Link` where an index would be larger than a manifest may be.
#[tokio::test]
async fn many_referrers_come_in_pages() {
    let market = Market::new().await;
    let token = market.token("owner", &[STAGING]).await;
    let subject = image("one").manifest;
    let long = "n".repeat(1 << 20);
    let mut pushed = Vec::new();
    for number in 0..20 {
        let mut kind = format!("application/vnd.example.{number}");
        if number < 5 {
            kind.push_str(&long);
        }
        let note = artifact(&subject, &kind);
        market
            .push(&token, STAGING, note.manifest.digest.as_str(), &note)
            .await;
        pushed.push(note.manifest.digest.to_string());
    }
    pushed.sort();
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut next = format!("/v2/{STAGING}/referrers/{}", subject.digest);
    while !next.is_empty() {
        let answer = market.get(&token, &format!("GET {next}")).await;
        assert!(answer.body.len() <= oci::MAX_MANIFEST_BYTES);
        let found = answer.json()["manifests"].as_array().unwrap().clone();
        seen.extend(
            found
                .iter()
                .map(|it| it["digest"].as_str().unwrap().to_owned()),
        );
        let link = answer.header("link").trim_start_matches('<');
        next = link
            .strip_suffix(">; rel=\"next\"")
            .unwrap_or_default()
            .to_owned();
        pages += 1;
    }
    assert_eq!((seen, pages), (pushed, 5));
}

#[tokio::test]
async fn the_catalogue_shows_what_its_reader_may_pull() {
    let (market, _) = Market::listed(PullAccess::Everyone).await;
    let rival = market.token("rival", &["staging/rival/x"]).await;
    market.push_blob(&rival, "staging/rival/x", b"x").await;
    let list = async |who: &str, query: &str| {
        let token = market.token_for(who, "registry:catalog:*").await;
        let answer = market
            .get(&token, &format!("GET /v2/_catalog{query}"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.summary());
        (
            answer.json()["repositories"].clone(),
            answer.header("link").to_owned(),
        )
    };
    assert_eq!(list("", "").await.0, serde_json::json!(["acme/db"]));
    assert_eq!(
        list("rival", "").await.0,
        serde_json::json!(["acme/db", "staging/rival/x"])
    );
    assert_eq!(
        list("operator", "?n=1").await,
        (
            serde_json::json!(["acme/db"]),
            "</v2/_catalog?last=acme%2Fdb&n=1>; rel=\"next\"".to_owned()
        )
    );
    assert_eq!(
        list("operator", "?last=acme/db&n=1").await.0,
        serde_json::json!(["staging/acme/db"])
    );
    let token = market.token("operator", &[]).await;
    assert_eq!(market.get(&token, "GET /v2/_catalog").await.status, 401);
}
