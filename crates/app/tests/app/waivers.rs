//! Waivers of certification checks: what they let through, what attestations say, how they end.

use app::{
    AppError, NewWaiver, Submission, Waiver,
    certify::{Level, Status},
};
use chrono::TimeDelta;
use market::{NoticeKind, Role};

use crate::{
    images::Image,
    world::{World, told},
};

/// Runs as root, which a check of level error does not let pass.
fn root(seed: &str) -> Image {
    let mut image = Image::debian(&[("coreutils", "8.32-4")], seed);
    image.config["config"]["User"] = "".into();
    image
}

async fn waive(world: &World, check: &str, days: i64) -> Result<Waiver, AppError> {
    world.clock.advance(TimeDelta::seconds(1));
    let new = NewWaiver {
        check,
        reason: "It has to bind a low port.",
        until: world.app.now() + TimeDelta::days(days),
    };
    world
        .app
        .waive_check(&world.reviewer, "acme", "db", new)
        .await
}

/// The checks of level error that failed: each with whether it is waived.
async fn failed(world: &World, submission: &Submission) -> Vec<(String, bool)> {
    let id = submission.id.as_str();
    let page = world.app.submission_page(&world.owner, id).await;
    let checks = page.expect("a page").checks.into_iter();
    let failed = checks.filter(|check| {
        check.result.status == Status::Failed && check.result.level == Level::Error
    });
    failed
        .map(|check| (check.result.id, check.waiver.is_some()))
        .collect()
}

both! {
    async fn a_waived_check_is_not_in_the_way_and_not_passed(db: Database) {
        let world = World::new(db).await;
        let mut draft = world.product().await;
        draft.platform = market::Platform::CertifiedInfrastructure;
        world.app.save_draft(&world.editor, "acme", "db", &draft).await.expect("saved");
        let first = world.submitted("1.0", &root("one")).await;
        let in_the_way = failed(&world, &first).await;
        assert!(!in_the_way.is_empty() && !first.certifiable, "{in_the_way:?}");
        for (check, _) in &in_the_way {
            waive(&world, check, 10).await.expect("waived");
        }
        assert!(failed(&world, &first).await.iter().all(|(_, waived)| *waived));
        assert!(world.submission(&first).await.certifiable, "what is under review follows");
        let queue = world.app.review_queue(&world.reviewer, &app::QueueQuery::default(), 9).await.expect("a queue");
        assert_eq!(queue.entries[0].failed_checks, 0);
        world.decide(&first, market::Decision::Approve, "").await.expect("approved");
        assert_eq!(world.work().await, 1);
        let page = world.app.product_page(&world.carl, "acme", "db").await.expect("on the market");
        let check = page.check_results.iter().find(|check| check.id == in_the_way[0].0).expect("shown");
        assert!(check.waived && !check.passed && page.product.certified);
        let notices = world.app.my_notices(&world.owner, app::Part::first(100)).await.expect("notices");
        assert!(notices.iter().any(|it| it.kind == NoticeKind::Waiver && it.title.contains(" is waived until ")));

        // It counts for what comes, until it is over.
        let second = world.submitted("1.1", &root("two")).await;
        assert!(second.certifiable);
        world.clock.advance(TimeDelta::days(10));
        assert!(failed(&world, &second).await.iter().all(|(_, waived)| *waived), "nobody looked again");
        let third = world.submitted("1.2", &root("three")).await;
        assert!(failed(&world, &third).await.iter().all(|(_, waived)| !*waived) && !third.certifiable);
    }

    async fn a_waiver_taken_back_reopens_the_check(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &root("one")).await;
        let check = failed(&world, &submission).await.remove(0).0;
        let waiver = waive(&world, &check, 10).await.expect("waived");
        let id = waiver.id.as_str();
        assert!(told(world.app.end_waiver(&world.reviewer, id, " ").await).starts_with("invalid: reason"));
        assert!(told(world.app.end_waiver(&world.owner, id, "No.").await).starts_with("denied"));
        let ended = world.app.end_waiver(&world.reviewer, id, "A high port will do.").await.expect("ended");
        assert_eq!(ended.ender.as_deref(), Some("rita-reviewer"));
        assert!(failed(&world, &submission).await.contains(&(check.clone(), false)));
        assert_eq!(told(world.app.end_waiver(&world.reviewer, id, "Again.").await), "conflict: this waiver is over");
        assert_eq!(world.audit(id).await, [format!("waive-check ->{check}"), format!("waive-check {check}>ended")]);

        assert!(told(waive(&world, "no-such-check", 1).await).starts_with("invalid: check"));
        assert!(told(waive(&world, &check, 0).await).starts_with("invalid: until"));
        world.app.set_member(&world.owner, "acme", "rita-reviewer", Role::Viewer).await.expect("a member");
        assert_eq!(told(waive(&world, &check, 1).await), "denied: nobody decides on the work of their own publisher");
        assert_eq!(world.app.waivers(&world.viewer, "acme", "db", app::Part::ALL).await.expect("listed").len(), 1);
        assert!(world.app.waivers(&world.carl, "acme", "db", app::Part::ALL).await.is_err());
    }
}
