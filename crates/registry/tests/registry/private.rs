//! Nobody learns of a repository that is not theirs: whatever is asked, it answers as one
//! that is not there, in status, headers and body, from the registry and from the token service.

use app::Actor;
use axum::body::Body;
use market::PullAccess;
use oci::Digest;

use crate::{
    image::image,
    market::{Answer, Market, PASSWORD, STAGING, actor, basic, scoped},
};

/// Every request below a repository; `X` is a digest.
const CALLS: [&str; 18] = [
    "GET tags/list",
    "GET tags/list?n=1&last=a",
    "GET referrers/X",
    "HEAD manifests/X",
    "GET manifests/X",
    "GET manifests/1",
    "PUT manifests/1",
    "DELETE manifests/X",
    "DELETE manifests/1",
    "HEAD blobs/X",
    "GET blobs/X",
    "DELETE blobs/X",
    "POST blobs/uploads/",
    "POST blobs/uploads/?digest=X",
    "GET blobs/uploads/upl_01234567890123456789012345",
    "PATCH blobs/uploads/upl_01234567890123456789012345",
    "PUT blobs/uploads/upl_01234567890123456789012345?digest=X",
    "DELETE blobs/uploads/upl_01234567890123456789012345",
];

/// Everything of an answer, with the repository's name taken out.
fn said(answer: &Answer, name: &str) -> String {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(header, value)| format!("{header}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let text = format!(
        "{}\n{}\n{}",
        answer.status,
        headers.join("\n"),
        String::from_utf8_lossy(&answer.body)
    );
    text.replace(name, "NAME")
}

/// A market with an image in staging, a product that is not on the market, and the digest of a blob.
async fn market() -> (Market, Digest) {
    let (market, released) = Market::listed(PullAccess::Subscribers).await;
    let owner = actor(&market.app, "owner").await;
    market
        .app
        .create_product(&owner, "acme", "hidden")
        .await
        .unwrap();
    (market, Digest::of(&released.blobs[1]))
}

/// Who may see none of it, and how they ask for a token.
async fn strangers(market: &Market) -> Vec<(&'static str, String)> {
    let (_, secret) = market
        .access_token("owner", &scoped("x", "acme/db:pull"))
        .await;
    let robot = market.robot("subscriber", "subscriber~ci", None).await;
    vec![
        ("nobody", String::new()),
        ("other", basic("other", PASSWORD)),
        ("rival", basic("rival", PASSWORD)),
        ("scoped token", basic("owner", &secret)),
        ("robot", basic("subscriber~ci", &robot)),
    ]
}

/// Pairs of what is there and what is not, with names of the same length.
const PAIRS: [(&str, &str); 4] = [
    (STAGING, "staging/acme/no"),
    (STAGING, "staging/nope/db"),
    ("acme/hidden", "acme/nothin"),
    ("acme/hidden", "nope/hidden"),
];

#[tokio::test]
async fn a_private_repository_answers_as_a_missing_one() {
    let (market, blob) = market().await;
    for (who, authorization) in strangers(&market).await {
        for (private, missing) in PAIRS {
            let mut tokens = Vec::new();
            for name in [private, missing] {
                let scope = format!("repository:{name}:pull,push,delete");
                tokens.push(match who {
                    "nobody" => String::new(),
                    _ => {
                        let answer = market.ask_token(&authorization, &scope).await;
                        answer.json()["token"].as_str().unwrap().to_owned()
                    }
                });
            }
            for call in CALLS {
                let (method, path) = call.split_once(' ').unwrap();
                let path = path.replace('X', blob.as_str());
                let mut answers = Vec::new();
                for (name, token) in [private, missing].iter().zip(&tokens) {
                    let call = format!("{method} /v2/{name}/{path}");
                    let answer = market.ask(token, &call, &[], Body::empty()).await;
                    assert!(
                        [401, 403].contains(&answer.status.as_u16()),
                        "{who}: {call}"
                    );
                    answers.push(said(&answer, name));
                }
                assert_eq!(answers[0], answers[1], "{who}: {call} {private} {missing}");
            }
        }
    }
}

#[tokio::test]
async fn the_token_service_grants_nothing_alike() {
    let (market, _) = market().await;
    for (who, authorization) in strangers(&market).await {
        for (private, missing) in PAIRS {
            for scope in [
                "repository:NAME:pull",
                "repository:registry.example/NAME:*",
                "repository(plugin):NAME:pull,push",
            ] {
                let mut granted = Vec::new();
                for name in [private, missing] {
                    let answer = market
                        .ask_token(&authorization, &scope.replace("NAME", name))
                        .await;
                    assert_eq!(answer.status, 200, "{who}");
                    let token = answer.json()["token"].as_str().unwrap().to_owned();
                    let access = market
                        .app
                        .verify_registry_token(&token)
                        .await
                        .unwrap()
                        .unwrap();
                    granted.push((
                        access.access.clone(),
                        token.len(),
                        answer.header("content-length").to_owned(),
                    ));
                }
                assert_eq!(granted[0], granted[1], "{who}: {scope} {private} {missing}");
                assert!(granted[0].0.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn a_mount_from_a_private_repository_is_as_of_a_missing_blob() {
    let (market, blob) = market().await;
    let theirs = "staging/rival/x";
    let mut answers = Vec::new();
    for from in [STAGING, "staging/acme/no", "acme/hidden", "acme/db"] {
        let token = market.token("rival", &[theirs, from]).await;
        let call = format!("POST /v2/{theirs}/blobs/uploads/?mount={blob}&from={from}");
        let answer = market.get(&token, &call).await;
        assert_eq!(answer.status, 202, "{from}");
        let upload = answer.header("docker-upload-uuid").to_owned();
        answers.push(said(&answer, &upload));
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
    let token = market.token("rival", &[theirs]).await;
    let call = format!("HEAD /v2/{theirs}/blobs/{blob}");
    assert_eq!(market.get(&token, &call).await.status, 404);
}

#[tokio::test]
async fn lists_name_nothing_of_others() {
    let (market, _) = market().await;
    let secret = image("secret");
    let owner = market.token("owner", &["staging/acme/quiet"]).await;
    market
        .push(&owner, "staging/acme/quiet", "1", &secret)
        .await;
    for (who, authorization) in strangers(&market).await {
        let answer = market.ask_token(&authorization, "registry:catalog:*").await;
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        let answer = market.get(&token, "GET /v2/_catalog").await;
        let text = String::from_utf8(answer.body).unwrap();
        assert!(
            !text.contains("quiet") && !text.contains("staging"),
            "{who}: {text}"
        );
    }
    assert!(
        market
            .app
            .catalog(&Actor::system(), "", 10)
            .await
            .unwrap()
            .len()
            > 1
    );
}
