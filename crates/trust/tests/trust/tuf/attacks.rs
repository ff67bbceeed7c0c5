//! What an update must not do, each tried.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use plimsoll_trust::tuf::{
    File, Invalid, Key, Malformed, Refusal, Role, Signer, TIMESTAMP_LIFE, publish, renew,
};
use proptest::prelude::*;

use super::world::{GUN, World, releases};
use crate::publisher::{Delegated, certificate, now, root, root_signer, signer, snapshot, targets};

fn refused(world: &World, uploads: BTreeMap<Role, File>) -> String {
    let refusal = world.clone().publish(uploads).expect_err("a refusal");
    format!("{refusal:?}")
}

fn one(role: Role, file: File) -> BTreeMap<Role, File> {
    BTreeMap::from([(role, file)])
}

#[test]
fn good_updates_are_taken() {
    for own_snapshot in [true, false] {
        let mut world = World::begun(own_snapshot);
        world.is_whole();
        let uploads = world.with_snapshot(one(releases(), world.releases(2, &["1", "2"])));
        world.publish(uploads).expect("a delegation's update");
        world.is_whole();
        let uploads = world.with_snapshot(one(Role::Targets, world.targets(9, &[])));
        world
            .publish(uploads)
            .expect("an update that skips versions");
        world.is_whole();
    }
    // With the snapshot's key on the server, an update of nothing makes a new snapshot.
    let mut world = World::begun(false);
    world.publish(BTreeMap::new()).expect("an empty update");
    assert_eq!(world.version(&Role::Snapshot), 2);
}

#[test]
fn a_repository_begins_with_root_and_targets() {
    let world = World::new(false);
    let first = world.first();
    let with = |roles: &[Role]| {
        let mut some = first.clone();
        some.retain(|role, _| roles.contains(role));
        refused(&world, some)
    };
    assert!(
        with(&[Role::Targets]).contains("no pre-existing root and no root provided in update.")
    );
    assert!(with(&[Role::Root]).contains("targets must be loaded first"));
    assert!(with(&[Role::Root, releases()]).contains("delegation does not exist"));
    let own = World::new(true);
    let mut first = own.first();
    first.remove(&Role::Snapshot);
    assert!(refused(&own, first).starts_with("Hierarchy"));
    let mut stranger = World::new(false);
    stranger.server = vec![signer(77)];
    assert!(refused(&stranger, world.first()).starts_with("Hierarchy"));
    let mut half = World::new(false);
    half.server.remove(0);
    assert!(refused(&half, world.first()).contains("no timestamp keys exist on the server"));
}

#[test]
fn a_new_root_is_signed_by_the_old_keys_and_the_new() {
    let world = World::begun(false);
    let mut holders = world.holders.clone();
    holders.root = vec![root_signer(GUN, 11)];
    let (old, new) = (world.holders.root[0].clone(), holders.root[0].clone());
    let rotated = |version, signers: &[Signer]| one(Role::Root, root(version, &holders, signers));
    let only_new = refused(&world, rotated(2, std::slice::from_ref(&new)));
    assert!(only_new.contains("could not rotate trust to a new trusted root"));
    let only_old = refused(&world, rotated(2, std::slice::from_ref(&old)));
    assert!(only_old.contains("failed to validate integrity of roots"));
    let both = [old, new];
    for version in [3, 0] {
        let far = refused(&world, rotated(version, &both));
        assert!(
            far.contains("Root modifications must increment the version"),
            "{far}"
        );
    }
    assert_eq!(refused(&world, rotated(1, &both)), "OldVersion(Root)");
    let mut world = world;
    world.publish(rotated(2, &both)).expect("a rotation");
    world.is_whole();
    // The old key has no say any more.
    let mut back = world.holders.clone();
    back.threshold = 1;
    let again = one(Role::Root, root(3, &back, &world.holders.root));
    assert!(refused(&world, again).contains("could not rotate"));
}

#[test]
fn a_root_key_has_a_certificate_for_this_repository() {
    for (name, taken) in [
        (GUN, true),
        ("registry.example/staging/acme/*", true),
        ("registry.example/staging/acme/other", false),
        ("registry.example/staging/acme", false),
    ] {
        let mut world = World::new(false);
        world.holders.root = vec![root_signer(name, 1)];
        let uploads = world.first();
        assert_eq!(world.publish(uploads).is_ok(), taken, "{name}");
    }
    let mut bare = World::new(false);
    bare.holders.root = vec![signer(1)];
    assert!(refused(&bare, bare.first()).contains("unable to retrieve valid leaf certificates"));
    let late = now() + TimeDelta::days(365 * 101);
    let world = World::new(false);
    let ended = publish(GUN, &world.current, world.first(), &world.server, late);
    assert!(format!("{ended:?}").contains("unable to retrieve valid leaf certificates"));
}

#[test]
fn a_threshold_is_met_by_different_keys() {
    let mut world = World::new(false);
    let signing = signer(2).signing;
    let pem = certificate("anybody", &signing);
    let same = Signer {
        key: Key::new("ecdsa-x509", pem.into_bytes()),
        signing,
    };
    world.holders.root.push(root_signer(GUN, 12));
    world.holders.targets = vec![signer(2), same, signer(13)];
    world.holders.threshold = 2;
    let first = world.first();
    let signed_by = |signers: &[Signer]| {
        let mut uploads = first.clone();
        uploads.remove(&releases());
        uploads.insert(
            Role::Targets,
            targets(&Role::Targets, 1, (&[], &[]), signers),
        );
        world.clone().publish(uploads)
    };
    let holders = &world.holders.targets;
    let short = "valid signatures did not meet threshold for targets";
    for too_few in [&holders[..1], &holders[..2], &[signer(66)]] {
        assert_eq!(signed_by(too_few), Err(Refusal::Targets(short.to_owned())));
    }
    signed_by(&holders[1..]).expect("two keys signed");
    signed_by(&[holders[0].clone(), signer(66), holders[2].clone()]).expect("strangers do no harm");
}

#[test]
fn nobody_signs_for_another_or_for_a_role_that_is_not() {
    let world = World::begun(false);
    let by = |role: &Role, number| targets(role, 2, (&["evil"], &[]), &[signer(number)]);
    for (role, number, why) in [
        (Role::Targets, 4, "did not meet threshold for targets"),
        (releases(), 2, "did not meet threshold for targets/releases"),
        (
            "targets/other".parse().expect("a role"),
            4,
            "delegation does not exist",
        ),
        (
            "targets/releases/deep".parse().expect("a role"),
            4,
            "delegation does not exist",
        ),
    ] {
        let said = refused(&world, one(role.clone(), by(&role, number)));
        assert!(said.contains(why), "{role}: {said}");
    }
    // A file of one role does not pass for another's.
    let swapped = one(Role::Targets, world.current.files[&Role::Root].clone());
    assert!(refused(&world, swapped).starts_with("Targets"));
    // Nor may a parent delegate to what is not its own.
    let foreign = Delegated {
        role: "targets/releases/a/b",
        to: &[signer(4)],
        threshold: 1,
    };
    let file = targets(&releases(), 2, (&[], &[foreign]), &[signer(4)]);
    assert!(refused(&world, one(releases(), file)).contains("targets/releases/a/b invalid"));
    let none = Delegated {
        role: "targets/releases/a",
        to: &[],
        threshold: 0,
    };
    let file = targets(&releases(), 2, (&[], &[none]), &[signer(4)]);
    assert!(refused(&world, one(releases(), file)).contains("invalid threshold"));
}

#[test]
fn a_delegation_ends_with_its_parents_word() {
    let mut world = World::begun(true);
    let bare = targets(&Role::Targets, 2, (&[], &[]), &world.holders.targets);
    let mut there: BTreeMap<_, _> = world.current.files.clone();
    there.insert(Role::Targets, bare.clone());
    let files: Vec<_> = there
        .iter()
        .filter(|(role, _)| matches!(role, Role::Root | Role::Targets))
        .collect();
    let mut uploads = one(Role::Targets, bare);
    uploads.insert(Role::Snapshot, snapshot(2, &files, &[signer(3)]));
    world.publish(uploads).expect("a withdrawn delegation");
    assert!(!world.current.newest[&releases()].in_force);
    let again = one(releases(), world.releases(2, &[]));
    assert!(refused(&world, again).contains("delegation does not exist"));
}

#[test]
fn a_snapshot_names_exactly_what_is_newest() {
    let mut world = World::begun(true);
    let old = world.current.clone();
    let uploads = world.with_snapshot(one(releases(), world.releases(2, &["2"])));
    world.publish(uploads).expect("an update");
    let new = &world.current;
    let (root, targets) = (&new.files[&Role::Root], &new.files[&Role::Targets]);
    let cases: [(&str, Vec<(&Role, &File)>); 3] = [
        (
            "rolled back",
            vec![(&Role::Root, root), (&Role::Targets, targets)],
        ),
        (
            "left out",
            vec![(&Role::Root, root), (&Role::Targets, targets)],
        ),
        ("without targets", vec![(&Role::Root, root)]),
    ];
    let role = releases();
    for (case, mut files) in cases {
        if case == "rolled back" {
            files.push((&role, &old.files[&role]));
        }
        let file = snapshot(3, &files, &[signer(3)]);
        let said = refused(&world, one(Role::Snapshot, file));
        assert!(said.starts_with("Snapshot"), "{case}: {said}");
    }
    let strange: Role = "targets/unknown".parse().expect("a role");
    let files = [
        (&Role::Root, root),
        (&Role::Targets, targets),
        (&role, &new.files[&role]),
        (&strange, targets),
    ];
    let file = snapshot(3, &files, &[signer(3)]);
    assert!(refused(&world, one(Role::Snapshot, file)).contains("checksum for targets/unknown"));
}

#[test]
fn what_has_ended_is_not_taken_and_is_signed_anew() {
    let world = World::begun(false);
    let late = now() + TimeDelta::days(20 * 365 + 1);
    let update = one(Role::Targets, world.targets(2, &[]));
    let said = publish(GUN, &world.current, update, &world.server, late);
    let said = format!("{:?}", said.expect_err("a refusal"));
    assert!(said.contains("targets expired at Thu Jan 10"), "{said}");
    let soon = (now() + TimeDelta::days(7), now() + TimeDelta::days(90));
    let nothing = renew(&world.current, &world.server, soon, now()).expect("looked");
    assert!(nothing.is_empty());
    let week = now() + TIMESTAMP_LIFE - TimeDelta::days(6);
    let ends = (week + TimeDelta::days(7), week);
    let files = renew(&world.current, &world.server, ends, week).expect("renewed");
    let [(Role::Timestamp, timestamp)] = files.as_slice() else {
        panic!("{files:?}")
    };
    assert_eq!(
        (timestamp.version, timestamp.expires),
        (2, week + TIMESTAMP_LIFE)
    );
    let years = now() + TimeDelta::days(3 * 365 - 1);
    let ends = (years + TimeDelta::days(7), years + TimeDelta::days(90));
    let files = renew(&world.current, &world.server, ends, years).expect("renewed");
    assert_eq!(files.len(), 2);
    // A publisher's own snapshot is the publisher's to sign.
    let own = World::begun(true);
    let files = renew(&own.current, &own.server, ends, years).expect("renewed");
    assert!(matches!(files.as_slice(), [(Role::Timestamp, _)]));
}

#[test]
fn private_keys_are_not_taken() {
    let world = World::new(false);
    let file = &world.first()[&Role::Root];
    let text = String::from_utf8(file.bytes.clone()).expect("text");
    let text = text.replacen("\"private\":null", "\"private\":\"AAAA\"", 1);
    let file = File::parse(text.into_bytes()).expect("metadata");
    let Err(Invalid(said)) = file.root() else {
        panic!("it was taken")
    };
    assert!(said.contains("private half"), "{said}");
    assert!(!said.contains("AAAA"), "{said}");
}

#[test]
fn what_is_no_metadata_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"signed":{}}"#,
        r#"{"signed":{"version":1,"expires":"soon"}}"#,
        r#"{"signed":{"version":1.5,"expires":"2030-01-01T00:00:00Z"}}"#,
        r#"{"signed":{"version":1,"Version":2,"expires":"2030-01-01T00:00:00Z"}}"#,
        r#"{"signed":{"version":1,"expires":"2030-01-01T00:00:00Z"},"signatures":[{"keyid":"a","method":"ecdsa","sig":"?"}]}"#,
    ] {
        let parsed = File::parse(text.as_bytes().to_vec());
        assert!(matches!(parsed, Err(Malformed(_))), "{text}");
    }
}

/// What may be sent again, in any mixture.
fn history(own_snapshot: bool) -> (World, Vec<(Role, File)>) {
    let mut world = World::new(own_snapshot);
    let mut sent: Vec<(Role, File)> = Vec::new();
    let updates = [
        world.first(),
        one(releases(), world.releases(2, &["2"])),
        one(Role::Targets, world.targets(2, &["2"])),
        BTreeMap::from([
            (Role::Targets, world.targets(3, &[])),
            (releases(), world.releases(3, &[])),
        ]),
    ];
    for update in updates {
        let update = world.with_snapshot(update);
        sent.extend(update.clone());
        world.publish(update).expect("a good update");
    }
    sent.extend([
        (releases(), world.releases(4, &["4"])),
        (Role::Targets, world.targets(4, &["4"])),
        (Role::Root, root(2, &world.holders, &world.holders.root)),
    ]);
    (world, sent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_sequence_of_updates_rolls_back(
        own_snapshot: bool,
        updates in prop::collection::vec(prop::collection::vec(0..64_usize, 0..4), 1..6),
    ) {
        let (mut world, sent) = history(own_snapshot);
        for update in updates {
            let before = world.clone();
            let files: BTreeMap<_, _> =
                update.iter().map(|place| sent[place % sent.len()].clone()).collect();
            let taken = world.publish(files);
            for (role, newest) in &before.current.newest {
                let is = &world.current.newest[role];
                prop_assert!(is.version >= newest.version, "{role}");
                prop_assert!(is.version > newest.version || is.sha256 == newest.sha256, "{role}");
            }
            if taken.is_ok() {
                prop_assert!(world.version(&Role::Timestamp) > before.version(&Role::Timestamp));
            }
            world.is_whole();
        }
    }

    #[test]
    fn no_bit_of_what_is_signed_can_be_flipped(which in 0..4_usize, place in 0.0..1.0, bit in 0..8_u8) {
        let world = World::new(true);
        let mut first = world.first();
        let role = first.keys().nth(which).expect("four files").clone();
        let mut bytes = first[&role].bytes.clone();
        let end = bytes.windows(13).position(|part| part == b",\"signatures\"").expect("signatures");
        bytes[(end as f64 * place) as usize] ^= 1 << bit;
        if let Ok(file) = File::parse(bytes) {
            first.insert(role, file);
            prop_assert!(world.clone().publish(first).is_err());
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in r#"[\{\}\[\]":,a-z0-9_\\]{0,200}"#) {
        if let Ok(file) = File::parse(text.into_bytes()) {
            let _what = (file.root(), file.targets(&Role::Targets), file.snapshot(), file.timestamp());
        }
    }
}
