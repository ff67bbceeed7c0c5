//! What must be refused of trust metadata, sent to the server and to the reference server with
//! its signer: the same status and the same error from both, and nothing stored by either.

use std::path::Path;

use chrono::DateTime;
use serde_json::{Map, Value, json};
use trust::tuf::{File, Role, sign};

use crate::{
    http::Registry,
    market::Market,
    notary_desk::{Desk, Parts, only, role, told},
    publisher::{Holders, root, root_signer, signer, snapshot, targets},
    reference::Reference,
};

/// An update: what it is called here, and how it is made.
type Attempt = (&'static str, fn(&Desk) -> Parts);

fn altered(file: &File, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(file.bytes.clone()).expect("text");
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

/// Wrong signatures, wrong places, wrong forms; version 2 of targets is there.
const ATTEMPTS: &[Attempt] = &[
    ("another's signature", |_| {
        let file = targets(&Role::Targets, 3, (&[], &[]), &[signer(9)]);
        only(&Role::Targets, &file)
    }),
    ("no signature", |_| {
        only(&Role::Targets, &targets(&Role::Targets, 3, (&[], &[]), &[]))
    }),
    ("altered after it was signed", |desk| {
        let bytes = altered(&desk.targets(3), "\"length\":1", "\"length\":2");
        vec![("targets", bytes)]
    }),
    ("a delegate's signature for targets", |_| {
        let file = targets(&Role::Targets, 3, (&[], &[]), &[signer(4)]);
        only(&Role::Targets, &file)
    }),
    (
        "a signature for targets by the delegate's delegator",
        |_| {
            let file = targets(&role("targets/releases"), 2, (&[], &[]), &[signer(2)]);
            only(&role("targets/releases"), &file)
        },
    ),
    ("what is there, again", |desk| {
        only(&Role::Targets, &desk.targets(2))
    }),
    ("what was there before", |desk| {
        only(&Role::Targets, &desk.targets(1))
    }),
    ("the first update, again", Desk::first),
    ("another file of the version that is there", |_| {
        let file = targets(&Role::Targets, 2, (&["other"], &[]), &[signer(2)]);
        only(&Role::Targets, &file)
    }),
    ("a delegate's file, again", |desk| {
        only(&role("targets/releases"), &desk.releases(1))
    }),
    ("a role that nobody delegates", |_| {
        let file = targets(&role("targets/other"), 1, (&[], &[]), &[signer(4)]);
        vec![("targets/other", file.bytes)]
    }),
    ("a role below one that is not there", |_| {
        let file = targets(&role("targets/other/deep"), 1, (&[], &[]), &[signer(4)]);
        vec![("targets/other/deep", file.bytes)]
    }),
    ("a role that a good delegate does not delegate", |_| {
        let file = targets(&role("targets/releases/x"), 1, (&[], &[]), &[signer(4)]);
        vec![("targets/releases/x", file.bytes)]
    }),
    ("targets where the root belongs", |desk| {
        vec![("root", desk.targets(3).bytes)]
    }),
    ("the root where targets belong", |desk| {
        let file = root(3, &desk.holders, &desk.holders.targets);
        vec![("targets", file.bytes)]
    }),
    ("targets that have ended", |_| {
        let ended = (3, DateTime::UNIX_EPOCH);
        let fields = json!({ "targets": {}, "delegations": { "keys": {}, "roles": [] } });
        let file = sign(&Role::Targets, ended, fields, &[&signer(2)]);
        only(&Role::Targets, &file.expect("metadata"))
    }),
    ("a root that has ended", |desk| {
        let next = root(2, &desk.holders, &desk.holders.root);
        let next: Value = serde_json::from_slice(&next.bytes).expect("JSON");
        let ended = (2, DateTime::UNIX_EPOCH);
        let signers: Vec<_> = desk.holders.root.iter().collect();
        let file = sign(&Role::Root, ended, next["signed"].clone(), &signers);
        only(&Role::Root, &file.expect("metadata"))
    }),
    ("a root that skips a version", |desk| {
        only(&Role::Root, &root(3, &desk.holders, &desk.holders.root))
    }),
    ("the root that is there, again", |desk| {
        only(&Role::Root, &root(1, &desk.holders, &desk.holders.root))
    }),
    ("a root by a stranger", |desk| {
        only(&Role::Root, &root(2, &desk.holders, &[signer(9)]))
    }),
    ("another root key, by itself alone", |desk| {
        desk.rotated(2, &[root_signer(&desk.gun, 11)])
    }),
    ("another root key, by the old one alone", |desk| {
        desk.rotated(2, &desk.holders.root)
    }),
    ("another root key that skips a version", |desk| {
        let old = desk.holders.root[0].clone();
        desk.rotated(3, &[old, root_signer(&desk.gun, 11)])
    }),
    ("another root key for another name", |desk| {
        let old = desk.holders.root[0].clone();
        let holders = Holders {
            root: vec![root_signer("registry.example/other", 12)],
            ..desk.holders.clone()
        };
        let both = [old, holders.root[0].clone()];
        only(&Role::Root, &root(2, &holders, &both))
    }),
    ("a root that two must sign, by one", |desk| {
        let holders = Holders {
            root: vec![desk.holders.root[0].clone(), root_signer(&desk.gun, 11)],
            threshold: 2,
            ..desk.holders.clone()
        };
        only(&Role::Root, &root(2, &holders, &desk.holders.root))
    }),
    ("a root with a timestamp key of the publisher's", |desk| {
        let holders = Holders {
            timestamp: vec![signer(5).key],
            ..desk.holders.clone()
        };
        only(&Role::Root, &root(2, &holders, &desk.holders.root))
    }),
    ("a snapshot by a stranger", |desk| {
        let files = [
            (&Role::Root, &root(1, &desk.holders, &desk.holders.root)),
            (&Role::Targets, &desk.targets(2)),
        ];
        only(&Role::Snapshot, &snapshot(9, &files, &[signer(9)]))
    }),
    ("half a file", |desk| {
        let bytes = desk.targets(3).bytes;
        vec![("targets", bytes[..bytes.len() / 2].to_vec())]
    }),
    ("an empty file", |_| vec![("targets", Vec::new())]),
    ("a file that is none", |_| vec![("targets", b"{}".to_vec())]),
    ("a good file and a bad one", |desk| {
        let bad = targets(&role("targets/releases"), 2, (&[], &[]), &[signer(9)]);
        vec![
            ("targets", desk.targets(3).bytes),
            ("targets/releases", bad.bytes),
        ]
    }),
    ("a role that is none", |desk| {
        vec![("bogus", desk.targets(3).bytes)]
    }),
    ("a file for no role", |desk| {
        vec![("", desk.targets(3).bytes)]
    }),
];

/// The same where the publisher makes the snapshot.
const SNAPSHOTS: &[Attempt] = &[
    ("no snapshot", |desk| only(&Role::Targets, &desk.targets(3))),
    ("new targets and a snapshot that names the old", |desk| {
        vec![
            ("targets", desk.targets(3).bytes),
            ("snapshot", desk.snapshot(3, |_, _| {}).bytes),
        ]
    }),
    ("a snapshot that leaves targets out", |desk| {
        let file = desk.snapshot(3, |_, files| drop(files.remove(1)));
        only(&Role::Snapshot, &file)
    }),
    ("the snapshot that is there, again", |desk| {
        only(&Role::Snapshot, &desk.snapshot(2, |_, _| {}))
    }),
    ("the snapshot of before, again", |desk| {
        let first = desk.snapshot(1, |desk, files| files[1].1 = desk.targets(1));
        only(&Role::Snapshot, &first)
    }),
    ("a snapshot by the key for targets", |desk| {
        let files = [
            (&Role::Root, &root(1, &desk.holders, &desk.holders.root)),
            (&Role::Targets, &desk.targets(2)),
        ];
        only(&Role::Snapshot, &snapshot(3, &files, &[signer(2)]))
    }),
    ("a root that the snapshot does not name", |desk| {
        let next = root(2, &desk.holders, &desk.holders.root);
        vec![
            ("root", next.bytes),
            ("snapshot", desk.snapshot(3, |_, _| {}).bytes),
        ]
    }),
    (
        "a snapshot that names targets which are not there",
        |desk| {
            let file = desk.snapshot(3, |desk, files| files[1].1 = desk.targets(3));
            only(&Role::Snapshot, &file)
        },
    ),
    ("a snapshot of what was there before", |desk| {
        let old = desk.snapshot(4, |desk, files| files[1].1 = desk.targets(1));
        only(&Role::Snapshot, &old)
    }),
];

/// Before anything is there.
const BEGINNINGS: &[Attempt] = &[
    ("nothing", |_| Vec::new()),
    ("targets without a root", |desk| {
        only(&Role::Targets, &desk.targets(1))
    }),
    ("a root without targets", |desk| {
        only(&Role::Root, &root(1, &desk.holders, &desk.holders.root))
    }),
    ("a root for another name", |desk| {
        let holders = Holders {
            root: vec![root_signer("registry.example/other", 1)],
            ..desk.holders.clone()
        };
        vec![
            ("root", root(1, &holders, &holders.root).bytes),
            ("targets", desk.targets(1).bytes),
        ]
    }),
];

/// Where the two differ: what is refused here, in which words, and what the reference says.
fn known_differences() -> Value {
    json!({
        // It reads any JSON, and then misses all that should be there.
        "a file that is none": [
            [400, "MALFORMED_JSON", null],
            [400, "INVALID_UPDATE", "ErrBadTargets"],
        ],
        // It takes both, which leaves clients with what they cannot have, or with a rollback that
        // only those know of who saw the newer file.
        "a snapshot that names targets which are not there": [
            [400, "INVALID_UPDATE", "ErrBadSnapshot"],
            [200, null, null],
        ],
        "a snapshot of what was there before": [
            [400, "INVALID_UPDATE", "ErrBadSnapshot"],
            [200, null, null],
        ],
    })
}

#[test]
fn what_the_reference_refuses_is_refused_in_its_words() {
    refuses_the_same(Reference::start, &known_differences());
}

/// Of a key that its signer does not have, the reference knows no more than that it failed.
#[test]
fn what_the_reference_with_its_signer_refuses_is_refused() {
    let mut differences = known_differences();
    differences["a root with a timestamp key of the publisher's"] = json!([
        [400, "INVALID_UPDATE", "ErrBadRoot"],
        [400, "INVALID_UPDATE", "ErrValidation"],
    ]);
    differences["no snapshot"] = json!([
        [400, "INVALID_UPDATE", "ErrBadHierarchy"],
        [400, "INVALID_UPDATE", "ErrValidation"],
    ]);
    refuses_the_same(Reference::with_signer, &differences);
}

fn refuses_the_same(start: fn(&Path) -> Option<Reference>, expected: &Value) {
    let market = Market::start();
    let Some(reference) = start(market.dir.path()) else {
        return;
    };
    let mut differences = Map::new();
    for (name, keeps_snapshot, attempts) in [("one", false, ATTEMPTS), ("two", true, SNAPSHOTS)] {
        let gun = format!("{}/staging/acme/{name}", market.server.host());
        let scope = format!("repository:{gun}:*");
        let account = ("ann", market.desk.token());
        let ours = Registry::with_scopes(market.server.url(), account, [scope]);
        let ours = ours.expect("a token");
        let both = [ours, Registry::nobody(&reference.url)];
        let both = both.map(|registry| Desk::new(registry, &gun, keeps_snapshot));
        compare(&both, BEGINNINGS, &mut differences);
        for desk in &both {
            let second = match keeps_snapshot {
                false => only(&Role::Targets, &desk.targets(2)),
                true => vec![
                    ("targets", desk.targets(2).bytes),
                    ("snapshot", desk.snapshot(2, |_, _| {}).bytes),
                ],
            };
            for update in [desk.first(), second] {
                let answer = desk.publish(&update);
                let said = String::from_utf8_lossy(&answer.body);
                assert_eq!(answer.status, 200, "{said}");
            }
        }
        compare(&both, attempts, &mut differences);
    }
    assert_eq!(Value::Object(differences), *expected);
}

/// Sends each update to both; what they say of it is the same, or noted with what both said.
fn compare(both: &[Desk; 2], attempts: &[Attempt], differences: &mut Map<String, Value>) {
    for (name, make) in attempts {
        let before = both.each_ref().map(newest);
        let [ours, theirs] = both.each_ref().map(|desk| told(&desk.publish(&make(desk))));
        if ours != theirs {
            differences.insert((*name).to_owned(), json!([ours, theirs]));
        }
        assert!(ours.0 >= 400, "{name}: it is taken");
        assert_eq!(newest(&both[0]), before[0], "{name}: something is stored");
        if theirs.0 >= 400 {
            assert_eq!(
                newest(&both[1]),
                before[1],
                "{name}: something is stored there"
            );
        }
    }
    // A body without any part is left out: the reference ends the connection.
    let broken =
        b"--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"targets\"\r\n\r\n{";
    for (name, method, path, body) in [
        ("half an update", "POST", "tuf/", &broken[..]),
        ("another method", "PUT", "tuf/", &b""[..]),
        (
            "a key that no server holds",
            "POST",
            "tuf/root.key",
            &b""[..],
        ),
        ("the same, read", "GET", "tuf/targets.key", &b""[..]),
        (
            "a version that is not there",
            "GET",
            "tuf/99.root.json",
            &b""[..],
        ),
        (
            "a role that is none, read",
            "GET",
            "tuf/bogus.json",
            &b""[..],
        ),
        ("changes without a number", "GET", "changefeed", &b""[..]),
    ] {
        let [ours, theirs] = both
            .each_ref()
            .map(|desk| told(&desk.ask(method, path, body)));
        if ours != theirs {
            differences.insert(name.to_owned(), json!([ours, theirs]));
        }
    }
}

fn newest(desk: &Desk) -> Vec<u8> {
    desk.ask("GET", "tuf/timestamp.json", &[]).body
}
