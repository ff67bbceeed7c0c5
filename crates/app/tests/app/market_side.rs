//! Hold, reinstate, revoke, withdraw: what consumers may then still do.

use app::{
    Access, ListingCard, Search,
    market::{Action, Decision, ListingEvent, ListingState, PullAccess},
    registry::PullRequest,
};
use chrono::TimeDelta;

use crate::{
    images::Image,
    world::{World, told},
};

async fn manage(world: &World, event: ListingEvent, reason: &str) -> Result<(), app::AppError> {
    world
        .app
        .manage_listing(&world.operator, "acme", "db", event, reason)
        .await
}

async fn warning(world: &World, access: &Access) -> Option<String> {
    let request = PullRequest {
        reference: "1.0",
        user_agent: "docker/28",
        access,
    };
    let pulled = world
        .app
        .pull_manifest(&"acme/db".parse().expect("a name"), request)
        .await;
    pulled.expect("pulled").1
}

async fn found(world: &World) -> Vec<ListingCard> {
    world
        .app
        .search(&Search::default(), 1)
        .await
        .expect("searched")
        .cards
}

both! {
    async fn a_hold_stops_subscriptions_and_not_pulls(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        assert!(told(manage(&world, ListingEvent::Hold, " ").await).starts_with("invalid: reason"));
        assert!(told(manage(&world, ListingEvent::Reinstate, "x").await).starts_with("conflict"));
        assert!(told(manage(&world, ListingEvent::Release, "x").await).starts_with("invalid"));
        manage(&world, ListingEvent::Hold, "A fix is late").await.expect("held");
        let late = world.newcomer("late").await;
        assert_eq!(told(world.app.subscribe(&late, "acme", "db", "free", true).await), "conflict: the listing is on hold and takes no new subscriptions at present");
        assert_eq!(world.rights(&world.carl, "acme/db").await, (true, false));
        let access = world.access(&world.carl, "acme/db").await;
        let told = warning(&world, &access).await.expect("a warning");
        assert!(told.contains("on hold") && !told.contains("CVE"), "{told}");
        assert_eq!(found(&world).await.len(), 1);
        manage(&world, ListingEvent::Reinstate, "Fixed").await.expect("reinstated");
        assert_eq!(warning(&world, &access).await, None);
        world.app.subscribe(&late, "acme", "db", "free", true).await.expect("subscribed");
    }

    async fn a_release_while_on_hold_neither_lifts_nor_renews_it(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        manage(&world, ListingEvent::Hold, "A fix is late").await.expect("held");
        let held = world.app.product_draft(&world.owner, "acme", "db").await.expect("there").1;
        world.clock.advance(TimeDelta::days(3));
        world.released("1.1", &Image::debian(&[("bash", "5.1-2+deb11u1")], "fixed")).await;
        let product = world.app.product_draft(&world.owner, "acme", "db").await.expect("there").1;
        assert_eq!((product.state, product.held_at, product.state_reason), (ListingState::OnHold, held.held_at, held.state_reason));
    }

    async fn a_revoked_listing_is_gone_for_consumers(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        world.app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        manage(&world, ListingEvent::Revoke, "Too late").await.expect("revoked");
        for actor in [&world.carl, &world.owner] {
            assert_eq!(world.rights(actor, "acme/db").await, (false, false));
        }
        assert_eq!(world.rights(&world.operator, "acme/db").await, (true, false));
        assert_eq!(found(&world).await.len(), 0);
        assert!(told(world.app.product_page(&world.carl, "acme", "db").await).starts_with("not-found"));
        let late = world.newcomer("late").await;
        assert!(told(world.app.subscribe(&late, "acme", "db", "free", true).await).starts_with("not-found"));
        let (state, _, tag) = world.app.badge("acme", "db").await.expect("still told");
        assert_eq!((state, tag.as_str()), (ListingState::Revoked, "1.0"));
        assert!(told(world.submit("1.0").await).starts_with("conflict: the product is revoked"));
        assert!(told(manage(&world, ListingEvent::Reinstate, "x").await).starts_with("conflict"));
        let product = submission.product_id.as_str();
        assert_eq!(world.audit(product).await.last().map(String::as_str), Some("manage-listing listed>revoked"));
    }

    async fn a_product_withdrawn_before_its_release_is_not_released(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        assert!(told(world.app.withdraw_product(&world.editor, "acme", "db", "x").await).starts_with("denied"));
        world.app.withdraw_product(&world.owner, "acme", "db", "No longer made").await.expect("withdrawn");
        for _ in 0..6 {
            world.work().await;
            world.clock.advance(TimeDelta::hours(1));
        }
        assert!(told(world.app.product_page(&world.carl, "acme", "db").await).starts_with("not-found"));
        assert_eq!(world.rights(&world.carl, "acme/db").await, (false, false));
        let records = world.app.audit_log(&world.operator, &app::AuditQuery::default(), app::Part::first(100)).await.expect("the log");
        assert!(records.iter().any(|one| one.record.action == Action::WithdrawProduct.as_str()));
    }

    async fn who_may_pull_is_the_publishers_choice(db: Database) {
        let world = World::new(db).await;
        let mut draft = world.product().await;
        let expected = [(PullAccess::Subscribers, false, false), (PullAccess::SignedIn, false, true), (PullAccess::Everyone, true, true)];
        for (number, (access, nobody, somebody)) in expected.into_iter().enumerate() {
            draft.access = access;
            world.app.save_draft(&world.editor, "acme", "db", &draft).await.expect("saved");
            world.released(&format!("1.{number}"), &Image::vulnerable("one")).await;
            assert_eq!(world.rights(&app::Actor::anonymous(), "acme/db").await, (nobody, false), "{access}");
            assert_eq!(world.rights(&world.carl, "acme/db").await, (somebody, false), "{access}");
        }
    }
}
