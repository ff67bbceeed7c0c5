//! Statements about vulnerabilities, from the publisher's word to what it does to clocks and holds.

use app::{Actor, AppError, ClockOutcome, NewVex, Submission, VexStatement, VexVerdict};
use chrono::{DateTime, TimeDelta, Utc};
use market::{
    FindingState, ListingState, VexClaim, VexDecision, VexJustification, VexScope, VexStanding,
    VexStatus,
};
use serde_json::json;
use store::findings::Finding;

use crate::{
    images::Image,
    rematch::{CRITICAL, advisories},
    world::{World, told},
};

const OPENSSL: &str = "pkg:deb/debian/openssl";

fn not_affected(vulnerability: &str, component: Option<&str>) -> NewVex {
    NewVex {
        scope: VexScope {
            vulnerability: vulnerability.to_owned(),
            image: None,
            component: component.map(str::to_owned),
        },
        claim: VexClaim {
            status: VexStatus::NotAffected,
            justification: Some(VexJustification::VulnerableCodeNotInExecutePath),
            text: "It never parses certificates.".to_owned(),
        },
    }
}

async fn state(world: &World, new: &NewVex) -> VexStatement {
    // What happens at one moment has no order.
    world.clock.advance(TimeDelta::seconds(1));
    let stated = world.app.state_vex(&world.editor, "acme", "db", new).await;
    stated.expect("stated")
}

async fn decide(
    world: &World,
    actor: &Actor,
    statement: &VexStatement,
    (decision, reason): (VexDecision, &str),
    until: Option<DateTime<Utc>>,
) -> Result<VexStatement, AppError> {
    let verdict = VexVerdict {
        decision,
        reason,
        until,
    };
    let decided = world.app.decide_vex(actor, statement.id.as_str(), verdict);
    decided.await
}

async fn accept(world: &World, statement: &VexStatement, until: Option<DateTime<Utc>>) {
    let yes = (VexDecision::Accept, "");
    let decided = decide(world, &world.reviewer, statement, yes, until).await;
    assert_eq!(decided.expect("accepted").standing, VexStanding::Accepted);
}

/// States and has accepted that no open finding of a submission concerns the product.
async fn answer_all(world: &World, submission: &Submission, until: Option<DateTime<Utc>>) {
    let mut names = open(world, submission).await;
    names.dedup();
    for name in names {
        accept(
            world,
            &state(world, &not_affected(&name, Some(OPENSSL))).await,
            until,
        )
        .await;
    }
}

async fn open(world: &World, submission: &Submission) -> Vec<String> {
    let found = world.findings(submission).await.into_iter();
    let open = found.filter(|finding| finding.state == FindingState::Open);
    let mut names: Vec<_> = open.map(|finding| finding.vulnerability).collect();
    names.sort_unstable();
    names
}

/// Returns the vulnerabilities of the findings whose clock runs.
async fn due(world: &World, submission: &Submission) -> Vec<String> {
    let mut found = world.findings(submission).await;
    found.retain(|finding| finding.state == FindingState::Open && finding.due_at.is_some());
    let names = found.into_iter().map(|finding| finding.vulnerability);
    names.collect()
}

async fn named(world: &World, submission: &Submission, name: &str) -> Finding {
    let found = world.findings(submission).await;
    let named = found
        .into_iter()
        .find(|finding| finding.vulnerability == name);
    named.expect("found")
}

async fn listing(world: &World) -> ListingState {
    let draft = world.app.product_draft(&world.owner, "acme", "db").await;
    draft.expect("the product").1.state
}

async fn tick(world: &World) -> ClockOutcome {
    let outcome = world.app.enforce_deadlines().await;
    outcome.expect("the clocks are looked at")
}

/// Returns the titles of what somebody was told, newest first.
async fn notices(world: &World, actor: &Actor) -> Vec<String> {
    let notices = world
        .app
        .my_notices(actor, app::Part::first(50))
        .await
        .expect("read");
    notices.into_iter().map(|notice| notice.title).collect()
}

both! {
    async fn an_accepted_statement_stops_the_clock_until_it_ends(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let name = due(&world, &submission).await.remove(0);
        let before = named(&world, &submission, &name).await;
        let stated = state(&world, &not_affected(&name, Some(OPENSSL))).await;
        assert_eq!((stated.standing, stated.version), (VexStanding::Waiting, 1));
        assert_eq!(named(&world, &submission, &name).await, before, "what waits changes nothing");
        assert!(notices(&world, &world.reviewer).await.contains(&"acme/db: 1 statement waits for review".to_owned()));
        let queue = world.app.vex_queue(&world.reviewer, app::Part::ALL).await.expect("a queue");
        assert_eq!((queue.len(), queue[0].own_work), (1, false));

        world.clock.advance(TimeDelta::seconds(1));
        let until = world.app.now() + TimeDelta::days(10);
        accept(&world, &stated, Some(until)).await;
        assert_eq!(named(&world, &submission, &name).await.state, FindingState::Answered);
        assert!(!open(&world, &submission).await.contains(&name));
        let page = world.app.submission_page(&world.owner, submission.id.as_str()).await.expect("a page");
        let shown = page.findings.iter().find(|view| view.finding.vulnerability == name).expect("still shown");
        let beside = shown.statement.as_ref().expect("with the statement");
        assert_eq!((&beside.decider, beside.ends_at), (&Some("rita-reviewer".to_owned()), Some(until)));
        answer_all(&world, &submission, None).await;
        world.clock.advance(until - world.app.now() - TimeDelta::seconds(1));
        assert_eq!(tick(&world).await, ClockOutcome::default(), "nothing is due");
        assert_eq!(listing(&world).await, ListingState::Listed);

        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(tick(&world).await, ClockOutcome { expired: 1, ..ClockOutcome::default() });
        let back = named(&world, &submission, &name).await;
        assert_eq!((back.state, back.notified_at), (FindingState::Open, Some(until)), "the notice is a new one");
        assert_eq!(back.due_at, back.class.time_to_fix().map(|time| until + time));
        assert!(notices(&world, &world.owner).await.contains(&format!("acme/db: your statement about {name} no longer counts")));
        assert_eq!(world.audit(stated.id.as_str()).await, [
            "make-statement ->waiting", "decide-statement waiting>accepted", "decide-statement accepted>expired",
        ]);
        world.clock.advance(TimeDelta::days(8));
        assert_eq!(tick(&world).await.held, 1, "the new promise is one");
    }

    async fn accepted_statements_lift_the_hold_of_the_clock(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::days(8));
        assert_eq!(tick(&world).await.held, 1);
        let names = due(&world, &submission).await;
        assert!(names.len() > 1);
        accept(&world, &state(&world, &not_affected(&names[0], None)).await, None).await;
        assert_eq!(tick(&world).await, ClockOutcome::default(), "others are still late");
        answer_all(&world, &submission, None).await;
        assert_eq!(tick(&world).await, ClockOutcome { reinstated: 1, ..ClockOutcome::default() });
        assert_eq!(listing(&world).await, ListingState::Listed);
        world.clock.advance(TimeDelta::days(40));
        assert_eq!(tick(&world).await, ClockOutcome::default());
    }

    async fn what_is_found_later_is_answered_at_once(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let first = world.submitted("0.9", &Image::debian(&[("bash", "5.1-2+deb11u1")], "zero")).await;
        assert_eq!(open(&world, &first).await, [""; 0]);
        let known = world.findings(&world.submitted("1.0", &Image::vulnerable("one")).await).await;
        for finding in &known {
            accept(&world, &state(&world, &not_affected(&finding.vulnerability, None)).await, None).await;
        }
        let submission = world.released("1.1", &Image::vulnerable("two")).await;
        let found = world.findings(&submission).await;
        assert!(!found.is_empty());
        for finding in found {
            assert_eq!((finding.state, finding.due_at), (FindingState::Answered, None));
        }
        world.clock.advance(TimeDelta::days(40));
        assert_eq!(tick(&world).await, ClockOutcome::default());
    }

    async fn a_new_match_that_was_spoken_of_starts_no_clock(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let stated = state(&world, &not_affected("CVE-2026-1", Some("bash"))).await;
        accept(&world, &stated, None).await;
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL)), ("CVE-2026-2", Some(CRITICAL))]).await;
        let answered = named(&world, &submission, "CVE-2026-1").await;
        assert_eq!((answered.state, answered.notified_at, answered.due_at), (FindingState::Answered, None, None));
        let other = named(&world, &submission, "CVE-2026-2").await;
        assert_eq!((other.state, other.notified_at), (FindingState::Open, Some(world.app.now())));
        // What the advisories say otherwise leaves it answered; what they no longer say is gone.
        advisories(&world, &[("CVE-2026-1", None)]).await;
        assert_eq!(named(&world, &submission, "CVE-2026-1").await.state, FindingState::Answered);
        advisories(&world, &[]).await;
        assert_eq!(named(&world, &submission, "CVE-2026-1").await.state, FindingState::Fixed);
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL))]).await;
        assert_eq!(named(&world, &submission, "CVE-2026-1").await.state, FindingState::Answered);
        // Taken back: the clock starts with this notice.
        let no = (VexDecision::Refuse, "bash parses it.");
        decide(&world, &world.reviewer, &stated, no, None).await.expect("taken back");
        let back = named(&world, &submission, "CVE-2026-1").await;
        assert_eq!((back.state, back.due_at), (FindingState::Open, Some(world.app.now() + TimeDelta::hours(72))));
    }

    async fn the_newer_word_replaces_the_older(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let name = due(&world, &submission).await.remove(0);
        let new = not_affected(&name, Some(OPENSSL));
        let first = state(&world, &new).await;
        let again = world.app.state_vex(&world.editor, "acme", "db", &new).await;
        assert_eq!(told(again), "conflict: this is stated already");
        accept(&world, &first, None).await;

        // What would close as well leaves the accepted one in force until it is accepted itself.
        let mut better = new.clone();
        better.claim.text = "Trust me.".to_owned();
        let worthless = state(&world, &better).await;
        let no = (VexDecision::Refuse, "Prove it.");
        decide(&world, &world.reviewer, &worthless, no, None).await.expect("refused");
        assert_eq!(named(&world, &submission, &name).await.state, FindingState::Answered);
        better.claim.text = "The code is compiled out.".to_owned();
        let second = state(&world, &better).await;
        assert_eq!(second.version, 3);
        assert_eq!(named(&world, &submission, &name).await.state, FindingState::Answered);
        accept(&world, &second, None).await;
        let standings = async || {
            let page = world.app.vex_page(&world.owner, "acme", "db", "", app::Part::ALL).await.expect("a page");
            page.statements.into_iter().map(|it| it.standing).collect::<Vec<_>>()
        };
        use VexStanding::{Accepted, Refused, Replaced, Waiting};
        assert_eq!(standings().await, [Accepted, Refused, Replaced]);

        // Its own author no longer says so: the finding stands again at once, with a new clock.
        world.clock.advance(TimeDelta::days(20));
        let mut worse = new;
        worse.claim = VexClaim { status: VexStatus::Affected, justification: None, text: "Update.".to_owned() };
        state(&world, &worse).await;
        assert_eq!(standings().await, [Waiting, Replaced, Refused, Replaced]);
        let back = named(&world, &submission, &name).await;
        assert_eq!((back.state, back.notified_at), (FindingState::Open, Some(world.app.now())));
    }

    async fn only_the_team_decides_and_never_on_its_own(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let name = due(&world, &submission).await.remove(0);
        let stated = state(&world, &not_affected(&name, None)).await;
        let (yes, no) = ((VexDecision::Accept, ""), (VexDecision::Refuse, "Show it."));
        let by_owner = decide(&world, &world.owner, &stated, yes, None).await;
        assert_eq!(told(by_owner), "denied: nobody decides on the work of their own publisher");
        let by_carl = decide(&world, &world.carl, &stated, yes, None).await;
        assert!(told(by_carl).starts_with("not-found: "));
        let by_reviewer = world.app.state_vex(&world.reviewer, "acme", "db", &not_affected("CVE-1", None)).await;
        assert_eq!(told(by_reviewer), "denied: your account may not do this (`make-statement`)");
        let silent = decide(&world, &world.reviewer, &stated, (VexDecision::Refuse, " "), None).await;
        assert_eq!(told(silent), "invalid: reason: say why; the publisher reads it");
        let late = decide(&world, &world.reviewer, &stated, yes, Some(world.app.now())).await;
        assert_eq!(told(late), "invalid: until: name a time to come");

        let refused = decide(&world, &world.reviewer, &stated, no, None).await.expect("refused");
        assert_eq!((refused.standing, refused.reason.as_deref()), (VexStanding::Refused, Some("Show it.")));
        assert!(open(&world, &submission).await.contains(&name));
        let twice = decide(&world, &world.reviewer, &stated, yes, None).await;
        assert_eq!(told(twice), "conflict: a statement that is refused cannot be accepted");

        // The publisher says more, the team accepts, and later takes it back.
        let again = state(&world, &not_affected(&name, None)).await;
        accept(&world, &again, None).await;
        assert!(!open(&world, &submission).await.contains(&name));
        world.clock.advance(TimeDelta::days(1));
        decide(&world, &world.reviewer, &again, no, None).await.expect("taken back");
        assert_eq!(named(&world, &submission, &name).await.notified_at, Some(world.app.now()));
        assert!(notices(&world, &world.owner).await.contains(&format!("acme/db: your statement about {name} was refused")));
    }

    async fn documents_come_in_and_go_out(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let names = open(&world, &submission).await;
        let image = named(&world, &submission, &names[0]).await.image;
        let document = |statements: serde_json::Value| {
            json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.example/vex-1", "author": "ACME",
                "timestamp": "2026-11-01T00:00:00Z", "version": 1, "statements": statements}).to_string().into_bytes()
        };
        let purl = format!("pkg:oci/db@{}?repository_url=market.example/acme/db", image.replace(':', "%3A"));
        let good = document(json!([
            {"vulnerability": {"name": names[0]}, "products": [{"@id": purl, "subcomponents": [{"@id": OPENSSL}]}],
                "status": "not_affected", "justification": "component_not_present"},
            {"vulnerability": {"name": names[1]}, "products": [{"@id": OPENSSL}], "status": "affected", "action_statement": "Wait."},
            {"vulnerability": {"name": "CVE-2026-9"}, "products": [{"@id": "market.example/acme/db:1.0"}], "status": "under_investigation"},
        ]));
        let import = async |bytes: &[u8]| world.app.import_vex(&world.editor, "acme", "db", bytes).await;
        world.clock.advance(TimeDelta::seconds(1));
        let made = import(&good).await.expect("taken in");
        let about: Vec<_> = made.iter().map(|it| (it.scope.image.as_deref(), it.scope.component.as_deref())).collect();
        assert_eq!(about, [(Some(image.as_str()), Some(OPENSSL)), (None, Some(OPENSSL)), (None, None)]);
        assert_eq!(import(&good).await.expect("known"), [], "the same again states nothing new");
        assert_eq!(notices(&world, &world.reviewer).await[0], "acme/db: 3 statements wait for review");

        let bad = document(json!([
            {"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:oci/other"}], "status": "fixed"},
            {"vulnerability": {"name": "CVE-2"}, "status": "not_affected"},
            {"vulnerability": {"name": "CVE-3"}, "status": "affected"},
            {"vulnerability": {"name": "CVE-4"}, "status": "not_affected", "justification": "because"},
        ]));
        insta::assert_snapshot!(told(import(&bad).await).replace("; ", "\n"), @r"
        invalid: statements[0].products[0]: `pkg:oci/other` is not this product: name it `pkg:oci/db`, `market.example/acme/db`, the digest of an image that was submitted, or a component in it by its package URL
        statements[1].justification: say why the product is not affected: choose one of the five justifications
        statements[2].action_statement: say what its users are to do
        statements[3].justification: `because` is no VexJustification: expected one of component_not_present, vulnerable_code_not_present, vulnerable_code_not_in_execute_path, vulnerable_code_cannot_be_controlled_by_adversary, inline_mitigations_already_exist
        ");

        let public = async || world.app.public_vex("acme", "db").await.expect("read");
        assert_eq!(public().await, None, "nothing is accepted");
        for statement in &made[..2] {
            accept(&world, statement, None).await;
        }
        let written = public().await.expect("a document");
        let document: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(document["version"], 2);
        assert_eq!(document["author"], "ACME Harbour Works Ltd");
        let mut statuses: Vec<_> = document["statements"].as_array().expect("a list").iter().map(|it| it["status"].clone()).collect();
        statuses.sort_by_key(ToString::to_string);
        assert_eq!(statuses, ["affected", "not_affected"]);
        assert_eq!(import(&written).await.expect("read again"), [], "what goes out says what came in");
        // The same document closes the same finding on the command line.
        let statements = advisory::vex::read(&written).expect("read by the scan");
        let target = advisory::vex::Target {
            vulnerability: &[&names[0]],
            purl: "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u1?arch=amd64",
            image: std::slice::from_ref(&image),
        };
        let closed = advisory::vex::applicable(&statements, target).expect("about it");
        assert!(closed.status.closes());
    }
}
