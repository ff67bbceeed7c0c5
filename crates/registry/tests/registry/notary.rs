//! The Notary v1 service over HTTP: what the recorded clients send, and what they must be told.

use app::Clock as _;
use axum::{body::Body, http::StatusCode};
use chrono::TimeDelta;
use market::PullAccess;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha384};
use trust::tuf::{File, Key, Role};

use crate::{
    market::{Answer, Market, RELEASED, STAGING},
    publisher::{Holders, root, root_signer, signer, snapshot, targets},
};

const GUN: &str = "registry.example/staging/acme/db";

/// A publisher with a token, and the keys that the server holds for them.
struct Desk {
    market: Market,
    token: String,
    holders: Holders,
}

impl Desk {
    /// With the snapshot's key on the server, as `docker trust` has it.
    async fn new() -> Self {
        let market = Market::new().await;
        let token = market
            .token_for("editor", &format!("repository:{GUN}:*"))
            .await;
        let mut desk = Self {
            market,
            token,
            holders: Holders {
                root: vec![root_signer(GUN, 1)],
                targets: vec![signer(2)],
                snapshot: Vec::new(),
                timestamp: Vec::new(),
                threshold: 1,
            },
        };
        desk.holders
            .snapshot
            .push(desk.key("GET", "snapshot").await);
        desk.holders
            .timestamp
            .push(desk.key("GET", "timestamp").await);
        desk
    }

    async fn begun() -> Self {
        let desk = Self::new().await;
        let answer = desk.publish(&desk.first()).await;
        assert_eq!(answer.status, 200, "{}", answer.summary());
        desk
    }

    fn first(&self) -> Vec<(&'static str, File)> {
        let signers = &self.holders.targets;
        vec![
            ("root", root(1, &self.holders, &self.holders.root)),
            (
                "targets",
                targets(&Role::Targets, 1, (&["1"], &[]), signers),
            ),
        ]
    }

    fn targets(&self, version: i64) -> Vec<(&'static str, File)> {
        let signers = &self.holders.targets;
        vec![(
            "targets",
            targets(&Role::Targets, version, (&["2"], &[]), signers),
        )]
    }

    async fn key(&self, method: &str, role: &str) -> Key {
        let answer = self
            .ask(&format!("{method} tuf/{role}.key"), Body::empty())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.summary());
        let key = answer.json();
        assert_eq!(key["keyval"]["private"], Value::Null);
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let public = STANDARD.decode(key["keyval"]["public"].as_str().unwrap());
        Key::new(key["keytype"].as_str().unwrap(), public.unwrap())
    }

    async fn ask(&self, call: &str, body: Body) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let kind = [("content-type", "multipart/form-data; boundary=x")];
        let call = format!("{method} /v2/{GUN}/_trust/{path}");
        self.market.ask(&self.token, &call, &kind, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), Body::empty()).await
    }

    async fn file(&self, role: &str) -> File {
        let answer = self.get(&format!("tuf/{role}.json")).await;
        assert_eq!(answer.status, 200, "{role}: {}", answer.summary());
        File::parse(answer.body).unwrap()
    }

    async fn publish(&self, files: &[(&str, File)]) -> Answer {
        let parts: Vec<_> = files
            .iter()
            .map(|(role, file)| (*role, file.bytes.as_slice()))
            .collect();
        self.ask("POST tuf/", form(&parts)).await
    }
}

fn form(parts: &[(&str, &[u8])]) -> Body {
    let mut body = Vec::new();
    for (role, bytes) in parts {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{role}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--\r\n");
    body.into()
}

fn error(answer: &Answer) -> Value {
    answer.json()["errors"][0].clone()
}

#[tokio::test]
async fn what_is_published_comes_back_byte_for_byte() {
    let desk = Desk::begun().await;
    let (_, sent) = desk.first().swap_remove(1);
    let newest = desk.get("tuf/targets.json").await;
    assert_eq!(newest.body, sent.bytes);
    assert_eq!(newest.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        newest.header("cache-control"),
        "private, max-age=300, s-maxage=300, must-revalidate"
    );
    assert!(newest.header("last-modified").ends_with(" UTC"));
    let described = desk.file("snapshot").await.snapshot().unwrap()["targets"].clone();
    let (sha256, sha512) = (described.sha256.unwrap(), described.sha512.unwrap());
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let sha384 = Sha384::digest(&sent.bytes);
    for name in [
        format!("targets.{}", hex(&sha256)),
        format!("targets.{}", hex(&sha256).to_uppercase()),
        format!("targets.{}", hex(&sha384)),
        format!("targets.{}", hex(&sha384).to_uppercase()),
        format!("targets.{}", hex(&sha512)),
        "1.targets".to_owned(),
    ] {
        let answer = desk.get(&format!("tuf/{name}.json")).await;
        assert_eq!(answer.body, sent.bytes, "{name}");
        let cached = answer.header("cache-control");
        assert_eq!(cached, "private, max-age=2592000, s-maxage=2592000");
    }
    let etag = newest.header("etag").to_owned();
    let call = format!("GET /v2/{GUN}/_trust/tuf/targets.json");
    let known = [("if-none-match", etag.as_str())];
    let again = desk
        .market
        .ask(&desk.token, &call, &known, Body::empty())
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let other_role = format!("tuf/root.{}.json", hex(&sha384));
    let other_bytes = format!("tuf/targets.{}.json", hex(&Sha384::digest(b"other")));
    for absent in [
        "tuf/9.targets.json",
        "tuf/targets/a.json",
        &other_role,
        &other_bytes,
    ] {
        let answer = desk.get(absent).await;
        assert_eq!(answer.status, 404);
        assert_eq!(error(&answer)["code"], "METADATA_NOT_FOUND");
    }
}

#[tokio::test]
async fn refusals_are_those_that_clients_know() {
    let desk = Desk::begun().await;
    let raw = |role: &'static str, text: &'static str| form(&[(role, text.as_bytes())]);
    let answers = [
        desk.ask("POST tuf/", Body::from("no parts")).await,
        desk.ask("POST tuf/", raw("bogus", "{}")).await,
        desk.ask("POST tuf/", raw("targets", "{")).await,
        desk.publish(&desk.first()).await,
        desk.publish(&[(
            "targets",
            targets(&Role::Targets, 2, (&[], &[]), &[signer(9)]),
        )])
        .await,
        desk.publish(&[(
            "targets/a",
            targets(&"targets/a".parse().unwrap(), 1, (&[], &[]), &[signer(9)]),
        )])
        .await,
        desk.publish(&[("root", root(3, &desk.holders, &desk.holders.root))])
            .await,
        desk.publish(&[("snapshot", snapshot(2, &[], &[signer(9)]))])
            .await,
        desk.get("changefeed").await,
        desk.get("changefeed?records=x").await,
        desk.get("tuf/root.key").await,
        desk.ask("PUT tuf/", Body::empty()).await,
    ];
    let told: Vec<_> = answers
        .iter()
        .map(|answer| {
            json!([
                answer.status.as_u16(),
                error(answer)["code"],
                error(answer)["detail"]
            ])
        })
        .collect();
    insta::assert_json_snapshot!(told);
    assert_eq!(
        desk.file("timestamp").await.version,
        1,
        "nothing was stored"
    );
}

#[tokio::test]
async fn an_update_is_taken_whole_or_not_at_all() {
    let desk = Desk::begun().await;
    let mut update = desk.targets(2);
    update.push(("root", root(2, &desk.holders, &[signer(9)])));
    assert_eq!(desk.publish(&update).await.status, 400);
    assert_eq!(desk.file("targets").await.version, 1);
    assert_eq!(desk.publish(&desk.targets(2)).await.status, 200);
    for (role, version) in [
        ("targets", 2),
        ("snapshot", 2),
        ("timestamp", 2),
        ("root", 1),
    ] {
        assert_eq!(desk.file(role).await.version, version, "{role}");
    }
    assert_eq!(desk.ask("POST tuf/", form(&[])).await.status, 200);
    assert_eq!(desk.file("snapshot").await.version, 3);
}

#[tokio::test]
async fn the_servers_keys_are_rotated_by_the_root() {
    let mut desk = Desk::begun().await;
    let old = desk.holders.timestamp[0].clone();
    assert_eq!(desk.key("GET", "timestamp").await, old);
    let new = desk.key("POST", "timestamp").await;
    assert_ne!(new, old);
    assert_eq!(
        desk.key("GET", "timestamp").await,
        old,
        "until a root names the new one"
    );
    assert_eq!(desk.publish(&desk.targets(2)).await.status, 200);
    desk.holders.timestamp = vec![new.clone()];
    let update = [("root", root(2, &desk.holders, &desk.holders.root))];
    assert_eq!(desk.publish(&update).await.status, 200);
    assert_eq!(desk.key("GET", "timestamp").await, new);
    let answer = desk.get("tuf/timestamp.json").await;
    assert!(String::from_utf8(answer.body).unwrap().contains(new.id()));
    for _ in 0..30 {
        desk.key("POST", "snapshot").await;
    }
    assert_eq!(desk.key("GET", "snapshot").await, desk.holders.snapshot[0]);
    assert_eq!(desk.publish(&desk.targets(3)).await.status, 200);
}

#[tokio::test]
async fn timestamps_are_signed_anew_by_the_clock_and_when_asked_for() {
    let desk = Desk::begun().await;
    assert_eq!(desk.market.app.renew_trust().await.unwrap(), 0);
    desk.market.clock.advance(TimeDelta::days(8));
    assert_eq!(desk.market.app.renew_trust().await.unwrap(), 1);
    assert_eq!(desk.market.app.renew_trust().await.unwrap(), 0);
    desk.market.clock.advance(TimeDelta::days(20));
    let token = desk
        .market
        .token_for("editor", &format!("repository:{GUN}:pull"))
        .await;
    let call = format!("GET /v2/{GUN}/_trust/tuf/timestamp.json");
    let answer = desk.market.get(&token, &call).await;
    let file = File::parse(answer.body).unwrap();
    assert_eq!(file.version, 3);
    assert!(file.expires > desk.market.clock.now());
    // What an alarm goes by is what clients are given, in an order that stays.
    let mut expected = Vec::new();
    for role in ["root", "snapshot", "targets", "timestamp"] {
        let call = format!("GET /v2/{GUN}/_trust/tuf/{role}.json");
        let answer = desk.market.get(&token, &call).await;
        let file = File::parse(answer.body).unwrap();
        expected.push(("staging", role, file.expires));
    }
    let measures = desk.market.app.measure().await.unwrap();
    let ends = measures.trust_ends.iter();
    let ends: Vec<_> = ends
        .map(|first| (first.place.as_str(), first.role.as_str(), first.ends))
        .collect();
    assert_eq!(ends, expected);
    // Nobody renews while all workers stand: the time that is told stays, and comes near.
    desk.market.clock.advance(TimeDelta::days(12));
    let measures = desk.market.app.measure().await.unwrap();
    let (_, _, timestamp) = expected[3];
    assert_eq!(measures.trust_ends[3].ends, timestamp);
    assert!(timestamp - desk.market.clock.now() < TimeDelta::days(5));
}

#[tokio::test]
async fn changes_are_listed_forwards_and_backwards() {
    let desk = Desk::begun().await;
    for version in 2..5 {
        assert_eq!(desk.publish(&desk.targets(version)).await.status, 200);
    }
    let deleted = desk.ask("DELETE tuf/", Body::empty()).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(desk.ask("DELETE tuf/", Body::empty()).await.status, 200);
    assert_eq!(desk.get("tuf/root.json").await.status, 404);
    let list = |answer: Answer| {
        let answer = answer.json();
        let records = answer["records"].as_array().unwrap().clone();
        assert_eq!(answer["count"], records.len());
        records
            .iter()
            .map(|record| record["ID"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for (query, ids) in [
        ("records=2", ["1", "2"].as_slice()),
        ("records=0&change_id=3", &["4", "5"]),
        ("records=-2", &["4", "5"]),
        ("records=-2&change_id=3", &["1", "2"]),
        ("records=2&change_id=-1", &["4", "5"]),
        ("records=9&change_id=5", &[]),
    ] {
        assert_eq!(
            list(desk.get(&format!("changefeed?{query}")).await),
            ids,
            "{query}"
        );
    }
    let last = desk.get("changefeed?records=1&change_id=4").await.json();
    assert_eq!(last["records"][0]["Category"], "deletion");
    // It begins again, with keys of its own.
    let other = desk.key("GET", "timestamp").await;
    assert_ne!(other, desk.holders.timestamp[0]);
}

#[tokio::test]
async fn only_this_hosts_names_are_known() {
    let market = Market::new().await;
    for gun in [
        "docker.io/staging/acme/db",
        "registry.example:443/staging/acme/db",
    ] {
        let token = market
            .token_for("owner", &format!("repository:{gun}:*"))
            .await;
        let read = market
            .get(&token, &format!("GET /v2/{gun}/_trust/tuf/root.json"))
            .await;
        assert_eq!(
            (read.status.as_u16(), error(&read)["code"].as_str()),
            (404, Some("METADATA_NOT_FOUND"))
        );
        let call = format!("POST /v2/{gun}/_trust/tuf/");
        let written = market.ask(&token, &call, &[], Body::empty()).await;
        assert_eq!(error(&written)["code"], "INVALID_GUN", "{gun}");
    }
}

#[tokio::test]
async fn released_names_are_read_by_anybody_and_written_by_nobody() {
    let (market, _) = Market::listed(PullAccess::Subscribers).await;
    let gun = format!("registry.example/{RELEASED}");
    let token = market
        .token_for("", &format!("repository:{gun}:pull"))
        .await;
    let read = market
        .get(&token, &format!("GET /v2/{gun}/_trust/tuf/root.json"))
        .await;
    assert_eq!(read.status, 200, "what is signed is no secret");
    for who in ["owner", "operator", "subscriber"] {
        let token = market.token_for(who, &format!("repository:{gun}:*")).await;
        let call = format!("POST /v2/{gun}/_trust/tuf/");
        let written = market.ask(&token, &call, &[], Body::empty()).await;
        assert_eq!(written.status, 401, "{who}");
        assert!(
            written
                .header("www-authenticate")
                .contains(&format!("scope=\"repository:{gun}:pull,push\""))
        );
    }
    let staging = format!("registry.example/{STAGING}");
    let token = market
        .token_for("", &format!("repository:{staging}:pull"))
        .await;
    let read = market
        .get(&token, &format!("GET /v2/{staging}/_trust/tuf/root.json"))
        .await;
    assert_eq!(read.status, 401);
    // A key is made where somebody asks for one who may write, and for nobody else.
    let staged = format!("registry.example/{STAGING}");
    let puller = format!("repository:{staged}:pull");
    let token = market.token_for("owner", &puller).await;
    for who in [token.as_str(), ""] {
        let call = format!("GET /v2/{staged}/_trust/tuf/timestamp.key");
        assert_eq!(market.get(who, &call).await.status, 401);
    }
    // What was granted for trust metadata opens no image, and the other way round.
    let token = market
        .token_for("owner", &format!("repository:{staging}:pull"))
        .await;
    let image = market
        .get(&token, &format!("GET /v2/{STAGING}/manifests/1"))
        .await;
    assert_eq!(image.status, 401);
    let token = market
        .token_for("owner", &format!("repository:{STAGING}:pull"))
        .await;
    let read = market
        .get(&token, &format!("GET /v2/{staging}/_trust/tuf/root.json"))
        .await;
    assert_eq!(read.status, 401);
}

#[tokio::test]
async fn the_service_says_that_it_is_there() {
    let market = Market::new().await;
    let answer = market.get("", "GET /_notary_server/health").await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_slice()),
        (200, b"{}".as_slice())
    );
}
