//! Tags that their publisher withdraws, as clients see it; and that a server that is killed
//! meanwhile withdraws each wholly or not at all.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    process::Command,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use testkit::User;

use crate::{
    engine::Engine,
    has,
    http::Registry,
    kills::setting,
    market::{Market, fail, serve_by, skopeo, succeed},
    model::Chance,
    notary::Side,
    skip,
};

const NAME: &str = "acme/harbour";

fn withdraw(publisher: &User, tag: &str) -> anyhow::Result<Value> {
    let path = "/api/v1/publishers/acme/products/harbour/tags/withdrawal";
    publisher.post(path, &json!({ "tag": tag, "reason": "No longer made." }))
}

/// `plimsoll verify`: how it ends and what it says.
pub(crate) fn verify(market: &Market, token: &str, image: &str) -> (Option<i32>, String) {
    let (code, out, said) = verify_with(market, token, image, &[]);
    (code, out + &said)
}

/// The same, with more arguments, and what goes to each of its outputs by itself.
fn verify_with(
    market: &Market,
    token: &str,
    image: &str,
    more: &[&str],
) -> (Option<i32>, String, String) {
    let mut verify = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let user = format!("carl:{token}");
    verify.args(["verify", image, "--user", &user, "--key"]);
    let output = verify
        .arg(market.public_key())
        .args(more)
        .env("HOME", market.dir.path().join("verifier"))
        .env_remove("XDG_STATE_HOME");
    let output = output.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    (output.status.code(), out, said)
}

#[test]
fn a_withdrawn_tag_is_refused_and_its_digest_is_not() {
    let (market, digest) = Market::with_release();
    market.release("2.0");
    let token = market.subscribe();
    let host = market.server.host();
    let (by_tag, by_digest) = (
        format!("{host}/{NAME}:1.0"),
        format!("{host}/{NAME}@{digest}"),
    );
    assert_eq!(verify(&market, &token, &by_tag).0, Some(0));
    withdraw(&market.cast.publisher, "1.0").expect("withdrawn");

    let (code, said) = verify(&market, &token, &by_tag);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("its publisher withdrew the tag 1.0 on 20"),
        "{said}"
    );
    let json = ["--format", "json"];
    let (code, out, said) = verify_with(&market, &token, &by_tag, &json);
    assert_eq!((code, said.as_str()), (Some(5), ""));
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (&told["image"], &told["verified"], &told["digest"]),
        (&json!(by_tag), &json!(false), &json!(null)),
        "{told}"
    );
    let reason = told["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("its publisher withdrew the tag 1.0 on 20"),
        "{reason}"
    );
    let (code, said) = verify(&market, &token, &by_digest);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("is signed, but its publisher withdrew the tag 1.0 on 20"),
        "{said}"
    );
    let newer = format!("{host}/{NAME}:2.0");
    assert_eq!(verify(&market, &token, &newer).0, Some(0));

    let feed = User::nobody(market.server.url()).get("/p/acme/harbour/feed.atom");
    let feed = feed.expect("the feed").to_string();
    assert!(feed.contains("acme/harbour: 1.0 was withdrawn"), "{feed}");

    skopeo_pulls(&market, &token, (&by_tag, &by_digest));
    docker_pulls(&market, &token, (&by_tag, &by_digest));
}

fn skopeo_pulls(market: &Market, token: &str, (by_tag, by_digest): (&str, &str)) {
    if !has("skopeo") {
        return;
    }
    let creds = format!("carl:{token}");
    let copy = |image: &str, creds: &[&str]| {
        let to = format!("dir:{}", market.dir.path().join("out").display());
        let image = format!("docker://{image}");
        let what = ["copy", "--src-tls-verify=false", &image, &to];
        skopeo(&[what.as_slice(), creds].concat())
    };
    let carl = ["--src-creds", creds.as_str()];
    let refused = fail(&mut copy(by_tag, &carl));
    assert!(
        refused.contains("no longer offers") && refused.contains("its publisher withdrew it"),
        "{refused}"
    );
    succeed(&mut copy(by_digest, &carl));
    let nobody = fail(&mut copy(by_digest, &[]));
    assert!(nobody.contains("subscribe to acme/harbour"), "{nobody}");
}

fn docker_pulls(market: &Market, token: &str, (by_tag, by_digest): (&str, &str)) {
    let home = market.dir.path().join("docker");
    let Some(engine) = Engine::start(&home.join("engine")) else {
        return;
    };
    let docker = |args: &[&str]| engine.docker(&home, args);
    let login = ["login", "-u", "carl", "-p", token, market.server.host()];
    succeed(&mut docker(&login));
    let refused = fail(&mut docker(&["pull", by_tag]));
    assert!(refused.contains("its publisher withdrew it"), "{refused}");
    succeed(&mut docker(&["pull", by_digest]));
}

#[test]
fn notary_lists_no_tag_that_was_withdrawn() {
    if Command::new("notary").arg("--help").output().is_err() {
        return skip("notary is not installed");
    }
    let (market, _) = Market::with_release();
    market.release("2.0");
    let gun = format!("{}/{NAME}", market.server.host());
    let side = Side::reader(&market);
    let (found, said) = side.notary(&["list", &gun], "");
    assert!(found && said.contains("1.0"), "{said}");
    withdraw(&market.cast.publisher, "1.0").expect("withdrawn");
    let (found, said) = side.notary(&["list", &gun], "");
    assert!(
        found && !said.contains("1.0") && said.contains("2.0"),
        "{said}"
    );
    let (found, said) = side.notary(&["lookup", &gun, "1.0"], "");
    assert!(
        !found && said.contains("No valid trust data for 1.0"),
        "{said}"
    );
}

/// A short run is part of the tests; `PLIMSOLL_CRASH_ROUNDS=100` makes a long one, and
/// `PLIMSOLL_CRASH_SEED` repeats its choices.
#[test]
fn withdrawals_that_are_killed_are_done_or_not_everywhere_alike() {
    let rounds = setting("PLIMSOLL_CRASH_ROUNDS").unwrap_or(4);
    let seed =
        setting("PLIMSOLL_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    eprintln!("PLIMSOLL_CRASH_SEED={seed} PLIMSOLL_CRASH_ROUNDS={rounds}");
    let mut chance = Chance::new(seed);
    let (mut market, _) = Market::with_release();
    let token = market.subscribe();
    let (mut lines, mut done, mut cut) = (1..=u32::MAX, 0, 0);
    let mut offered = BTreeSet::new();
    lines.next();
    for round in 0..rounds {
        while offered.len() < 3 {
            let line = lines.next().expect("there are more");
            offered.insert(release(&market, line));
        }
        let acknowledged = withdraw_and_kill(&mut market, &offered, &mut chance);
        let gone = Kept::of(&market, &token).is_one(&offered);
        assert!(
            acknowledged.is_subset(&gone),
            "round {round} of {seed}: {acknowledged:?} were acknowledged, {gone:?} are gone"
        );
        done += gone.len();
        cut += offered.len() - gone.len();
        offered.retain(|tag| !gone.contains(tag));
    }
    eprintln!("{rounds} kills; {done} tags withdrawn, {cut} withdrawals cut short");
}

/// Releases the first of a new line.
fn release(market: &Market, line: u32) -> String {
    let tag = format!("{line}.0");
    market.release(&tag);
    tag
}

/// Withdraws all at once and kills the server at some moment; gives what was acknowledged. The
/// server that is there then is another one on the same folder, at the same address.
fn withdraw_and_kill(
    market: &mut Market,
    tags: &BTreeSet<String>,
    chance: &mut Chance,
) -> BTreeSet<String> {
    let running: Vec<_> = tags
        .iter()
        .cloned()
        .map(|tag| {
            let publisher = market.cast.publisher.clone();
            thread::spawn(move || withdraw(&publisher, &tag).is_ok().then_some(tag))
        })
        .collect();
    thread::sleep(Duration::from_millis(chance.next() % 250));
    market.server.kill().expect("the server is killed");
    let running = running.into_iter();
    let acknowledged = running.filter_map(|one| one.join().expect("it ends"));
    let acknowledged = acknowledged.collect();
    let at = market.server.host().to_owned();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    market.server = serve_by(program, market.server.data(), &at, &[]);
    acknowledged
}

/// The tags that are offered, as each of the places says that keeps them.
struct Kept {
    table: BTreeSet<String>,
    targets: BTreeSet<String>,
    log: BTreeSet<String>,
    page: BTreeSet<String>,
}

impl Kept {
    fn of(market: &Market, token: &str) -> Self {
        let url = market.server.url();
        let gun = format!("{}/{NAME}", market.server.host());
        let repositories = [NAME.to_owned(), gun.clone()];
        let registry = Registry::sign_in(url, ("carl", token), &repositories).expect("a token");
        let ask = |path: &str| -> Value {
            let answer = registry.ask("GET", path, b"").expect("an answer");
            assert_eq!(answer.status, 200, "{path}");
            serde_json::from_slice(&answer.body).expect("JSON")
        };
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let table = ask(&format!("/v2/{NAME}/tags/list"));
        let table = table["tags"].as_array().expect("tags").iter().map(text);
        let targets = ask(&format!("/v2/{gun}/_trust/tuf/targets.json"));
        let targets = targets["signed"]["targets"].as_object().expect("targets");
        let log = ask(&format!("/log/proof/{NAME}?since=0"));
        let page = format!("/api/v1/products/{NAME}/tags");
        let page = market.cast.consumer.get(&page).expect("the releases");
        let page = page["items"].as_array().expect("tags").iter();
        Self {
            table: table.filter(|tag| !tag.starts_with("sha256-")).collect(),
            targets: targets.keys().cloned().collect(),
            log: logged(&log),
            page: page.map(|release| text(&release["tag"])).collect(),
        }
    }

    /// Checks that all say the same; gives which of these are offered no more.
    fn is_one(&self, of: &BTreeSet<String>) -> BTreeSet<String> {
        assert_eq!(self.table, self.targets, "tags, and what is signed");
        assert_eq!(self.table, self.log, "tags, and the log");
        assert_eq!(self.table, self.page, "tags, and the page");
        of.difference(&self.table).cloned().collect()
    }
}

/// What is offered by the log.
fn logged(statement: &Value) -> BTreeSet<String> {
    let mut offered = BTreeSet::new();
    for entry in statement["entries"].as_array().expect("entries") {
        let entry = entry["entry"].as_str().expect("text");
        let entry: Value = serde_json::from_str(entry).expect("JSON");
        let tag = entry["tag"].as_str().unwrap_or_default().to_owned();
        match entry["event"].as_str() {
            Some("released") => assert!(offered.insert(tag), "once"),
            Some("tag-withdrawn") => assert!(offered.remove(&tag), "{tag}, once"),
            other => panic!("{other:?}"),
        }
    }
    offered
}
