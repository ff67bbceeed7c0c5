//! Partnership with the operator, and what it is good for.

use app::{Actor, AppError, NewPartnership, Partnership, ReviewPolicy};
use market::{NoticeKind, PartnershipDecision, PartnershipState, SupportExchange};

use crate::{
    images::Image,
    world::{World, told},
};

async fn apply(
    world: &World,
    who: &Actor,
    agreement: Option<i64>,
) -> Result<Partnership, AppError> {
    let new = NewPartnership {
        exchange: SupportExchange::Member,
        membership: " ACME, 4711 ",
        agreement,
    };
    world.app.apply_for_partnership(who, "acme", new).await
}

async fn decide(
    world: &World,
    decision: PartnershipDecision,
    reason: &str,
) -> Result<Partnership, AppError> {
    let decided = world
        .app
        .decide_partnership(&world.operator, "acme", decision, reason);
    decided.await
}

both! {
    async fn it_is_applied_for_by_an_owner_and_decided_with_a_reason(db: Database) {
        let world = World::new(db).await;
        let (grant, refuse, end) = (
            PartnershipDecision::Grant, PartnershipDecision::Refuse, PartnershipDecision::End,
        );
        let none = told(decide(&world, grant, "So.").await);
        assert_eq!(none, "conflict: ACME Harbour Works Ltd did not apply");
        let set = world.app.set_partnership_agreement(&world.operator, "Be *good*.").await;
        assert_eq!(set.expect("set").version, 1);
        let unread = told(apply(&world, &world.owner, None).await);
        assert_eq!(unread, "conflict: accept the current version of the partnership agreement");
        assert!(told(apply(&world, &world.editor, Some(1)).await).starts_with("denied"));
        let applied = apply(&world, &world.owner, Some(1)).await.expect("applied");
        assert_eq!((applied.membership.as_str(), applied.agreement), ("ACME, 4711", Some(1)));
        assert_eq!(told(apply(&world, &world.owner, Some(1)).await), "conflict: the partnership is applied already");
        assert!(told(decide(&world, refuse, " ").await).contains("say why"));
        decide(&world, refuse, "No such member.").await.expect("refused");
        let again = apply(&world, &world.owner, Some(1)).await.expect("applied");
        assert_eq!(again.number, 2);
        decide(&world, grant, "Known to the exchange.").await.expect("granted");
        assert_eq!(told(decide(&world, grant, "So.").await), "conflict: a partnership that is granted cannot be granted");
        let ended = decide(&world, end, "It left the exchange.").await.expect("ended");
        assert_eq!(ended.state, PartnershipState::Ended);
        let view = world.app.partnership(&world.owner, "acme").await.expect("a view");
        assert_eq!((view.all.len(), view.may_apply, view.may_decide), (2, true, false));
        let notices = world.app.my_notices(&world.owner, app::Part::first(10)).await.expect("notices");
        let told_of = notices.iter().filter(|notice| notice.kind == NoticeKind::Publisher && notice.cause.starts_with("partnership:"));
        assert_eq!(told_of.count(), 3);
    }

    async fn where_the_policy_says_so_only_partners_are_certified(db: Database) {
        let mut world = World::new(db).await;
        world.app = world
            .node_reviewing(ReviewPolicy { two_for_first_release: false, partners_only: true, confirm_holds: false })
            .await;
        let mut draft = world.product().await;
        draft.platform = market::Platform::CertifiedInfrastructure;
        world.app.save_draft(&world.editor, "acme", "db", &draft).await.expect("saved");
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        for check in certify::CHECKS {
            let new = app::NewWaiver {
                check: check.id,
                reason: "For this test.",
                until: world.app.now() + chrono::TimeDelta::days(1),
            };
            world.app.waive_check(&world.reviewer, "acme", "db", new).await.expect("waived");
        }
        assert!(!world.submission(&submission).await.certifiable);
        apply(&world, &world.owner, None).await.expect("applied");
        assert!(!world.submission(&submission).await.certifiable);
        decide(&world, PartnershipDecision::Grant, "So.").await.expect("granted");
        assert!(world.submission(&submission).await.certifiable);
        decide(&world, PartnershipDecision::End, "So.").await.expect("ended");
        assert!(!world.submission(&submission).await.certifiable);
    }
}
