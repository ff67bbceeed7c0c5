//! What the certification team does, tried for the table of roles.

use app::{
    Actor, QueueQuery, VexVerdict,
    market::{Decision, ListingEvent, VexDecision},
};

use crate::{
    roles::{Things, code, unjustified},
    world::World,
};

fn untitled() -> market::OwnAdvisory {
    market::OwnAdvisory {
        name: None,
        ecosystem: String::new(),
        package: String::new(),
        introduced: None,
        fixed: None,
        last_affected: None,
        title: String::new(),
        vector: None,
        class: None,
        reason: String::new(),
    }
}

fn refusal_without_reason() -> VexVerdict<'static> {
    VexVerdict {
        decision: VexDecision::Refuse,
        reason: "",
        until: None,
    }
}

/// Tries what the certification team does.
#[expect(
    clippy::cognitive_complexity,
    reason = "a list, a line or two for each"
)]
pub(crate) async fn reviewing(
    world: &World,
    things: &Things,
    actor: &Actor,
) -> Vec<(&'static str, String)> {
    let (app, submission) = (&world.app, things.submission.as_str());
    let no_waiver = app::NewWaiver {
        check: "",
        reason: "",
        until: world.app.now(),
    };
    let nobody = app::Assignment {
        to: Some("nobody"),
        from: None,
    };
    let no_template = app::NewTemplate {
        decision: Decision::Reject,
        name: "",
        body: "",
    };
    vec![
        (
            "review_queue",
            code(app.review_queue(actor, &QueueQuery::default(), 1).await),
        ),
        (
            "set_publication",
            code(
                app.set_publication(actor, submission, app::PublicationTime::At(world.app.now()))
                    .await,
            ),
        ),
        (
            "assign_submission",
            code(app.assign_submission(actor, submission, nobody).await),
        ),
        (
            "submission_page",
            code(app.submission_page(actor, submission).await),
        ),
        (
            "submission_findings",
            code(
                app.submission_findings(actor, submission, app::Part::ALL)
                    .await,
            ),
        ),
        (
            "submission_thread",
            code(
                app.submission_thread(actor, submission, app::Part::ALL)
                    .await,
            ),
        ),
        (
            "add_comment",
            code(
                app.add_comment(actor, submission, "submission", "Hm.")
                    .await,
            ),
        ),
        (
            "resolve_comment",
            code(
                app.resolve_comment(actor, submission, &things.comment, true)
                    .await,
            ),
        ),
        (
            "decide",
            code(app.decide(actor, submission, Decision::Reject, "").await),
        ),
        (
            "manage_listing",
            code(
                app.manage_listing(actor, "acme", "db", ListingEvent::Hold, "")
                    .await,
            ),
        ),
        ("holds_to_confirm", code(app.holds_to_confirm(actor).await)),
        (
            "confirm_hold",
            code(app.confirm_hold(actor, "acme", "db").await),
        ),
        (
            "give_grace",
            code(
                app.give_grace(actor, ("acme", "db"), world.app.now(), "")
                    .await,
            ),
        ),
        (
            "set_pulls_closed",
            code(app.set_pulls_closed(actor, ("acme", "db"), true, "").await),
        ),
        (
            "list_listings",
            code(app.list_listings(actor, &app::Search::default(), 1).await),
        ),
        (
            "vex_page",
            code(app.vex_page(actor, "acme", "db", "", app::Part::ALL).await),
        ),
        (
            "vex_queue",
            code(app.vex_queue(actor, app::Part::ALL).await),
        ),
        (
            "waivers",
            code(app.waivers(actor, "acme", "db", app::Part::ALL).await),
        ),
        (
            "waive_check",
            code(app.waive_check(actor, "acme", "db", no_waiver).await),
        ),
        (
            "end_waiver",
            code(app.end_waiver(actor, &things.waiver, "").await),
        ),
        ("templates", code(app.templates(actor).await)),
        (
            "add_template",
            code(app.add_template(actor, no_template).await),
        ),
        (
            "change_template",
            code(app.change_template(actor, "tpl_x", no_template).await),
        ),
        (
            "remove_template",
            code(app.remove_template(actor, "tpl_x").await),
        ),
    ]
    .into_iter()
    .chain(judging(world, things, actor).await)
    .collect()
}

/// Tries what it says of vulnerabilities.
async fn judging(world: &World, things: &Things, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let no_class = app::NewClassification {
        vulnerability: "",
        product: Some(("acme", "db")),
        class: market::Class::Minor,
        reason: "",
    };
    vec![
        (
            "own_advisories",
            code(app.own_advisories(actor, None, app::Part::ALL).await),
        ),
        (
            "add_own_advisory",
            code(app.add_own_advisory(actor, &untitled()).await),
        ),
        (
            "withdraw_own_advisory",
            code(app.withdraw_own_advisory(actor, "adv_x", "").await),
        ),
        ("unscored", code(app.unscored(actor).await)),
        (
            "classifications",
            code(app.classifications(actor, None, app::Part::ALL).await),
        ),
        ("classify", code(app.classify(actor, no_class).await)),
        (
            "end_classification",
            code(app.end_classification(actor, &things.class, "").await),
        ),
        (
            "state_vex",
            code(app.state_vex(actor, "acme", "db", &unjustified()).await),
        ),
        (
            "import_vex",
            code(app.import_vex(actor, "acme", "db", b"{}").await),
        ),
        (
            "decide_vex",
            code(
                app.decide_vex(actor, &things.statement, refusal_without_reason())
                    .await,
            ),
        ),
    ]
}
