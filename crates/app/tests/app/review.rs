//! Who decides, and the thread.

use app::{Assignment, QueueEntry, QueueQuery};
use chrono::TimeDelta;
use market::{Assigned, Decision, NoticeKind, Role, SubmissionState};

use crate::{
    images::Image,
    world::{World, told},
};

fn to(name: &str) -> Assignment<'_> {
    Assignment {
        to: Some(name),
        from: None,
    }
}

async fn queue(world: &World, query: &QueueQuery) -> Vec<QueueEntry> {
    let page = world.app.review_queue(&world.reviewer, query, 9).await;
    page.expect("the queue").entries
}

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
        let queue = queue(&world, &QueueQuery::default()).await;
        assert_eq!((queue.len(), &queue[0].submission.id), (1, &submission.id));
        assert!(queue[0].counts.iter().any(|(_, count)| *count > 0));
        world.decide(&submission, Decision::RequestChanges, "x").await.expect("sent back");
        assert_eq!(self::queue(&world, &QueueQuery::default()).await.len(), 0);
    }

    async fn each_sides_time_counts_over_all_of_a_review(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let released = world.released("0.9", &Image::vulnerable("zero")).await;
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::hours(5));
        world.decide(&first, Decision::RequestChanges, "x").await.expect("sent back");
        world.clock.advance(TimeDelta::hours(30));
        world.submitted("1.1", &Image::vulnerable("two")).await;
        world.clock.advance(TimeDelta::hours(2));
        let waiting = queue(&world, &QueueQuery::default()).await.remove(0).waiting;
        assert_eq!((waiting.reviewers, waiting.publisher), (TimeDelta::hours(7), TimeDelta::hours(30)));
        let page = world.app.submission_page(&world.owner, released.id.as_str()).await.expect("a page");
        assert_eq!(page.waiting.publisher, TimeDelta::zero(), "what is released is over");
        assert_eq!(page.assignment, None, "publishers see no assignment");
    }

    async fn the_queue_is_filtered_and_goes_on_where_it_ended(db: Database) {
        let world = World::new(db).await;
        let draft = world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let (app, id) = (&world.app, submission.id.as_str());
        let all = QueueQuery::default;
        let text = |text: &str| Some(text.to_owned());
        let asked = [
            (QueueQuery { state: Some(SubmissionState::InReview), ..all() }, 1),
            (QueueQuery { state: Some(SubmissionState::ChangesRequested), ..all() }, 0),
            (QueueQuery { publisher: text("acme"), product: text("db"), ..all() }, 1),
            (QueueQuery { publisher: text("other"), ..all() }, 0),
            (QueueQuery { product: text("other"), ..all() }, 0),
            (QueueQuery { certifiable: Some(submission.certifiable), ..all() }, 1),
            (QueueQuery { certifiable: Some(!submission.certifiable), ..all() }, 0),
            (QueueQuery { assigned: Assigned::Nobody, ..all() }, 1),
            (QueueQuery { assigned: Assigned::Mine, ..all() }, 0),
        ];
        for (query, count) in asked {
            assert_eq!(queue(&world, &query).await.len(), count, "{query:?}");
        }
        app.assign_submission(&world.reviewer, id, to("rita-reviewer")).await.expect("taken");
        for (assigned, count) in [(Assigned::Nobody, 0), (Assigned::Mine, 1), (Assigned::Everybody, 1)] {
            assert_eq!(queue(&world, &QueueQuery { assigned, ..all() }).await.len(), count, "{assigned}");
        }

        // A second product, later: each is a part of its own.
        world.clock.advance(TimeDelta::hours(1));
        app.create_product(&world.editor, "acme", "db-two").await.expect("a product");
        app.save_draft(&world.editor, "acme", "db-two", &draft).await.expect("saved");
        let new = app::NewSubmission { repository: "db".to_owned(), tag: "1.0".to_owned() };
        let second = app.submit(&world.editor, "acme", "db-two", &new).await.expect("submitted");
        world.work().await;
        let first = app.review_queue(&world.reviewer, &all(), 1).await.expect("a part");
        assert_eq!(first.entries[0].submission.id, submission.id);
        assert_eq!(first.entries[0].reviewer.as_deref(), Some("rita-reviewer"));
        let after = first.next;
        assert!(after.is_some());
        let rest = app.review_queue(&world.reviewer, &QueueQuery { after, ..all() }, 1).await.expect("a part");
        assert_eq!((rest.entries[0].submission.id.as_str(), rest.next), (second.id.as_str(), None));
    }

    async fn a_submission_goes_from_hand_to_hand_knowingly(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        let (app, id) = (&world.app, first.id.as_str());
        let assign = async |actor, assignment| match app.assign_submission(actor, id, assignment).await {
            Ok(_) => "ok".to_owned(),
            refused => told(refused),
        };
        assert_eq!(assign(&world.reviewer, to("rita-reviewer")).await, "ok");
        assert_eq!(assign(&world.operator, to("olga-operator")).await, "conflict: rita-reviewer has it: take it from them knowingly");
        let instead = Assignment { from: Some("rita-reviewer"), ..to("olga-operator") };
        assert_eq!(assign(&world.operator, instead).await, "ok");
        assert_eq!(assign(&world.reviewer, Assignment { to: None, from: Some("rita-reviewer") }).await, "conflict: olga-operator has it: take it from them knowingly");
        let back = Assignment { to: Some("rita-reviewer"), from: Some("olga-operator") };
        assert_eq!(assign(&world.operator, back).await, "ok");
        let titles = |notices: Vec<app::Notice>| {
            let ours = notices.into_iter().filter(|it| it.kind == NoticeKind::Assigned);
            ours.map(|it| it.body).collect::<Vec<_>>()
        };
        let ritas = app.my_notices(&world.reviewer, app::Part::first(99)).await.expect("notices");
        assert_eq!(titles(ritas), [
            "olga-operator gave you submission 1 of acme/db.",
            "olga-operator gave submission 1 of acme/db, which you had, to olga-operator.",
        ]);
        assert!(titles(app.my_notices(&world.operator, app::Part::first(99)).await.expect("notices")).is_empty(), "nobody is told what they did");
        let account = |actor: &app::Actor| actor.signed_in().expect("somebody").id.clone();
        let (rita, olga) = (account(&world.reviewer), account(&world.operator));
        assert_eq!(world.audit(id).await[2..], [
            format!("assign-submission ->{rita}"),
            format!("assign-submission {rita}>{olga}"),
            format!("assign-submission {olga}>{rita}"),
        ]);
        for (actor, name) in [(&world.owner, "denied"), (&world.carl, "not-found")] {
            assert!(assign(actor, to("rita-reviewer")).await.starts_with(name));
        }
        for name in ["oscar-owner", "carl-consumer", "nobody"] {
            let wrong = Assignment { from: Some("rita-reviewer"), ..to(name) };
            assert!(assign(&world.operator, wrong).await.starts_with("conflict: name somebody of the certification team"), "{name}");
        }

        // What takes its place stays in the same hands, unless these may no longer decide.
        world.decide(&first, Decision::RequestChanges, "x").await.expect("sent back");
        let second = world.submitted("1.1", &Image::vulnerable("two")).await;
        assert_eq!(second.reviewer_id, world.submission(&first).await.reviewer_id);
        assert!(assign(&world.reviewer, Assignment { to: None, from: Some("rita-reviewer") }).await.starts_with("conflict: a submission that is superseded"));
        world.app.set_member(&world.owner, "acme", "rita-reviewer", Role::Viewer).await.expect("a member");
        let id = second.id.as_str();
        let denied = told(app.assign_submission(&world.reviewer, id, Assignment { to: None, from: Some("rita-reviewer") }).await);
        assert_eq!(denied, "denied: nobody decides on the work of their own publisher");
        let own = Assignment { to: Some("rita-reviewer"), from: Some("rita-reviewer") };
        assert!(told(app.assign_submission(&world.operator, id, own).await).starts_with("conflict: name somebody of the certification team"));
        let third = world.submitted("1.2", &Image::vulnerable("three")).await;
        assert_eq!(third.reviewer_id, None);
    }
}
