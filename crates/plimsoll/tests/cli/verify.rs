//! `verify` over a signed layout.

use chrono::{DateTime, TimeDelta};
use oci::{Digest, ImageSource as _, Layout};
use trust::{
    SigningKey,
    log::{
        Consistency, Entry, Event, LogKey, LoggedEntry, Span, Statement, consistency, encode,
        inclusion, leaf_hash, root,
    },
};

use crate::{
    sample,
    support::{NOW, Place},
};

const NAME: &str = "market.example/acme/db";
const VERIFY: [&str; 6] = verify_as(NAME);

const fn verify_as(name: &'static str) -> [&'static str; 6] {
    [
        "verify",
        "oci:image:1.4",
        "--key",
        "release.pub",
        "--identity",
        name,
    ]
}

#[test]
fn a_signature_holds() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, "market.example/acme/db", 7);
    insta::assert_snapshot!(place.run(&VERIFY), @r#"
exit 0
--- out ---
Verified sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3
  signed as market.example/acme/db
  by key    ce97ec20d43661a19b215cb2e376a698d0b4aa2aa5b4c7854e916bd05082fcee
--- err ---
warning: nothing says whether the image was put on hold or revoked since: there is no proof of the log beside it (--save-proof writes one)
"#);
    let digest = place.output(&[&VERIFY[..], &["--digest"]].concat());
    assert!(String::from_utf8_lossy(&digest.stdout).starts_with("sha256:"));
    assert_eq!(place.json(&VERIFY)["verified"], true);
}

#[test]
fn another_name_is_refused() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, "market.example/acme/db", 7);
    insta::assert_snapshot!(place.run(&verify_as("market.example/evil/db")), @r#"
exit 4
--- out ---
--- err ---
error: key ce97ec20d43661a19b215cb2e376a698d0b4aa2aa5b4c7854e916bd05082fcee signed the image as `market.example/acme/db`, not as `market.example/evil/db`
hint: for a copy in another registry give the signed name with --identity
"#);
}

/// Any image that the market signed would do, else.
#[test]
fn a_layout_is_verified_under_a_name_only() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, NAME, 7);
    insta::assert_snapshot!(place.run(&VERIFY[..4]), @r#"
exit 2
--- out ---
--- err ---
error: an OCI layout does not say whose image it must hold, and any that the key signed would do
hint: give the name that the image was released under: --identity HOST/NAME
"#);
}

#[test]
fn another_key_is_refused() {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, "market.example/acme/db", 7);
    let other = SigningKey::from_scalar(&[8; 32]).expect("a key");
    place.write("release.pub", other.public().to_pem());
    let output = place.output(&[&VERIFY[..], &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(4));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["verified"], false);
}

#[test]
fn unsigned_is_refused() {
    let place = Place::new();
    sample::image(&place);
    let key = SigningKey::from_scalar(&[7; 32]).expect("a key");
    place.write("release.pub", key.public().to_pem());
    insta::assert_snapshot!(place.run(&VERIFY), @r#"
exit 4
--- out ---
--- err ---
error: the image is not signed: the manifest carries no cosign signature
hint: releases are signed as a whole: verify the tag or the index's digest, not one platform's
"#);
}

const PROOF: &str = "image/plimsoll-proof.json";

/// Writes what the log says beside the image: released 30 days ago, then what happened each
/// ten days after.
fn prove(place: &Place, digest: &Digest, then: &[Event]) {
    let released = Event::Released {
        tag: "1.4".to_owned(),
        digest: digest.clone(),
        certified: true,
        key: "k".to_owned(),
    };
    let now: DateTime<chrono::Utc> = NOW.parse().expect("a time");
    let events = [&[released], then].concat();
    let times = (0..).map(|number| now - TimeDelta::days(30 - 10 * number));
    prove_events(place, &times.zip(events).collect::<Vec<_>>());
}

fn prove_events(place: &Place, events: &[(DateTime<chrono::Utc>, Event)]) {
    let statement = statement(NAME, events, 0);
    place.write(PROOF, serde_json::to_vec(&statement).expect("JSON"));
}

/// Returns what a log that consists of `events` says of `name`, to whoever saw `since` of them.
pub(crate) fn statement(
    name: &str,
    events: &[(DateTime<chrono::Utc>, Event)],
    since: u64,
) -> Statement {
    let now: DateTime<chrono::Utc> = NOW.parse().expect("a time");
    let entry = |(at, event): &(_, Event)| Entry {
        at: *at,
        name: name.to_owned(),
        event: event.clone(),
    };
    let entries: Vec<_> = events.iter().map(entry).collect();
    let bytes: Vec<_> = entries.iter().map(Entry::to_bytes).collect();
    let leaves: Vec<_> = bytes.iter().map(|entry| leaf_hash(entry)).collect();
    let size = leaves.len() as u64;
    let proven = |spans: Vec<Span>| {
        let hash = |span: Span| root(&leaves[span.start as usize..span.end as usize]);
        encode(&spans.into_iter().map(hash).collect::<Vec<_>>())
    };
    let logged = (0..size).zip(&bytes).map(|(index, entry)| LoggedEntry {
        index,
        entry: String::from_utf8(entry.clone()).expect("JSON"),
        proof: proven(inclusion(index, size).expect("inside")),
    });
    let key = SigningKey::from_scalar(&[7; 32]).expect("a key");
    let (host, _) = name.split_once('/').expect("a host");
    let log = LogKey::new(&format!("{host}/log"), &[3; 32]);
    let head = (size, &root(&leaves));
    let signed = Statement::sign(name, logged.collect(), head, (&key, &log), now);
    let proof = consistency(since, size).map(proven);
    Statement {
        consistency: proof.map(|proof| Consistency { since, proof }),
        ..signed.expect("signed")
    }
}

fn signed(then: &[Event]) -> Place {
    let (place, digest) = unproven();
    prove(&place, &digest, then);
    place
}

fn unproven() -> (Place, Digest) {
    let place = Place::new();
    sample::image(&place);
    sample::sign(&place, NAME, 7);
    let digest = place.output(&[&VERIFY[..], &["--digest", "--signature-only"]].concat());
    let digest = String::from_utf8(digest.stdout).expect("text");
    (place, digest.trim().parse().expect("a digest"))
}

fn run(place: &Place, more: &[&str]) -> String {
    place.run(&[&VERIFY[..], &["--now", NOW], more].concat())
}

#[test]
fn the_proof_beside_an_image_says_how_it_stands() {
    let place = signed(&[]);
    insta::assert_snapshot!(run(&place, &[]), @r#"
exit 0
--- out ---
Verified sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3
  signed as market.example/acme/db
  by key    ce97ec20d43661a19b215cb2e376a698d0b4aa2aa5b4c7854e916bd05082fcee
  released  2026-10-02 12:00 UTC as 1.4, certified
  log       market.example/log with 1 entry, 2026-11-01 12:00 UTC
--- err ---
"#);
    let document = place.json(&[&VERIFY[..], &["--now", NOW]].concat());
    assert_eq!(document["log"]["state"], "listed");
    assert_eq!(document["log"]["certified"], true);
    insta::assert_snapshot!(run(&place, &["--at", "2026-10-01"]), @r#"
exit 5
--- out ---
--- err ---
error: the image was not released by 2026-10-01 23:59 UTC
"#);
    let later = "2026-12-24T12:00:00Z";
    let old = place.run(&[&VERIFY[..], &["--now", later, "--max-age", "30"]].concat());
    assert!(
        old.starts_with("exit 4") && old.contains("which is too old"),
        "{old}"
    );
    let any = place.run(&[&VERIFY[..], &["--now", later]].concat());
    assert!(any.starts_with("exit 0"), "{any}");
}

#[test]
fn what_is_held_or_revoked_is_refused_from_that_day_on() {
    let place = signed(&[Event::Held, Event::Revoked]);
    let now = run(&place, &[]);
    assert!(now.starts_with("exit 5"), "{now}");
    assert!(
        now.contains("is signed, but it is revoked since 2026-10-22 12:00 UTC"),
        "{now}"
    );
    let held = run(&place, &["--at", "2026-10-15"]);
    assert!(held.contains("on hold since 2026-10-12"), "{held}");
    let before = run(&place, &["--at", "2026-10-05"]);
    assert!(before.starts_with("exit 0"), "{before}");
    let beyond = run(&place, &["--at", "2026-11-02"]);
    assert!(
        beyond.starts_with("exit 2") && beyond.contains("nothing is known"),
        "{beyond}"
    );
}

/// An older version in the place of another, with all its signatures and proofs.
#[test]
fn a_tag_of_a_layout_is_what_the_log_says() {
    let (place, digest) = unproven();
    let released = |tag: &str, digest: &Digest| Event::Released {
        tag: tag.to_owned(),
        digest: digest.clone(),
        certified: true,
        key: "k".to_owned(),
    };
    let newer = Digest::of(b"another image");
    prove(&place, &digest, &[released("1.5", &newer)]);
    let layout = Layout::open(&place.join("image")).expect("a layout");
    let image = layout.select(Some("1.4")).expect("there");
    let image = image.manifest(image.root()).expect("a manifest");
    for tag in ["1.5", "1.6"] {
        layout.put_manifest(&image, Some(tag)).expect("tagged");
    }
    let tagged = |tag: &str| {
        let image = format!("oci:image:{tag}");
        let mut args = [&VERIFY[..], &["--now", NOW]].concat();
        args[1] = &image;
        place.run(&args)
    };
    let own = tagged("1.4");
    assert!(own.starts_with("exit 0"), "{own}");
    let moved = tagged("1.5");
    assert!(
        moved.starts_with("exit 5") && moved.contains("the tag 1.5 names sha256:"),
        "{moved}"
    );
    let strange = tagged("1.6");
    assert!(
        strange.starts_with("exit 5") && strange.contains("the log knows no tag 1.6"),
        "{strange}"
    );
}

/// A node's clock was an hour ahead: what the log says last is what counts.
#[test]
fn a_hold_is_seen_whatever_clock_it_was_written_by() {
    let (place, digest) = unproven();
    let released = Event::Released {
        tag: "1.4".to_owned(),
        digest,
        certified: true,
        key: "k".to_owned(),
    };
    let now: DateTime<chrono::Utc> = NOW.parse().expect("a time");
    let hour = TimeDelta::hours(1);
    let other = Event::TagWithdrawn {
        tag: "0.9".to_owned(),
    };
    prove_events(
        &place,
        &[
            (now - hour * 2, released),
            (now + hour, Event::Held),
            (now - hour, other),
        ],
    );
    let held = run(&place, &[]);
    assert!(
        held.starts_with("exit 5") && held.contains("it is on hold"),
        "{held}"
    );
}

/// What was seen once is not forgotten, also where it came with the image.
#[test]
fn a_proof_beside_an_image_is_remembered() {
    let (place, digest) = unproven();
    prove(&place, &digest, &[Event::Held]);
    assert!(run(&place, &[]).starts_with("exit 5"));
    prove(&place, &digest, &[]);
    let older = run(&place, &[]);
    assert!(
        older.starts_with("exit 4") && older.contains("1 of the 2 entries"),
        "{older}"
    );
}

#[test]
fn a_proof_that_was_altered_is_refused() {
    let place = signed(&[Event::Held]);
    let text = std::fs::read_to_string(place.join(PROOF)).expect("a file");
    place.write(PROOF, text.replace("\\\"held\\\"", "\\\"reinstated\\\""));
    let refused = run(&place, &[]);
    assert!(
        refused.starts_with("exit 4") && refused.contains("is not proven"),
        "{refused}"
    );
    place.write(PROOF, "{}");
    assert!(run(&place, &[]).starts_with("exit 4"));
}

#[test]
fn a_platform_must_be_there() {
    let place = signed(&[]);
    let there = run(&place, &["--platform", "linux/amd64"]);
    assert!(there.starts_with("exit 0"), "{there}");
    let missing = run(&place, &["--platform", "linux/s390x"]);
    assert!(
        missing.starts_with("exit 2") && missing.contains("it has linux/amd64"),
        "{missing}"
    );
}

#[test]
fn docker_takes_it_for_a_plugin() {
    let place = Place::new();
    let plugin = place.join("docker-plimsoll");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_plimsoll"), &plugin).expect("a link");
    let run = |args: &[&str]| {
        let output = std::process::Command::new(&plugin)
            .args(args)
            .env_clear()
            .output();
        String::from_utf8(output.expect("it runs").stdout).expect("text")
    };
    let metadata: serde_json::Value =
        serde_json::from_str(&run(&["docker-cli-plugin-metadata"])).expect("JSON");
    assert_eq!(metadata["SchemaVersion"], "0.1.0");
    assert!(run(&["plimsoll", "help", "exit-codes"]).contains("Exit codes:"));
}
