//! Classes by hand: what nobody scored, or scored wrongly, and what becomes of its clock.

use app::{Actor, AppError, ClassificationEntry, ClockOutcome, NewClassification, Submission};
use chrono::TimeDelta;
use market::{Class, FindingState, ListingState, Role};
use store::findings::Finding;

use crate::{
    images::Image,
    rematch::{CRITICAL, advisories},
    world::{World, told},
};

const DB: Option<(&str, &str)> = Some(("acme", "db"));

async fn classify(
    world: &World,
    actor: &Actor,
    product: Option<(&str, &str)>,
    (name, class): (&str, Class),
) -> Result<ClassificationEntry, AppError> {
    // What happens at one moment has no order.
    world.clock.advance(TimeDelta::seconds(1));
    let new = NewClassification {
        vulnerability: name,
        product,
        class,
        reason: "Nobody reaches it.",
    };
    world.app.classify(actor, new).await
}

async fn end(world: &World, entry: &ClassificationEntry) {
    world.clock.advance(TimeDelta::seconds(1));
    let id = entry.classification.id.as_str();
    let ended = world
        .app
        .end_classification(&world.reviewer, id, "They do.");
    ended.await.expect("taken back");
}

async fn named(world: &World, submission: &Submission, name: &str) -> Finding {
    let mut found = world.findings(submission).await;
    found.retain(|finding| finding.vulnerability == name);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn titles(world: &World, actor: &Actor) -> Vec<String> {
    let notices = world
        .app
        .my_notices(actor, app::Part::first(100))
        .await
        .expect("notices");
    notices.into_iter().map(|notice| notice.title).collect()
}

both! {
    async fn what_nobody_scored_waits_and_has_a_clock_once_it_is_classified(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        advisories(&world, &[("CVE-2026-1", None)]).await;
        let unscored = async || world.app.unscored(&world.reviewer).await.expect("a list");
        let waiting = unscored().await;
        assert_eq!((waiting.len(), &*waiting[0].vulnerability, waiting[0].products), (1, "CVE-2026-1", 1));
        assert_eq!(named(&world, &submission, "CVE-2026-1").await.due_at, None);

        let by_hand = classify(&world, &world.reviewer, None, ("CVE-2026-1", Class::Critical)).await.expect("classified");
        let now = world.app.now();
        let finding = named(&world, &submission, "CVE-2026-1").await;
        assert_eq!((finding.class, finding.advised), (Class::Critical, Class::Unscored));
        assert_eq!((finding.notified_at, finding.due_at), (Some(now), Some(now + TimeDelta::hours(72))));
        assert_eq!(unscored().await, []);
        let told = titles(&world, &world.owner).await;
        assert!(told.contains(&"acme/db: CVE-2026-1 is Critical by hand".to_owned()), "{told:?}");
        assert!(told.iter().any(|it| it.starts_with("acme/db: 1 finding to fix, the first by ")), "{told:?}");
        let page = world.app.submission_page(&world.owner, submission.id.as_str()).await.expect("a page");
        let shown = page.findings.iter().find(|view| view.finding.vulnerability == "CVE-2026-1").expect("shown");
        let why = shown.classification.as_ref().expect("with who and why");
        assert_eq!((&*why.author, &*why.reason), ("rita-reviewer", "Nobody reaches it."));

        // A new matching leaves it; so does another score.
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL)), ("CVE-2026-2", None)]).await;
        let again = named(&world, &submission, "CVE-2026-1").await;
        assert_eq!((again.class, again.advised, again.due_at), (Class::Critical, Class::Critical, finding.due_at));
        end(&world, &by_hand).await;
        assert_eq!(named(&world, &submission, "CVE-2026-1").await.due_at, finding.due_at, "it is so anyway");
        assert_eq!(world.audit(by_hand.classification.id.as_str()).await, ["classify ->critical", "classify critical>ended"]);
        let entries = world.app.classifications(&world.reviewer, None, app::Part::ALL).await.expect("a list");
        assert_eq!(entries[0].classification.ender.as_deref(), Some("rita-reviewer"));
    }

    async fn a_milder_class_stops_the_clock_and_lifts_the_hold_until_it_is_taken_back(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL))]).await;
        let tick = async || world.app.enforce_deadlines().await.expect("looked at");
        world.clock.advance(TimeDelta::hours(72));
        assert_eq!(tick().await, ClockOutcome { held: 1, ..ClockOutcome::default() });

        let minor = classify(&world, &world.reviewer, DB, ("CVE-2026-1", Class::Minor)).await.expect("classified");
        assert_eq!(named(&world, &submission, "CVE-2026-1").await.due_at, None);
        assert_eq!(tick().await, ClockOutcome { reinstated: 1, ..ClockOutcome::default() });
        world.clock.advance(TimeDelta::days(40));
        assert_eq!(tick().await, ClockOutcome::default());

        // What is said of one product counts before what is said of all.
        classify(&world, &world.operator, None, ("CVE-2026-1", Class::Major)).await.expect("classified");
        assert_eq!(named(&world, &submission, "CVE-2026-1").await.class, Class::Minor);
        end(&world, &minor).await;
        let major = named(&world, &submission, "CVE-2026-1").await;
        assert_eq!((major.class, major.due_at), (Class::Major, Some(world.app.now() + TimeDelta::days(7))));
        world.clock.advance(TimeDelta::days(7));
        assert_eq!(tick().await.held, 1);
    }

    async fn what_is_found_later_has_the_class_by_hand_at_once(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        classify(&world, &world.reviewer, None, ("CVE-2026-1", Class::None)).await.expect("classified");
        classify(&world, &world.reviewer, None, ("CVE-2026-2", Class::Critical)).await.expect("classified");
        let released = world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL)), ("CVE-2026-2", None)]).await;
        let next = world.submitted("1.1", &Image::debian(&[("bash", "5.1-2+deb11u1")], "two")).await;
        for submission in [&released, &next] {
            assert_eq!(named(&world, submission, "CVE-2026-1").await.class, Class::None);
            let second = named(&world, submission, "CVE-2026-2").await;
            assert_eq!((second.class, second.state), (Class::Critical, FindingState::Open));
            assert_eq!(second.due_at.is_some(), submission.id == released.id, "what is not released has no clock");
        }
    }

    async fn nobody_classifies_what_is_their_own(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL))]).await;
        let by_owner = classify(&world, &world.owner, DB, ("CVE-2026-1", Class::None)).await;
        assert!(told(by_owner).starts_with("denied"));
        let minor = classify(&world, &world.operator, DB, ("CVE-2026-1", Class::Minor)).await.expect("classified");
        // From now on the reviewer is one of them.
        world.app.set_member(&world.owner, "acme", "rita-reviewer", Role::Viewer).await.expect("a member");
        let own = "denied: nobody decides on the work of their own publisher";
        for product in [DB, None] {
            let refused = classify(&world, &world.reviewer, product, ("CVE-2026-1", Class::None)).await;
            assert_eq!(told(refused), own, "{product:?}");
        }
        let id = minor.classification.id.as_str();
        assert_eq!(told(world.app.end_classification(&world.reviewer, id, "Why not?").await), own);
        classify(&world, &world.reviewer, None, ("CVE-2026-7", Class::Major)).await.expect("nothing of theirs has it");
    }

    async fn what_cannot_be_is_refused(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let refused = classify(&world, &world.reviewer, DB, ("", Class::Unscored)).await;
        assert_eq!(told(refused), "invalid: vulnerability: write its name, such as CVE-2022-0778; class: choose critical, major, minor or none");
        let nowhere = classify(&world, &world.reviewer, Some(("acme", "none")), ("CVE-1", Class::Minor)).await;
        assert!(told(nowhere).starts_with("not-found"));
        let once = classify(&world, &world.reviewer, None, ("CVE-1", Class::Minor)).await.expect("classified");
        assert_eq!(told(classify(&world, &world.reviewer, None, ("CVE-1", Class::Minor)).await), "conflict: it is classified so already");
        let other = classify(&world, &world.reviewer, None, ("CVE-1", Class::Major)).await.expect("anew");
        let id = once.classification.id.as_str();
        assert_eq!(told(world.app.end_classification(&world.reviewer, id, "No.").await), "conflict: this classification does not count any more");
        let silent = world.app.end_classification(&world.reviewer, other.classification.id.as_str(), " ").await;
        assert_eq!(told(silent), "invalid: reason: say why; the publisher reads it");
        assert_eq!(world.audit(other.classification.id.as_str()).await, ["classify minor>major"]);
        let draft = world.app.product_draft(&world.owner, "acme", "db").await.expect("the product").1;
        assert_eq!(draft.state, ListingState::Draft);
    }
}
