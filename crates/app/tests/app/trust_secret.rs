//! The key that secrets are sealed under: replaced without anybody noticing, at every step.

use app::{
    Keys, ReviewPolicy,
    oci::{Gun, RepoName},
};
use trust::{SigningKey, tuf::Role};

use crate::world::{HOST, World, keys, told};

fn key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).expect("a key")
}

/// Opens a node that has another key in its file; gives what others know of the market by it.
async fn known(world: &World, number: u8) -> Result<(String, String), String> {
    let keys = Keys {
        trust: key(number),
        ..keys()
    };
    let node = world.try_node_with(ReviewPolicy::default(), keys).await;
    let node = node.map_err(|error| error.to_string())?;
    Ok(what_others_know(&node).await)
}

async fn what_others_know(app: &app::App) -> (String, String) {
    let name: RepoName = "staging/acme/db".parse().expect("a name");
    let held = app
        .trust_key(&Gun::new(HOST, &name), &Role::Timestamp)
        .await;
    (app.log_verifier(), held.expect("a key").id().to_owned())
}

both! {
    async fn the_key_is_replaced_and_what_others_know_stays(db: Database) {
        let world = World::new(db).await;
        let before = what_others_know(&world.app).await;
        assert_eq!(known(&world, 9).await, Ok(before.clone()));
        let mut in_force = 9;
        for (app_of, next) in [(9, 91), (91, 92)] {
            let with = Keys { trust: key(app_of), ..keys() };
            let app = world.node_with(ReviewPolicy::default(), with).await;
            let early = app.forget_trust_seals(&world.operator, &key(next).public()).await;
            assert!(told(early).contains("nothing is sealed under"));
            // Twice, as after an interruption.
            for _ in 0..2 {
                app.seal_trust_secret(&world.operator, &key(next)).await.expect("sealed");
            }
            for number in [in_force, next] {
                assert_eq!(known(&world, number).await, Ok(before.clone()), "{number} opens it");
            }
            let forget = app.forget_trust_seals(&world.operator, &key(next).public()).await;
            forget.expect("forgotten");
            let refused = known(&world, in_force).await.expect_err("it was replaced");
            assert!(refused.contains("put the new one in its place"), "{refused}");
            in_force = next;
            assert_eq!(known(&world, in_force).await, Ok(before.clone()));
        }
        assert_eq!(what_others_know(&world.app).await, before, "whoever runs goes on");
    }
}
