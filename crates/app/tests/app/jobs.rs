//! Jobs cut short, done twice, done by two at once, and given up.

use chrono::TimeDelta;
use market::{Decision, JobId, SubmissionId, SubmissionState};
use serde_json::json;
use store::jobs::{self, NewJob};

use crate::{
    images::Image,
    world::{World, told},
};

/// Adds a job as if it had not been there before.
async fn again(world: &World, kind: &str, submission: &SubmissionId, number: u8) {
    let mut tx = world.db.begin().await.expect("a transaction");
    let job = NewJob {
        id: JobId::new(world.app.now(), [number; 10]),
        kind: if kind == "inspect" {
            "inspect"
        } else {
            "release"
        },
        payload: json!({"kind": kind, "submission": submission}),
        dedupe_key: None,
        run_at: world.app.now(),
    };
    jobs::enqueue(&mut tx, &job).await.expect("added");
    tx.commit().await.expect("committed");
}

async fn failed_jobs(world: &World) -> Vec<(String, String)> {
    world
        .app
        .job_summary(&world.operator)
        .await
        .expect("the queue")
        .failed
}

both! {
    async fn an_inspection_done_twice_is_done_once(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let findings = world.findings(&submission).await;
        world.clock.advance(TimeDelta::minutes(5));
        again(&world, "inspect", &submission.id, 1).await;
        assert_eq!(world.work().await, 1);
        assert_eq!(world.submission(&submission).await, submission);
        assert_eq!(world.findings(&submission).await, findings);
        assert_eq!(failed_jobs(&world).await, []);
    }

    async fn a_worker_killed_in_an_inspection_has_an_heir(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        world.sign(&world.key, &digest).await;
        let submission = world.submit("1.0").await.expect("submitted");
        let mut tx = world.db.begin().await.expect("a transaction");
        let taken = jobs::claim(&mut tx, "killed", world.app.now(), TimeDelta::seconds(30)).await;
        taken.expect("asked").expect("a job");
        tx.commit().await.expect("committed");
        assert_eq!(world.work().await, 0);
        world.clock.advance(TimeDelta::seconds(31));
        assert_eq!(world.work().await, 1);
        assert_eq!(world.submission(&submission).await.state, SubmissionState::InReview);
    }

    async fn a_job_that_takes_its_workers_down_ends_and_says_so(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.push(Some("1.0"), &Image::vulnerable("one")).await;
        let submission = world.submit("1.0").await.expect("submitted");
        for _ in 0..jobs::MAX_ATTEMPTS {
            let mut tx = world.db.begin().await.expect("a transaction");
            let taken = jobs::claim(&mut tx, "killed", world.app.now(), TimeDelta::seconds(30)).await;
            taken.expect("asked").expect("a job");
            tx.commit().await.expect("committed");
            world.clock.advance(TimeDelta::seconds(31));
        }
        assert_eq!(world.work().await, 1);
        assert_eq!(failed_jobs(&world).await.len(), 1);
        let failed = world.submission(&submission).await;
        assert_eq!(failed.state, SubmissionState::Failed);
        assert!(failed.problem.expect("words").contains("submit it again"));
        world.submit("1.0").await.expect("submitted again");
    }

    async fn a_release_done_twice_is_done_once(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let findings = world.findings(&submission).await;
        world.clock.advance(TimeDelta::hours(5));
        again(&world, "release", &submission.id, 1).await;
        assert_eq!(world.work().await, 1);
        let page = world.app.product_page(&world.carl, "acme", "db").await.expect("a page");
        assert_eq!(page.releases.len(), 1);
        assert_eq!(world.findings(&submission).await, findings);
        assert_eq!(world.submission(&submission).await, submission);
        assert_eq!(failed_jobs(&world).await, []);
    }

    async fn two_workers_on_one_release_make_one(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        again(&world, "release", &submission.id, 1).await;
        let (one, two) = tokio::join!(world.app.work_once("one"), world.app.work_once("two"));
        assert!(one.expect("worked") && two.expect("worked"));
        // Whoever came second tries again later, and finds it done.
        world.clock.advance(TimeDelta::minutes(5));
        world.work().await;
        assert_eq!(failed_jobs(&world).await, []);
        assert_eq!(world.submission(&submission).await.state, SubmissionState::Released);
        let released = world.audit(submission.id.as_str()).await;
        assert_eq!(released.iter().filter(|line| line.ends_with("approved>released")).count(), 1);
        let page = world.app.product_page(&world.carl, "acme", "db").await.expect("a page");
        assert_eq!(page.releases.len(), 1);
    }

    async fn two_reviewers_do_not_decide_both(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let id = submission.id.as_str();
        let (one, two) = tokio::join!(
            world.app.decide(&world.reviewer, id, Decision::Reject, "No."),
            world.app.decide(&world.operator, id, Decision::Approve, "Yes."),
        );
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let refused = if one.is_ok() { told(two) } else { told(one) };
        assert!(refused.starts_with("conflict: "), "{refused}");
        let decided = world.audit(id).await;
        assert_eq!(decided.iter().filter(|line| line.starts_with("decide-submission")).count(), 1);
    }

    async fn two_submissions_at_once_make_one(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.push(Some("1.0"), &Image::vulnerable("one")).await;
        let (one, two) = tokio::join!(world.submit("1.0"), world.submit("1.0"));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let refused = if one.is_ok() { told(two) } else { told(one) };
        assert!(refused.starts_with("conflict: "), "{refused}");
    }
}
