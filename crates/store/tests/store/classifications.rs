//! Classes by hand, and what waits for one.

use market::{Class, ClassificationId};
use store::classifications::{self, Classification};

use crate::rows::{Cast, at, cast, id};

fn by_hand(cast: &Cast, number: u8, is_about_product: bool, class: Class) -> Classification {
    Classification {
        id: id(ClassificationId::new, number),
        vulnerability: "CVE-1".to_owned(),
        product_id: is_about_product.then(|| cast.product.id.clone()),
        class,
        reason: "So it is.".to_owned(),
        made_by: cast.account.id.clone(),
        author: "ann".to_owned(),
        made_at: at(i64::from(number)),
        ender: None,
        ended_at: None,
        end_reason: None,
    }
}

both! {
    async fn one_counts_at_a_time_and_that_of_the_product_comes_first(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let product = [cast.product.id.as_str()];
        let first = by_hand(&cast, 1, true, Class::Minor);
        let all = by_hand(&cast, 2, false, Class::Major);
        for new in [&first, &all] {
            classifications::create(&mut tx, new).await.expect("created");
        }
        let in_force = classifications::in_force(&mut tx, &product, &["CVE-1", "CVE-2"]).await;
        assert_eq!(in_force.expect("read"), [first.clone(), all.clone()]);
        let elsewhere = classifications::in_force(&mut tx, &[], &["CVE-1"]).await.expect("read");
        assert_eq!(elsewhere, std::slice::from_ref(&all));
        assert_eq!(classifications::in_force(&mut tx, &product, &["CVE-2"]).await.expect("read"), []);

        let by = (&cast.account.id, Some("No."));
        assert!(classifications::end(&mut tx, &first.id, by, at(9)).await.expect("ended"));
        assert!(!classifications::end(&mut tx, &first.id, by, at(10)).await.expect("asked"), "it has ended");
        let ended = Classification {
            ender: Some("ann".to_owned()),
            ended_at: Some(at(9)),
            end_reason: Some("No.".to_owned()),
            ..first
        };
        assert_eq!(classifications::find(&mut tx, &ended.id).await.expect("read"), Some(ended.clone()));
        let again = by_hand(&cast, 3, true, Class::None);
        classifications::create(&mut tx, &again).await.expect("the place is free");
        let part = |from| store::Part { from, limit: 2 };
        let newest = classifications::newest(&mut tx, None, part("")).await.expect("read");
        assert_eq!(newest, [again.clone(), all.clone()]);
        let counting = classifications::newest(&mut tx, Some(true), part(again.id.as_str())).await.expect("read");
        assert_eq!(counting, std::slice::from_ref(&all));
        // Also behind one that no longer counts.
        assert!(classifications::end(&mut tx, &again.id, by, at(11)).await.expect("ended"));
        let counting = classifications::newest(&mut tx, Some(true), part(again.id.as_str())).await.expect("read");
        assert_eq!(counting, [all]);
        let over = classifications::newest(&mut tx, Some(false), part(again.id.as_str())).await.expect("read");
        assert_eq!(over, [ended]);
        assert_eq!(classifications::unscored(&mut tx, 9).await.expect("read"), []);
    }

    async fn two_of_the_same_do_not_count_at_once(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        classifications::create(&mut tx, &by_hand(&cast, 1, false, Class::Minor)).await.expect("created");
        let twice = classifications::create(&mut tx, &by_hand(&cast, 2, false, Class::Major)).await;
        assert!(twice.expect_err("taken").is_conflict());
    }
}
