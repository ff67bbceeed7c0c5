//! What both engines must give back alike: types, transactions, migrations.

use market::ProductManifest;
use serde_json::json;
use store::{Database, DatabaseUrl, StoreError, accounts, findings, images, products, tokens};

use crate::rows::{account, at, cast, id};

async fn migrates_twice(db: Database, url: DatabaseUrl) {
    let mut tx = db.begin().await.expect("a transaction");
    accounts::create(&mut tx, &account(1, "ann"))
        .await
        .expect("created");
    tx.commit().await.expect("committed");
    let again = Database::open(&url).await.expect("opens again");
    let count = accounts::count(&mut again.read().await.expect("a transaction")).await;
    assert_eq!(count.expect("counted"), 1);
    again.close().await;
}

#[test]
fn sqlite_migrates_twice() {
    crate::databases::with_sqlite(migrates_twice);
}

#[test]
fn postgres_migrates_twice() {
    crate::databases::with_postgres("icu", migrates_twice);
}

#[test]
fn two_servers_may_start_at_once() {
    crate::databases::with_postgres("c", |db, url| async move {
        let (one, two) = tokio::join!(Database::open(&url), Database::open(&url));
        one.expect("opens").close().await;
        two.expect("opens").close().await;
        drop(db);
    });
}

both! {
    async fn times_flags_numbers_bytes_json_and_nothing_come_back_as_they_were(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        // Whole seconds, milliseconds and microseconds are written at different lengths.
        for (number, time) in (1..).zip(["10:00:00Z", "10:00:00.5Z", "10:00:00.000001Z", "23:59:59.999999Z"]) {
            let token = tokens::Token {
                id: id(market::TokenId::new, number),
                account_id: cast.account.id.clone(),
                name: "ΔОКЕР 🐋 'quoted' \"\\".to_owned(),
                secret_hash: String::new(),
                kind: tokens::ACCESS.to_owned(),
                parent_id: None,
                may_push: number % 2 == 0,
                scopes: market::TokenScopes::parse(["acme/*:pull"].into_iter().filter(|_| number == 2)).expect("scopes"),
                created_at: format!("2026-02-28T{time}").parse().expect("a time"),
                expires_at: (number == 1).then(|| at(60)),
                last_used_at: None,
                revoked_at: None,
            };
            tokens::create(&mut tx, &token).await.expect("created");
            assert_eq!(tokens::with_ancestors(&mut tx, &token.id).await.expect("read"), [token]);
        }
        let finding = findings::Finding {
            id: id(market::FindingId::new, 1),
            submission_id: cast.submission.id.clone(),
            image: "sha256:a".to_owned(),
            state: market::FindingState::Open,
            vulnerability: "CVE-2026-1".to_owned(),
            component: "openssl".to_owned(),
            version: "1.1.1n".to_owned(),
            layer: String::new(),
            class: market::Class::Critical,
            advised: market::Class::Critical,
            score: Some(9.8),
            fixed_version: None,
            detail: json!({"a": [1, 2.5, null, true, "ü"], "b": {}}).into(),
            first_seen_at: at(1),
            told_at: Some(at(1)),
            notified_at: None,
            due_at: Some(at(2)),
            announced: true,
            package_id: Some(7),
        };
        findings::upsert(&mut tx, &finding).await.expect("stored");
        let read = findings::of_submission(&mut tx, &cast.submission.id, store::Part::ALL).await.expect("read");
        assert_eq!(read, [finding]);
        let bytes: Vec<u8> = (0..=255).collect();
        images::put_layer_report(&mut tx, "sha256:a", 1, &bytes, at(0)).await.expect("stored");
        let report = images::find_layer_report(&mut tx, "sha256:a", 1).await;
        assert_eq!(report.expect("read"), Some(bytes));
        let product = products::find(&mut tx, &cast.product.id).await.expect("read");
        assert_eq!(product, Some(cast.product));
    }

    async fn earlier_is_less_whatever_the_precision(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let times = ["10:00:00Z", "10:00:00.000001Z", "10:00:00.1Z", "10:00:00.100001Z", "10:00:01Z"];
        let times = times.map(|time| format!("2026-02-28T{time}").parse().expect("a time"));
        for (number, end) in (0..).zip(times) {
            let session = accounts::Session {
                secret_hash: format!("{number}"),
                account_id: cast.account.id.clone(),
                csrf: String::new(),
                created_at: times[0],
                expires_at: end,
            };
            accounts::create_session(&mut tx, &session).await.expect("created");
        }
        for (now_at, now) in times.iter().enumerate() {
            for (number, _) in times.iter().enumerate() {
                let found = accounts::find_session(&mut tx, &number.to_string(), *now).await;
                assert_eq!(found.expect("read").is_some(), number > now_at, "{number} at {now}");
            }
        }
    }

    async fn what_is_not_committed_is_not_there(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        accounts::create(&mut tx, &account(1, "ann")).await.expect("created");
        drop(tx);
        let count = accounts::count(&mut db.read().await.expect("a transaction")).await;
        assert_eq!(count.expect("counted"), 0);
    }

    async fn a_product_manifest_survives_whole(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let draft = ProductManifest {
            name: "Ünïcode 🐋 \"DB\"".to_owned(),
            long_description: "x".repeat(25_000),
            tags: vec!["a\tb".to_owned(), "\\".to_owned()],
            ..ProductManifest::default()
        };
        products::set_draft(&mut tx, &cast.product.id, &draft, at(9)).await.expect("set");
        let product = products::find(&mut tx, &cast.product.id).await.expect("read").expect("there");
        assert_eq!((product.draft.0, product.updated_at), (draft, at(9)));
    }

    async fn a_nul_is_stored_or_told(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let mut ann = account(1, "ann");
        ann.email = "a\0b@example.com".to_owned();
        match accounts::create(&mut tx, &ann).await {
            Ok(()) => {}
            Err(error) => assert!(error.is_nul() && !error.is_conflict(), "{error:?}"),
        }
    }

    async fn rows_that_belong_to_nothing_are_refused(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let stray = crate::rows::product(1, &crate::rows::publisher(1, "acme"), "db");
        let refused = products::create(&mut tx, &stray).await;
        assert!(matches!(refused, Err(StoreError::Statement(_))));
    }
}
