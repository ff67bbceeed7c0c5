//! Who may do what: every route and method, for everybody, as one reviewed table.

use std::fmt::Write as _;

use axum::body::Body;
use market::PullAccess;
use oci::Digest;

use crate::{
    image::image,
    market::{Market, RELEASED, STAGING},
};

const EVERYBODY: [&str; 9] = [
    "",
    "other",
    "rival",
    "viewer",
    "editor",
    "owner",
    "subscriber",
    "reviewer",
    "operator",
];

/// Every endpoint below a repository; `M` is a manifest and `B` a blob that are there, `X` is not.
const CALLS: [&str; 21] = [
    "GET tags/list",
    "GET referrers/M",
    "HEAD manifests/M",
    "GET manifests/M",
    "HEAD manifests/1",
    "GET manifests/1",
    "GET manifests/none",
    "PUT manifests/M?tag=new",
    "PUT manifests/2",
    "DELETE manifests/X",
    "DELETE manifests/none",
    "HEAD blobs/B",
    "GET blobs/B",
    "GET blobs/X",
    "DELETE blobs/X",
    "POST blobs/uploads/",
    "GET blobs/uploads/upl_x",
    "PATCH blobs/uploads/upl_x",
    "PUT blobs/uploads/upl_x?digest=X",
    "DELETE blobs/uploads/upl_x",
    "POST manifests/1",
];

#[tokio::test]
async fn the_table_is_the_reviewed_one() {
    let (market, released) = Market::listed(PullAccess::Subscribers).await;
    let mut table = String::new();
    let absent = Digest::of(b"absent").to_string();
    for repository in [STAGING, RELEASED, "acme/none"] {
        let mut tokens = Vec::new();
        for who in EVERYBODY {
            tokens.push(market.token(who, &[repository]).await);
        }
        let names = EVERYBODY.map(|who| if who.is_empty() { "nobody" } else { who });
        writeln!(table, "{repository:33} no-token {}", names.join(" ")).unwrap();
        for call in CALLS {
            let (method, path) = call.split_once(' ').unwrap();
            let path = path
                .replace('M', released.manifest.digest.as_str())
                .replace('B', Digest::of(&released.blobs[1]).as_str())
                .replace('X', &absent);
            let call_path = format!("{method} /v2/{repository}/{path}");
            write!(table, "{call:33}").unwrap();
            for token in [&String::new()].into_iter().chain(&tokens) {
                let kind = [("content-type", released.manifest.media_type.as_str())];
                let body = match method {
                    "PUT" => Body::from(released.manifest.bytes.clone()),
                    _ => Body::empty(),
                };
                let answer = market.ask(token, &call_path, &kind, body).await;
                write!(table, " {}", answer.status.as_u16()).unwrap();
            }
            table.push('\n');
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_token_is_asked_for_and_says_for_what() {
    let market = Market::new().await;
    let mut challenges = String::new();
    for call in [
        "GET /v2/",
        "GET /v2/_catalog",
        "GET /v2/acme/db/manifests/1",
        "POST /v2/acme/db/blobs/uploads/",
        "DELETE /v2/acme/db/manifests/1",
    ] {
        let answer = market.get("", call).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.header("docker-distribution-api-version"),
            "registry/2.0"
        );
        let challenge = answer.header("www-authenticate");
        writeln!(challenges, "{call}\n  {challenge}\n  {}", answer.summary()).unwrap();
    }
    let answer = market.get("nonsense", "GET /v2/").await;
    let challenge = answer.header("www-authenticate");
    writeln!(challenges, "with a bad token\n  {challenge}").unwrap();
    insta::assert_snapshot!(challenges);
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let (market, _) = Market::listed(PullAccess::Subscribers).await;
    let mut texts = String::new();
    for (who, call) in [
        ("", "GET /v2/acme/db/manifests/1"),
        ("other", "GET /v2/acme/db/manifests/1"),
        ("other", "GET /v2/acme/none/manifests/1"),
        ("", "GET /v2/staging/acme/db/manifests/1"),
        ("rival", "GET /v2/staging/acme/db/manifests/1"),
        ("rival", "POST /v2/staging/acme/db/blobs/uploads/"),
        ("viewer", "POST /v2/staging/acme/db/blobs/uploads/"),
        ("owner", "POST /v2/acme/db/blobs/uploads/"),
        ("operator", "DELETE /v2/acme/db/manifests/1"),
    ] {
        let token = market.token(who, &["acme/db", STAGING]).await;
        let answer = market.get(&token, call).await;
        let challenge = answer.header("www-authenticate");
        writeln!(
            texts,
            "{who}: {call}\n  {}\n  {challenge}",
            answer.summary()
        )
        .unwrap();
    }
    insta::assert_snapshot!(texts);
}

#[tokio::test]
async fn a_narrow_token_of_somebody_who_may_is_challenged_for_a_wider_one() {
    let market = Market::new().await;
    let token = market.token("owner", &[]).await;
    let answer = market
        .get(&token, "POST /v2/staging/acme/db/blobs/uploads/")
        .await;
    assert_eq!(answer.status, 401);
    assert!(
        answer
            .header("www-authenticate")
            .contains(r#"scope="repository:staging/acme/db:pull,push""#)
    );
    let token = market.token("owner", &[STAGING]).await;
    let answer = market
        .get(&token, "POST /v2/staging/acme/db/blobs/uploads/")
        .await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn everybody_pulls_where_the_publisher_says_so_but_with_a_token() {
    let (market, _) = Market::listed(PullAccess::Everyone).await;
    let call = "GET /v2/acme/db/manifests/1";
    assert_eq!(market.get("", call).await.status, 401);
    let token = market.token("", &[RELEASED]).await;
    assert_eq!(market.get(&token, call).await.status, 200);
}

#[tokio::test]
async fn digests_of_another_publisher_give_no_access() {
    let market = Market::new().await;
    let secret = image("secret");
    let owner = market.token("owner", &[STAGING]).await;
    market.push(&owner, STAGING, "1", &secret).await;
    let theirs = "staging/rival/x";
    let rival = market.token("rival", &[theirs, STAGING]).await;
    let blob = market.push_blob(&rival, theirs, b"own").await;
    let digest = Digest::of(&secret.blobs[1]);
    let call = format!("GET /v2/{theirs}/blobs/{digest}");
    assert_eq!(market.get(&rival, &call).await.status, 404);
    let mount = format!("POST /v2/{theirs}/blobs/uploads/?mount={digest}&from={STAGING}");
    assert_eq!(market.get(&rival, &mount).await.status, 202);
    assert_eq!(market.get(&rival, &call).await.status, 404);
    let own = format!("POST /v2/{theirs}2/blobs/uploads/?mount={blob}&from={theirs}");
    let rival = market.token("rival", &[theirs, "staging/rival/x2"]).await;
    assert_eq!(market.get(&rival, &own).await.status, 201);
}

#[tokio::test]
async fn a_barred_account_is_nobody() {
    let (market, _) = Market::listed(PullAccess::SignedIn).await;
    let token = market.token("other", &[]).await;
    market
        .app
        .set_account_disabled(&app::Actor::system(), "other", true)
        .await
        .unwrap();
    let answer = market.get(&token, "GET /v2/acme/db/manifests/1").await;
    assert_eq!(answer.status, 401);
    assert!(answer.summary().contains("sign in first"));
}
