//! Two reviewers for a first release.

use std::sync::Arc;

use app::{Actor, AppError, ReviewPolicy, Submission};
use market::{Decision, NoticeKind, Role, SubmissionState};
use store::Database;

use crate::{
    images::Image,
    world::{World, told},
};

const TWO: ReviewPolicy = ReviewPolicy {
    two_for_first_release: true,
    partners_only: false,
    confirm_holds: false,
};

/// A world whose first releases two people approve.
async fn careful(db: Database) -> World {
    let mut world = World::new(db).await;
    world.app = world.node_reviewing(TWO).await;
    world.product().await;
    world
}

async fn decide(
    world: &World,
    actor: &Actor,
    submission: &Submission,
    decision: Decision,
) -> Result<SubmissionState, AppError> {
    let id = submission.id.as_str();
    let decided = world.app.decide(actor, id, decision, "So.").await?;
    Ok(decided.state)
}

/// The names of those whose approvals count.
async fn given(world: &World, submission: &Submission) -> Vec<String> {
    let page = world
        .app
        .submission_page(&world.viewer, submission.id.as_str())
        .await;
    let approvals = page.expect("a page").approvals.expect("two are needed");
    approvals
        .given
        .into_iter()
        .map(|row| row.reviewer)
        .collect()
}

both! {
    async fn a_first_release_waits_for_two_different_people(db: Database) {
        use SubmissionState::{Approved, InReview};
        let world = careful(db).await;
        let (rita, olga) = (&world.reviewer, &world.operator);
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        assert_eq!(given(&world, &first).await, [""; 0]);
        assert_eq!(decide(&world, rita, &first, Decision::Approve).await.expect("once"), InReview);
        assert_eq!(given(&world, &first).await, ["rita-reviewer"]);
        assert_eq!(world.work().await, 0, "nothing is signed yet");
        let again = told(decide(&world, rita, &first, Decision::Approve).await);
        assert_eq!(again, "conflict: you approved it already: a first release needs the approval of two different people");
        for (actor, told_of_it) in [(&world.owner, true), (olga, true), (rita, false), (&world.carl, false)] {
            let notices = world.app.my_notices(actor, app::Part::first(99)).await.expect("notices");
            let found = notices.iter().any(|it| it.kind == NoticeKind::Decided && it.title.ends_with("has one of two approvals"));
            assert_eq!(found, told_of_it);
        }
        assert_eq!(decide(&world, olga, &first, Decision::Approve).await.expect("twice"), Approved);
        assert_eq!(world.work().await, 1);
        assert_eq!(world.submission(&first).await.state, SubmissionState::Released);
        assert_eq!(world.audit(first.id.as_str()).await[2..], [
            "decide-submission in-review>one-approval",
            "decide-submission in-review>approved",
            "decide-submission approved>released",
        ]);

        // Later releases need one.
        let second = world.submitted("1.1", &Image::vulnerable("two")).await;
        let page = world.app.submission_page(rita, second.id.as_str()).await.expect("a page");
        assert_eq!(page.approvals, None);
        assert_eq!(decide(&world, rita, &second, Decision::Approve).await.expect("approved"), Approved);
    }

    async fn what_comes_between_clears_the_first_approval(db: Database) {
        use SubmissionState::InReview;
        let world = careful(db).await;
        let (rita, olga) = (&world.reviewer, &world.operator);
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        decide(&world, rita, &first, Decision::Approve).await.expect("once");
        decide(&world, olga, &first, Decision::RequestChanges).await.expect("sent back");
        assert_eq!(given(&world, &first).await, [""; 0]);
        let second = world.submitted("1.1", &Image::vulnerable("two")).await;
        assert_eq!(decide(&world, olga, &second, Decision::Approve).await.expect("once"), InReview);

        // A resubmission needs both anew, though it replaced one that had an approval.
        let third = world.submitted("1.2", &Image::vulnerable("three")).await;
        assert_eq!(given(&world, &third).await, [""; 0]);
        assert_eq!(decide(&world, rita, &third, Decision::Approve).await.expect("once"), InReview);
        decide(&world, olga, &third, Decision::Reject).await.expect("rejected");
        let fourth = world.submitted("1.3", &Image::vulnerable("four")).await;
        assert_eq!(decide(&world, rita, &fourth, Decision::Approve).await.expect("once"), InReview);
        assert_eq!(world.work().await, 0);
    }

    async fn who_joins_the_publisher_has_not_approved(db: Database) {
        let world = careful(db).await;
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        decide(&world, &world.reviewer, &first, Decision::Approve).await.expect("once");
        world.app.set_member(&world.owner, "acme", "rita-reviewer", Role::Viewer).await.expect("a member");
        assert_eq!(given(&world, &first).await, [""; 0]);
        let state = decide(&world, &world.operator, &first, Decision::Approve).await.expect("once");
        assert_eq!(state, SubmissionState::InReview);
        assert!(told(decide(&world, &world.reviewer, &first, Decision::Approve).await).starts_with("denied"));
    }

    async fn nothing_is_signed_that_too_few_approved(db: Database) {
        let mut world = World::new(db).await;
        world.product().await;
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.decide(&first, Decision::Approve, "").await.expect("approved");
        // The policy comes into force before the release is made.
        let before = Arc::clone(&world.app);
        world.app = world.node_reviewing(TWO).await;
        assert_eq!(world.work().await, 1);
        assert_eq!(world.submission(&first).await.state, SubmissionState::InReview);
        assert_eq!(given(&world, &first).await, [""; 0], "both are needed anew");
        drop(before);
    }
}
