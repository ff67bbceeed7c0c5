//! The token service.

use app::ClientAddress;
use axum::{body::Body, http::Request};
use market::{PullAccess, Role};

use crate::market::{
    Answer, Market, PASSWORD, RELEASED, STAGING, actor, basic, reading, scoped, writing,
};

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

async fn granted(market: &Market, answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.summary());
    let body = answer.json();
    assert_eq!(body["token"], body["access_token"]);
    let access = market
        .app
        .verify_registry_token(body["token"].as_str().unwrap())
        .await
        .unwrap()
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
        assert_eq!(granted(&market, &answer).await, expected, "{query}");
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
    // Content trust asks with the host in front, and gets the name as it asked.
    let gun = format!("?scope=repository:registry.example/{STAGING}:push,pull");
    let as_asked = format!("owner [registry.example/{STAGING}:pull,push]");
    check(&gun, &owner, &as_asked).await;
    let elsewhere = format!("?scope=repository:elsewhere.example/{STAGING}:push,pull");
    check(&elsewhere, &owner, "owner []").await;
}

#[tokio::test]
async fn plugins_are_granted_in_their_class() {
    let market = Market::new().await;
    let scope = format!("?scope=repository(plugin):{STAGING}:pull,push");
    let answer = ask(&market, &scope, &basic("owner", PASSWORD)).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let access = market.app.verify_registry_token(&token).await.unwrap();
    let grants = serde_json::to_value(&access.unwrap().access).unwrap();
    let expected = serde_json::json!([{
        "type": "repository", "class": "plugin", "name": STAGING, "actions": ["pull", "push"],
    }]);
    assert_eq!(grants, expected);
    let call = format!("POST /v2/{STAGING}/blobs/uploads/");
    assert_eq!(market.get(&token, &call).await.status, 202);
}

#[tokio::test]
async fn scopes_and_robots_narrow_what_is_granted() {
    let market = Market::new().await;
    let asked = format!("?scope=repository:{STAGING}:*+repository:staging/acme/web:*");
    let check = async |who: &str, secret: &str, expected: &str| {
        let answer = ask(&market, &asked, &basic(who, secret)).await;
        assert_eq!(granted(&market, &answer).await, expected);
    };
    let narrow = scoped(
        "narrow",
        &format!("{STAGING}:pull,push staging/acme/w*:delete"),
    );
    let (_, secret) = market.access_token("owner", &narrow).await;
    let expected = format!("owner [{STAGING}:pull,push staging/acme/web:delete]");
    check("owner", &secret, &expected).await;
    let robot = market.robot("owner", "acme+ci", Some(Role::Editor)).await;
    let all = "pull,push,delete";
    let expected = format!("acme+ci [{STAGING}:{all} staging/acme/web:{all}]");
    check("acme+ci", &robot, &expected).await;
    let robot = market.robot("owner", "acme+look", Some(Role::Viewer)).await;
    let expected = format!("acme+look [{STAGING}:pull staging/acme/web:pull]");
    check("acme+look", &robot, &expected).await;
}

/// As clients do that keep what they get instead of the password.
async fn login(market: &Market, authorization: &str) -> Option<String> {
    let query = "?account=owner&client_id=tool&offline_token=true&service=registry.example";
    let answer = ask(market, query, authorization).await;
    assert_eq!(answer.status, 200, "{}", answer.summary());
    answer.json()["refresh_token"].as_str().map(str::to_owned)
}

async fn refresh(market: &Market, login: &str) -> Answer {
    let form = format!(
        "grant_type=refresh_token&refresh_token={login}&client_id=tool&service=registry.example&scope=repository%3A{STAGING}%3Apull%2Cpush"
    );
    post(market, &form).await
}

#[tokio::test]
async fn a_client_stays_signed_in() {
    let market = Market::new().await;
    let kept = login(&market, &basic("owner", PASSWORD)).await.unwrap();
    let answer = refresh(&market, &kept).await;
    assert!(answer.json()["refresh_token"].is_null());
    assert_eq!(
        granted(&market, &answer).await,
        format!("owner [{STAGING}:pull,push]")
    );
    // It is good for registry tokens and nothing else.
    assert_eq!(ask(&market, "", &basic("owner", &kept)).await.status, 401);
    assert!(market.app.authenticate_bearer(&kept).await.is_err());
    // Rights are looked up each time.
    let owner = actor(&market.app, "owner").await;
    for (name, role) in [("editor", Role::Owner), ("owner", Role::Viewer)] {
        let set = market.app.set_member(&owner, "acme", name, role).await;
        set.unwrap();
    }
    let answer = refresh(&market, &kept).await;
    assert_eq!(
        granted(&market, &answer).await,
        format!("owner [{STAGING}:pull]")
    );
    // It is seen and can be revoked.
    let listed = market.app.list_tokens(&owner).await.unwrap();
    assert_eq!(
        (listed[0].name.as_str(), listed[0].is_login()),
        ("tool", true)
    );
    market
        .app
        .revoke_token(&owner, listed[0].id.as_str())
        .await
        .unwrap();
    let answer = refresh(&market, &kept).await;
    insta::assert_snapshot!(answer.summary(), @"401 UNAUTHORIZED: this sign-in has ended: sign in again (docker login registry.example)");
    assert_eq!(login(&market, "").await, None);
    for wrong in ["", "plr_", "plr_x_y", "x"] {
        assert_eq!(refresh(&market, wrong).await.status, 401);
    }
}

#[tokio::test]
async fn a_kept_login_ends_with_what_it_came_from() {
    let market = Market::new().await;
    let system = app::Actor::system();
    let by_password = login(&market, &basic("owner", PASSWORD)).await.unwrap();
    let (token, secret) = market.access_token("owner", &reading("ci")).await;
    let by_token = login(&market, &basic("owner", &secret)).await.unwrap();
    let answer = refresh(&market, &by_token).await;
    assert_eq!(
        granted(&market, &answer).await,
        format!("owner [{STAGING}:pull]")
    );
    market
        .app
        .set_password(&system, "owner", "another long password")
        .await
        .unwrap();
    assert_eq!(refresh(&market, &by_password).await.status, 401);
    assert_eq!(refresh(&market, &by_token).await.status, 200);
    let owner = actor(&market.app, "owner").await;
    market
        .app
        .revoke_token(&owner, token.id.as_str())
        .await
        .unwrap();
    assert_eq!(refresh(&market, &by_token).await.status, 401);
    let (_, secret) = market.access_token("owner", &writing("ci")).await;
    let kept = login(&market, &basic("owner", &secret)).await.unwrap();
    market.clock.advance(chrono::TimeDelta::days(91));
    assert_eq!(refresh(&market, &kept).await.status, 401);
    let form = format!(
        "grant_type=password&access_type=offline&client_id=containerd&username=owner&password={secret}"
    );
    let answer = post(&market, &form).await;
    let kept = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    market
        .app
        .set_account_disabled(&system, "owner", true)
        .await
        .unwrap();
    assert_eq!(refresh(&market, &kept).await.status, 401);
}

#[tokio::test]
async fn fifty_clients_stay_signed_in_at_most() {
    let market = Market::new().await;
    let (_, secret) = market.access_token("owner", &writing("ci")).await;
    let authorization = basic("owner", &secret);
    let mut kept = Vec::new();
    for _ in 0..51 {
        kept.push(login(&market, &authorization).await.unwrap());
        // Two servers may answer by turns: which came first is known by the clock alone.
        market.clock.advance(chrono::TimeDelta::milliseconds(1));
    }
    assert_eq!(refresh(&market, &kept[0]).await.status, 401);
    assert_eq!(refresh(&market, &kept[1]).await.status, 200);
}

#[tokio::test]
async fn a_guesser_keeps_nobody_out_elsewhere() {
    let market = Market::new().await;
    let from = async |address: &str, password: &str| {
        let mut request = Request::get("/token")
            .header("authorization", basic("owner", password))
            .body(Body::empty())
            .unwrap();
        request
            .extensions_mut()
            .insert(ClientAddress(address.parse().unwrap()));
        market.send(request).await.status
    };
    for _ in 0..5 {
        assert_eq!(from("203.0.113.9", "wrong").await, 401);
    }
    assert_eq!(from("203.0.113.9", PASSWORD).await, 429);
    assert_eq!(from("198.51.100.1", PASSWORD).await, 200);
}

#[tokio::test]
async fn a_token_that_may_only_read_only_reads() {
    let market = Market::new().await;
    let (_, secret) = market.access_token("owner", &reading("ci")).await;
    let query = format!("?scope=repository:{STAGING}:pull,push");
    let answer = ask(&market, &query, &basic("owner", &secret)).await;
    assert_eq!(
        granted(&market, &answer).await,
        format!("owner [{STAGING}:pull]")
    );
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
    assert_eq!(
        granted(&market, &answer).await,
        format!("owner [{STAGING}:pull]")
    );
    let answer = post(&market, "grant_type=password&username=owner&password=wrong").await;
    assert_eq!(answer.status, 401);
    for refused in ["grant_type=magic", "", "grant_type=password&username=%ff"] {
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
        assert_eq!(granted(&market, &answer).await, expected, "{line}");
    }
}
