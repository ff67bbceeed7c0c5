//! More than forty days of a listing, hour by hour: every way into a hold, out of it, and to the
//! end; then the same at random, against a model that only knows what must be fixed by when.

use app::{
    Actor, NewClassification, NewVex, Submission, VexStatement, VexVerdict, market::NoticeKind,
    registry::PullRequest,
};
use chrono::{DateTime, TimeDelta, Utc};
use market::{
    Class, FindingState, ListingState, VexClaim, VexDecision, VexJustification, VexScope, VexStatus,
};

use crate::{
    chance::Chance,
    images::Image,
    rematch::{CRITICAL, MAJOR, MINOR, advisories},
    world::World,
};

pub(crate) const FIRST: &str = "CVE-2026-1";
pub(crate) const SECOND: &str = "CVE-2026-2";

/// With the package that the advisories are about.
pub(crate) fn with_bash(seed: &str) -> Image {
    Image::debian(&[("bash", "5.1-2+deb11u1")], seed)
}

pub(crate) fn without_bash(seed: &str) -> Image {
    Image::debian(&[("coreutils", "8.32-4")], seed)
}

/// A listing whose clocks are looked at every hour, and what came of it.
pub(crate) struct Calendar<'a> {
    pub(crate) world: &'a World,
    pub(crate) begun: DateTime<Utc>,
    pub(crate) log: Vec<String>,
}

impl Calendar<'_> {
    pub(crate) fn note(&mut self, what: &str) {
        let passed = self.world.app.now() - self.begun;
        let (days, hours) = (passed.num_days(), passed.num_hours() % 24);
        self.log.push(format!("{days:2} d {hours:2} h  {what}"));
    }

    pub(crate) async fn hours(&mut self, hours: i64) {
        for _ in 0..hours {
            self.world.clock.advance(TimeDelta::hours(1));
            let outcome = self.world.app.enforce_deadlines().await.expect("looked at");
            for (count, what) in [
                (outcome.expired, "a statement expires"),
                (outcome.asked, "operators are asked"),
                (outcome.held, "on hold"),
                (outcome.reinstated, "the hold is lifted"),
                (outcome.revoked, "revoked"),
            ] {
                for _ in 0..count {
                    self.note(what);
                }
            }
            if self.world.app.remind_publishers().await.expect("looked at") > 0 {
                self.note("a reminder");
            }
        }
    }

    pub(crate) async fn release(&mut self, tag: &str, image: &Image) -> Submission {
        let released = self.world.released(tag, image).await;
        self.note(&format!("release {tag}"));
        released
    }
}

/// The same world, where an operator confirms holds.
pub(crate) async fn confirming(mut world: World) -> World {
    let policy = app::ReviewPolicy {
        confirm_holds: true,
        ..app::ReviewPolicy::default()
    };
    world.app = world.node_reviewing(policy).await;
    world
}

async fn state(world: &World, name: &str, until: Option<DateTime<Utc>>) -> VexStatement {
    let new = NewVex {
        scope: VexScope {
            vulnerability: name.to_owned(),
            image: None,
            component: None,
        },
        claim: VexClaim {
            status: VexStatus::NotAffected,
            justification: Some(VexJustification::VulnerableCodeNotInExecutePath),
            text: format!("Seen at {}.", world.app.now()),
        },
    };
    let stated = world.app.state_vex(&world.editor, "acme", "db", &new).await;
    let stated = stated.expect("stated");
    let verdict = VexVerdict {
        decision: VexDecision::Accept,
        reason: "",
        until,
    };
    let decided = world
        .app
        .decide_vex(&world.reviewer, stated.id.as_str(), verdict);
    decided.await.expect("accepted")
}

async fn classify(world: &World, name: &str, class: Class) -> String {
    let new = NewClassification {
        vulnerability: name,
        product: Some(("acme", "db")),
        class,
        reason: "So it is.",
    };
    let made = world.app.classify(&world.reviewer, new).await;
    made.expect("classified").classification.id.to_string()
}

async fn take_back(world: &World, id: &str) {
    let ended = world
        .app
        .end_classification(&world.reviewer, id, "It is not.");
    ended.await.expect("taken back");
}

/// Has carl download it, and waits until that is noted.
pub(crate) async fn pull(world: &World) {
    let access = world.access(&world.carl, "acme/db").await;
    let request = PullRequest {
        reference: "1.0",
        user_agent: "docker/28",
        access: &access,
    };
    let name = "acme/db".parse().expect("a name");
    world
        .app
        .pull_manifest(&name, request)
        .await
        .expect("pulled");
    let product = world.app.product_draft(&world.owner, "acme", "db").await;
    let product = product.expect("the product").1.id;
    loop {
        let mut tx = world.db.read().await.expect("a reader");
        if store::pulls::count(&mut tx, &product)
            .await
            .expect("counted")
            > 0
        {
            return;
        }
        drop(tx);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub(crate) async fn told(world: &World, actor: &Actor) -> Vec<(NoticeKind, String)> {
    let mut told: Vec<_> = Vec::new();
    let mut before = String::new();
    loop {
        let some = world
            .app
            .my_notices(
                actor,
                app::Part {
                    from: &before,
                    limit: 50,
                },
            )
            .await
            .expect("notices");
        let Some(last) = some.last() else { break };
        before = last.id.to_string();
        told.extend(
            some.into_iter()
                .map(|it| (it.kind, format!("{} {}", it.title, it.body))),
        );
    }
    told.reverse();
    told
}

pub(crate) async fn listing(world: &World) -> ListingState {
    let draft = world.app.product_draft(&world.owner, "acme", "db").await;
    draft.expect("the product").1.state
}

both! {
    async fn every_way_in_and_out_and_to_the_end(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let mut days = Calendar { world: &world, begun: world.app.now(), log: Vec::new() };
        days.release("1.0", &with_bash("one")).await;
        let looks = world.newcomer("looks").await;
        for actor in [&world.carl, &looks] {
            world.app.subscribe(actor, "acme", "db", "free", true).await.expect("subscribed");
        }
        pull(&world).await;

        days.note("an advisory: fixed in time");
        advisories(&world, &[(FIRST, Some(CRITICAL))]).await;
        days.hours(71).await;
        days.release("1.1", &without_bash("two")).await;
        days.hours(48).await;

        days.note("fixed late, after the same was released again");
        days.release("1.2", &with_bash("three")).await;
        days.hours(60).await;
        days.release("1.3", &with_bash("four")).await;
        days.hours(24).await;
        days.release("1.4", &without_bash("five")).await;
        days.hours(1).await;

        days.note("answered for three days, then for good");
        days.release("1.5", &with_bash("six")).await;
        state(&world, FIRST, Some(world.app.now() + TimeDelta::days(3))).await;
        days.hours(72 + 73).await;
        state(&world, FIRST, None).await;
        days.hours(48).await;

        days.note("classified otherwise, and back");
        advisories(&world, &[(FIRST, Some(CRITICAL)), (SECOND, Some(CRITICAL))]).await;
        days.hours(73).await;
        let by_hand = classify(&world, SECOND, Class::Minor).await;
        days.hours(24 * 10).await;
        take_back(&world, &by_hand).await;
        days.hours(73).await;
        assert_eq!(listing(&world).await, ListingState::OnHold);
        days.hours(24 * 31).await;
        assert_eq!(listing(&world).await, ListingState::Revoked);

        insta::assert_snapshot!("forty_days", days.log.join("\n"));
        let mut kinds: Vec<_> = told(&world, &world.owner).await.into_iter().map(|(kind, _)| kind).collect();
        kinds.retain(|kind| *kind == NoticeKind::Promise);
        assert_eq!(kinds.len(), 4, "each beginning is told once: what goes on, or was told of before, is none");
        for (_, text) in told(&world, &world.carl).await {
            assert!(!text.contains("CVE"), "{text}");
        }
        let holds = async |actor| {
            let told = told(&world, actor).await.into_iter();
            told.filter(|(kind, _)| *kind == NoticeKind::OnHold).count()
        };
        assert_eq!((holds(&world.carl).await, holds(&looks).await), (4, 0), "who has the image");
        let ends = told(&world, &looks).await.into_iter().filter(|(kind, _)| *kind == NoticeKind::Revoked).count();
        assert_eq!(ends, 1, "and all hear of the end");
    }
}

/// What the model knows of a vulnerability.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    advised: Option<Class>,
    by_hand: Option<Class>,
    answered: Option<Option<DateTime<Utc>>>,
}

impl Known {
    fn class(self) -> Class {
        let advised = self.advised.unwrap_or(Class::None);
        self.by_hand
            .filter(|_| self.advised.is_some())
            .unwrap_or(advised)
    }
}

/// Since when the publisher has had to fix what has at least the class Major, or Critical, in
/// one release.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    since: [Option<DateTime<Utc>>; 2],
}

impl Clock {
    /// Follows what is true at `now` of a release that has the package, or has not.
    fn follow(&mut self, known: Known, has_package: bool, now: DateTime<Utc>) {
        let answered = known
            .answered
            .is_some_and(|until| until.is_none_or(|until| now < until));
        let is_open = has_package && known.advised.is_some() && !answered;
        let class = known.class();
        for (least, since) in [Class::Major, Class::Critical]
            .into_iter()
            .zip(&mut self.since)
        {
            *since = match is_open && class >= least {
                true => since.or(Some(now)),
                false => None,
            };
        }
    }

    fn due(self) -> Option<DateTime<Utc>> {
        let times = [TimeDelta::days(7), TimeDelta::hours(72)];
        let due = times.into_iter().zip(self.since);
        due.filter_map(|(time, since)| Some(since? + time)).min()
    }
}

/// A release, of one of two lines.
struct Made {
    line: usize,
    has_package: bool,
    stands: bool,
    submission: Submission,
    clocks: [Clock; 2],
}

struct History<'a> {
    world: &'a World,
    /// Whether an operator confirms holds.
    confirms: bool,
    /// The grace that an operator gave: when, and until when.
    grace: Option<(DateTime<Utc>, DateTime<Utc>)>,
    chance: Chance,
    known: [Known; 2],
    classes: [Option<String>; 2],
    made: Vec<Made>,
    /// What happened, for whoever reads of a failure.
    steps: Vec<String>,
}

const NAMES: [&str; 2] = [FIRST, SECOND];

impl History<'_> {
    fn follow(&mut self) {
        let now = self.world.app.now();
        // Of what was replaced nobody is told anything any more.
        for made in self.made.iter_mut().filter(|made| made.stands) {
            for (clock, known) in made.clocks.iter_mut().zip(self.known) {
                clock.follow(known, made.has_package, now);
            }
        }
    }

    async fn step(&mut self) {
        let world = self.world;
        world.clock.advance(TimeDelta::seconds(1));
        let which = self.chance.below(2);
        let name = NAMES[which];
        let said = match self.chance.below(if self.confirms { 9 } else { 7 }) {
            0 => self.new_advisories(which).await,
            1 => {
                let until = [None, Some(world.app.now() + TimeDelta::days(4))];
                let until = until[self.chance.below(2)];
                state(world, name, until).await;
                self.known[which].answered = Some(until);
                format!("{name} answered until {until:?}")
            }
            2 => match self.classes[which].take() {
                Some(id) => {
                    take_back(world, &id).await;
                    self.known[which].by_hand = None;
                    format!("{name} no longer classified")
                }
                None => {
                    let class = market::CLASSES_BY_HAND[self.chance.below(4)];
                    self.classes[which] = Some(classify(world, name, class).await);
                    self.known[which].by_hand = Some(class);
                    format!("{name} is {class} by hand")
                }
            },
            3 => self.release().await,
            7 => match world.app.confirm_hold(&world.operator, "acme", "db").await {
                Ok(()) => {
                    self.grace = None;
                    assert_eq!(listing(world).await, ListingState::OnHold);
                    "an operator confirms a hold".to_owned()
                }
                Err(_) => "there is no hold to confirm".to_owned(),
            },
            8 => {
                let now = world.app.now();
                let until = now + TimeDelta::hours([1, 30, 200][self.chance.below(3)]);
                let given = (world.app)
                    .give_grace(&world.operator, ("acme", "db"), until, "So be it.")
                    .await;
                self.grace = given.map_or(self.grace, |()| Some((now, until)));
                format!("a grace until {until}: {:?}", self.grace)
            }
            _ => {
                let hours = [1, 24, 71, 100][self.chance.below(4)];
                world.clock.advance(TimeDelta::hours(hours));
                format!("{hours} hours pass")
            }
        };
        self.steps.push(said);
        self.tick().await;
    }

    async fn new_advisories(&mut self, which: usize) -> String {
        let words = [
            (None, None),
            (Some(MINOR), Some(Class::Minor)),
            (Some(MAJOR), Some(Class::Major)),
            (Some(CRITICAL), Some(Class::Critical)),
        ];
        let (_, class) = words[self.chance.below(4)];
        self.known[which].advised = class;
        let mut all = Vec::new();
        for (known, name) in self.known.iter().zip(NAMES) {
            let vector = words.iter().find(|(_, class)| *class == known.advised);
            if let Some((Some(vector), _)) = vector {
                all.push((name, Some(*vector)));
            }
        }
        advisories(self.world, &all).await;
        format!("{} is {class:?} by the advisories", NAMES[which])
    }

    async fn release(&mut self) -> String {
        let (line, has_package) = (self.chance.below(2), self.chance.below(2) == 0);
        let number = self.made.len();
        let (tag, seed) = (format!("{}.{number}", line + 1), format!("r{number}"));
        self.add(line, &tag, has_package, &seed).await;
        format!("release {tag}, with the package: {has_package}")
    }

    async fn add(&mut self, line: usize, tag: &str, has_package: bool, seed: &str) {
        let image = match has_package {
            true => with_bash(seed),
            false => without_bash(seed),
        };
        let submission = self.world.released(tag, &image).await;
        // What the publisher was told of goes on, whichever release it is of.
        let clocks = [0, 1].map(|which| {
            let told = self.made.iter().map(|made| made.clocks[which]);
            let told = told.filter(|clock| clock.due().is_some() && has_package);
            told.min_by_key(|clock| clock.due()).unwrap_or_default()
        });
        for older in self.made.iter_mut().filter(|older| older.line == line) {
            older.stands = false;
        }
        self.made.push(Made {
            line,
            has_package,
            stands: true,
            submission,
            clocks,
        });
    }

    /// Looks at the clocks, and compares everything with the model.
    async fn tick(&mut self) {
        let world = self.world;
        let before = listing(world).await;
        world.app.enforce_deadlines().await.expect("looked at");
        world.app.remind_publishers().await.expect("looked at");
        self.follow();
        let now = world.app.now();
        let (mut is_late, mut last_due) = (false, None);
        for made in self.made.iter().filter(|made| made.stands) {
            let found = world.findings(&made.submission).await;
            for (clock, name) in made.clocks.iter().zip(NAMES) {
                let of_it = |it: &&store::findings::Finding| {
                    it.vulnerability == name && it.state == FindingState::Open
                };
                let due = found.iter().find(of_it).and_then(|it| it.due_at);
                assert_eq!(
                    due,
                    clock.due(),
                    "{name} in {}: {:#?}",
                    made.submission.tag,
                    self.steps
                );
                let late = due.filter(|due| *due <= now);
                is_late |= late.is_some();
                last_due = last_due.max(late);
            }
            let mut tx = world.db.read().await.expect("a reader");
            let untold = store::promises::beginning(&mut tx, &made.submission.id).await;
            assert_eq!(untold.expect("read"), [], "{:#?}", self.steps);
        }
        let after = listing(world).await;
        self.grace = self
            .grace
            .filter(|_| is_late && after == ListingState::Listed);
        let asked = world.app.holds_to_confirm(&world.operator).await;
        let waits = asked.expect("read").iter().any(app::HoldToConfirm::waits);
        let has_grace = (self.grace.zip(last_due))
            .is_some_and(|((given, until), due)| due <= given && now < until);
        let fits = match after {
            ListingState::Listed if is_late => self.confirms && (has_grace || waits),
            ListingState::Listed => !waits,
            ListingState::OnHold => is_late,
            ListingState::Revoked => matches!(before, ListingState::OnHold | ListingState::Revoked),
            ListingState::Draft | ListingState::Withdrawn => false,
        };
        assert!(fits, "{before} to {after}: {:#?}", self.steps);
    }
}

async fn no_promise_is_lost(world: World, confirms: bool) {
    world.product().await;
    let mut made: Vec<Made> = Vec::new();
    for seed in [3, 5, 11] {
        if listing(&world).await == ListingState::Revoked {
            break;
        }
        advisories(&world, &[]).await;
        for made in made.iter_mut().filter(|made| made.stands) {
            made.clocks = [Clock::default(); 2];
        }
        let mut history = History {
            world: &world,
            confirms,
            grace: None,
            chance: Chance(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed)),
            known: [Known::default(); 2],
            classes: [None, None],
            made: std::mem::take(&mut made),
            steps: vec![format!("seed {seed}")],
        };
        history
            .add(0, &format!("1.{seed}000"), true, &format!("s{seed}"))
            .await;
        for _ in 0..40 {
            if listing(&world).await == ListingState::Revoked {
                break;
            }
            history.step().await;
        }
        assert!(history.steps.len() > 10);
        // What the next one does not know of.
        for (place, name) in NAMES.iter().enumerate() {
            if let Some(id) = &history.classes[place] {
                take_back(&world, id).await;
            }
            if history.known[place].answered.is_some() {
                let page = world
                    .app
                    .vex_page(&world.reviewer, "acme", "db", "", app::Part::ALL)
                    .await
                    .expect("a page");
                for it in page.statements.iter().filter(|it| {
                    it.scope.vulnerability == *name && it.standing == market::VexStanding::Accepted
                }) {
                    let verdict = VexVerdict {
                        decision: VexDecision::Refuse,
                        reason: "Done.",
                        until: None,
                    };
                    world
                        .app
                        .decide_vex(&world.reviewer, it.id.as_str(), verdict)
                        .await
                        .expect("taken back");
                }
            }
        }
        made = history.made;
    }
}

both! {
    async fn no_order_of_events_loses_a_promise(db: Database) {
        no_promise_is_lost(World::new(db).await, false).await;
    }

    async fn none_is_lost_where_an_operator_confirms_holds(db: Database) {
        no_promise_is_lost(confirming(World::new(db).await).await, true).await;
    }
}
