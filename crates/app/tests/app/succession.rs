//! Who follows a release key that was replaced.

use std::{collections::BTreeSet, sync::Arc};

use app::{App, Keys, ReviewPolicy};
use trust::{SigningKey, log::Statement};

use crate::{
    images::Image,
    world::{HOST, World, keys, told},
};

fn key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).expect("a key")
}

async fn node(world: &World, release: u8, root: Option<SigningKey>) -> Arc<App> {
    let release = Arc::new(key(release));
    let known = keys();
    let keys = Keys {
        root_public: root.as_ref().map_or(known.root_public, SigningKey::public),
        release,
        root,
        ..known
    };
    world.node_with(ReviewPolicy::default(), keys).await
}

async fn said(app: &App) -> Statement {
    let statement = app.log_statement("acme/db", None).await;
    statement.expect("read").expect("it was released")
}

/// Returns whether what a market says is believed by whoever pinned a key.
async fn believed(app: &App, pinned: u8) -> Result<(), String> {
    let name = format!("{HOST}/acme/db");
    let opened = said(app).await.open(&name, &[key(pinned).public()]);
    opened.map(drop).map_err(|error| error.to_string())
}

both! {
    async fn whoever_pinned_a_replaced_key_goes_on(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let none = BTreeSet::new();
        for _ in 0..2 {
            world.app.appoint_root().await.expect("appointed");
        }
        assert!(said(&world.app).await.successions.is_empty(), "nothing was replaced");
        let away = node(&world, 77, None).await;
        let refused = told(away.sign_releases_again(&none).await.map(drop));
        assert!(refused.contains("put `keys/root.key` back"), "{refused}");
        believed(&away, 7).await.expect_err("nobody said so yet");
        let second = node(&world, 77, keys().root).await;
        second.sign_releases_again(&none).await.expect("signed");
        assert_eq!(believed(&second, 7).await, Ok(()));
        let third = node(&world, 78, keys().root).await;
        third.sign_releases_again(&none).await.expect("signed");
        for pinned in [7, 77, 78] {
            assert_eq!(believed(&third, pinned).await, Ok(()), "{pinned}");
        }
        believed(&third, 79).await.expect_err("nobody's key");
        let before = said(&third).await.successions;
        third.sign_releases_again(&none).await.expect("nothing to do");
        assert_eq!(said(&third).await.successions, before);

        // One was seen by others: those who pinned it are told, all others go on.
        let seen = BTreeSet::from([key(77).public().key_id()]);
        third.sign_releases_again(&seen).await.expect("revoked");
        let refused = believed(&third, 77).await.expect_err("revoked");
        assert!(refused.contains("revoked the key"), "{refused}");
        for pinned in [7, 78] {
            assert_eq!(believed(&third, pinned).await, Ok(()), "{pinned}");
        }
        third.sign_releases_again(&none).await.expect("nothing to do");
        believed(&third, 77).await.expect_err("it stays so");
        for wrong in [key(78).public().key_id(), "other".to_owned()] {
            let refused = third.sign_releases_again(&BTreeSet::from([wrong])).await;
            let refused = told(refused.map(drop));
            assert!(refused.contains("is no release key that was replaced"), "{refused}");
        }
    }

    async fn each_root_key_says_its_part_while_it_is_here(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let none = BTreeSet::new();
        let with_root = async |release, root| node(&world, release, Some(key(root))).await;
        let named = async |app: &App, seen: &BTreeSet<String>| match app.name_successors(seen).await {
            Ok(None) => String::new(),
            Ok(Some(error)) | Err(error) => error.to_string(),
        };
        // The key 7 is replaced, and then the root key that it named; so is the key 77.
        world.app.appoint_root().await.expect("appointed");
        with_root(77, 2).await.appoint_root().await.expect("appointed");
        let refused = named(&*with_root(78, 2).await, &none).await;
        assert!(refused.contains(&key(7).public().key_id()), "{refused}");
        let old_root = node(&world, 78, keys().root).await;
        assert_eq!(named(&old_root, &none).await, "");
        let new_root = with_root(78, 2).await;
        assert_eq!(named(&new_root, &none).await, "");
        // What the old root key said leads on to a key that it never saw.
        let third = with_root(79, 2).await;
        assert_eq!(named(&third, &none).await, "");
        for pinned in [7, 77, 78, 79] {
            assert_eq!(believed(&third, pinned).await, Ok(()), "{pinned}");
        }
        // Until that way is cut.
        let seen = BTreeSet::from([key(78).public().key_id()]);
        let refused = named(&third, &seen).await;
        assert!(refused.contains(&key(7).public().key_id()), "{refused}");
        believed(&third, 78).await.expect_err("revoked all the same");
        assert_eq!(believed(&third, 77).await, Ok(()));
        let old_root = node(&world, 79, keys().root).await;
        assert_eq!(named(&old_root, &none).await, "");
        assert_eq!(believed(&old_root, 7).await, Ok(()));
    }
}
