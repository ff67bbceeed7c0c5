//! Who is told of what, once, and how it goes out as mail.

use advisory::health::{self, SourceHealth};
use app::{
    Actor, Mail, NoticePreference,
    market::{Decision, ListingEvent, MailChoice, NoticeKind},
    registry::PullRequest,
};
use chrono::TimeDelta;

use crate::{
    forty_days::{FIRST, SECOND, with_bash},
    images::Image,
    rematch::{CRITICAL, advisories},
    world::{World, told},
};

/// The titles of what somebody was told, oldest first.
async fn titles(world: &World, actor: &Actor) -> Vec<String> {
    let notices = world
        .app
        .my_notices(actor, app::Part::first(100))
        .await
        .expect("notices");
    notices
        .into_iter()
        .rev()
        .map(|notice| notice.title)
        .collect()
}

/// Waits until a pull is noted, which happens beside it.
async fn pulled(world: &World) {
    let product = world.app.product_draft(&world.owner, "acme", "db").await;
    let product = product.expect("the product").1.id;
    loop {
        let mut tx = world.db.read().await.expect("a reader");
        let count = store::pulls::count(&mut tx, &product).await;
        if count.expect("counted") > 0 {
            return;
        }
        drop(tx);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// All letters that are to be sent now.
async fn letters(world: &World) -> Vec<Mail> {
    let mut letters = Vec::new();
    while let Some(mail) = world.app.take_mail().await.expect("mail") {
        letters.push(mail);
    }
    letters
}

async fn choose(
    world: &World,
    actor: &Actor,
    product: Option<&str>,
    kind: NoticeKind,
    mail: MailChoice,
) {
    let preferences = [NoticePreference {
        kind,
        mail: Some(mail),
    }];
    let set = world
        .app
        .set_notice_preferences(actor, product, &preferences);
    set.await.expect("set");
}

/// How mail fares, each state once.
async fn states(world: &World) -> Vec<&'static str> {
    let outbox = world
        .app
        .outbox(&world.operator, app::Part::first(100))
        .await;
    let states = outbox.expect("the outbox").into_iter();
    let states: std::collections::BTreeSet<_> =
        states.map(|row| row.notice.mail.as_str()).collect();
    states.into_iter().collect()
}

/// What was told since so many notices.
async fn bodies_since(world: &World, actor: &Actor, known: usize) -> Vec<String> {
    let notices = world
        .app
        .my_notices(actor, app::Part::first(100))
        .await
        .expect("notices");
    let bodies = notices.into_iter().rev().map(|notice| notice.body);
    bodies.skip(known).collect()
}

/// Notes how the feeds of the world's advisories fare.
fn note_feeds(world: &World, feeds: &[(&str, Option<&str>, Option<&str>)]) {
    let health = feeds
        .iter()
        .map(|(name, last_success, error)| SourceHealth {
            name: (*name).to_owned(),
            last_success: last_success.map(str::to_owned),
            error: error.map(str::to_owned),
            failures: u32::from(error.is_some()),
            ..SourceHealth::default()
        });
    let health: Vec<_> = health.collect();
    health::save(&world.dir.path().join("advisories.db"), &health).expect("written");
}

both! {
    /// One letter for one cause, also where an image is on the market under two tags.
    async fn what_begins_and_ends_of_one_image_is_told_once(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &with_bash("one")).await;
        world.released("2.0", &with_bash("two")).await;
        world.released("3.0", &with_bash("one")).await;
        advisories(&world, &[(FIRST, Some(CRITICAL))]).await;
        world.app.enforce_deadlines().await.expect("looked at");
        let told = async |kind| {
            let all = world.app.my_notices(&world.owner, app::Part::first(100)).await.expect("notices");
            all.into_iter().filter(|it| it.kind == kind).count()
        };
        assert_eq!(told(NoticeKind::Promise).await, 2, "two images");
        world.clock.advance(TimeDelta::seconds(20));
        advisories(&world, &[(FIRST, Some(CRITICAL)), (SECOND, Some(CRITICAL))]).await;
        world.app.enforce_deadlines().await.expect("looked at");
        assert_eq!(told(NoticeKind::Promise).await, 4, "what begins a moment later is another cause");
        for hours in [36, 13, 22] {
            world.clock.advance(TimeDelta::hours(hours));
            world.app.remind_publishers().await.expect("looked at");
        }
        assert_eq!(told(NoticeKind::FixDue).await, 12, "three times for each image and moment");
    }

    async fn a_submission_is_told_to_whose_turn_it_is(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        assert_eq!(titles(&world, &world.editor).await, [
            "eve-editor is editor of ACME Harbour Works Ltd",
            "ACME Harbour Works Ltd is verified",
            "acme/db: submission 1 is ready for review",
            "acme/db: submission 1 is approved and is being released",
            "acme/db: a new release",
        ]);
        assert_eq!(titles(&world, &world.reviewer).await, ["acme/db: submission 1 is ready for review"]);
        let joined = ["vic-viewer is viewer of ACME Harbour Works Ltd"];
        assert_eq!(titles(&world, &world.viewer).await, joined, "looks, and does nothing");
        assert!(titles(&world, &world.carl).await.is_empty(), "is no customer");
        let anonymous = world.app.my_notices(&Actor::anonymous(), app::Part::first(1)).await;
        assert!(told(anonymous).contains("sign in first"));
    }

    async fn a_remark_is_told_to_the_thread_and_not_to_its_author(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let remark = async |actor, text| {
            let id = submission.id.as_str();
            world.app.add_comment(actor, id, "submission", text).await.expect("written");
        };
        let known = titles(&world, &world.owner).await.len();
        remark(&world.reviewer, "Which layer is this?").await;
        remark(&world.editor, "The second.").await;
        assert_eq!(bodies_since(&world, &world.owner, known).await, [
            "rita-reviewer wrote:\n\nWhich layer is this?",
            "eve-editor wrote:\n\nThe second.",
        ]);
        let to_reviewer = titles(&world, &world.reviewer).await;
        assert_eq!(to_reviewer.last().map(String::as_str), Some("acme/db: a remark on submission 1"));
        assert_eq!(to_reviewer.len(), 2, "ready, and the answer");
        world.app.decide(&world.reviewer, submission.id.as_str(), Decision::RequestChanges, "Sign it.").await.expect("decided");
        let last = bodies_since(&world, &world.owner, known + 2).await;
        assert_eq!(last, ["Submission 1 of acme/db needs changes.\n\nSign it."]);
    }

    async fn a_hold_is_told_to_who_has_the_image_without_naming_why(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let looks = world.newcomer("looks").await;
        for actor in [&world.carl, &looks] {
            world.app.subscribe(actor, "acme", "db", "free", true).await.expect("subscribed");
        }
        let access = world.access(&world.carl, "acme/db").await;
        let request = PullRequest { reference: "1.0", user_agent: "docker/28", access: &access };
        world.app.pull_manifest(&"acme/db".parse().expect("a name"), request).await.expect("pulled");
        pulled(&world).await;
        let hold = ListingEvent::Hold;
        world.app.manage_listing(&world.operator, "acme", "db", hold, "CVE-2021-44228 is late").await.expect("held");
        let consumer = world.app.my_notices(&world.carl, app::Part::first(1)).await.expect("notices").remove(0);
        assert_eq!((consumer.kind, consumer.title.as_str()), (NoticeKind::OnHold, "acme/db is on hold"));
        assert!(!consumer.body.contains("CVE"), "{}", consumer.body);
        assert!(titles(&world, &looks).await.is_empty(), "never pulled it");
        let publisher = world.app.my_notices(&world.owner, app::Part::first(1)).await.expect("notices").remove(0);
        assert!(publisher.body.contains("CVE-2021-44228 is late"), "{}", publisher.body);
        world.app.manage_listing(&world.operator, "acme", "db", ListingEvent::Revoke, "Enough").await.expect("revoked");
        assert_eq!(titles(&world, &looks).await, ["acme/db was revoked"]);
    }

    async fn two_things_at_one_moment_are_both_told_of(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        let known = titles(&world, &world.owner).await.len();
        // The clock stands still.
        for event in [ListingEvent::Hold, ListingEvent::Reinstate, ListingEvent::Hold] {
            let done = world.app.manage_listing(&world.operator, "acme", "db", event, "A complaint").await;
            done.expect("done");
        }
        assert_eq!(titles(&world, &world.owner).await.len() - known, 3);
    }

    async fn publishers_are_reminded_three_times_of_a_promise(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let mut reminded = Vec::new();
        for hour in 1..=75 {
            world.clock.advance(TimeDelta::hours(1));
            if world.app.remind_publishers().await.expect("looked at") > 0 {
                reminded.push(hour);
            }
            assert_eq!(world.app.remind_publishers().await.expect("looked at"), 0, "once is enough");
        }
        assert_eq!(reminded, [36, 48, 71]);
        let titles = titles(&world, &world.owner).await;
        let due: Vec<_> = titles.iter().filter(|title| title.contains("to fix by")).collect();
        assert_eq!(due.len(), 3, "{titles:?}");
    }

    async fn mail_is_sent_once_tried_again_and_muted(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        choose(&world, &world.owner, None, NoticeKind::Released, MailChoice::Never).await;
        let obligatory = NoticePreference { kind: NoticeKind::OnHold, mail: Some(MailChoice::Daily) };
        let refused = world.app.set_notice_preferences(&world.owner, None, &[obligatory]).await;
        assert!(told(refused).contains("always sent at once"));

        let mails = letters(&world).await;
        let to = |name: &str| mails.iter().find(|mail| mail.name.as_deref() == Some(name)).expect("a letter");
        let released = |mail: &Mail| mail.items.iter().any(|item| item.title == "acme/db: a new release");
        assert!(released(to("eve-editor")) && !released(to("oscar-owner")), "muted");
        assert_eq!(to("eve-editor").subject, "eve-editor is editor of ACME Harbour Works Ltd (and 4 more)");
        assert_eq!(mails.len(), 6, "one letter a person, and one to the company's address");
        let mail = to("rita-reviewer");
        assert_eq!(mail.subject, "acme/db: submission 1 is ready for review");
        world.app.mail_ended(mail, Err("no route".to_owned())).await.expect("noted");
        for sent in mails.iter().filter(|sent| *sent != mail) {
            world.app.mail_ended(sent, Ok(())).await.expect("noted");
        }
        world.clock.advance(TimeDelta::seconds(59));
        assert!(letters(&world).await.is_empty());
        let mut attempts = 1;
        loop {
            world.clock.advance(TimeDelta::minutes(128));
            let again = letters(&world).await;
            let Some(again) = again.first() else { break };
            assert_eq!((&again.of, &again.message_id, again.attempts), (&mail.of, &mail.message_id, attempts));
            world.app.mail_ended(again, Err("no route".to_owned())).await.expect("noted");
            attempts += 1;
        }
        // For a week; then it is no news any more.
        assert!((70..market::MAIL_ATTEMPTS).contains(&attempts), "{attempts}");
        assert!(told(world.app.outbox(&world.owner, app::Part::first(10)).await).starts_with("denied"));
        assert_eq!(states(&world).await, ["late", "muted", "sent"]);
        world.app.read_notices(&world.owner).await.expect("read");
        assert_eq!(world.app.unread_notices(&world.owner).await.expect("counted"), 0);
    }

    async fn a_mail_ends_its_kind_or_all_that_may_be_ended(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        let mails = letters(&world).await;
        let link = |name: &str| {
            let mail = mails.iter().find(|mail| mail.name.as_deref() == Some(name)).expect("a letter");
            let link = mail.mute.clone().expect("can be ended");
            (link.label, link.url.rsplit('/').next().expect("a key").to_owned())
        };
        let (label, key) = link("rita-reviewer");
        assert_eq!(label, "No more mail of this kind");
        choose(&world, &world.reviewer, Some("acme/db"), NoticeKind::Inspected, MailChoice::Daily).await;
        let kind = world.app.mute_by_key(&key).await.expect("muted");
        assert_eq!(world.app.kind_to_mute(&key).await.expect("known"), kind);
        let own = world.app.products_with_preferences(&world.reviewer).await.expect("products");
        assert!(own.is_empty(), "also about single products");
        assert!(told(world.app.mute_by_key("0").await).contains("there is no mail"));

        let (label, key) = link("eve-editor");
        assert_eq!(label, "No more mail but what is always sent");
        world.app.mute_all_by_key(&key).await.expect("muted");
        let preferences = world.app.notice_preferences(&world.editor, None).await.expect("preferences");
        for NoticePreference { kind, mail } in preferences {
            assert_eq!(mail, (!kind.is_obligatory()).then_some(MailChoice::Never), "{kind}");
        }
    }

    async fn mail_may_come_once_a_day_and_about_one_product_otherwise(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        choose(&world, &world.editor, None, NoticeKind::Inspected, MailChoice::Never).await;
        for kind in [NoticeKind::Inspected, NoticeKind::Decided, NoticeKind::Released] {
            choose(&world, &world.editor, Some("acme/db"), kind, MailChoice::Daily).await;
        }
        let own = world.app.products_with_preferences(&world.editor).await.expect("products");
        assert_eq!(own, ["acme/db"]);
        let hidden = world.app.notice_preferences(&world.carl, Some("acme/db")).await;
        assert!(told(hidden).contains("there is no product"), "not public yet");
        for mail in letters(&world).await {
            world.app.mail_ended(&mail, Ok(())).await.expect("noted");
        }
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        let to_editor = async || letters(&world).await.into_iter().find(|mail| mail.name.as_deref() == Some("eve-editor"));
        assert_eq!(to_editor().await, None, "later");
        world.clock.advance(TimeDelta::days(1));
        let daily = to_editor().await.expect("a letter");
        assert_eq!(daily.subject, "acme/db: submission 1 is ready for review (and 2 more)");
    }

    async fn what_is_no_news_any_more_is_not_mailed(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.app.manage_listing(&world.operator, "acme", "db", ListingEvent::Hold, "late").await.expect("held");
        world.clock.advance(TimeDelta::days(8));
        let mails = letters(&world).await;
        for mail in &mails {
            let titles: Vec<_> = mail.items.iter().map(|item| item.title.as_str()).collect();
            assert!(mail.mute.is_none() && titles.len() == 2 && titles[1] == "acme/db is on hold", "{titles:?}");
            assert!(titles[0].contains(" findings to fix, the first by "), "{titles:?}");
        }
        assert_eq!(mails.len(), 2, "its owner and its editor");
        assert_eq!(states(&world).await, ["late", "waiting"]);
    }

    async fn operators_hear_once_of_feeds_that_break_and_of_old_advisories(db: Database) {
        let world = World::new(db).await;
        let tell = async || {
            world.app.tell_of_advisories().await.expect("told");
            let titles = titles(&world, &world.operator).await;
            let of = |title: &&String| title.contains("dvisor");
            titles.iter().filter(of).cloned().collect::<Vec<_>>()
        };
        let day = Some("2026-11-20T00:00:00Z");
        note_feeds(&world, &[("debian", day, None)]);
        assert_eq!(tell().await, Vec::<String>::new());
        let gone = Some("there is no such host");
        note_feeds(&world, &[("debian", day, gone), ("kev", None, gone)]);
        let both = [
            "The advisory feed debian cannot be had",
            "The advisory feed kev cannot be had",
        ];
        assert_eq!(tell().await, both);
        assert_eq!(tell().await, both, "nobody is told twice");
        // It came back and broke again.
        note_feeds(&world, &[("debian", Some("2026-11-21T00:00:00Z"), gone)]);
        assert_eq!(tell().await.len(), 3);
        note_feeds(&world, &[]);
        world.clock.advance(TimeDelta::days(8));
        assert_eq!(tell().await.last().map(String::as_str), Some("The advisories are not of today"));
        assert_eq!(tell().await.len(), 4);
        let measures = world.app.measure().await.expect("measured");
        assert_eq!(measures.feed_failures, []);
        assert!(titles(&world, &world.reviewer).await.iter().all(|it| !it.contains("feed")));
    }
}
