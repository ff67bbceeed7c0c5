//! The trust metadata of released names, as a client with content trust reads it.

use std::collections::BTreeMap;

use app::{WhichFile, market::ListingEvent, oci::Gun};
use chrono::TimeDelta;
use trust::tuf::{File, Role, find_target};

use crate::{
    images::Image,
    world::{HOST, World},
};

fn gun() -> Gun {
    format!("{HOST}/acme/db").parse().expect("a name")
}

/// Returns the metadata by role.
async fn files(world: &World) -> BTreeMap<Role, File> {
    let mut files = BTreeMap::new();
    for role in [Role::Root, Role::Targets, Role::Snapshot, Role::Timestamp] {
        let found = world.app.trust_file(&gun(), &role, WhichFile::Newest).await;
        let found = found.expect("read").expect("there");
        files.insert(role, File::parse(found.content).expect("metadata"));
    }
    files
}

/// Returns the tags that are signed, verified from the root down.
async fn signed(world: &World) -> Vec<(String, i64)> {
    let files = files(world).await;
    let targets = files[&Role::Targets]
        .targets(&Role::Targets)
        .expect("targets");
    let check = |(name, meta): (&String, &trust::tuf::FileMeta)| {
        let hash = meta.sha256.clone().expect("a hash");
        let found = find_target(
            gun().as_str(),
            &files,
            (&hash, meta.length),
            name,
            world.app.now(),
        );
        (found.expect("signed").name, meta.length)
    };
    targets.targets.iter().map(check).collect()
}

both! {
    async fn every_released_tag_is_signed_until_the_product_is_revoked(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (one, two) = (Image::vulnerable("one"), Image::vulnerable("two"));
        let length = |image: &Image| i64::try_from(image.manifest().len()).expect("small");
        world.released("1.0", &one).await;
        assert_eq!(signed(&world).await, [("1.0".to_owned(), length(&one))]);
        world.released("1.1", &two).await;
        let both = [("1.0".to_owned(), length(&one)), ("1.1".to_owned(), length(&two))];
        assert_eq!(signed(&world).await, both);

        let manage = async |event| {
            let done = world.app.manage_listing(&world.operator, "acme", "db", event, "A reason");
            done.await.expect("done");
        };
        let before = files(&world).await;
        manage(ListingEvent::Hold).await;
        assert_eq!(files(&world).await, before, "a hold changes nothing signed");
        manage(ListingEvent::Revoke).await;
        assert!(signed(&world).await.is_empty());
        assert_eq!(files(&world).await[&Role::Root], before[&Role::Root]);
    }

    async fn timestamps_of_released_names_are_renewed(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::days(10));
        assert_eq!(world.app.renew_trust().await.expect("renewed"), 1);
        assert_eq!(files(&world).await[&Role::Timestamp].version, 2);
        assert_eq!(signed(&world).await.len(), 1);
    }
}
