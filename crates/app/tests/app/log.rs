//! The log: what happens to a listing stands in it, proven, in the same act.

use app::{AppError, Statement, Tile, market::ListingEvent};
use chrono::TimeDelta;
use trust::{
    PublicKey, SigningKey,
    log::{Entry, Event, Hash, State, Verifier, leaf_hash, root, standing},
};

use crate::{
    images::Image,
    world::{HOST, World},
};

fn operator() -> PublicKey {
    SigningKey::from_scalar(&[7; 32]).expect("a key").public()
}

async fn statement(world: &World, since: Option<u64>) -> Statement {
    let found = world.app.log_statement("acme/db", since).await;
    found.expect("read").expect("there")
}

async fn manage(world: &World, event: ListingEvent) -> Result<(), AppError> {
    world
        .app
        .manage_listing(&world.operator, "acme", "db", event, "A reason")
        .await
}

async fn tile(world: &World, path: &str) -> Option<Vec<u8>> {
    let tile: Tile = path.parse().expect("a tile's path");
    world.app.log_tile(tile).await.expect("read")
}

/// Adds entries of two names by turns, more than a test would make by acts; gives how many the
/// log has then.
async fn fill(world: &World, count: u64) -> u64 {
    let mut tx = world.db.begin().await.expect("a transaction");
    let mut idx = store::log::lock(&mut tx).await.expect("locked");
    let before = store::log::entries(&mut tx, 0, idx).await.expect("read");
    let mut leaves: Vec<_> = before.iter().map(|row| leaf_hash(&row.content)).collect();
    for number in 0..count {
        let product = if number % 3 == 0 { "other" } else { "db" };
        let name = format!("{HOST}/acme/{product}");
        let event = if number % 2 == 0 {
            Event::Held
        } else {
            Event::Reinstated
        };
        let entry = Entry {
            at: world.app.now(),
            name: name.clone(),
            event,
        };
        let leaf = leaf_hash(&entry.to_bytes());
        store::log::append(&mut tx, idx, &name, &entry.to_bytes())
            .await
            .expect("appended");
        store::log::add_hash(&mut tx, (0, idx), &leaf)
            .await
            .expect("added");
        leaves.push(leaf);
        idx += 1;
        if idx % 256 == 0 {
            let tile = root(&leaves[leaves.len() - 256..]);
            store::log::add_hash(&mut tx, (1, idx / 256 - 1), &tile)
                .await
                .expect("added");
        }
    }
    store::log::set_head(&mut tx, idx, &root(&leaves))
        .await
        .expect("set");
    tx.commit().await.expect("committed");
    leaves.len() as u64
}

both! {
    async fn a_name_of_many_entries_is_answered_in_parts(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let size = fill(&world, 4_000).await;
        let name = format!("{HOST}/acme/db");
        let first = statement(&world, Some(1_234)).await;
        assert_eq!(first.entries.len(), 1_000);
        let mut opening = first.begin(&name, &[operator()]).expect("it holds");
        assert_eq!(opening.size(), size);
        first.open(&name, &[operator()]).expect_err("that is not all");
        // What is appended meanwhile changes nothing of the answer.
        fill(&world, 10).await;
        let page = async |from, size| world.app.log_page("acme/db", (from, size)).await.expect("read");
        let mut next = first.next;
        let mut parts = Vec::new();
        while let Some(from) = next {
            let part = page(from, size).await.expect("there is more");
            next = part.next;
            parts.push(part);
        }
        assert_eq!(parts.iter().map(|part| part.entries.len()).collect::<Vec<_>>(), [1_000, 667]);
        let mut out_of_order = first.begin(&name, &[operator()]).expect("it holds");
        out_of_order.take(&parts[1].entries).expect("they are in the log");
        out_of_order.take(&parts[0].entries).expect_err("but not in its order");
        for part in &parts {
            opening.take(&part.entries).expect("proven by the same head");
        }
        opening.take(&parts[1].entries[..1]).expect_err("one too many");
        let opened = opening.finish().expect("that is all");
        assert_eq!(opened.entries.len(), 2_667);
        let proof = first.consistency.as_ref().expect("it was asked for");
        assert_eq!(proof.since, 1_234);
        for (from, size) in [(size, size), (0, size + 100), (0, 0)] {
            assert_eq!(page(from, size).await, None, "{from} of {size}");
        }
    }

    async fn what_happens_to_a_listing_is_in_the_log(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        assert!(world.app.log_statement("acme/db", None).await.expect("read").is_none());
        let first = world.released("1.0", &Image::vulnerable("one")).await;
        let name = format!("{HOST}/acme/db");
        let seen = statement(&world, None).await.open(&name, &[operator()]).expect("it holds");
        manage(&world, ListingEvent::Hold).await.expect("held");
        manage(&world, ListingEvent::Hold).await.expect_err("it is held");
        manage(&world, ListingEvent::Reinstate).await.expect("reinstated");
        world.released("1.1", &Image::vulnerable("two")).await;
        manage(&world, ListingEvent::Revoke).await.expect("revoked");

        let now = statement(&world, Some(seen.size)).await;
        let opened = now.open(&name, &[operator()]).expect("it holds");
        now.continues(&opened, (seen.size, &seen.root)).expect("the log goes on");
        let events: Vec<_> = opened.entries.iter().map(|(_, entry)| entry.event.clone()).collect();
        assert_eq!(events.len(), 5, "what was refused is not in the log");
        assert!(matches!(&events[0], Event::Released { tag, .. } if tag == "1.0"));
        assert_eq!(events[1..3], [Event::Held, Event::Reinstated]);
        assert_eq!(events[4], Event::Revoked);
        let entries: Vec<_> = opened.entries.into_iter().map(|(_, entry)| entry).collect();
        let digest = first.digest.parse().expect("a digest");
        let stands = standing(&entries, &digest, None).expect("released");
        assert!(!stands.is_certified());
    }

    /// The order is what counts; a clock that was wrong once keeps nobody from a hold.
    async fn a_clock_that_was_a_year_ahead_hinders_no_hold(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let year = TimeDelta::days(365);
        world.clock.advance(year);
        world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(-year);
        manage(&world, ListingEvent::Hold).await.expect("held");
        let opened = statement(&world, None).await.open(&format!("{HOST}/acme/db"), &[operator()]);
        let entries: Vec<_> = opened.expect("it holds").entries.into_iter().map(|(_, entry)| entry).collect();
        let [released, held] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(held.at, released.at, "times never go back");
        let Event::Released { digest, .. } = &released.event else { panic!("{released:?}") };
        let now = standing(&entries, digest, None).expect("released");
        assert_eq!(now.state, State::OnHold);
    }

    async fn a_stamp_is_given_out_again_for_a_moment(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let stamp = async || statement(&world, None).await.stamp;
        let first = stamp().await;
        world.clock.advance(TimeDelta::seconds(4));
        assert_eq!(stamp().await, first);
        manage(&world, ListingEvent::Hold).await.expect("held");
        let second = stamp().await;
        assert_ne!(second, first, "there is more to say");
        world.clock.advance(TimeDelta::seconds(5));
        assert_ne!(stamp().await, second, "it is too old");
        let opened = statement(&world, None).await.open(&format!("{HOST}/acme/db"), &[operator()]);
        assert_eq!(opened.expect("it holds").at.timestamp(), world.app.now().timestamp());
    }

    async fn tiles_hold_what_the_checkpoint_signs(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        for _ in 0..130 {
            manage(&world, ListingEvent::Hold).await.expect("held");
            manage(&world, ListingEvent::Reinstate).await.expect("reinstated");
        }
        let verifier = Verifier::parse(&world.app.log_verifier()).expect("a key");
        let note = world.app.log_checkpoint().await.expect("read");
        let head = verifier.open(&note).expect("signed");
        assert_eq!((head.size, head.origin.as_str()), (261, &*format!("{HOST}/log")));
        let mut leaves = Vec::new();
        for path in ["entries/000", "entries/001.p/5"] {
            let mut rest = &tile(&world, path).await.expect("there")[..];
            while let Some((length, more)) = rest.split_at_checked(2) {
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let (entry, more) = more.split_at(length);
                leaves.push(leaf_hash(entry));
                rest = more;
            }
        }
        assert_eq!(root(&leaves), head.root);
        let hashes: Vec<Hash> = tile(&world, "0/000").await.expect("there")
            .chunks(32).map(|hash| hash.try_into().expect("32 bytes")).collect();
        assert_eq!(hashes, leaves[..256]);
        assert_eq!(tile(&world, "1/000.p/1").await.expect("there"), root(&hashes));
        for missing in ["0/001", "0/001.p/6", "1/000", "2/000.p/1", "entries/002.p/1"] {
            assert_eq!(tile(&world, missing).await, None, "{missing}");
        }
        let name = format!("{HOST}/acme/db");
        let now = statement(&world, Some(200)).await;
        let opened = now.open(&name, &[operator()]).expect("it holds");
        now.continues(&opened, (200, &root(&leaves[..200]))).expect("the log goes on");
    }
}
