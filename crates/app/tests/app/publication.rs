//! When approved submissions go public: at a time, once, whatever happens before.

use std::sync::Arc;

use app::{App, AppError, PublicationTime, Submission};
use chrono::{DateTime, TimeDelta, Utc};
use market::{Decision, Publication, SubmissionState};

use crate::{
    images::Image,
    world::{World, told},
};

async fn set(
    world: &World,
    submission: &Submission,
    when: PublicationTime,
) -> Result<Submission, AppError> {
    let app = &world.app;
    app.set_publication(&world.editor, submission.id.as_str(), when)
        .await
}

fn in_hours(world: &World, hours: i64) -> DateTime<Utc> {
    world.app.now() + TimeDelta::hours(hours)
}

async fn state(world: &World, submission: &Submission) -> SubmissionState {
    world.submission(submission).await.state
}

async fn releases(world: &World) -> usize {
    let page = world.app.product_page(&world.carl, "acme", "db").await;
    page.map_or(0, |page| page.releases.len())
}

async fn approved(world: &World, tag: &str, image: &Image, when: PublicationTime) -> Submission {
    let submission = world.submitted(tag, image).await;
    set(world, &submission, when).await.expect("set");
    world
        .decide(&submission, Decision::Approve, "")
        .await
        .expect("approved");
    world.work().await;
    submission
}

both! {
    async fn it_goes_public_at_its_time_and_not_before(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let at = in_hours(&world, 10);
        let first = approved(&world, "1.0", &Image::vulnerable("one"), PublicationTime::At(at)).await;
        assert_eq!(state(&world, &first).await, SubmissionState::Approved);
        world.clock.advance(TimeDelta::hours(10) - TimeDelta::seconds(2));
        assert_eq!((world.work().await, releases(&world).await), (0, 0));
        world.clock.advance(TimeDelta::seconds(2));
        assert_eq!((world.work().await, releases(&world).await), (1, 1));
        let over = told(set(&world, &first, PublicationTime::Held).await);
        assert_eq!(over, "conflict: the submission is released: nothing of it goes public any more");
        let audit = world.audit(first.id.as_str()).await;
        let said: Vec<_> = audit.iter().filter(|line| line.starts_with("set-publication")).collect();
        assert_eq!(said, ["set-publication as soon as it is approved>at 1 Nov 2026, 20:00:00 UTC"]);
        let notices = world.app.my_notices(&world.owner, app::Part::first(10)).await.expect("notices");
        let titles: Vec<_> = notices.into_iter().map(|notice| notice.title).collect();
        assert!(titles.contains(&"acme/db: submission 1 goes public at 1 Nov 2026, 20:00:00 UTC".to_owned()), "{titles:?}");
        assert!(titles.contains(&"acme/db: submission 1 is approved and goes public at 1 Nov 2026, 20:00:00 UTC".to_owned()), "{titles:?}");
    }

    async fn what_a_key_signed_that_is_revoked_meanwhile_goes_back(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let at = in_hours(&world, 10);
        let first = approved(&world, "1.0", &Image::vulnerable("one"), PublicationTime::At(at)).await;
        let mut tx = world.db.read().await.expect("a connection");
        let product = store::products::find(&mut tx, &first.product_id).await.expect("read").expect("there");
        let keys = store::publishers::keys(&mut tx, &product.publisher_id).await.expect("keys");
        drop(tx);
        let revoked = world.app.revoke_publisher_key(&world.owner, "acme", keys[0].id.as_str(), None);
        revoked.await.expect("revoked");
        world.clock.advance(TimeDelta::hours(10));
        assert_eq!((world.work().await, releases(&world).await), (1, 0));
        assert_eq!(state(&world, &first).await, SubmissionState::InReview);
        let mut tx = world.db.read().await.expect("a connection");
        let records = store::audit::of_subject(&mut tx, first.id.as_str()).await.expect("read");
        let last = records.last().and_then(|record| record.reason.clone()).unwrap_or_default();
        assert!(last.contains("was revoked since: the publisher signs with another one"), "{last}");
    }

    async fn two_nodes_release_it_once_at_the_time_that_was_set_last(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let at = in_hours(&world, 1);
        let first = approved(&world, "1.0", &Image::vulnerable("one"), PublicationTime::At(at)).await;
        // Later, held back, and sooner again: each leaves a job behind.
        for when in [
            PublicationTime::At(in_hours(&world, 5)),
            PublicationTime::Held,
            PublicationTime::At(in_hours(&world, 3)),
        ] {
            set(&world, &first, when).await.expect("set");
        }
        let other = world.another_node().await;
        world.clock.advance(TimeDelta::hours(2));
        world.work().await;
        assert_eq!(releases(&world).await, 0);
        world.clock.advance(TimeDelta::hours(10));
        let work = async |app: Arc<App>, name: &str| {
            while app.work_once(name).await.expect("the queue") {}
        };
        tokio::join!(work(Arc::clone(&world.app), "one"), work(other, "two"));
        assert_eq!((releases(&world).await, state(&world, &first).await), (1, SubmissionState::Released));
        let summary = world.app.job_summary(&world.operator).await.expect("the queue");
        assert_eq!(summary.failed, []);
    }

    async fn what_is_held_back_waits_and_may_be_replaced(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let first = approved(&world, "1.0", &Image::vulnerable("one"), PublicationTime::Held).await;
        world.clock.advance(TimeDelta::days(30));
        assert_eq!((world.work().await, releases(&world).await), (0, 0));
        let second = world.submitted("1.1", &Image::vulnerable("two")).await;
        assert_eq!(state(&world, &first).await, SubmissionState::Superseded);
        assert_eq!(second.publication, Publication::Held, "as the one before");
        world.decide(&second, Decision::Approve, "").await.expect("approved");
        assert_eq!(world.work().await, 0);
        set(&world, &second, PublicationTime::AtOnce).await.expect("set");
        assert_eq!((world.work().await, releases(&world).await), (1, 1));
    }

    async fn a_time_that_is_over_is_refused_and_one_that_passes_in_review_is_no_reason_to_wait(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        for at in [world.app.now(), in_hours(&world, 24 * 400)] {
            let error = told(set(&world, &submission, PublicationTime::At(at)).await);
            assert_eq!(error, "conflict: choose a time that is not over and at most 366 days away");
        }
        let at = PublicationTime::At(in_hours(&world, 1));
        set(&world, &submission, at).await.expect("set");
        world.clock.advance(TimeDelta::hours(2));
        assert_eq!(world.work().await, 0);
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        assert_eq!((world.work().await, releases(&world).await), (1, 1));
    }

    async fn what_waits_for_its_time_ends_with_its_product(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let at = PublicationTime::At(in_hours(&world, 1));
        let first = approved(&world, "1.0", &Image::vulnerable("one"), at).await;
        world.app.withdraw_product(&world.owner, "acme", "db", "No.").await.expect("withdrawn");
        assert_eq!(state(&world, &first).await, SubmissionState::Rejected);
        world.clock.advance(TimeDelta::hours(2));
        world.work().await;
        assert_eq!(releases(&world).await, 0);
    }
}
