//! Who decides, and the thread.

use market::{Decision, Role, SubmissionState};

use crate::{
    images::Image,
    world::{World, told},
};

both! {
    async fn nobody_decides_on_their_own_publishers_work(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let id = submission.id.as_str();
        for name in ["rita-reviewer", "olga-operator"] {
            world.app.set_member(&world.owner, "acme", name, Role::Viewer).await.expect("a member");
        }
        for staff in [&world.reviewer, &world.operator] {
            for decision in [Decision::Approve, Decision::Reject, Decision::RequestChanges] {
                let refused = told(world.app.decide(staff, id, decision, "x").await);
                assert_eq!(refused, "denied: nobody decides on the work of their own publisher");
            }
            let page = world.app.submission_page(staff, id).await.expect("a page");
            assert!(!page.may_decide && page.may_comment);
        }
        assert!(told(world.app.decide(&world.owner, id, Decision::Approve, "x").await).starts_with("denied"));
        assert!(told(world.app.decide(&world.carl, id, Decision::Approve, "x").await).starts_with("not-found"));
    }

    async fn a_decision_has_a_reason_and_its_time(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        assert!(told(world.decide(&submission, Decision::Reject, "  ").await).starts_with("invalid: reason"));
        assert!(told(world.decide(&submission, Decision::Reject, &"x".repeat(10_001)).await).starts_with("invalid: reason"));
        world.decide(&submission, Decision::Reject, "No.").await.expect("rejected");
        assert_eq!(told(world.decide(&submission, Decision::Approve, "").await), "conflict: a submission that is rejected cannot be approved");
        assert_eq!(world.submission(&submission).await.state, SubmissionState::Rejected);
    }

    async fn remarks_are_written_settled_and_stay_where_they_belong(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let (app, id) = (&world.app, submission.id.as_str());
        let remark = app.add_comment(&world.reviewer, id, "finding:CVE-2022-0778", "Why?").await.expect("written");
        app.add_comment(&world.editor, id, "submission", " Soon fixed. ").await.expect("written");
        assert!(told(app.add_comment(&world.viewer, id, "submission", "x").await).starts_with("denied"));
        assert!(told(app.add_comment(&world.carl, id, "submission", "x").await).starts_with("not-found"));
        assert!(told(app.add_comment(&world.editor, id, "nonsense", "x").await).starts_with("invalid: anchor"));
        assert!(told(app.add_comment(&world.editor, id, "submission", " \n").await).starts_with("invalid: body"));
        app.resolve_comment(&world.editor, id, remark.id.as_str(), true).await.expect("settled");
        let thread = app.submission_page(&world.viewer, id).await.expect("a page").thread;
        let told_all: Vec<_> = thread.iter().map(|c| (c.author.as_str(), c.comment.body.as_str(), c.comment.resolved_at.is_some())).collect();
        assert_eq!(told_all, [("rita-reviewer", "Why?", true), ("eve-editor", "Soon fixed.", false)]);
        app.resolve_comment(&world.reviewer, id, remark.id.as_str(), false).await.expect("opened again");
        assert!(told(app.resolve_comment(&world.reviewer, id, "cmt_x", true).await).starts_with("not-found"));
        assert_eq!(world.audit(id).await[2..], ["comment ->commented", "comment ->commented", "comment ->resolved", "comment ->reopened"]);
    }

    async fn the_queue_is_ordered_by_waiting(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let queue = world.app.review_queue(&world.reviewer).await.expect("the queue");
        assert_eq!((queue.len(), &queue[0].submission.id), (1, &submission.id));
        assert!(queue[0].counts.iter().any(|(_, count)| *count > 0));
        world.decide(&submission, Decision::RequestChanges, "x").await.expect("sent back");
        assert_eq!(world.app.review_queue(&world.reviewer).await.expect("the queue").len(), 0);
    }
}
