//! The key that secrets are sealed under: replaced without anybody noticing, at every step.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use app::{
    Keys, ReviewPolicy,
    oci::{Gun, RepoName},
};
use tokio::time::timeout;
use trust::{PublicKey, SignError, Signer, SigningKey, tuf::Role};

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

/// A key in a device that hangs until its hold is taken away.
#[derive(Debug)]
struct Hanging {
    asked: AtomicUsize,
    hold: Mutex<Option<mpsc::Sender<()>>>,
    end: Mutex<mpsc::Receiver<()>>,
}

impl Default for Hanging {
    fn default() -> Self {
        let (hold, end) = mpsc::channel();
        Self {
            asked: AtomicUsize::default(),
            hold: Mutex::new(Some(hold)),
            end: Mutex::new(end),
        }
    }
}

impl Signer for Hanging {
    fn public(&self) -> PublicKey {
        key(7).public()
    }

    fn sign_raw(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(key(7).sign_raw(message))
    }

    fn derive(&self, salt: &[u8]) -> Result<SigningKey, SignError> {
        Ok(key(7).derive(salt))
    }

    fn check(&self) -> Result<(), SignError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let end = self.end.lock().expect("nobody panics");
        end.recv().expect_err("nothing is sent");
        Ok(())
    }
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

    async fn a_replacement_is_no_secret_for_a_database_from_before(db: Database) {
        let world = World::new(db).await;
        let with = Keys { trust: key(91), is_trust_replaced: true, ..keys() };
        let refused = world.try_node_with(ReviewPolicy::default(), with).await;
        let refused = refused.map(drop).expect_err("it lacks the secret").to_string();
        assert!(refused.contains("or a later copy of the database"), "{refused}");
    }

    async fn a_key_that_hangs_holds_up_no_more_than_its_threads(db: Database) {
        let world = World::new(db).await;
        let hanging = Arc::new(Hanging::default());
        let with = Keys { release: hanging.clone(), ..keys() };
        let app = world.node_with(ReviewPolicy::default(), with).await;
        for _ in 0..8 {
            // Whoever asked goes away; the thread goes on waiting.
            let asked = timeout(Duration::from_millis(50), app.check_release_key()).await;
            asked.expect_err("it hangs");
        }
        assert_eq!(hanging.asked.load(Ordering::SeqCst), 4);
        let said = app.check_release_key().await.expect_err("it hangs");
        assert_eq!(said.to_string(), "nothing can be signed at present");
        let why = std::error::Error::source(&said).map(ToString::to_string);
        assert!(why.is_some_and(|why| why.ends_with("it does not answer")));
        drop(hanging.hold.lock().expect("nobody panics").take());
        app.check_release_key().await.expect("it answers again");
    }
}
