//! Who may do what: every route and method, for everybody, as one reviewed table.

use std::{collections::BTreeSet, fmt::Write as _};

use app::NewToken;
use axum::body::Body;
use market::{PublisherDecision, PullAccess, Role};
use oci::Digest;

use crate::{
    image::{Image, image},
    market::{Market, PASSWORD, RELEASED, STAGING, basic, reading, scoped, writing},
};

/// What the registry is called.
const HOST: &str = "registry.example";

/// People, who sign in with their password.
const PEOPLE: [&str; 9] = [
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

/// Every endpoint below a repository by the action it is; `M` is a manifest and `B` a blob that are there, `X` is not.
const CALLS: [(&str, &str); 28] = [
    ("ListTags", "GET tags/list"),
    ("ListReferrers", "GET referrers/M"),
    ("HeadManifest", "HEAD manifests/M"),
    ("GetManifest", "GET manifests/M"),
    ("HeadManifest", "HEAD manifests/1"),
    ("GetManifest", "GET manifests/1"),
    ("GetManifest", "GET manifests/none"),
    ("PutManifest", "PUT manifests/M?tag=new"),
    ("PutManifest", "PUT manifests/2"),
    ("DeleteManifest", "DELETE manifests/X"),
    ("DeleteManifest", "DELETE manifests/none"),
    ("HeadBlob", "HEAD blobs/B"),
    ("GetBlob", "GET blobs/B"),
    ("GetBlob", "GET blobs/X"),
    ("DeleteBlob", "DELETE blobs/X"),
    ("StartUpload", "POST blobs/uploads/"),
    ("StartUpload", "POST blobs/uploads/?mount=B&from=acme/db"),
    ("UploadStatus", "GET blobs/uploads/upl_x"),
    ("AppendUpload", "PATCH blobs/uploads/upl_x"),
    ("FinishUpload", "PUT blobs/uploads/upl_x?digest=X"),
    ("CancelUpload", "DELETE blobs/uploads/upl_x"),
    ("", "POST manifests/1"),
    ("GetTrust", "GET _trust/tuf/root.json"),
    ("PublishTrust", "POST _trust/tuf/"),
    ("DeleteTrust", "DELETE _trust/tuf/"),
    ("GetTrustKey", "GET _trust/tuf/timestamp.key"),
    ("RotateTrustKey", "POST _trust/tuf/timestamp.key"),
    ("ListTrustChanges", "GET _trust/changefeed?records=1"),
];

/// Who asks: a name for the table, and the header they ask the token service with.
type Asker = (&'static str, String);

/// Everybody with a password, and with everything that is good for less.
async fn everybody(market: &Market) -> Vec<Asker> {
    let mut askers: Vec<Asker> = PEOPLE
        .iter()
        .map(|who| match *who {
            "" => ("nobody", String::new()),
            who => (who, basic(who, PASSWORD)),
        })
        .collect();
    for (name, new) in [
        ("reads", reading("reads")),
        ("pulls", scoped("pulls", "staging/acme/*:pull")),
        (
            "deletes",
            scoped("deletes", "staging/acme/db:delete acme/db:delete"),
        ),
        (
            "elsewhere",
            scoped("elsewhere", "staging/acme/other:pull,push,delete"),
        ),
    ] {
        let (_, secret) = market.access_token("owner", &new).await;
        askers.push((name, basic("owner", &secret)));
    }
    for (name, owner, robot, role) in [
        ("robot", "owner", "acme+ci", Some(Role::Editor)),
        ("looks", "owner", "acme+look", Some(Role::Viewer)),
        ("foreign", "rival", "rival+ci", Some(Role::Editor)),
        ("puller", "subscriber", "subscriber~ci", None),
    ] {
        let secret = market.robot(owner, robot, role).await;
        askers.push((name, basic(robot, &secret)));
    }
    askers
}

/// Returns how `path` names a repository: for content trust with the host in front.
fn named(repository: &str, path: &str) -> String {
    match path.starts_with("_trust/") {
        true => format!("{HOST}/{repository}/"),
        false => format!("{repository}/"),
    }
}

/// Returns the answers' statuses, a row for each call.
async fn table(
    market: &Market,
    released: &Image,
    repositories: &[&str],
    askers: &[Asker],
) -> String {
    let mut table = String::new();
    let absent = Digest::of(b"absent").to_string();
    for repository in repositories {
        let mut tokens = vec![String::new()];
        for (_, authorization) in askers {
            let scope = format!(
                "repository:{repository}:pull,push,delete+repository:{HOST}/{repository}:*"
            );
            let answer = market.ask_token(authorization, &scope).await;
            assert_eq!(answer.status, 200, "{}", answer.summary());
            tokens.push(answer.json()["token"].as_str().unwrap().to_owned());
        }
        let names: Vec<_> = askers.iter().map(|(name, _)| *name).collect();
        writeln!(table, "{repository:41} no-token {}", names.join(" ")).unwrap();
        for (_, call) in CALLS {
            let (method, path) = call.split_once(' ').unwrap();
            let path = path
                .replace('M', released.manifest.digest.as_str())
                .replace('B', Digest::of(&released.blobs[1]).as_str())
                .replace('X', &absent);
            let call_path = format!("{method} /v2/{}{path}", named(repository, &path));
            write!(table, "{call:41}").unwrap();
            for token in &tokens {
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
    table
}

#[tokio::test]
async fn the_table_is_the_reviewed_one() {
    let (market, released) = Market::listed(PullAccess::Subscribers).await;
    let askers = everybody(&market).await;
    let repositories = [STAGING, RELEASED, "acme/none"];
    insta::assert_snapshot!(table(&market, &released, &repositories, &askers).await);
}

#[tokio::test]
async fn a_suspended_publisher_looks_and_its_robots_do_not_even_that() {
    let (market, released) = Market::listed(PullAccess::Subscribers).await;
    let askers = everybody(&market).await;
    let (system, state) = (app::Actor::system(), PublisherDecision::Suspend);
    let suspended = market.app.decide_publisher(&system, "acme", state, "So.");
    suspended.await.unwrap();
    let (in_force, ended): (Vec<_>, Vec<_>) = askers
        .into_iter()
        .partition(|(name, _)| !["robot", "looks"].contains(name));
    insta::assert_snapshot!(table(&market, &released, &[STAGING, RELEASED], &in_force).await);
    for (name, authorization) in ended {
        let answer = market.ask_token(&authorization, "").await;
        assert_eq!(answer.status, 401, "{name}");
    }
}

/// The table above has every action of the registry, so that a new one is not forgotten.
#[test]
fn the_table_has_every_action() {
    let source = include_str!("../../src/action.rs");
    let (_, rest) = source.split_once("pub(crate) enum Action {").unwrap();
    let (variants, _) = rest.split_once("\n}").unwrap();
    let variants: BTreeSet<_> = variants
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.split(['(', ',']).next().unwrap())
        .collect();
    let mut tried: BTreeSet<_> = CALLS.iter().map(|(action, _)| *action).collect();
    tried.remove("");
    // These are of no repository; the next tests have them.
    tried.extend(["Base", "Catalog", "ListAllTrustChanges"]);
    assert_eq!(variants, tried);
}

#[tokio::test]
async fn the_catalogue_lists_what_each_may_pull() {
    let (market, _) = Market::listed(PullAccess::Subscribers).await;
    let mut lists = String::new();
    for (name, authorization) in everybody(&market).await {
        let answer = market.ask_token(&authorization, "registry:catalog:*").await;
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(market.get(&token, "GET /v2/").await.status, 200);
        let answer = market.get(&token, "GET /v2/_catalog").await;
        let found = answer.json()["repositories"].to_string();
        writeln!(lists, "{name:10} {found}").unwrap();
    }
    insta::assert_snapshot!(lists);
}

#[tokio::test]
async fn the_operator_alone_follows_all_trust_metadata() {
    let market = Market::new().await;
    let mut answers = String::new();
    for (name, authorization) in everybody(&market).await {
        let answer = market.ask_token(&authorization, "registry:catalog:*").await;
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        let answer = market
            .get(&token, "GET /v2/_trust/changefeed?records=1")
            .await;
        writeln!(answers, "{name:10} {}", answer.status.as_u16()).unwrap();
    }
    insta::assert_snapshot!(answers);
}

#[tokio::test]
async fn what_has_ended_opens_nothing() {
    let (market, released) = Market::listed(PullAccess::SignedIn).await;
    let everything = scoped("all", "*:pull,push,delete");
    let brief = NewToken {
        life: Some(chrono::TimeDelta::minutes(1)),
        ..writing("brief")
    };
    let (_, brief) = market.access_token("owner", &brief).await;
    let (revoked, revoked_secret) = market.access_token("owner", &everything).await;
    let (_, barred) = market.access_token("other", &writing("barred")).await;
    let (_, forged) = market.access_token("owner", &writing("forged")).await;
    let last = if forged.ends_with('x') { 'y' } else { 'x' };
    let forged = format!("{}{last}", &forged[..forged.len() - 1]);
    let old = market.token("owner", &[STAGING, RELEASED]).await;
    let owner = crate::market::actor(&market.app, "owner").await;
    market
        .app
        .revoke_token(&owner, revoked.id.as_str())
        .await
        .unwrap();
    let system = app::Actor::system();
    market
        .app
        .set_account_disabled(&system, "other", true)
        .await
        .unwrap();
    market.clock.advance(chrono::TimeDelta::minutes(5));
    for (who, secret) in [
        ("owner", brief.as_str()),
        ("owner", revoked_secret.as_str()),
        ("owner", forged.as_str()),
        ("rival", revoked_secret.as_str()),
        ("other", barred.as_str()),
        ("other", PASSWORD),
    ] {
        let answer = market.ask_token(&basic(who, secret), "").await;
        assert_eq!(answer.status, 401, "{who}");
        assert!(
            answer
                .summary()
                .contains("the name or the password is wrong")
        );
    }
    // A registry token that has ended is as none, on every route.
    for (action, call) in CALLS.into_iter().filter(|(action, _)| !action.is_empty()) {
        let (method, path) = call.split_once(' ').unwrap();
        let path = path
            .replace(['M', 'B'], released.manifest.digest.as_str())
            .replace('X', released.manifest.digest.as_str());
        for repository in [STAGING, RELEASED] {
            let call = format!("{method} /v2/{}{path}", named(repository, &path));
            let answer = market.get(&old, &call).await;
            assert_eq!(answer.status, 401, "{action}");
            assert!(
                answer.header("www-authenticate").contains("invalid_token"),
                "{action}"
            );
        }
    }
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
