//! What trust metadata says of one image.

use chrono::TimeDelta;
use plimsoll_trust::tuf::{FileMeta, Invalid, Role, SignedTarget, find_target};

use super::world::{GUN, World, releases};
use crate::publisher::{now, signer};

fn find(world: &World, content: &str, wanted: &str) -> Result<SignedTarget, Invalid> {
    let meta = FileMeta::of(content.as_bytes());
    let image = (meta.sha256.as_deref().expect("made"), meta.length);
    find_target(GUN, &world.current.files, image, wanted, now())
}

#[test]
fn an_image_is_found_with_all_who_stand_behind_it() {
    let world = World::begun(false);
    let found = find(&world, "1", "1").expect("it is signed");
    assert_eq!((found.name.as_str(), &found.role), ("1", &Role::Targets));
    assert_eq!((found.version, found.timestamp), (1, 1));
    // The root key says who signs targets; the targets' key signs.
    assert_eq!(found.keys.len(), 2);
    for number in [1, 2] {
        let key = signer(number).signing.public().key_id();
        assert!(found.keys.contains(&key), "{number}");
    }
    let mut world = world;
    let update = [(releases(), world.releases(2, &["2"]))];
    world.publish(update.into()).expect("an update");
    let found = find(&world, "2", "2").expect("it is signed");
    assert_eq!((found.role, found.version), (releases(), 2));
    assert!(found.keys.contains(&signer(4).signing.public().key_id()));
}

#[test]
fn what_is_not_signed_or_no_more_fresh_is_not_found() {
    let world = World::begun(true);
    let unsigned = find(&world, "other", "1").expect_err("nobody signed it");
    assert_eq!(unsigned.0, "the trust metadata does not name this digest");
    let meta = FileMeta::of(b"1");
    let hash = meta.sha256.expect("made");
    let files = &world.current.files;
    assert!(
        find_target(GUN, files, (&hash, 2), "1", now()).is_err(),
        "another length"
    );
    let later = now() + TimeDelta::days(15);
    let stale = find_target(GUN, files, (&hash, 1), "1", later).expect_err("it is stale");
    assert!(stale.0.starts_with("timestamp expired at"), "{stale}");
    // A file that the snapshot does not name has no say.
    let mut mixed = world.clone();
    mixed
        .current
        .files
        .insert(Role::Targets, world.targets(2, &["3"]));
    let mixed = find(&mixed, "3", "3").expect_err("it is mixed");
    assert!(
        mixed.0.contains("checksum for targets did not match"),
        "{mixed}"
    );
    let mut other = world.clone();
    other
        .current
        .files
        .insert(releases(), world.releases(2, &["3"]));
    assert!(find(&other, "3", "3").is_err());
    find(&other, "1", "1").expect("the rest is good");
}
