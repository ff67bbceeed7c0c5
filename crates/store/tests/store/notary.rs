//! Trust metadata: files by role, number and digest, keys, and the list of changes.

use store::{
    Tx,
    notary::{self, NewTrustFile, TrustChange, TrustKey},
    prepared_roots::{self, PreparedRoot},
    quotas, trust_guns,
};

use crate::rows::{at, cast};

const GUN: &str = "registry.example/staging/acme/db";

fn file<'a>(role: &'a str, version: i64, content: &'a str) -> NewTrustFile<'a> {
    let digest = |size: usize| {
        format!("{role}{version}")
            .repeat(size)
            .chars()
            .take(size)
            .collect()
    };
    NewTrustFile {
        gun: GUN,
        role,
        version,
        digests: [digest(64), digest(96), digest(128)],
        content: content.as_bytes(),
        expires_at: at(version * 100),
        created_at: at(version),
    }
}

fn change(gun: &str, version: i64) -> TrustChange {
    TrustChange {
        id: 0,
        gun: gun.to_owned(),
        version,
        sha256: "d".to_owned(),
        category: "update".to_owned(),
        created_at: at(version),
    }
}

async fn changes(tx: &mut Tx, gun: Option<&str>, from: i64, backwards: bool) -> Vec<i64> {
    let found = match backwards {
        false => notary::changes_after(tx, gun, from, 2).await,
        true => notary::changes_before(tx, gun, from, 2).await,
    };
    found
        .expect("read")
        .into_iter()
        .map(|change| change.id)
        .collect()
}

fn prepared(gun: &str, number: i64) -> PreparedRoot {
    PreparedRoot {
        gun: gun.to_owned(),
        root_key: format!("root {number}"),
        release_key: "release".to_owned(),
        content: vec![0, 1, 255],
        created_at: at(number),
    }
}

both! {
    async fn a_prepared_root_waits_until_it_is_taken(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for number in [1, 2] {
            prepared_roots::put(&mut tx, &prepared(GUN, number)).await.expect("kept");
        }
        prepared_roots::put(&mut tx, &prepared("other", 3)).await.expect("kept");
        let found = prepared_roots::find(&mut tx, GUN).await.expect("read");
        assert_eq!(found, Some(prepared(GUN, 2)));
        prepared_roots::delete(&mut tx, GUN).await.expect("taken");
        assert_eq!(prepared_roots::find(&mut tx, GUN).await.expect("read"), None);
        assert!(prepared_roots::find(&mut tx, "other").await.expect("read").is_some());
    }

    async fn files_come_back_by_role_number_and_digest(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for new in [file("root", 1, "r1"), file("targets", 1, "t1"), file("targets", 2, "t2")] {
            assert!(notary::add_file(&mut tx, &new).await.expect("added"));
        }
        tx.commit().await.expect("committed");
        let mut tx = db.begin().await.expect("a transaction");
        let newest = notary::newest_file(&mut tx, GUN, "targets").await.expect("read");
        assert_eq!(newest.expect("a file").content.as_ref(), b"t2");
        let first = notary::file_by_version(&mut tx, GUN, "targets", 1).await.expect("read");
        assert_eq!(first.expect("a file").content.as_ref(), b"t1");
        for digest in file("targets", 1, "").digests {
            let found = notary::file_by_digest(&mut tx, GUN, "targets", &digest).await;
            assert_eq!(found.expect("read").expect("a file").content.as_ref(), b"t1");
            let other = notary::file_by_digest(&mut tx, GUN, "root", &digest).await;
            assert_eq!(other.expect("read"), None);
        }
        assert_eq!(notary::bytes(&mut tx, GUN).await.expect("read"), 6);
        assert_eq!(notary::newest_file(&mut tx, "other", "targets").await.expect("read"), None);
        // A number is given once.
        assert!(!notary::add_file(&mut tx, &file("targets", 2, "other")).await.expect("tried"));
    }

    async fn what_was_replaced_goes_but_roots_stay(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for (role, version) in [("root", 1), ("root", 2), ("targets", 1), ("targets", 2), ("targets", 3)] {
            notary::add_file(&mut tx, &file(role, version, "x")).await.expect("added");
        }
        assert_eq!(notary::prune(&mut tx, GUN, at(2)).await.expect("pruned"), 1);
        assert_eq!(notary::bytes(&mut tx, GUN).await.expect("read"), 4);
        assert_eq!(notary::delete(&mut tx, GUN).await.expect("deleted"), 4);
    }

    async fn what_ends_first_is_found(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for (role, version) in [("timestamp", 1), ("timestamp", 5), ("snapshot", 3), ("targets/a", 2), ("targets", 4)] {
            notary::add_file(&mut tx, &file(role, version, "x")).await.expect("added");
        }
        let ending = notary::ending(&mut tx, (at(500), at(300)), "").await.expect("read");
        assert!(ending.is_empty(), "{ending:?}");
        assert_eq!(notary::ending(&mut tx, (at(501), at(0)), "").await.expect("read"), [GUN]);
        assert_eq!(notary::ending(&mut tx, (at(0), at(301)), "").await.expect("read"), [GUN]);
        assert!(notary::ending(&mut tx, (at(501), at(0)), GUN).await.expect("read").is_empty());
        let first = notary::first_to_end(&mut tx).await.expect("read");
        assert!(first.iter().all(|row| row.place == "staging"), "{first:?}");
        let first: Vec<_> = first.iter().map(|row| (row.role.as_str(), row.ends)).collect();
        assert_eq!(first, [("snapshot", at(300)), ("targets", at(200)), ("timestamp", at(500))]);
        notary::set_in_force(&mut tx, GUN, "targets/a", false).await.expect("noted");
        let first = notary::first_to_end(&mut tx).await.expect("read");
        assert_eq!(first[1].ends, at(400));
        let released = NewTrustFile { gun: "registry.example/acme/db", ..file("targets", 7, "x") };
        notary::add_file(&mut tx, &released).await.expect("added");
        let first = notary::first_to_end(&mut tx).await.expect("read");
        assert_eq!((first[0].place.as_str(), first[0].ends, first.len()), ("released", at(700), 4));
        notary::delete(&mut tx, released.gun).await.expect("deleted");
        let known = notary::newest(&mut tx, GUN).await.expect("read");
        assert_eq!(known.iter().filter(|row| !row.in_force).count(), 1);
        assert_eq!(known.len(), 4);
    }

    async fn changes_are_numbered_without_gaps(db: Database) {
        for (gun, commit) in [("a", true), ("b", false), ("b", true), ("a", true), ("a", true)] {
            let mut tx = db.begin().await.expect("a transaction");
            notary::lock(&mut tx).await.expect("locked");
            notary::add_change(&mut tx, &change(gun, 1)).await.expect("added");
            if commit {
                tx.commit().await.expect("committed");
            }
        }
        let mut tx = db.read().await.expect("a connection");
        assert_eq!(changes(&mut tx, None, 0, false).await, [1, 2]);
        assert_eq!(changes(&mut tx, None, 2, false).await, [3, 4]);
        assert_eq!(changes(&mut tx, Some("a"), 1, false).await, [3, 4]);
        assert_eq!(changes(&mut tx, None, 4, true).await, [2, 3]);
        assert_eq!(changes(&mut tx, Some("b"), i64::MAX, true).await, [2]);
    }

    async fn keys_are_kept_by_repository(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let key = |id: &str, seconds| TrustKey {
            gun: GUN.to_owned(),
            role: "timestamp".to_owned(),
            id: id.to_owned(),
            salt: "s".to_owned(),
            created_at: at(seconds),
        };
        for (id, seconds) in [("one", 1), ("two", 2)] {
            notary::add_key(&mut tx, &key(id, seconds)).await.expect("added");
        }
        assert_eq!(notary::keys(&mut tx, GUN).await.expect("read"), [key("two", 2), key("one", 1)]);
        notary::delete_key(&mut tx, &key("two", 2)).await.expect("forgotten");
        assert_eq!(notary::keys(&mut tx, GUN).await.expect("read"), [key("one", 1)]);
        assert!(notary::keys(&mut tx, "other").await.expect("read").is_empty());
    }

    async fn what_is_signed_counts_for_its_publisher(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let publisher = &cast.publisher.id;
        notary::lock(&mut tx).await.expect("locked");
        assert!(!trust_guns::has(&mut tx, GUN).await.expect("read"));
        assert_eq!(trust_guns::count(&mut tx, GUN, 5).await.expect("nobody's"), None);
        for gun in [GUN, "registry.example/staging/acme/unpushed"] {
            trust_guns::add(&mut tx, gun, publisher).await.expect("noted");
        }
        assert!(trust_guns::has(&mut tx, GUN).await.expect("read"));
        let unpushed = trust_guns::unpushed(&mut tx, publisher, "registry.example").await;
        assert_eq!(unpushed.expect("counted"), 1);
        for bytes in [100, 60, 70] {
            let usage = trust_guns::count(&mut tx, GUN, bytes).await.expect("counted");
            assert_eq!(usage.expect("a publisher's").used_bytes, bytes);
        }
        trust_guns::forget(&mut tx, GUN).await.expect("forgotten");
        assert!(!trust_guns::has(&mut tx, GUN).await.expect("read"));
        let usage = quotas::usage(&mut tx, publisher).await.expect("read");
        assert_eq!(usage.used_bytes, 0);
    }
}
