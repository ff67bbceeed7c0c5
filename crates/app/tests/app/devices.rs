//! A key for releases in a device that takes its time: nobody else waits for it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::sleep,
    time::Duration,
};

use app::{
    App, Keys, ReviewPolicy,
    market::{Decision, ListingEvent},
};
use futures_util::future::join_all;
use tokio::{runtime::Handle, time::timeout};
use trust::{PublicKey, SignError, Signer, SigningKey};

use crate::{
    images::Image,
    world::{World, keys, told},
};

/// A key that looks, whenever it is used, whether others can write meanwhile.
#[derive(Debug)]
struct Watching {
    key: SigningKey,
    db: store::Database,
    used: AtomicUsize,
    held_up: AtomicUsize,
}

impl Watching {
    fn new(world: &World, number: u8) -> Arc<Self> {
        Arc::new(Self {
            key: SigningKey::from_scalar(&[number; 32]).expect("a key"),
            db: world.db.clone(),
            used: AtomicUsize::new(0),
            held_up: AtomicUsize::new(0),
        })
    }

    fn look(&self) {
        self.used.fetch_add(1, SeqCst);
        let begun = Handle::current().block_on(timeout(Duration::from_secs(2), self.db.begin()));
        if begun.is_err() {
            self.held_up.fetch_add(1, SeqCst);
        }
    }

    /// Returns how often it was used since the last time, and how often others waited for it.
    fn seen(&self) -> (usize, usize) {
        (self.used.swap(0, SeqCst), self.held_up.swap(0, SeqCst))
    }
}

impl Signer for Watching {
    fn public(&self) -> PublicKey {
        self.key.public()
    }

    fn sign_raw(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.look();
        Ok(self.key.sign_raw(message))
    }

    fn derive(&self, salt: &[u8]) -> Result<SigningKey, SignError> {
        self.look();
        Ok(self.key.derive(salt))
    }

    fn check(&self) -> Result<(), SignError> {
        Ok(())
    }
}

/// A key in a device that gives up after a while.
#[derive(Debug, Default)]
struct Away(AtomicUsize);

impl Signer for Away {
    fn public(&self) -> PublicKey {
        SigningKey::from_scalar(&[7; 32]).expect("a key").public()
    }

    fn sign_raw(&self, _: &[u8]) -> Result<[u8; 64], SignError> {
        self.0.fetch_add(1, SeqCst);
        sleep(Duration::from_millis(500));
        Err(SignError::Away("it was pulled".to_owned()))
    }

    fn derive(&self, _: &[u8]) -> Result<SigningKey, SignError> {
        Err(SignError::Away("it was pulled".to_owned()))
    }

    fn check(&self) -> Result<(), SignError> {
        Ok(())
    }
}

async fn node(world: &World, release: Arc<dyn Signer>) -> Arc<App> {
    let with = Keys { release, ..keys() };
    world.node_with(ReviewPolicy::default(), with).await
}

both! {
    async fn nobody_waits_for_a_key_that_signs(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (first, second) = (Watching::new(&world, 7), Watching::new(&world, 77));
        let app = node(&world, first.clone()).await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        first.seen();
        assert!(app.work_once("worker").await.expect("released"));
        let (used, held_up) = first.seen();
        assert!(used > 2 && held_up == 0, "{used} {held_up}");
        let again = node(&world, second.clone()).await;
        second.seen();
        assert_eq!(again.sign_releases_again(&BTreeSet::new()).await.expect("signed"), 1);
        let (used, held_up) = second.seen();
        assert!(used > 2 && held_up == 0, "{used} {held_up}");
        assert_eq!(again.sign_releases_again(&BTreeSet::new()).await.expect("nothing to do"), 0);
        let done = again.manage_listing(&world.operator, "acme", "db", ListingEvent::Hold, "A reason").await;
        done.expect("on hold");
        second.seen();
        let done = again.manage_listing(&world.operator, "acme", "db", ListingEvent::Revoke, "A reason").await;
        done.expect("revoked");
        assert_eq!(second.seen(), (1, 0));
    }

    async fn who_waits_for_a_stamp_that_fails_does_not_wait_for_the_next(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let away = Arc::new(Away::default());
        let app = node(&world, away.clone()).await;
        let before = away.0.load(SeqCst);
        let asked = join_all((0..8).map(|_| app.log_statement("acme/db", None))).await;
        for said in asked {
            assert_eq!(told(said.map(drop)), "unsigned: nothing can be signed at present");
        }
        assert_eq!(away.0.load(SeqCst) - before, 1);
        told(app.log_statement("acme/db", None).await.map(drop));
        assert_eq!(away.0.load(SeqCst) - before, 2, "later it is asked again");
    }
}
