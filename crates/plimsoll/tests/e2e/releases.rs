//! Releases that are killed: tag, signatures, attestations, trust metadata, log and list are all
//! there or none of them is, and the next server goes on.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    path::Path,
    thread,
    time::Duration,
};

use oci::Digest;
use serde_json::json;
use store::{
    Tx,
    contents::{ReferrerPage, referrers},
};
use trust::cosign::signature_tag;

use crate::{
    databases::block_on,
    kills::setting,
    market::{Market, Silent, database, serve_by},
    model::Chance,
    withdrawals::verify,
};

const NAME: &str = "acme/harbour";

/// A short run is part of the tests; `PLIMSOLL_CRASH_ROUNDS=100` makes a long one, and
/// `PLIMSOLL_CRASH_SEED` repeats its choices.
#[test]
fn releases_that_are_killed_are_done_or_not_everywhere_alike() {
    let rounds = setting("PLIMSOLL_CRASH_ROUNDS").unwrap_or(4);
    let seed =
        setting("PLIMSOLL_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    eprintln!("PLIMSOLL_CRASH_SEED={seed} PLIMSOLL_CRASH_ROUNDS={rounds}");
    let mut chance = Chance::new(seed);
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("p.toml");
    // A release that was cut short is gone on with at once.
    fs::write(&config, "[server]\njob_lease = \"1s\"\n").expect("a file");
    let config = config.display().to_string();
    let more = ["--config", config.as_str()];
    let mut market = Market::start_with(&dir.path().join("data"), &more);
    market.release("1.0");
    let token = market.subscribe();
    let mut cut = 0;
    for round in 1..=rounds {
        let tag = format!("1.{round}");
        let (submission, page) = market.in_review(&tag);
        let digest = page["submission"]["digest"].as_str().expect("a digest");
        let digest: Digest = digest.parse().expect("a digest");
        approve_and_kill(&mut market, &submission, &mut chance);
        let found = Proofs::of(market.server.data(), &tag, &digest);
        let is_done = found == Proofs::all();
        assert!(
            is_done || found == Proofs::default(),
            "round {round} of {seed}: {found:?}"
        );
        cut += u64::from(!is_done);
        let at = market.server.host().to_owned();
        let program = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
        market.server = serve_by(program, market.server.data(), &at, &more);
        let waited = market.desk.wait(&submission, &["approved"], &Silent);
        if waited.expect("it goes on")["submission"]["state"] == "in-review" {
            market.decide(&submission, "approve", "");
            let waited = market.desk.wait(&submission, &["approved"], &Silent);
            assert_eq!(
                waited.expect("it goes on")["submission"]["state"],
                "released"
            );
        }
        let (code, said) = verify(&market, &token, &format!("{at}/{NAME}:{tag}"));
        assert_eq!(code, Some(0), "{said}");
    }
    market.server.kill().expect("the server is killed");
    eprintln!("{rounds} kills, {cut} of them before the release was there");
}

/// Approves and kills the server at some moment of what follows.
fn approve_and_kill(market: &mut Market, submission: &str, chance: &mut Chance) {
    let reviewer = market.cast.reviewer.clone();
    let path = format!("/api/v1/submissions/{submission}/decision");
    let deciding = thread::spawn(move || {
        let body = json!({ "decision": "approve", "reason": "" });
        // It may be killed before it answers.
        reviewer.post(&path, &body).map(drop).unwrap_or_default();
    });
    thread::sleep(Duration::from_millis(chance.next() % 160));
    market.server.kill().expect("the server is killed");
    deciding.join().expect("it ends");
}

/// What there is of a release.
#[derive(Debug, Default, PartialEq, Eq)]
struct Proofs {
    tag: bool,
    signature: bool,
    /// Notation's signature, cosign 3's, provenance, what certification found.
    attestations: usize,
    targets: bool,
    log: bool,
    listed: bool,
}

impl Proofs {
    fn all() -> Self {
        Self {
            tag: true,
            signature: true,
            attestations: 4,
            targets: true,
            log: true,
            listed: true,
        }
    }

    /// Reads them from the folder of a server that is no more.
    fn of(data: &Path, tag: &str, digest: &Digest) -> Self {
        block_on(async {
            let db = database(data).await;
            let mut tx = db.read().await.expect("a connection");
            let found = Self::read(&mut tx, tag, digest).await;
            drop(tx);
            db.close().await;
            found
        })
    }

    async fn read(tx: &mut Tx, tag: &str, digest: &Digest) -> Self {
        let repository = store::repositories::find_by_name(tx, NAME).await;
        let repository = repository.expect("read").expect("something is released");
        let beside = signature_tag(digest).expect("a tag");
        let mut tags = [false; 2];
        for (is_there, tag) in tags.iter_mut().zip([tag, beside.as_str()]) {
            let row = store::repositories::find_manifest_by_tag(tx, &repository.id, tag);
            *is_there = row.await.expect("read").is_some();
        }
        let all = ReferrerPage {
            subject: digest.as_str(),
            artifact_type: None,
            last: "",
            limit: 100,
        };
        let attestations = referrers(tx, &repository.id, all).await.expect("read");
        let guns = store::notary::changes_after(tx, None, 0, 1).await;
        let gun = guns.expect("read").remove(0).gun;
        let targets = store::notary::newest_file(tx, &gun, "targets").await;
        let targets = targets.expect("read").expect("metadata").content;
        let targets = String::from_utf8_lossy(&targets).into_owned();
        let entries = store::log::entries(tx, 0, 1_000).await.expect("read");
        let text = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
        let mut entries = entries.iter().map(|row| text(&row.content));
        let product = repository.product_id.expect("a product's");
        let product = product.parse().expect("an identifier");
        let releases = store::releases::of_product(tx, &product)
            .await
            .expect("read");
        let [tagged, signature] = tags;
        Self {
            tag: tagged,
            signature,
            attestations: attestations.len(),
            targets: targets.contains(&format!("\"{tag}\":")),
            log: entries.any(|entry| entry.contains(&format!("\"tag\":\"{tag}\""))),
            listed: releases.iter().any(|release| release.tag == tag),
        }
    }
}
