//! What a publisher owes: nothing, until the operator says so.

use app::market::{Money, Role, Terms};

use crate::world::{World, told};

fn terms(fee: i64, revenue_share: i64) -> Terms {
    Terms {
        listing_fee: Some(Money {
            amount_minor: fee,
            currency: "EUR".to_owned(),
        }),
        revenue_share,
    }
}

both! {
    async fn the_operator_sets_them_and_owners_and_finance_read_them(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let fin = world.newcomer("fin").await;
        app.set_member(&world.owner, "acme", "fin", Role::Finance).await.expect("a member");
        let found = app.publisher_terms(&world.owner, "acme").await.expect("terms");
        assert!(found.terms.are_waived() && found.versions.is_empty() && !found.may_set);
        app.set_terms(&world.operator, "acme", &terms(25_000, 1_500), "As agreed").await.expect("set");
        app.set_terms(&world.operator, "acme", &Terms::default(), "A gift").await.expect("set");
        for reader in [&world.owner, &fin, &world.operator] {
            let found = app.publisher_terms(reader, "acme").await.expect("terms");
            assert!(found.terms.are_waived());
            let notes: Vec<_> = found.versions.iter().map(|row| (row.version, row.note.as_str())).collect();
            assert_eq!(notes, [(2, "A gift"), (1, "As agreed")]);
            assert_eq!(found.versions[1].terms(), terms(25_000, 1_500));
        }
        for other in [&world.editor, &world.viewer, &world.reviewer] {
            assert!(told(app.publisher_terms(other, "acme").await).starts_with("denied"));
        }
        assert!(told(app.publisher_terms(&world.carl, "acme").await).starts_with("not-found"));
        let heard = app.my_notices(&fin, app::Part::first(2)).await.expect("notices");
        assert!(heard[1].body.contains("listing fee EUR 250.00 a year for each listing, revenue share 15 %"), "{heard:?}");
        let publisher = app.publisher_page(&world.owner, "acme", 1).await.expect("a page").publisher;
        let audit = world.audit(publisher.id.as_str()).await;
        assert!(audit.contains(&"set-terms listing fee waived, revenue share waived>listing fee EUR 250.00 a year for each listing, revenue share 15 %".to_owned()), "{audit:?}");
    }

    async fn what_cannot_be_or_is_so_already_is_refused(db: Database) {
        let world = World::new(db).await;
        let set = async |actor, terms: &Terms, note: &str| told(world.app.set_terms(actor, "acme", terms, note).await);
        let wrong = set(&world.operator, &terms(-5, 20_000), " ").await;
        for field in ["listing_fee: ", "revenue_share: ", "note: "] {
            assert!(wrong.contains(field), "{wrong}");
        }
        assert!(set(&world.operator, &Terms::default(), "So.").await.contains("the terms already"));
        assert!(set(&world.owner, &terms(1, 1), "So.").await.starts_with("denied"));
    }
}
