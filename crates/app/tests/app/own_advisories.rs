//! Vulnerabilities that the team adds by hand: matched like any, withdrawn with a reason.

use app::{AppError, OwnAdvisory, Submission};
use chrono::TimeDelta;
use market::{Class, FindingState, Role};
use store::findings::Finding;

use crate::{
    images::Image,
    rematch::{CRITICAL, advisories},
    world::{World, told},
};

fn bash() -> market::OwnAdvisory {
    market::OwnAdvisory {
        name: None,
        ecosystem: "Debian:11".to_owned(),
        package: "bash".to_owned(),
        introduced: None,
        fixed: Some("5.2-1".to_owned()),
        last_affected: None,
        title: "It runs what it reads".to_owned(),
        vector: None,
        class: Some(Class::Critical),
        reason: "A customer showed us.".to_owned(),
    }
}

async fn add(world: &World, new: &market::OwnAdvisory) -> OwnAdvisory {
    world.clock.advance(TimeDelta::seconds(1));
    let added = world.app.add_own_advisory(&world.reviewer, new).await;
    let added = added.expect("added");
    assert_eq!(world.work().await, 1, "what it touches is matched");
    added
}

async fn withdraw(world: &World, own: &OwnAdvisory) -> Result<OwnAdvisory, AppError> {
    world.clock.advance(TimeDelta::seconds(1));
    let (id, why) = (own.id.as_str(), "It was another program.");
    world
        .app
        .withdraw_own_advisory(&world.reviewer, id, why)
        .await
}

async fn of_bash(world: &World, submission: &Submission) -> Vec<Finding> {
    let mut found = world.findings(submission).await;
    found.retain(|finding| finding.component == "bash");
    found
}

both! {
    async fn it_is_matched_with_what_is_there_and_what_comes(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = |seed| Image::debian(&[("bash", "5.1-2+deb11u1")], seed);
        let released = world.released("1.0", &image("one")).await;
        let added = add(&world, &bash()).await;
        assert_eq!((&*added.name, added.class, added.score), ("OWN-2026-0001", Class::Critical, None));
        let finding = of_bash(&world, &released).await.remove(0);
        assert_eq!((&*finding.vulnerability, finding.class, finding.state), ("OWN-2026-0001", Class::Critical, FindingState::Open));
        assert_eq!((finding.due_at, finding.fixed_version.as_deref()), (Some(world.app.now() + TimeDelta::hours(72)), Some("5.2-1")));
        let page = world.app.submission_page(&world.owner, released.id.as_str()).await.expect("a page");
        let shown = &page.findings[0];
        assert_eq!((&*shown.title, &*shown.reason.source), ("It runs what it reads", "certification team"));
        assert!(shown.explanation.contains("Added by the certification team: A customer showed us."), "{}", shown.explanation);
        let notices = world.app.my_notices(&world.owner, app::Part::first(100)).await.expect("notices");
        assert!(notices[0].title.starts_with("acme/db: 1 finding to fix, the first by "), "{}", notices[0].title);

        // The same package, and one that nobody had yet.
        let next = world.submitted("1.1", &image("two")).await;
        assert_eq!(of_bash(&world, &next).await.len(), 1);
        let new = world.submitted("1.2", &Image::debian(&[("bash", "5.1-9")], "three")).await;
        assert_eq!(of_bash(&world, &new).await.len(), 1);
        let fixed = world.submitted("1.3", &Image::debian(&[("bash", "5.2-1")], "four")).await;
        assert_eq!(of_bash(&world, &fixed).await, []);
        // New advisories leave it.
        advisories(&world, &[]).await;
        assert_eq!(of_bash(&world, &released).await[0], finding);

        let gone = withdraw(&world, &added).await.expect("withdrawn");
        assert_eq!((gone.withdrawer.as_deref(), gone.withdrawn_why.as_deref()), (Some("rita-reviewer"), Some("It was another program.")));
        assert_eq!(world.work().await, 1);
        assert_eq!(of_bash(&world, &released).await[0].state, FindingState::Fixed);
        let page = world.app.submission_page(&world.owner, released.id.as_str()).await.expect("a page");
        assert_eq!(page.findings[0].gone_because.as_deref(), Some("The certification team withdrew it: It was another program."));
        assert_eq!(told(withdraw(&world, &added).await), "conflict: it is withdrawn already");
        assert_eq!(world.audit(added.id.as_str()).await, ["manage-advisories ->critical", "manage-advisories critical>withdrawn"]);
        let again = add(&world, &bash()).await;
        assert_eq!(again.name, "OWN-2026-0002", "a name is given once");
    }

    async fn the_teams_word_counts_before_a_feeds(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let released = world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        advisories(&world, &[("CVE-2026-1", None)]).await;
        assert_eq!(of_bash(&world, &released).await[0].class, Class::Unscored);
        let own = market::OwnAdvisory { name: Some("CVE-2026-1".to_owned()), class: None, vector: Some(CRITICAL.to_owned()), ..bash() };
        let added = add(&world, &own).await;
        let found = of_bash(&world, &released).await;
        assert_eq!((found.len(), found[0].class, found[0].score), (1, Class::Critical, Some(9.8)));
        withdraw(&world, &added).await.expect("withdrawn");
        assert_eq!(world.work().await, 1);
        let found = of_bash(&world, &released).await;
        assert_eq!((found.len(), found[0].class, found[0].state), (1, Class::Unscored, FindingState::Open), "the feed's again");
    }

    async fn what_cannot_be_is_refused(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &Image::debian(&[("bash", "5.1-2+deb11u1")], "one")).await;
        let refused = async |new: market::OwnAdvisory| told(world.app.add_own_advisory(&world.reviewer, &new).await);
        let wrong = market::OwnAdvisory { fixed: Some("a b".to_owned()), class: None, vector: Some("CVSS:9".to_owned()), ..bash() };
        let words = refused(wrong).await;
        assert!(words.contains("vector: ") && words.contains("fixed: "), "{words}");
        let nowhere = refused(market::OwnAdvisory { ecosystem: "Debian".to_owned(), ..bash() }).await;
        assert!(nowhere.starts_with("invalid: ecosystem: nothing here is of this ecosystem"), "{nowhere}");
        let by_owner = world.app.add_own_advisory(&world.owner, &bash()).await;
        assert_eq!(told(by_owner), "denied: your account may not do this (`manage-advisories`)");
        let cve = market::OwnAdvisory { name: Some("CVE-2026-1".to_owned()), ..bash() };
        let added = add(&world, &cve).await;
        assert!(refused(cve).await.starts_with("conflict: CVE-2026-1 of bash in Debian:11 is added already"));
        let silent = world.app.withdraw_own_advisory(&world.reviewer, added.id.as_str(), " ").await;
        assert!(told(silent).starts_with("invalid: reason"));
        world.app.set_member(&world.owner, "acme", "rita-reviewer", Role::Viewer).await.expect("a member");
        assert_eq!(told(withdraw(&world, &added).await), "denied: nobody decides on the work of their own publisher");
    }
}
