//! Roots that are signed where the root key is, which is not where the server is.

use std::{collections::BTreeSet, sync::Arc};

use app::{
    App, Keys, ReviewPolicy, WhichFile,
    market::{Decision, ListingEvent, SubmissionState},
    oci::Gun,
};
use chrono::TimeDelta;
use trust::{
    SigningKey,
    tuf::{self, File, Role, RootKeys, RootsToSign, WhyRoot, named_root_key, verify_root},
};

use crate::{
    images::Image,
    world::{HOST, World, keys, told},
};

fn key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).expect("a key")
}

/// A node without a root key; its release and root keys by number.
async fn node(world: &World, release: u8, root: u8) -> Arc<App> {
    let keys = Keys {
        release: Arc::new(key(release)),
        root: None,
        root_public: key(root).public(),
        ..keys()
    };
    world.node_with(ReviewPolicy::default(), keys).await
}

async fn newest(world: &World, role: Role) -> File {
    let gun: Gun = format!("{HOST}/acme/db").parse().expect("a name");
    let found = world.app.trust_file(&gun, &role, WhichFile::Newest).await;
    let found = found.expect("read").expect("there");
    File::parse(found.content.to_vec()).expect("metadata")
}

async fn export(app: &App, is_lost: bool) -> RootsToSign {
    let wanted = app.roots_to_sign(&BTreeSet::new(), is_lost).await;
    let bytes = wanted.expect("written").to_bytes();
    RootsToSign::read(&bytes).expect("it can be read")
}

/// Returns what and why is to be signed.
fn whys(wanted: &RootsToSign) -> Vec<(&str, WhyRoot, i64)> {
    let roots = wanted.roots.iter();
    let why = roots.map(|root| (root.gun.as_str(), root.why, root.version()));
    why.collect()
}

fn skipped(skipped: usize) -> app::TakenRoots {
    app::TakenRoots {
        skipped,
        ..Default::default()
    }
}

const GUN: &str = "market.example/acme/db";

async fn refused(app: &App, signed: &RootsToSign, is_lost: bool) -> String {
    told(
        app.take_roots(signed, &BTreeSet::new(), is_lost)
            .await
            .map(drop),
    )
}

both! {
    async fn a_first_release_takes_its_root_from_where_the_key_is(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let node = node(&world, 7, 10).await;
        let decide = async || {
            let id = submission.id.as_str();
            node.decide(&world.reviewer, id, Decision::Approve, "").await.map(drop)
        };
        let page = async |who| node.submission_page(who, submission.id.as_str()).await.expect("a page").missing_root;
        let why = told(decide().await);
        assert!(why.contains("nothing of market.example/acme/db was released"), "{why}");
        assert!(why.contains("export-roots"), "{why}");
        let shown = page(&world.reviewer).await.expect("it is said");
        assert!(why.ends_with(&shown), "{shown}");
        assert_eq!(page(&world.editor).await, None);
        // Approved while the key was here; the release finds it gone and changes nothing.
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        while node.work_once("worker").await.expect("the queue") {}
        assert_eq!(world.submission(&submission).await.state, SubmissionState::InReview);

        let mut wanted = export(&node, false).await;
        assert_eq!(whys(&wanted), [(GUN, WhyRoot::First, 1)]);
        let none = node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("nothing is signed");
        assert_eq!((none.prepared, none.unsigned), (0, 1));
        let other = wanted.sign(&key(11), &[], world.app.now()).expect_err("another key");
        assert!(other.to_string().contains("the marketplace's root key is"), "{other}");
        wanted.sign(&key(10), &[], world.app.now()).expect("signed");
        let taken = node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        assert_eq!((taken.prepared, taken.published, taken.unsigned), (1, 0, 0));
        let again = node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("again");
        assert_eq!(again, skipped(1));
        assert!(whys(&export(&node, false).await).is_empty());
        assert_eq!(page(&world.reviewer).await, None);

        decide().await.expect("approved");
        while node.work_once("worker").await.expect("the queue") {}
        assert_eq!(world.submission(&submission).await.state, SubmissionState::Released);
        let root = newest(&world, Role::Root).await;
        assert_eq!(Some(&root), wanted.roots[0].root.as_ref());
        let again = node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("it is in force");
        assert_eq!(again, skipped(1));
    }

    async fn what_was_prepared_for_other_keys_is_good_for_nothing(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let before = node(&world, 7, 10).await;
        let mut wanted = export(&before, false).await;
        wanted.sign(&key(10), &[], world.app.now()).expect("signed");
        before.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        for (release, root) in [(77, 10), (7, 11)] {
            let node = node(&world, release, root).await;
            let approved = node.decide(&world.reviewer, submission.id.as_str(), Decision::Approve, "").await;
            let why = told(approved.map(drop));
            assert!(why.contains("export-roots"), "{why}");
            assert_eq!(whys(&export(&node, false).await), [(GUN, WhyRoot::First, 1)]);
        }
        let other = node(&world, 77, 10).await;
        let mut mixed = export(&other, false).await;
        mixed.roots[0].targets = wanted.roots[0].targets.clone();
        mixed.sign(&key(10), &[], world.app.now()).expect("signed");
        let why = refused(&other, &mixed, false).await;
        assert!(why.contains("another thing by now"), "{why}");
        // A good entry, and another root in it than what it says.
        let mut swapped = export(&other, false).await;
        swapped.roots[0].root = wanted.roots[0].root.clone();
        let why = refused(&other, &swapped, false).await;
        assert!(why.contains("names other keys"), "{why}");
        let elsewhere = node(&world, 7, 11).await;
        let why = refused(&elsewhere, &wanted, false).await;
        assert!(why.contains("the file is for the root key"), "{why}");
    }

    async fn another_root_key_takes_over_and_clients_follow(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let before = newest(&world, Role::Root).await;
        let old = before.root().expect("a root");
        let node = node(&world, 7, 11).await;
        let wanted = export(&node, false).await;
        assert_eq!(whys(&wanted), [(GUN, WhyRoot::OtherRootKey, 2)]);
        let now = world.app.now();

        // The new key alone signs nothing, and what it signed by another way is not taken.
        let mut alone = wanted.clone();
        alone.sign(&key(11), &[], now).expect("nothing to sign");
        assert!(alone.roots[0].root.is_none() && !alone.is_signed());
        let asked = &wanted.roots[0];
        let named = RootKeys { targets: &asked.targets, snapshot: &asked.snapshot, timestamp: &asked.timestamp };
        let forged = tuf::root((GUN, Some(&before)), named, &[&key(11)], now).expect("signed");
        alone.roots[0].root = Some(forged.clone());
        let why = refused(&node, &alone, false).await;
        assert!(why.contains("could not rotate trust to a new trusted root"), "{why}");
        alone.roots[0].why = WhyRoot::Lost;
        let why = refused(&node, &alone, false).await;
        assert!(why.contains("where it is said that this key is lost"), "{why}");
        // Nor what the old key signed for somebody else's root key.
        let other = tuf::root((GUN, Some(&before)), named, &[&key(12), &key(10)], now).expect("signed");
        alone.roots[0] = tuf::RootToSign { root: Some(other), ..asked.clone() };
        let why = refused(&node, &alone, false).await;
        assert!(why.contains("names other keys"), "{why}");
        assert_eq!(newest(&world, Role::Root).await, before, "nothing was changed");
        // Whoever signs it does not find it signed, either.
        alone.sign(&key(11), &[], now).expect("dropped");
        assert!(!alone.is_signed());
        let mut elsewhere = wanted.clone();
        elsewhere.roots[0].gun = "market.example.net/acme/db".to_owned();
        let mut twice = wanted.clone();
        twice.roots.push(asked.clone());
        for (file, why) in [(elsewhere, "is no name of market.example"), (twice, "twice")] {
            let error = RootsToSign::read(&file.to_bytes()).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }

        let mut signed = wanted.clone();
        signed.sign(&key(11), &[key(10)], now).expect("signed");
        assert!(signed.is_signed());
        signed.sign(&key(11), &[], now).expect("the old key did its part");
        assert!(signed.is_signed());
        let taken = node.take_roots(&signed, &BTreeSet::new(), false).await.expect("taken");
        assert_eq!((taken.prepared, taken.published), (0, 1));
        let after = newest(&world, Role::Root).await;
        assert_eq!(after.version, 2);
        let root = verify_root(GUN, &after, Some(&old), now).expect("clients follow");
        assert!(named_root_key(&root, &key(11).public()).is_some());
        assert!(named_root_key(&root, &key(10).public()).is_none());
        let again = node.take_roots(&signed, &BTreeSet::new(), false).await.expect("again");
        assert_eq!(again, skipped(1));
        assert!(whys(&export(&node, false).await).is_empty());
        // The market goes on; a server that still has the old key does no harm.
        world.released("1.1", &Image::vulnerable("two")).await;
        assert_eq!(newest(&world, Role::Root).await, after);
        assert_eq!(newest(&world, Role::Targets).await.version, 3);
    }

    async fn names_off_the_market_follow_and_stay_as_they_are(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        for event in [ListingEvent::Hold, ListingEvent::Revoke] {
            let done = world.app.manage_listing(&world.operator, "acme", "db", event, "A reason");
            done.await.expect("done");
        }
        let targets = newest(&world, Role::Targets).await;
        // Under another release key, too: what is off the market is not signed with it.
        let node = node(&world, 77, 11).await;
        let mut wanted = export(&node, false).await;
        assert_eq!(whys(&wanted), [(GUN, WhyRoot::OtherRootKey, 2)]);
        wanted.sign(&key(11), &[key(10)], world.app.now()).expect("signed");
        node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        assert_eq!(newest(&world, Role::Root).await.version, 2);
        assert_eq!(newest(&world, Role::Targets).await, targets);
        assert!(whys(&export(&node, false).await).is_empty());
    }

    async fn a_lost_root_key_is_replaced_and_clients_are_reset(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let old = newest(&world, Role::Root).await.root().expect("a root");
        let node = node(&world, 7, 11).await;
        let mut wanted = export(&node, true).await;
        assert_eq!(whys(&wanted), [(GUN, WhyRoot::Lost, 2)]);
        wanted.sign(&key(11), &[], world.app.now()).expect("signed");
        let why = refused(&node, &wanted, false).await;
        assert!(why.contains("this key is lost"), "{why}");
        let taken = node.take_roots(&wanted, &BTreeSet::new(), true).await.expect("taken");
        assert_eq!(taken.published, 1);
        let root = newest(&world, Role::Root).await;
        let now = world.app.now();
        verify_root(GUN, &root, None, now).expect("good for who never saw one");
        verify_root(GUN, &root, Some(&old), now).expect_err("clients that know the old key refuse");
    }

    async fn a_release_key_is_replaced_without_the_root_key_on_the_server(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.app.appoint_root().await.expect("appointed");
        let old = newest(&world, Role::Root).await.root().expect("a root");
        let node = node(&world, 77, 10).await;
        let none = BTreeSet::new();
        let why = told(node.sign_releases_again(&none).await.map(drop));
        assert!(why.contains("export-roots"), "{why}");
        let mut wanted = export(&node, false).await;
        assert_eq!(whys(&wanted), [(GUN, WhyRoot::OtherReleaseKey, 2)]);
        assert_eq!(wanted.successions.len(), 1);
        wanted.sign(&key(10), &[], world.app.now()).expect("signed");
        let mut forged = wanted.clone();
        let theirs = trust::succession::decide(&key(12), &wanted.successions[0].replaces, None, world.app.now());
        forged.successions[0].decision = theirs.ok();
        let why = refused(&node, &forged, false).await;
        assert!(why.contains("is not proven"), "{why}");
        let taken = node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        assert_eq!((taken.published, taken.successions), (1, 1));
        let root = newest(&world, Role::Root).await;
        verify_root(GUN, &root, Some(&old), world.app.now()).expect("clients follow");
        // Signatures beside the image are all that is left to do.
        assert_eq!(node.sign_releases_again(&none).await.expect("signed"), 1);
        assert_eq!(node.sign_releases_again(&none).await.expect("signed"), 0);
        assert_eq!(newest(&world, Role::Root).await, root);
        let statement = node.log_statement("acme/db", None).await.expect("read").expect("there");
        statement.open(GUN, &[key(7).public()]).expect("whoever pinned the old key goes on");
    }

    async fn a_root_that_ends_is_signed_again(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::days(9 * 365 + 10));
        let node = node(&world, 7, 10).await;
        let mut wanted = export(&node, false).await;
        assert_eq!(whys(&wanted), [(GUN, WhyRoot::Ends, 2)]);
        let old = newest(&world, Role::Root).await.root().expect("a root");
        wanted.sign(&key(10), &[], world.app.now()).expect("signed");
        node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        let root = newest(&world, Role::Root).await;
        let named = verify_root(GUN, &root, Some(&old), world.app.now()).expect("clients follow");
        assert!(tuf::lasts(&root, &key(10).public(), world.app.now()));
        assert_ne!(named.role(&Role::Root), old.role(&Role::Root), "in another certificate");
    }

    async fn what_publishers_did_meanwhile_keeps_nobody_from_a_root(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        for slug in ["cache", "queue"] {
            world.app.create_product(&world.editor, "acme", slug).await.expect("a product");
        }
        let node = node(&world, 7, 11).await;
        let mut wanted = export(&node, false).await;
        let first = |slug| (format!("{HOST}/acme/{slug}"), WhyRoot::First, 1);
        let named = whys(&wanted).into_iter().map(|(gun, why, version)| (gun.to_owned(), why, version));
        // The last one is older, and may be one whose key is lost.
        let all = [first("cache"), first("queue"), (GUN.to_owned(), WhyRoot::OtherRootKey, 2)];
        assert_eq!(named.collect::<Vec<_>>(), all);
        wanted.sign(&key(11), &[key(10)], world.app.now()).expect("signed");
        let gone = world.app.withdraw_product(&world.owner, "acme", "cache", "A reason").await;
        gone.expect("withdrawn");
        let taken = node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        assert_eq!((taken.prepared, taken.published, taken.skipped), (1, 1, 1));
        let again = node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("again");
        assert_eq!(again, skipped(3));
    }

    async fn a_root_that_would_not_be_used_is_not_taken(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let node = node(&world, 7, 10).await;
        let mut wanted = export(&node, false).await;
        let behind = world.app.now() - TimeDelta::days(9 * 365 + 10);
        wanted.sign(&key(10), &[], behind).expect("signed");
        let why = refused(&node, &wanted, false).await;
        assert!(why.contains("the clock of the machine that signed it is behind"), "{why}");
        wanted.sign(&key(10), &[], world.app.now()).expect("signed");
        node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        let page = async || node.submission_page(&world.reviewer, submission.id.as_str()).await.expect("a page").missing_root;
        assert_eq!(page().await, None);
        world.clock.advance(TimeDelta::days(9 * 365 + 10));
        assert!(page().await.is_some(), "it ends soon, so it is not used");
        assert_eq!(whys(&export(&node, false).await), [(GUN, WhyRoot::First, 1)]);
    }

    async fn nothing_is_approved_that_the_root_key_must_sign_first(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let submission = world.submitted("1.1", &Image::vulnerable("two")).await;
        let node = node(&world, 77, 10).await;
        let id = submission.id.as_str();
        let page = async || node.submission_page(&world.reviewer, id).await.expect("a page").missing_root;
        let decide = async || node.decide(&world.reviewer, id, Decision::Approve, "").await.map(drop);
        let shown = page().await.expect("it is said");
        assert!(shown.contains("is another one than before"), "{shown}");
        assert!(told(decide().await).ends_with(&shown));
        let mut wanted = export(&node, false).await;
        wanted.sign(&key(10), &[], world.app.now()).expect("signed");
        node.take_roots(&wanted, &BTreeSet::new(), false).await.expect("taken");
        assert_eq!(page().await, None);
        decide().await.expect("approved");
        while node.work_once("worker").await.expect("the queue") {}
        assert_eq!(world.submission(&submission).await.state, SubmissionState::Released);
    }

    async fn an_old_file_revokes_no_key(db: Database) {
        let world = World::new(db).await;
        world.app.appoint_root().await.expect("appointed");
        let other = node(&world, 77, 10).await;
        let seen = BTreeSet::from([key(7).public().key_id()]);
        let mut wanted = other.roots_to_sign(&seen, false).await.expect("written");
        wanted.sign(&key(10), &[], world.app.now()).expect("signed");
        // The key is in use again.
        let told_of = async |app: &App, file: &RootsToSign, seen: &BTreeSet<String>| {
            told(app.take_roots(file, seen, false).await.map(drop))
        };
        let why = told_of(&*node(&world, 7, 10).await, &wanted, &seen).await;
        assert!(why.contains("which is in use"), "{why}");
        let why = told_of(&other, &wanted, &BTreeSet::new()).await;
        assert!(why.contains("say so with `--revoke"), "{why}");
        // It says that somebody follows, and was signed to say that nobody does.
        let mut shown = wanted.clone();
        shown.successions[0].successor = Some(key(77).public().to_pem());
        let why = told_of(&other, &shown, &seen).await;
        assert!(why.contains("is not what the file says of it"), "{why}");
        shown.successions[0].root_key = key(12).public().key_id();
        shown.sign(&key(10), &[], world.app.now()).expect("nothing that this key may sign");
        assert!(!shown.is_signed(), "so that is dropped");
        let taken = other.take_roots(&wanted, &seen, false).await.expect("taken");
        assert_eq!(taken.successions, 1);
    }
}
