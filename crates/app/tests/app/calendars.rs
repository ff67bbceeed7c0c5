//! Calendars at secret addresses.

use app::{Actor, AppError, NewToken};
use market::{Action, Role};

use crate::{images::Image, world::World};

both! {
    async fn a_calendar_is_read_by_whoever_has_its_address(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let app = &world.app;
        assert_eq!(app.calendar_address(&world.viewer, "acme").await.expect("asked"), None);
        let first = app.make_calendar_address(&world.viewer, "acme").await.expect("an address");
        let made = app.calendar_address(&world.viewer, "acme").await.expect("asked");
        assert_eq!(made, Some(app.now()));
        let own = app.calendar_address(&world.owner, "acme").await.expect("asked");
        assert_eq!(own, None, "everybody has their own");
        let (publisher, found) = app.calendar_by_key(&first).await.expect("a calendar");
        assert_eq!((publisher.as_str(), found.len()), ("acme", 1));

        let second = app.make_calendar_address(&world.viewer, "acme").await.expect("a new one");
        let gone = app.calendar_by_key(&first).await;
        assert!(matches!(gone, Err(AppError::NotFound { .. })), "{gone:?}");
        assert!(!format!("{gone:?}").contains(&first), "the key is repeated");
        app.calendar_by_key(&second).await.expect("the new one");

        app.end_calendar_address(&world.viewer, "acme").await.expect("ended");
        app.calendar_by_key(&second).await.expect_err("it has ended");
        let again = app.end_calendar_address(&world.viewer, "acme").await;
        assert!(matches!(again, Err(AppError::NotFound { .. })), "{again:?}");
        let log = app.audit_log(&world.operator, &app::AuditQuery::default(), app::Part::first(50)).await.expect("the log");
        let calendars = log.iter().filter(|line| line.record.action == Action::ManageOwnCalendars.as_str());
        assert_eq!(calendars.count(), 3);
    }

    async fn an_address_is_worth_no_more_than_its_owner(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let app = &world.app;
        let key = app.make_calendar_address(&world.viewer, "acme").await.expect("an address");
        let viewer = world.viewer.signed_in().expect("somebody").name.clone();
        app.remove_member(&world.owner, "acme", &viewer).await.expect("no member");
        app.calendar_by_key(&key).await.expect_err("no member");
        app.set_member(&world.owner, "acme", &viewer, Role::Viewer).await.expect("back");
        app.calendar_by_key(&key).await.expect("a member");
        app.set_account_disabled(&Actor::system(), &viewer, true).await.expect("disabled");
        app.calendar_by_key(&key).await.expect_err("no account");
    }

    async fn a_token_makes_no_address(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let app = &world.app;
        let new = NewToken { name: "ci".to_owned(), may_push: true, ..NewToken::default() };
        let (_, secret) = app.create_token(&world.viewer, &new).await.expect("a token");
        let name = &world.viewer.signed_in().expect("somebody").name;
        let holding = app.authenticate(name, &secret, None).await.expect("signed in");
        let refused = app.make_calendar_address(&holding, "acme").await;
        assert!(matches!(refused, Err(AppError::Denied(_))), "{refused:?}");
    }
}
