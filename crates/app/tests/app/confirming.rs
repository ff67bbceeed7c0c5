//! Holds that an operator confirms, hour by hour, and the pulls of what is on hold.

use app::market::NoticeKind;
use chrono::{DateTime, TimeDelta, Utc};
use market::ListingState;

use crate::{
    forty_days::{
        Calendar, FIRST, SECOND, confirming, listing, pull, told, with_bash, without_bash,
    },
    images::Image,
    rematch::{CRITICAL, advisories, advisories_about},
    world::World,
};

both! {
    async fn an_operator_confirms_or_gives_a_grace(db: Database) {
        let world = confirming(World::new(db).await).await;
        world.product().await;
        let app = &world.app;
        let mut days = Calendar { world: &world, begun: app.now(), log: Vec::new() };
        days.release("1.0", &with_bash("one")).await;
        app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        pull(&world).await;
        let grace = async |days| app.give_grace(&world.operator, ("acme", "db"), app.now() + TimeDelta::days(days), "The fix is in review.").await;
        let forecast = async || {
            let told = app.forecast(&world.viewer, "acme").await.expect("a forecast").remove(0);
            (told.hold_at.expect("a time") - begun(), told.needs_operator, told.revoked_at.is_some())
        };
        assert!(grace(1).await.is_err(), "nothing is broken");
        advisories(&world, &[(FIRST, Some(CRITICAL))]).await;
        app.enforce_deadlines().await.expect("looked at");
        assert_eq!(forecast().await, (TimeDelta::hours(72), true, false));

        days.hours(73).await;
        assert_eq!(listing(&world).await, ListingState::Listed, "nobody confirmed it");
        grace(2).await.expect("given");
        assert_eq!(forecast().await, (TimeDelta::hours(73 + 48), false, true));
        days.note("a grace of two days; another is broken meanwhile");
        advisories(&world, &[(FIRST, Some(CRITICAL)), (SECOND, Some(CRITICAL))]).await;
        days.hours(49).await;
        assert_eq!(listing(&world).await, ListingState::OnHold, "the grace has ended");
        days.release("1.1", &without_bash("two")).await;
        days.hours(1).await;

        days.note("broken again, with a grace; then another is");
        days.release("1.2", &with_bash("three")).await;
        days.hours(80).await;
        assert_eq!(listing(&world).await, ListingState::Listed);
        grace(30).await.expect("given");
        assert!(grace(31).await.is_err(), "longer than a hold");
        advisories(&world, &[(FIRST, Some(CRITICAL)), (SECOND, Some(CRITICAL)), ("CVE-2026-3", Some(CRITICAL))]).await;
        days.hours(73).await;
        app.confirm_hold(&world.operator, "acme", "db").await.expect("confirmed");
        days.note("an operator confirms");
        let close = async |closed| app.set_pulls_closed(&world.operator, ("acme", "db"), closed, "It spreads.").await;
        assert_eq!(world.rights(&world.carl, "acme/db").await, (true, false));
        close(true).await.expect("closed");
        assert!(close(true).await.is_err(), "once");
        assert_eq!(world.rights(&world.carl, "acme/db").await, (false, false));
        assert_eq!(world.rights(&world.viewer, "acme/db").await, (true, false));
        let denial = app.denial(&"acme/db".parse().expect("a name"), "pull", true).await;
        assert!(denial.contains("cannot be pulled at present"), "{denial}");
        close(false).await.expect("opened");
        close(true).await.expect("closed");
        days.release("1.3", &without_bash("four")).await;
        days.hours(1).await;
        assert_eq!(world.rights(&world.carl, "acme/db").await, (true, false), "the hold is over");
        assert!(close(true).await.is_err(), "not on hold");

        days.note("nobody answers for long, and then the end");
        days.release("1.4", &with_bash("five")).await;
        days.hours(24 * 20).await;
        assert_eq!(listing(&world).await, ListingState::Listed);
        app.confirm_hold(&world.operator, "acme", "db").await.expect("confirmed");
        days.hours(24 * 31).await;
        assert_eq!(listing(&world).await, ListingState::Revoked);
        insta::assert_snapshot!("confirming", days.log.join("\n"));
        let asked = told(&world, &world.operator).await.into_iter();
        let asked = asked.filter(|(kind, _)| *kind == NoticeKind::HoldToConfirm).count();
        assert_eq!(asked, 4, "each once");
        let graces = told(&world, &world.owner).await.into_iter();
        assert_eq!(graces.filter(|(kind, _)| *kind == NoticeKind::Grace).count(), 2);
        for (_, text) in told(&world, &world.carl).await {
            assert!(!text.contains("CVE") && !text.contains("spreads"), "{text}");
        }
    }
}

both! {
    /// A promise that was due before a grace, and comes to stand after it, is not meant.
    async fn a_grace_is_about_what_was_broken_when_it_was_given(db: Database) {
        let world = confirming(World::new(db).await).await;
        world.product().await;
        let app = &world.app;
        let mut days = Calendar { world: &world, begun: app.now(), log: Vec::new() };
        advisories_about(&world, &[(FIRST, Some(CRITICAL), "bash"), (SECOND, Some(CRITICAL), "coreutils")]).await;
        days.release("1.0", &with_bash("one")).await;
        days.hours(1).await;
        days.release("1.1", &Image::debian(&[("dash", "0.5")], "two")).await;
        days.release("2.0", &without_bash("three")).await;
        days.hours(75).await;
        let until = app.now() + TimeDelta::days(3);
        app.give_grace(&world.operator, ("acme", "db"), until, "The fix is in review.").await.expect("given");
        days.note("a grace of three days");
        days.hours(1).await;
        days.release("3.0", &with_bash("four")).await;
        let forecast = app.forecast(&world.viewer, "acme").await.expect("a forecast").remove(0);
        assert_eq!((forecast.hold_at, forecast.needs_operator), (Some(begun() + TimeDelta::hours(72)), true));
        days.hours(2).await;
        let waits = app.holds_to_confirm(&world.operator).await.expect("a list").remove(0);
        assert_eq!((waits.waits(), waits.broken.findings, waits.broken.meant), (true, 2, 1));
        days.release("3.1", &Image::debian(&[("dash", "0.5")], "five")).await;
        days.hours(24 * 3).await;
        assert_eq!(listing(&world).await, ListingState::OnHold, "what was meant is not mended");
        insta::assert_snapshot!(days.log.join("\n"), @r"
         0 d  0 h  release 1.0
         0 d  1 h  release 1.1
         0 d  1 h  release 2.0
         1 d 13 h  a reminder
         2 d  1 h  a reminder
         3 d  0 h  a reminder
         3 d  1 h  operators are asked
         3 d  4 h  a grace of three days
         3 d  5 h  release 3.0
         3 d  6 h  operators are asked
         3 d  7 h  release 3.1
         6 d  4 h  on hold
        ");
    }
}

/// When the clock of every world begins.
fn begun() -> DateTime<Utc> {
    "2026-11-01T10:00:00.123456Z".parse().expect("a time")
}
