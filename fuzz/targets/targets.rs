//! Where an image is looked for among trust metadata: files as they came, each after a line with
//! its role; and the same text as what the keys of the repository might sign.
#![no_main]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use trust::{
    SigningKey,
    tuf::{File, FileMeta, Role, RootKeys, Signer, find_target, root, sign},
};

const GUN: &str = "h/staging/a/b";

fuzz_target!(|data: &[u8]| {
    let key = |number: u8| SigningKey::from_scalar(&[number; 32]).expect("a scalar");
    let now = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
    let image = FileMeta::of(b"image");
    let sha256 = image.sha256.clone().expect("made");
    let find = |files: &BTreeMap<Role, File>| {
        find_target(GUN, files, (&sha256, image.length), "1", now)
    };
    let mut sent = BTreeMap::new();
    let mut said = BTreeMap::new();
    for part in data.split(|byte| *byte == 0).take(5) {
        let at = part.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let (role, bytes) = part.split_at(at);
        let Ok(role) = std::str::from_utf8(role).unwrap_or_default().parse::<Role>() else {
            continue;
        };
        if let Ok(file) = File::parse(bytes.to_vec()) {
            sent.insert(role.clone(), file);
        }
        if let Ok(fields) = serde_json::from_slice::<Value>(bytes) {
            said.insert(role, fields);
        }
    }
    assert!(find(&sent).is_err(), "no root has a certificate");

    let ends = now + TimeDelta::days(10);
    let signer = Signer::new(key(7));
    let own = &signer.key;
    let keys = RootKeys { targets: own, snapshot: own, timestamp: own };
    let mut files = BTreeMap::new();
    let first = root((GUN, None), keys, &[&key(8)], now).expect("a root");
    files.insert(Role::Root, first);
    for (role, mut fields) in said {
        if !role.is_targets() {
            continue;
        }
        // Our own key, so that what is left to others is signed as well.
        if let Some(left) = fields.get_mut("delegations").and_then(Value::as_object_mut) {
            left.insert("keys".to_owned(), json!({ own.id(): own.to_json() }));
            for role in left.get_mut("roles").and_then(Value::as_array_mut).into_iter().flatten() {
                if role["keyids"] == "own" {
                    role["keyids"] = json!([own.id()]);
                }
            }
        }
        if let Ok(file) = sign(&role, (1, ends), fields, &[&signer]) {
            files.insert(role, file);
        }
    }
    let describe = |files: &BTreeMap<Role, File>| {
        let described = files.iter().map(|(role, file)| {
            let meta = FileMeta::of(&file.bytes);
            let hash = base64_of(&meta);
            (role.to_string(), json!({ "length": meta.length, "hashes": { "sha256": hash } }))
        });
        json!({ "meta": described.collect::<Map<_, _>>() })
    };
    let snapshot = sign(&Role::Snapshot, (1, ends), describe(&files), &[&signer]);
    let snapshot = snapshot.expect("a snapshot");
    let of_snapshot = describe(&BTreeMap::from([(Role::Snapshot, snapshot.clone())]));
    let timestamp = sign(&Role::Timestamp, (1, ends), of_snapshot, &[&signer]);
    files.insert(Role::Snapshot, snapshot);
    files.insert(Role::Timestamp, timestamp.expect("a timestamp"));
    if let Ok(found) = find(&files) {
        let file = files.get(&found.role).expect("it says in which file");
        let targets = file.targets(&found.role).expect("that file was read");
        assert_eq!(targets.targets[&found.name].sha256.as_ref(), Some(&sha256));
        assert!(found.fresh_until > now);
    }
});

fn base64_of(meta: &FileMeta) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(meta.sha256.as_deref().unwrap_or_default())
}
