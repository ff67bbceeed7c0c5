//! The token service.

use axum::{body::Body, http::Request};
use market::PullAccess;

use crate::market::{Answer, Market, PASSWORD, RELEASED, STAGING, basic};

async fn ask(market: &Market, query: &str, authorization: &str) -> Answer {
    let mut request = Request::get(format!("/token{query}"));
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    market.send(request.body(Body::empty()).unwrap()).await
}

async fn post(market: &Market, form: &str) -> Answer {
    let request = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    market.send(request).await
}

fn granted(market: &Market, answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.summary());
    let body = answer.json();
    assert_eq!(body["token"], body["access_token"]);
    let access = market
        .app
        .verify_registry_token(body["token"].as_str().unwrap())
        .unwrap();
    let grants: Vec<_> = access
        .access
        .iter()
        .map(|grant| format!("{}:{}", grant.name, grant.actions.join(",")))
        .collect();
    format!("{} [{}]", access.sub, grants.join(" "))
}

#[tokio::test]
async fn grants_what_of_the_scopes_the_account_has() {
    let (market, _) = Market::listed(PullAccess::Subscribers).await;
    let owner = basic("owner", PASSWORD);
    let check = async |query: &str, authorization: &str, expected: &str| {
        let answer = ask(&market, query, authorization).await;
        assert_eq!(granted(&market, &answer), expected, "{query}");
        assert_eq!(answer.header("cache-control"), "no-store");
    };
    // As Docker signs in.
    let sign_in = "?account=owner&client_id=docker&offline_token=true&service=registry.example";
    check(sign_in, &owner, "owner []").await;
    check("", "", " []").await;
    check("?scope=", "", " []").await;
    check("", &basic("", ""), " []").await;
    let both = format!(
        "?scope=repository%3A{STAGING}%3Apull%2Cpush+repository:{RELEASED}:pull,push&scope=nonsense"
    );
    let all = format!("owner [{STAGING}:pull,push {RELEASED}:pull]");
    check(&both, &owner, &all).await;
    check(&both, "", " []").await;
    // skopeo asks for everything when it deletes.
    let star = format!("?scope=repository:{STAGING}:*");
    check(
        &star,
        &owner,
        &format!("owner [{STAGING}:pull,push,delete]"),
    )
    .await;
    let catalog = "?scope=registry:catalog:*";
    check(catalog, "", " [catalog:*]").await;
}

#[tokio::test]
async fn a_token_that_may_only_read_only_reads() {
    let market = Market::new().await;
    let owner = crate::market::actor(&market.app, "owner").await;
    let (_, secret) = market
        .app
        .create_token(&owner, "ci", false, None)
        .await
        .unwrap();
    let query = format!("?scope=repository:{STAGING}:pull,push");
    let answer = ask(&market, &query, &basic("owner", &secret)).await;
    assert_eq!(granted(&market, &answer), format!("owner [{STAGING}:pull]"));
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let call = format!("POST /v2/{STAGING}/blobs/uploads/");
    let answer = market.get(&token, &call).await;
    assert_eq!(answer.status, 403);
    assert!(answer.summary().contains("a token that may write"));
}

#[tokio::test]
async fn the_oauth2_form_is_taken() {
    let market = Market::new().await;
    let form = format!(
        "grant_type=password&username=owner&password={}&service=registry.example&client_id=containerd&scope=repository%3A{STAGING}%3Apull",
        PASSWORD.replace(' ', "+")
    );
    let answer = post(&market, &form).await;
    assert_eq!(granted(&market, &answer), format!("owner [{STAGING}:pull]"));
    let answer = post(&market, "grant_type=password&username=owner&password=wrong").await;
    assert_eq!(answer.status, 401);
    for refused in [
        "grant_type=refresh_token&refresh_token=x",
        "grant_type=magic",
        "",
        "grant_type=password&username=%ff",
    ] {
        assert_eq!(post(&market, refused).await.status, 400, "{refused}");
    }
    let plain = Request::post("/token").body(Body::from(form)).unwrap();
    assert_eq!(market.send(plain).await.status, 400);
    let long = format!("grant_type={}", "x".repeat(20_000));
    assert_eq!(post(&market, &long).await.status, 400);
}

#[tokio::test]
async fn guessing_is_refused_and_slowed_down() {
    let market = Market::new().await;
    for who in ["owner", "nobody-of-this-name"] {
        let wrong = basic(who, "wrong");
        let answer = ask(&market, "", &wrong).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.summary(), @"401 UNAUTHORIZED: the name or the password is wrong: sign in with an account's password or an access token");
        }
        assert_eq!(
            answer.header("www-authenticate"),
            r#"Basic realm="https://registry.example""#
        );
        for _ in 0..4 {
            assert_eq!(ask(&market, "", &wrong).await.status, 401);
        }
        let answer = ask(&market, "", &wrong).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), "1");
        assert!(answer.summary().contains("TOOMANYREQUESTS"));
    }
}

#[tokio::test]
async fn malformed_requests_are_errors() {
    let market = Market::new().await;
    for (query, authorization, status) in [
        ("?scope=%zz", "", 400),
        ("?service=a&service=b", "", 400),
        ("?service=elsewhere.example", "", 400),
        ("", "Bearer x", 401),
        ("", "Basic", 401),
        ("", "Basic !!!", 401),
        ("", "Basic bm9jb2xvbg==", 401),
    ] {
        let answer = ask(&market, query, authorization).await;
        assert_eq!(answer.status, status, "{query} {authorization}");
        assert!(answer.json()["errors"][0]["message"].is_string());
    }
    let many: Vec<_> = (0..51)
        .map(|n| format!("scope=repository:a/{n}:pull"))
        .collect();
    let answer = ask(&market, &format!("?{}", many.join("&")), "").await;
    assert_eq!(answer.status, 400);
    assert_eq!(market.get("", "DELETE /token").await.status, 405);
}

#[tokio::test]
async fn tokens_end_and_their_keys_are_published() {
    let market = Market::new().await;
    let token = market.token("owner", &[]).await;
    assert_eq!(market.get(&token, "GET /v2/").await.status, 200);
    assert_eq!(market.get(&token, "GET /v2").await.status, 200);
    market.clock.advance(chrono::TimeDelta::minutes(5));
    assert_eq!(market.get(&token, "GET /v2/").await.status, 401);
    let keys = market.get("", "GET /token/keys").await;
    assert_eq!(keys.json()["keys"][0]["alg"], "ES256");
    assert!(keys.json()["keys"][0]["d"].is_null());
}

/// What skopeo, crane, cosign, regctl, oras, notation, Docker and others really send.
#[tokio::test]
async fn recorded_requests_of_clients_are_understood() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test reads where the sample data lies"
    )]
    let data = std::env::var("PLIMSOLL_TEST_DATA").unwrap_or("../../../shared/data".to_owned());
    let file = std::path::Path::new(&data).join("notary/token-requests.jsonl");
    let Ok(recorded) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: there is no {}", file.display());
        return;
    };
    let market = Market::new().await;
    for line in recorded.lines() {
        let recorded: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let here = |text: String| text.replace("lab-registry", "registry.example");
        // Their accounts are not ours.
        let answer = match text(&recorded["m"]).as_str() {
            "GET" => {
                let path = here(text(&recorded["p"]));
                ask(&market, path.trim_start_matches("/token"), "").await
            }
            _ => {
                let answer = post(&market, &here(text(&recorded["b"]))).await;
                assert!([400, 401, 429].contains(&answer.status.as_u16()), "{line}");
                continue;
            }
        };
        let expected = if line.contains("registry%3Acatalog") {
            " [catalog:*]"
        } else {
            " []"
        };
        assert_eq!(granted(&market, &answer), expected, "{line}");
    }
}
