//! Metadata of real clients and of the reference server, from recorded traffic: all of it is
//! read and verified here too.

use std::{collections::BTreeMap, path::PathBuf};

use plimsoll_trust::tuf::{Current, File, Refusal, Role, ancestors, publish};
use serde_json::Value;

/// Reads a recording; none where the folder of test data is not there.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "where tests are told so"
)]
fn recording(name: &str) -> Option<Vec<Value>> {
    let given = std::env::var("PLIMSOLL_TEST_DATA").map(PathBuf::from);
    let root = given.unwrap_or_else(|_| "../../../shared/data".into());
    let file = root.join("notary").join(name);
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: there is no {}", file.display());
        return None;
    };
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    Some(lines.collect())
}

/// The parts of a recorded upload.
fn parts(body: &str) -> BTreeMap<String, Vec<u8>> {
    let boundary = body.lines().next().unwrap_or_default();
    let parts = body.split(boundary).filter_map(|part| {
        let (head, rest) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("filename=\"")?;
        let (name, _) = name.split_once('"')?;
        Some((
            name.to_owned(),
            rest.trim_end_matches("\r\n").as_bytes().to_vec(),
        ))
    });
    parts.collect()
}

/// What a server without the recorded server's keys gets to: everything that the publisher
/// signed was good.
fn all_but_the_servers_part(result: &Result<(), Refusal>) -> bool {
    matches!(result, Err(Refusal::Hierarchy(_)))
        || *result
            == Err(Refusal::Root(
                "no timestamp keys exist on the server".to_owned(),
            ))
}

#[test]
fn what_real_clients_publish_verifies() {
    let mut uploads = 0;
    for name in [
        "docker-dct-one-origin.jsonl",
        "docker-trust-cli28.jsonl",
        "docker-trust-tokenauth.jsonl",
        "notary-client-basic.jsonl",
        "notary-client-rootrotate-errors.jsonl",
    ] {
        let Some(lines) = recording(name) else { return };
        let mut there: BTreeMap<String, Current> = BTreeMap::new();
        for line in lines {
            let text = |field: &str| line[field].as_str().unwrap_or_default();
            let Some((gun, "")) = text("p")
                .trim_start_matches("/v2/")
                .split_once("/_trust/tuf/")
            else {
                continue;
            };
            if text("m") != "POST" || line["s"] != 200 {
                continue;
            }
            let files: Result<BTreeMap<Role, File>, _> = parts(text("rb"))
                .into_iter()
                .map(|(role, bytes)| {
                    Ok::<_, String>((
                        role.parse().map_err(|e| format!("{e}"))?,
                        File::parse(bytes).map_err(|e| e.to_string())?,
                    ))
                })
                .collect();
            let files = files.unwrap_or_else(|error| panic!("{name}: {error}"));
            let current = there.entry(gun.to_owned()).or_default();
            let needed = ancestors(files.keys());
            let mut given = current.clone();
            given
                .files
                .retain(|role, _| needed.contains(role) && *role != Role::Snapshot);
            // The server's part is unknown, and so is what the recording did not see.
            let now = files
                .values()
                .map(|file| file.expires)
                .min()
                .unwrap_or_default()
                - chrono::TimeDelta::days(1);
            let mut without = files.clone();
            without.remove(&Role::Snapshot);
            let taken = publish(gun, &given, without, &[], now).map(|_| ());
            let begins = format!("{name}: {taken:?}");
            assert!(
                all_but_the_servers_part(&taken) || begins.contains("targets must be loaded"),
                "{begins}"
            );
            current.files.extend(files);
            uploads += 1;
        }
    }
    assert!(uploads >= 20, "{uploads}");
}

#[test]
fn keys_have_the_names_that_clients_give_them() {
    let Some(lines) = recording("notary-client-basic.jsonl") else {
        return;
    };
    let mut keys = 0;
    for line in lines {
        let path = line["p"].as_str().unwrap_or_default();
        if !path.ends_with("/root.json") || line["s"] != 200 {
            continue;
        }
        let text = line["b"].as_str().unwrap_or_default();
        let file = File::parse(text.as_bytes().to_vec()).expect("metadata");
        let root = file.root().expect("a root");
        for role in [Role::Root, Role::Targets, Role::Snapshot, Role::Timestamp] {
            for (id, key) in &root.role(&role).expect("a role").keys {
                assert_eq!(key.id(), id);
                keys += 1;
            }
        }
    }
    assert!(keys >= 4);
}
