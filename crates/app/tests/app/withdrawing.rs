//! Tags that their publisher withdraws: what is gone, what stays, and that no promise about what
//! is still offered goes with them.

use app::{
    Actor, AppError, WebhookOf, WebhookSettings,
    market::{EventKind, NoticeKind},
};
use chrono::{DateTime, TimeDelta, Utc};
use market::{Decision, ListingState, SubmissionState};
use serde_json::{Value, json};
use trust::log::{Entry, State, standing};

use crate::{
    chance::Chance,
    forty_days::{FIRST, listing, with_bash, without_bash},
    rematch::{CRITICAL, advisories},
    world::{HOST, World, told},
};

async fn withdraw(world: &World, actor: &Actor, tag: &str, reason: &str) -> Result<(), AppError> {
    let names = ("acme", "db");
    world.app.withdraw_tag(actor, names, tag, reason).await
}

async fn tags(world: &World) -> Vec<String> {
    let name = "acme/db".parse().expect("a name");
    let tags = world.app.list_tags(&name, "", 100).await.expect("tags");
    tags.into_iter()
        .filter(|tag| !tag.starts_with("sha256-"))
        .collect()
}

/// Makes a webhook that is told of withdrawn tags; gives its identifier.
async fn hook(world: &World, actor: &Actor, of: &WebhookOf) -> String {
    let settings = WebhookSettings {
        url: "https://hooks.example/".to_owned(),
        description: String::new(),
        kinds: vec![EventKind::TagWithdrawn],
        is_active: true,
    };
    let made = world.app.create_webhook(actor, of, &settings).await;
    made.expect("a webhook").0.webhook.id.to_string()
}

/// What a webhook was sent, once.
async fn event(world: &World, actor: &Actor, id: &str) -> Value {
    let sent = world.app.webhook_deliveries(actor, id, app::Part::first(2));
    let sent = sent.await.expect("deliveries");
    assert_eq!(sent.len(), 1, "{sent:?}");
    serde_json::from_str(&sent[0].body).expect("JSON")
}

/// The tags that the trust metadata of the public name vouches for.
async fn signed(world: &World) -> Vec<String> {
    let mut tx = world.db.read().await.expect("a reader");
    let gun = format!("{HOST}/acme/db");
    let file = store::notary::newest_file(&mut tx, &gun, "targets").await;
    let file = file.expect("read").expect("signed");
    let file: Value = serde_json::from_slice(&file.content).expect("JSON");
    let targets = file["signed"]["targets"].as_object().expect("targets");
    targets.keys().cloned().collect()
}

async fn due(world: &World) -> Option<DateTime<Utc>> {
    let forecast = world.app.forecast(&world.viewer, "acme").await;
    let forecast = forecast.expect("a forecast");
    forecast
        .first()
        .and_then(|it| it.due.first())
        .map(|due| due.due_at)
}

both! {
    async fn a_withdrawn_tag_is_gone_and_its_digest_stays(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let old = world.released("1.0", &without_bash("one")).await;
        let refused = withdraw(&world, &world.owner, "1.0", "Old.").await;
        assert!(told(refused).contains("last tag"));
        let acme = WebhookOf::Publisher("acme".to_owned());
        let hooks = (hook(&world, &world.owner, &acme).await, hook(&world, &world.carl, &WebhookOf::Me).await);
        world.released("2.0", &without_bash("two")).await;
        world.app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        assert!(told(withdraw(&world, &world.viewer, "1.0", "Old.").await).starts_with("denied"));
        assert!(told(withdraw(&world, &world.editor, "1.0", " ").await).starts_with("invalid"));
        assert!(told(withdraw(&world, &world.editor, "3.0", "Old.").await).starts_with("not"));
        assert_eq!((tags(&world).await, signed(&world).await), (vec!["1.0".to_owned(), "2.0".to_owned()], vec!["1.0".to_owned(), "2.0".to_owned()]));

        withdraw(&world, &world.editor, "1.0", "CVE-2026-7 is in it").await.expect("withdrawn");
        assert_eq!((tags(&world).await, signed(&world).await), (vec!["2.0".to_owned()], vec!["2.0".to_owned()]));
        let name = "acme/db".parse().expect("a name");
        let gone = world.app.find_manifest(&name, "1.0").await.expect_err("the tag is gone");
        assert!(gone.to_string().contains("no longer offers `1.0`: its publisher withdrew it on 2026-11-01 10:00 UTC"), "{gone}");
        let mut said = json!({ "product": "acme/db", "url": "https://market.example/p/acme/db", "tag": "1.0", "digest": old.digest });
        let to_carl = event(&world, &world.carl, &hooks.1).await;
        assert_eq!((&to_carl["type"], &to_carl["data"]), (&json!("plimsoll.listing.tag-withdrawn"), &said));
        said["reason"] = "CVE-2026-7 is in it".into();
        assert_eq!(event(&world, &world.owner, &hooks.0).await["data"], said);
        world.app.find_manifest(&name, &old.digest).await.expect("its image is not");
        let page = world.app.product_page(&world.carl, "acme", "db").await.expect("a page");
        assert_eq!(page.releases.len(), 1);
        let said = world.app.log_statement("acme/db", None).await.expect("read").expect("some");
        let last = said.entries.last().expect("an entry");
        assert!(last.entry.contains(r#""event":"tag-withdrawn","tag":"1.0""#), "{}", last.entry);
        let entries: Vec<_> = said.entries.iter().filter_map(|it| Entry::parse(it.entry.as_bytes())).collect();
        let digest = old.digest.parse().expect("a digest");
        let stands = standing(&entries, &digest, None).expect("released");
        assert_eq!(stands.state, State::TagWithdrawn);
        let notices = world.app.my_notices(&world.carl, app::Part::first(10)).await.expect("notices");
        let notice = notices.iter().find(|it| it.kind == NoticeKind::Withdrawn).expect("told");
        assert!(notice.title.contains("1.0") && !notice.body.contains("CVE"), "{notice:?}");
        assert!(told(withdraw(&world, &world.editor, "1.0", "Old.").await).starts_with("not"), "once");
        let audit = world.audit(old.product_id.as_str()).await;
        assert!(audit.iter().any(|line| line.starts_with("withdraw-tag")), "{audit:?}");
    }

    async fn a_line_is_withdrawn_from_its_oldest_on_and_ends_with_its_tags(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        advisories(&world, &[(FIRST, Some(CRITICAL))]).await;
        world.released("2.0", &with_bash("one")).await;
        let promised = due(&world).await.expect("a promise");
        world.clock.advance(TimeDelta::hours(10));
        world.released("2.0.1", &without_bash("two")).await;
        assert_eq!(due(&world).await, None);
        world.clock.advance(TimeDelta::hours(10));
        world.released("3.0", &without_bash("three")).await;
        let refused = withdraw(&world, &world.owner, "2.0.1", "It does not start.").await;
        assert!(told(refused).contains("withdraw that first"), "2.0 is offered, and nobody would keep it up");
        withdraw(&world, &world.owner, "2.0", "No longer made.").await.expect("withdrawn");
        withdraw(&world, &world.owner, "2.0.1", "No longer made.").await.expect("withdrawn");
        assert_eq!(due(&world).await, None, "nothing of the line is offered");
        world.clock.advance(TimeDelta::hours(1));
        world.released("2.1", &with_bash("four")).await;
        assert_eq!(due(&world).await, Some(promised), "the same again gains no time");
        world.clock.advance(TimeDelta::hours(60));
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at").held, 1);
        withdraw(&world, &world.owner, "2.1", "So be it.").await.expect("withdrawn");
        assert_eq!(world.app.enforce_deadlines().await.expect("looked at").reinstated, 1);
    }

    /// Whoever changes a listing waits for whoever does already, and not the other way round, too.
    async fn a_withdrawal_and_a_release_at_once_are_both_done(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &without_bash("one")).await;
        world.released("2.0", &without_bash("two")).await;
        let next = world.submitted("2.0.1", &without_bash("three")).await;
        world.decide(&next, Decision::Approve, "").await.expect("approved");
        // Both wait for a third one, the withdrawal first.
        let mut tx = world.db.begin().await.expect("a transaction");
        store::products::lock(&mut tx, &next.product_id).await.expect("locked");
        let pause = |millis| tokio::time::sleep(std::time::Duration::from_millis(millis));
        let release = async {
            pause(700).await;
            world.app.work_once("worker").await.expect("the queue")
        };
        let third = async {
            pause(1_500).await;
            tx.commit().await.expect("committed");
        };
        let (withdrawn, is_worked, ()) = tokio::join!(withdraw(&world, &world.owner, "2.0", "So."), release, third);
        withdrawn.expect("withdrawn");
        assert!(is_worked);
        let next = world.submission(&next).await;
        assert_eq!(next.state, SubmissionState::Released);
        assert_eq!(tags(&world).await, ["1.0", "2.0.1"]);
        assert_eq!(signed(&world).await, ["1.0", "2.0.1"]);
    }

    async fn no_withdrawal_escapes_a_promise_about_what_is_offered(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        advisories(&world, &[(FIRST, Some(CRITICAL))]).await;
        let chance = Chance(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(7));
        let mut history = History { world: &world, chance, made: Vec::new(), told_at: None, steps: Vec::new() };
        history.release(0, false).await;
        for _ in 0..60 {
            history.step().await;
        }
    }
}

/// What is offered, with its line and whether it has the package.
struct Offered {
    line: usize,
    tag: String,
    has_package: bool,
}

struct History<'a> {
    world: &'a World,
    chance: Chance,
    /// In the order of release.
    made: Vec<Offered>,
    /// When the publisher was first told of the one vulnerability there is.
    told_at: Option<DateTime<Utc>>,
    steps: Vec<String>,
}

impl History<'_> {
    async fn release(&mut self, line: usize, has_package: bool) {
        let number = self.steps.len();
        let (tag, seed) = (format!("{}.{number}", line + 1), format!("r{number}"));
        let image = if has_package {
            with_bash(&seed)
        } else {
            without_bash(&seed)
        };
        self.world.released(&tag, &image).await;
        if has_package {
            self.told_at = self.told_at.or(Some(self.world.app.now()));
        }
        self.steps.push(format!("release {tag}: {has_package}"));
        self.made.push(Offered {
            line,
            tag,
            has_package,
        });
    }

    async fn step(&mut self) {
        let world = self.world;
        world.clock.advance(TimeDelta::seconds(1));
        match self.chance.below(5) {
            0 | 1 => {
                let (line, has_package) = (self.chance.below(2), self.chance.below(2) == 0);
                self.release(line, has_package).await;
            }
            2 | 3 => {
                let place = self.chance.below(self.made.len());
                let tag = self.made[place].tag.clone();
                let line = self.made[place].line;
                let later = self.made[place + 1..].iter().any(|made| made.line == line);
                let earlier = self.made[..place].iter().any(|made| made.line == line);
                let may = self.made.len() > 1 && (later || !earlier);
                let gone = withdraw(world, &world.owner, &tag, "So.").await;
                assert_eq!(gone.is_ok(), may, "{:#?}", self.steps);
                if gone.is_ok() {
                    self.made.remove(place);
                }
                self.steps.push(format!("withdraw {tag}"));
            }
            _ => {
                world.clock.advance(TimeDelta::hours(20));
                self.steps.push("20 hours pass".to_owned());
            }
        }
        world.app.enforce_deadlines().await.expect("looked at");
        let newest = |line| self.made.iter().rfind(|made| made.line == line);
        let is_broken = (0..2).filter_map(newest).any(|made| made.has_package);
        let due = self.told_at.map(|at| at + TimeDelta::hours(72));
        let is_late = is_broken && due.is_some_and(|due| due <= world.app.now());
        let expected = match is_late {
            true => ListingState::OnHold,
            false => ListingState::Listed,
        };
        assert_eq!(listing(world).await, expected, "{:#?}", self.steps);
        let mut offered: Vec<_> = self.made.iter().map(|made| made.tag.clone()).collect();
        offered.sort();
        let mut listed = tags(world).await;
        listed.sort();
        assert_eq!(listed, offered, "{:#?}", self.steps);
    }
}
