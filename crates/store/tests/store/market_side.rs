//! Products, search, releases, subscriptions, pulls.

use market::{
    ListingState, ProductManifest, ReleaseId, RepositoryId, SubscriptionId, SubscriptionState,
};
use store::{
    Database, DatabaseUrl, Tx, accounts, products, publishers, pulls, releases,
    repositories::{self, Repository},
    search::{self, Search},
    subscriptions,
};

use crate::rows::{account, at, cast, id, product, publisher};

/// Lists products called as given, in this order, one second apart; odd ones certified.
async fn list(tx: &mut Tx, names: &[(&str, &str)]) {
    let acme = publisher(1, "acme");
    publishers::create(tx, &acme).await.expect("created");
    for (number, (name, category)) in (0..).zip(names) {
        let row = product(number, &acme, &format!("product-{number}"));
        products::create(tx, &row).await.expect("created");
        let listed = ProductManifest {
            name: (*name).to_owned(),
            category: (*category).to_owned(),
            tags: vec!["Tag".to_owned()],
            ..ProductManifest::default()
        };
        let time = at(i64::from(number));
        products::set_listed(tx, &row.id, &listed, "ACME Ltd", number % 2 == 1, time)
            .await
            .expect("set");
        let states = (ListingState::Draft, ListingState::Listed);
        assert!(
            products::set_state(tx, &row.id, states, None, time)
                .await
                .expect("set")
        );
    }
}

async fn names(tx: &mut Tx, asked: &Search) -> Vec<String> {
    let found = search::search(tx, asked, 100, 0).await.expect("searched");
    assert_eq!(i64::try_from(found.products.len()), Ok(found.total));
    let name = |product: products::Product| product.listed.expect("listed").name.clone();
    found.products.into_iter().map(name).collect()
}

fn text(text: &str) -> Search {
    Search {
        text: text.to_owned(),
        ..Search::default()
    }
}

both! {
    async fn search_finds_words_in_any_order_and_case(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        list(&mut tx, &[("Harbour DB", "Databases"), ("Schiffsküche ÄÖ", "Storage")]).await;
        for words in ["db harbour", "HARBOUR", "acme har tag", "arbour d", "databases harbour db acme tag"] {
            assert_eq!(names(&mut tx, &text(words)).await, ["Harbour DB"], "{words}");
        }
        assert_eq!(names(&mut tx, &text("SCHIFFSKÜCHE äö")).await, ["Schiffsküche ÄÖ"]);
        assert_eq!(names(&mut tx, &text("harbour schiff")).await, Vec::<String>::new());
        assert_eq!(names(&mut tx, &text("  ")).await.len(), 2);
    }

    async fn search_takes_signs_for_themselves(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        list(&mut tx, &[("100% sure", ""), ("a_b", ""), ("back\\slash", ""), ("100 sure", ""), ("axb", "")]).await;
        for (words, name) in [("100%", "100% sure"), ("a_b", "a_b"), ("k\\s", "back\\slash"), ("\\", "back\\slash")] {
            assert_eq!(names(&mut tx, &text(words)).await, [name], "{words}");
        }
        assert_eq!(names(&mut tx, &text("'; DROP TABLE products; --")).await, Vec::<String>::new());
        assert_eq!(names(&mut tx, &text("\0")).await.len(), 5);
    }

    async fn search_orders_certified_then_newest_in_pages(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let listed = [("p0", "b"), ("p1", "B"), ("p2", "a"), ("p3", "b"), ("p4", "a b")];
        list(&mut tx, &listed).await;
        assert_eq!(names(&mut tx, &Search::default()).await, ["p3", "p1", "p4", "p2", "p0"]);
        let certified = Search { certified: true, ..Search::default() };
        assert_eq!(names(&mut tx, &certified).await, ["p3", "p1"]);
        let category = Search { category: "b".to_owned(), ..Search::default() };
        assert_eq!(names(&mut tx, &category).await, ["p3", "p0"]);
        let page = search::search(&mut tx, &Search::default(), 2, 3).await.expect("searched");
        assert_eq!((page.products.len(), page.total), (2, 5));
        assert_eq!(page.products[1].listed.as_ref().expect("listed").name, "p0");
        let categories = search::categories(&mut tx).await.expect("read");
        let expected = [("B", 1), ("a", 1), ("a b", 1), ("b", 2)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!(categories, expected);
    }

    async fn words_of_many_are_walked_to_and_of_few_gathered(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        // Sixty products of sixty words each that hold "any" are more than are gathered.
        let words: Vec<String> = (0..60).map(|number| format!("many{number}")).collect();
        let name = |number: i64| format!("n{number}x {}", words.join(" "));
        let all: Vec<String> = (0..60).map(name).collect();
        let listed: Vec<(&str, &str)> = all.iter().map(|name| (name.as_str(), "c")).collect();
        list(&mut tx, &listed).await;
        let page = async |tx: &mut Tx, words, offset| {
            let hits = search::search(tx, &text(words), 2, offset).await.expect("searched");
            let names = hits.products.into_iter().map(|one| one.listed.expect("listed").name.clone());
            (names.collect::<Vec<_>>(), hits.total, hits.more)
        };
        let names = |numbers: &[i64]| numbers.iter().map(|number| name(*number)).collect::<Vec<_>>();
        assert_eq!(page(&mut tx, "any", 0).await, (names(&[59, 57]), 2, true));
        assert_eq!(page(&mut tx, "any acme", 58).await, (names(&[2, 0]), 60, false));
        // Far down there is no walk.
        assert_eq!(page(&mut tx, "any", search::MOST_FOUND).await, (names(&[]), search::MOST_FOUND, true));
        assert_eq!(page(&mut tx, "many n5", 8).await, (names(&[54, 52]), 11, false));
        assert_eq!(page(&mut tx, "any acme tag c nothing", 0).await, (names(&[]), 0, false));
        assert_eq!(page(&mut tx, "any acme tag n5 many5 many6", 10).await, (names(&[50]), 11, false));
        assert_eq!(page(&mut tx, "any acme tag n5 many6 many5", 10).await, (names(&[50]), 11, false));
    }

    async fn what_is_listed_anew_is_found_by_its_new_words_alone(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        list(&mut tx, &[("Harbour", "x")]).await;
        let id = search::search(&mut tx, &Search::default(), 1, 0).await.expect("searched").products.remove(0).id;
        let listed = ProductManifest { name: "Haven".to_owned(), ..ProductManifest::default() };
        products::set_listed(&mut tx, &id, &listed, "ACME Ltd", false, at(9)).await.expect("set");
        assert_eq!(names(&mut tx, &text("harbour")).await, Vec::<String>::new());
        assert_eq!(names(&mut tx, &text("aven")).await, ["Haven"]);
    }

    async fn only_what_is_on_the_market_is_found(db: Database) {
        use ListingState::{Draft, Listed, OnHold, Revoked};
        let mut tx = db.begin().await.expect("a transaction");
        list(&mut tx, &[("p0", "x")]).await;
        let id = search::search(&mut tx, &Search::default(), 1, 0).await.expect("searched").products.remove(0).id;
        assert!(!products::set_state(&mut tx, &id, (Draft, Listed), None, at(1)).await.expect("asked"));
        assert!(products::set_state(&mut tx, &id, (Listed, OnHold), Some("late"), at(10)).await.expect("set"));
        assert_eq!(names(&mut tx, &Search::default()).await, ["p0"]);
        // A release while on hold does not begin the hold anew.
        assert!(products::set_state(&mut tx, &id, (OnHold, OnHold), None, at(20)).await.expect("set"));
        let held = products::find(&mut tx, &id).await.expect("read").expect("there");
        assert_eq!((held.held_at, held.state_reason.as_deref(), held.updated_at), (Some(at(10)), Some("late"), at(20)));
        assert!(products::set_state(&mut tx, &id, (OnHold, Revoked), Some("too late"), at(30)).await.expect("set"));
        assert_eq!(names(&mut tx, &Search::default()).await, Vec::<String>::new());
        assert_eq!(search::categories(&mut tx).await.expect("read"), []);
        let revoked = products::find(&mut tx, &id).await.expect("read").expect("there");
        assert_eq!((revoked.held_at, revoked.state), (None, Revoked));
    }

    async fn a_short_name_is_one_publishers_own(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let (acme, other) = (publisher(1, "acme"), publisher(2, "other"));
        for one in [&acme, &other] {
            publishers::create(&mut tx, one).await.expect("created");
        }
        for row in [product(1, &acme, "zz"), product(2, &other, "zz"), product(3, &acme, "a-z"), product(4, &acme, "ab")] {
            products::create(&mut tx, &row).await.expect("created");
        }
        let slugs: Vec<_> = products::of_publisher(&mut tx, &acme.id).await.expect("read")
            .into_iter().map(|product| product.slug.to_string()).collect();
        assert_eq!(slugs, ["a-z", "ab", "zz"]);
        let found = products::find_by_slug(&mut tx, &other.id, "zz").await.expect("read");
        assert_eq!(found, Some(product(2, &other, "zz")));
        tx.commit().await.expect("committed");
        let mut tx = db.begin().await.expect("a transaction");
        let taken = products::create(&mut tx, &product(5, &acme, "zz")).await.expect_err("taken");
        assert!(taken.is_conflict());
    }

    async fn a_submission_is_released_once(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let release = |number| releases::Release {
            id: id(ReleaseId::new, number),
            product_id: cast.product.id.clone(),
            submission_id: cast.submission.id.clone(),
            repository_id: cast.repository.id.clone(),
            tag: "1.0".to_owned(),
            digest: "sha256:a".to_owned(),
            key_id: "key".to_owned(),
            certified: true,
            released_at: at(5),
            withdrawn_at: None,
        };
        releases::create(&mut tx, &release(1)).await.expect("created");
        assert_eq!(releases::of_product(&mut tx, &cast.product.id).await.expect("read"), [release(1)]);
        assert_eq!(releases::of_submission(&mut tx, &cast.submission.id).await.expect("read"), Some(release(1)));
        tx.commit().await.expect("committed");
        let mut tx = db.begin().await.expect("a transaction");
        assert!(releases::create(&mut tx, &release(2)).await.expect_err("taken").is_conflict());
    }

    async fn one_subscription_in_force_to_a_product(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let bob = account(2, "bob");
        accounts::create(&mut tx, &bob).await.expect("created");
        let subscription = |number| subscriptions::Subscription {
            id: id(SubscriptionId::new, number),
            account_id: bob.id.clone(),
            product_id: cast.product.id.clone(),
            plan: "pro".to_owned(),
            amount_minor: 1999,
            currency: "EUR".to_owned(),
            state: SubscriptionState::Active,
            license_accepted_at: at(1),
            started_at: at(1),
            ended_at: None,
        };
        subscriptions::create(&mut tx, &subscription(1), &[]).await.expect("created");
        tx.commit().await.expect("committed");
        let mut tx = db.begin().await.expect("a transaction");
        assert!(subscriptions::create(&mut tx, &subscription(2), &[]).await.expect_err("taken").is_conflict());
        drop(tx);
        let mut tx = db.begin().await.expect("a transaction");
        let force = subscriptions::in_force(&mut tx, &bob.id, &cast.product.id).await;
        assert_eq!(force.expect("read"), Some(subscription(1)));
        subscriptions::lapse(&mut tx, &subscription(1).id, at(9)).await.expect("ended");
        assert_eq!(subscriptions::in_force(&mut tx, &bob.id, &cast.product.id).await.expect("read"), None);
        // After the end of one, another can begin, again and again.
        for number in [2, 3] {
            subscriptions::create(&mut tx, &subscription(number), &[]).await.expect("created");
            subscriptions::lapse(&mut tx, &subscription(number).id, at(9)).await.expect("ended");
        }
        let all = subscriptions::of_account(&mut tx, &bob.id, store::Part::ALL).await.expect("read");
        let ids: Vec<_> = all.iter().map(|one| one.id.clone()).collect();
        assert_eq!(ids, [3, 2, 1].map(|number| subscription(number).id));
        assert!(all.iter().all(|one| one.ended_at == Some(at(9))));
    }

    async fn pulls_are_counted_by_product(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        for number in 0..20 {
            let pull = pulls::Pull {
                id: id(market::PullId::new, number).as_str().to_owned(),
                at: at(0),
                product_id: cast.product.id.clone(),
                account_id: (number > 10).then(|| cast.account.id.to_string()),
                plan: None,
                reference: "1.0".to_owned(),
                digest: "sha256:a".to_owned(),
                user_agent: "docker/28".to_owned(),
            };
            pulls::record(&mut tx, &pull).await.expect("recorded");
        }
        assert_eq!(pulls::count(&mut tx, &cast.product.id).await.expect("counted"), 20);
        assert_eq!(pulls::count(&mut tx, &id(market::ProductId::new, 99)).await.expect("counted"), 0);
    }

    async fn a_released_repository_knows_its_product(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let released = Repository {
            id: id(RepositoryId::new, 7),
            name: "acme/db".to_owned(),
            publisher_id: cast.publisher.id.clone(),
            product_id: Some(cast.product.id.to_string()),
            created_at: at(0),
        };
        let stored = repositories::find_or_create(&mut tx, &released).await.expect("created");
        assert_eq!(stored.product(), Some(cast.product.id));
        assert_eq!(cast.repository.product(), None);
    }
}

#[tokio::test]
async fn listings_from_before_are_learned_when_the_database_is_opened() {
    let dir = tempfile::tempdir().expect("a folder");
    let url = DatabaseUrl::Sqlite(dir.path().join("market.db"));
    let db = Database::open(&url).await.expect("opened");
    let mut tx = db.begin().await.expect("a transaction");
    list(&mut tx, &[("Harbour", "x")]).await;
    for statement in [
        "DELETE FROM product_words",
        "UPDATE products SET words_known = FALSE",
    ] {
        let Tx::Sqlite(connection) = &mut tx else {
            panic!("a file")
        };
        let done = sqlx::query(statement).execute(&mut **connection).await;
        done.expect("forgotten");
    }
    let nothing = names(&mut tx, &text("harbour")).await;
    assert_eq!(nothing, Vec::<String>::new());
    tx.commit().await.expect("committed");
    db.close().await;
    let db = Database::open(&url).await.expect("opened");
    let mut tx = db.read().await.expect("a connection");
    assert_eq!(names(&mut tx, &text("harbour")).await, ["Harbour"]);
}
