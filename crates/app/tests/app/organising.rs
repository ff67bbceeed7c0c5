//! The use cases around a publisher's profile and its people, tried by everybody: a part of
//! the table in `roles`.

use app::{
    Actor, Profile,
    market::{PublisherDecision, Role, Terms},
};

use crate::{roles::code, world::World};

/// Leaves, and is taken in again.
async fn leave(world: &World, actor: &Actor) -> String {
    let (app, system) = (&world.app, Actor::system());
    let team = app.team(&system, "acme").await.expect("its people");
    let outcome = code(app.leave_publisher(actor, "acme").await);
    if outcome == "ok" {
        let name = actor.signed_in().expect("somebody").name.clone();
        let member = team.members.iter().find(|member| member.name == name);
        let role = member.expect("was one").role;
        let back = app.set_member(&system, "acme", &name, role).await;
        back.expect("back");
    }
    outcome
}

/// Tries everything as `actor`, as `roles` says.
pub(crate) async fn organising(world: &World, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let application = app::Application {
        slug: "acme".to_owned(),
        legal_name: "X".to_owned(),
        website: "https://x.example".to_owned(),
        phone: "+1 555 0100".to_owned(),
        email: "x@x.example".to_owned(),
        agreement: None,
    };
    let verified = PublisherDecision::Verify;
    vec![
        (
            "apply_as_publisher",
            code(app.apply_as_publisher(actor, &application).await),
        ),
        (
            "decide_publisher",
            code(app.decide_publisher(actor, "acme", verified, "").await),
        ),
        (
            "publisher_proofs",
            code(app.publisher_proofs(actor, "acme").await),
        ),
        (
            "mail_email_proof",
            code(app.mail_email_proof(actor, "acme").await),
        ),
        (
            "look_at_domain",
            code(app.look_at_domain(actor, "acme").await),
        ),
        (
            "change_profile",
            code(app.change_profile(actor, "acme", &Profile::default()).await),
        ),
        (
            "list_letters",
            code(app.list_letters(actor, app::Part::first(1)).await),
        ),
        (
            "list_publishers",
            code(app.list_publishers(actor, None, app::Part::ALL).await),
        ),
        (
            "publishers_waiting",
            code(app.publishers_waiting(actor).await),
        ),
        ("my_publishers", code(app.my_publishers(actor).await)),
        ("my_memberships", code(app.my_memberships(actor).await)),
        ("publisher", code(app.publisher(actor, "acme").await)),
        (
            "publisher_page",
            code(app.publisher_page(actor, "acme", 1).await),
        ),
        (
            "set_member",
            code(
                app.set_member(actor, "acme", "bystander", Role::Viewer)
                    .await,
            ),
        ),
        (
            "publisher_terms",
            code(app.publisher_terms(actor, "acme").await),
        ),
        (
            "set_terms",
            code(app.set_terms(actor, "acme", &Terms::default(), "").await),
        ),
        ("team", code(app.team(actor, "acme").await)),
        (
            "remove_member",
            code(app.remove_member(actor, "acme", "no-such-account").await),
        ),
        ("leave_publisher", leave(world, actor).await),
        (
            "invite_member",
            code(app.invite_member(actor, "acme", ("x", Role::Viewer)).await),
        ),
        (
            "resend_invitation",
            code(app.resend_invitation(actor, "acme", "ltr_x").await),
        ),
        (
            "withdraw_invitation",
            code(app.withdraw_invitation(actor, "acme", "ltr_x").await),
        ),
        (
            "accept_invitation",
            code(app.accept_invitation(actor, "ltr_x", "x").await),
        ),
    ]
    .into_iter()
    .chain(partnering(world, actor).await)
    .collect()
}

/// Around partnership.
async fn partnering(world: &World, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let nobody = app::NewPartnership {
        exchange: market::SupportExchange::Member,
        membership: "",
        agreement: None,
    };
    let grant = market::PartnershipDecision::Grant;
    vec![
        ("partnership", code(app.partnership(actor, "acme").await)),
        (
            "apply_for_partnership",
            code(app.apply_for_partnership(actor, "acme", nobody).await),
        ),
        (
            "decide_partnership",
            code(app.decide_partnership(actor, "acme", grant, "").await),
        ),
        (
            "partnership_agreement",
            code(app.partnership_agreement(actor).await),
        ),
        (
            "set_partnership_agreement",
            code(app.set_partnership_agreement(actor, "").await),
        ),
    ]
}
