//! Forty days of promises, in a moment.

use app::{Clock as _, ClockOutcome};
use chrono::TimeDelta;
use market::{ListingEvent, ListingState, PublisherDecision, Role};

use crate::{images::Image, world::World};

async fn state(world: &World) -> (ListingState, Option<String>) {
    let product = world
        .app
        .product_draft(&world.owner, "acme", "db")
        .await
        .expect("the product")
        .1;
    (product.state, product.state_reason)
}

both! {
    async fn a_broken_promise_holds_and_a_long_hold_revokes(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let tick = async || world.app.enforce_deadlines().await.expect("the clocks are looked at");
        let nothing = ClockOutcome::default();

        world.clock.advance(TimeDelta::hours(72) - TimeDelta::seconds(1));
        assert_eq!(tick().await, nothing, "the promise is not broken yet");
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(tick().await, ClockOutcome { held: 1, ..nothing.clone() });
        let (held, reason) = state(&world).await;
        assert_eq!(held, ListingState::OnHold);
        assert!(!reason.expect("a reason").contains("CVE"), "consumers read it");
        assert_eq!(tick().await, nothing, "once is enough");

        world.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        assert_eq!(tick().await, nothing);
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(tick().await, ClockOutcome { revoked: 1, ..nothing.clone() });
        assert_eq!(state(&world).await.0, ListingState::Revoked);
        assert_eq!(tick().await, nothing);
        assert!(!world.audit(submission.product_id.as_str()).await.is_empty());
    }

    async fn what_comes_is_told_before_it_does(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let forecast = async || world.app.forecast(&world.viewer, "acme").await.expect("a forecast");
        let begun = world.clock.now();
        world.released("1.0", &Image::vulnerable("one")).await;
        let told = forecast().await.remove(0);
        let due: i64 = told.due.iter().map(|due| due.findings).sum();
        assert!(due > 0, "{told:?}");
        let hold_at = told.hold_at.expect("a time");
        assert!((71..=73).contains(&(hold_at - begun).num_hours()), "{told:?}");
        assert_eq!(told.revoked_at, Some(hold_at + TimeDelta::days(30)));

        world.clock.advance(TimeDelta::hours(80));
        world.app.enforce_deadlines().await.expect("looked at");
        let held = forecast().await.remove(0);
        assert_eq!((held.product.state, held.hold_at), (ListingState::OnHold, Some(world.clock.now())));
        world.released("1.1", &Image::debian(&[("bash", "5.1-2+deb11u1")], "two")).await;
        assert!(forecast().await[0].due.is_empty(), "the newest release counts");
        world.app.enforce_deadlines().await.expect("looked at");
        assert_eq!(forecast().await, [], "nothing comes");
        assert!(world.app.forecast(&world.carl, "acme").await.is_err(), "no member");
    }

    async fn a_fix_in_time_keeps_the_listing(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::hours(70));
        world.released("1.1", &Image::debian(&[("bash", "5.1-2+deb11u1")], "two")).await;
        world.clock.advance(TimeDelta::days(40));
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at"), ClockOutcome::default());
        assert_eq!(state(&world).await.0, ListingState::Listed);
    }

    async fn a_late_fix_lifts_the_hold_that_the_clock_made(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::hours(73));
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at").held, 1);
        world.released("1.1", &Image::debian(&[("bash", "5.1-2+deb11u1")], "two")).await;
        assert_eq!(state(&world).await.0, ListingState::OnHold, "the clock lifts it, not the release");
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at").reinstated, 1);
        assert_eq!(state(&world).await.0, ListingState::Listed);
    }

    async fn releasing_the_same_again_gains_no_time(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let first = world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::hours(60));
        let second = world.released("1.1", &Image::vulnerable("two")).await;
        let clocks = async |submission| {
            let found = world.findings(submission).await.into_iter();
            let mut clocks: Vec<_> = found.map(|it| (it.vulnerability.clone(), it.clock())).collect();
            clocks.sort_by(|a, b| a.0.cmp(&b.0));
            clocks
        };
        assert_eq!(clocks(&second).await, clocks(&first).await);
        world.clock.advance(TimeDelta::hours(12));
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at").held, 1);
        world.released("1.2", &Image::vulnerable("three")).await;
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at"), ClockOutcome::default());
        assert_eq!(state(&world).await.0, ListingState::OnHold, "it is not fixed");
        world.released("1.3", &Image::debian(&[("bash", "5.1-2+deb11u1")], "four")).await;
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at").reinstated, 1);
    }

    async fn another_line_neither_stops_a_clock_nor_lifts_a_hold(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let fixed = |seed| Image::debian(&[("bash", "5.1-2+deb11u1")], seed);
        let due = async || world.app.forecast(&world.viewer, "acme").await.expect("a forecast").iter().map(|it| it.due.len()).sum::<usize>();
        world.released("2.0", &Image::vulnerable("one")).await;
        let promised = due().await;
        for (tag, seed) in [("1.9.1", "two"), ("2.0-alpine", "three"), ("latest", "four")] {
            world.released(tag, &fixed(seed)).await;
        }
        assert_eq!((due().await, promised > 0), (promised, true));
        world.clock.advance(TimeDelta::hours(60));
        assert!(world.app.remind_publishers().await.expect("looked at") > 0);
        world.clock.advance(TimeDelta::hours(13));
        let tick = async || world.app.enforce_deadlines().await.expect("looked at");
        assert_eq!(tick().await.held, 1);
        world.released("1.9.2", &fixed("five")).await;
        assert_eq!(tick().await, ClockOutcome::default(), "2.0 is as it was");
        world.released("2.0.1", &fixed("six")).await;
        assert_eq!(tick().await.reinstated, 1);
    }

    async fn a_clean_release_in_between_gains_no_time(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let first = world.released("1.0", &Image::vulnerable("one")).await;
        world.released("1.1", &Image::debian(&[("bash", "5.1-2+deb11u1")], "two")).await;
        world.clock.advance(TimeDelta::hours(60));
        let again = world.released("1.2", &Image::vulnerable("three")).await;
        let clock = async |submission| world.findings(submission).await.iter().filter_map(|it| it.due_at).min();
        assert_eq!(clock(&again).await, clock(&first).await);
        world.clock.advance(TimeDelta::hours(12));
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at").held, 1);
    }

    async fn what_is_broken_is_not_reinstated(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let app = &world.app;
        let manage = async |event| app.manage_listing(&world.operator, "acme", "db", event, "It is urgent").await;
        manage(ListingEvent::Hold).await.expect("held");
        manage(ListingEvent::Reinstate).await.expect("nothing is broken");
        world.clock.advance(TimeDelta::hours(73));
        assert_eq!(app.enforce_deadlines().await.expect("looked at").held, 1);
        let refused = manage(ListingEvent::Reinstate).await.expect_err("it would be held again");
        assert!(refused.to_string().contains("broken promises"), "{refused}");

        let decide = async |decision| app.decide_publisher(&world.operator, "acme", decision, "So.").await.expect("decided");
        world.released("1.1", &Image::debian(&[("bash", "5.1-2+deb11u1")], "two")).await;
        app.enforce_deadlines().await.expect("looked at");
        world.released("1.2", &Image::vulnerable("three")).await;
        decide(PublisherDecision::Suspend).await;
        world.clock.advance(TimeDelta::hours(73));
        decide(PublisherDecision::VerifyWithoutProofs).await;
        assert_eq!(state(&world).await.0, ListingState::OnHold, "a promise was broken meanwhile");
        world.released("1.3", &Image::debian(&[("bash", "5.1-2+deb11u1")], "four")).await;
        assert_eq!(app.enforce_deadlines().await.expect("looked at").reinstated, 1);
    }

    async fn an_operator_lifts_no_hold_of_their_own_publisher(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let me = &world.operator.signed_in().expect("an account").name;
        world.app.set_member(&world.owner, "acme", me, Role::Viewer).await.expect("a member");
        let own = "nobody decides on the work of their own publisher";
        let hold = world.app.manage_listing(&world.operator, "acme", "db", ListingEvent::Hold, "So.").await;
        assert!(hold.expect_err("refused").to_string().contains(own));
        let decided = world.app.decide_publisher(&world.operator, "acme", PublisherDecision::Suspend, "So.").await;
        assert!(decided.expect_err("refused").to_string().contains(own));
    }

    /// A release holds its product first and the log at its end; a suspension changes several.
    async fn a_suspension_waits_for_a_release_before_it_holds_the_log(db: Database) {
        let world = World::new(db).await;
        let mut products = Vec::new();
        for slug in ["db", "queue"] {
            let product = world.app.create_product(&world.editor, "acme", slug).await.expect("a product");
            products.push(product.id);
        }
        let mut tx = world.db.begin().await.expect("a transaction");
        for id in &products {
            let states = (ListingState::Draft, ListingState::Listed);
            assert!(store::products::set_state(&mut tx, id, states, None, world.clock.now()).await.expect("set"));
        }
        tx.commit().await.expect("committed");
        let mut tx = world.db.begin().await.expect("a transaction");
        store::products::lock(&mut tx, &products[1]).await.expect("locked");
        let release = async {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            store::log::lock(&mut tx).await.expect("nobody who waits for the product holds the log");
            tx.commit().await.expect("committed");
        };
        let suspend = world.app.decide_publisher(&world.operator, "acme", PublisherDecision::Suspend, "So.");
        let (suspended, ()) = tokio::join!(suspend, release);
        suspended.expect("suspended");
        let mut tx = world.db.read().await.expect("a transaction");
        for id in &products {
            let product = store::products::find(&mut tx, id).await.expect("read").expect("there");
            assert_eq!(product.state, ListingState::OnHold);
        }
    }

    async fn a_hold_by_the_operator_stays(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        let hold = ListingEvent::Hold;
        world.app.manage_listing(&world.operator, "acme", "db", hold, "A complaint").await.expect("held");
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at"), ClockOutcome::default());
        assert_eq!(state(&world).await.0, ListingState::OnHold);
    }
}
