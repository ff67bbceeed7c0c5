//! A new advisory database over a catalogue of 100,000 images of 300 components: what a day's
//! changes take, and what everything takes. Not criterion: each step is done once.
//!
//! `cargo xtask bench rematch`, or with a smaller catalogue or another database
//! `cargo bench -p plimsoll-app --bench rematch -- IMAGES postgres://…`; 0 images takes the
//! catalogue that an earlier run left in that database.

#![expect(
    clippy::print_stderr,
    reason = "it says how far it is and what it measured"
)]

extern crate plimsoll_app as app;

mod catalogue;

use std::{path::Path, sync::Arc, time::Instant};

use advisory::{
    database::{Builder, Database as Advisories},
    matching::{Matcher, Package},
};
use app::{Actor, App, AppConfig, Keys, Parts, SystemClock};
use store::{
    Database,
    blobs::{FsBlobs, FsUploads},
};
use trust::SigningKey;

/// Names of packages that advisories know.
const NAMES: usize = 60_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let images = arguments.next().and_then(|word| word.parse().ok());
    let address = arguments.next();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(images.unwrap_or(100_000), address));
}

async fn run(images: usize, address: Option<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let address =
        address.unwrap_or_else(|| format!("sqlite:{}", dir.path().join("market.db").display()));
    let db = Database::open(&address.parse().expect("an address"))
        .await
        .expect("a database");
    let file = dir.path().join("advisories.db");
    build(&file, Day::First);
    one_image(&file);
    if images > 0 {
        let started = Instant::now();
        catalogue::fill(&db, images).await;
        say("filling the catalogue", started);
    }
    let app = open(dir.path(), db).await;
    measure("the first matching of everything", work(&app)).await;
    build(&file, Day::Next);
    measure("a day's changes", reload(&app)).await;
    std::fs::remove_file(file.with_extension("matched")).expect("removed");
    build(&file, Day::Last);
    measure("a complete rematch", reload(&app)).await;
}

async fn open(dir: &Path, db: Database) -> Arc<App> {
    let blobs = FsBlobs::open(&dir.join("blobs")).expect("blobs");
    let uploads = FsUploads::open(&dir.join("uploads"), &blobs).expect("uploads");
    let key = || SigningKey::generate().expect("a key");
    let parts = Parts {
        db,
        blobs: Arc::new(blobs),
        uploads: Arc::new(uploads),
        clock: Arc::new(SystemClock),
        keys: Keys {
            release: Arc::new(key()),
            tokens: key(),
            is_trust_replaced: false,
            trust: key(),
            root: None,
            root_public: key().public(),
        },
        config: AppConfig {
            public_url: "https://registry.example".to_owned(),
            max_blob_bytes: 1 << 20,
            sparse_images: false,
            read_ahead: true,
            advisories_file: dir.join("advisories.db"),
            token_life: chrono::TimeDelta::hours(1),
            open_registration: true,
            imports: oci::ClientOptions::default(),
            identity_root: None,
            witnesses: Vec::new(),
            webhooks_over_http: false,
            limits: app::Limits::default(),
            review: app::ReviewPolicy::default(),
            upkeep: app::UpkeepConfig::default(),
        },
    };
    App::new(parts).await.expect("an application")
}

async fn work(app: &Arc<App>) {
    assert!(app.work_once("bench").await.expect("worked"));
    let jobs = app.job_summary(&Actor::system()).await.expect("counted");
    assert!(jobs.failed.is_empty(), "{jobs:?}");
    assert!(
        !app.work_once("bench").await.expect("nothing to do"),
        "{jobs:?}"
    );
}

async fn reload(app: &Arc<App>) {
    let taken = app.reload_advisories(&Actor::system()).await;
    taken.expect("taken over");
    work(app).await;
}

/// Of which day the advisories are.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Day {
    First,
    Next,
    Last,
}

/// Two records for each vulnerability: the ecosystem's, and one with a rating, as NVD's. The
/// next day a hundred packages have a new one, and about 1,900 others others words.
fn build(file: &Path, day: Day) {
    let mut builder = Builder::new(file).expect("a builder");
    let mut feed = String::new();
    for number in (0..NAMES).step_by(20) {
        let other = day >= Day::Next && (number / 20) % 100 < 63;
        let word = if other { "another flaw" } else { "a flaw" };
        for one in 0..3 {
            feed.push_str(&record(number, one, "1.0.2", word));
        }
    }
    if day >= Day::Next {
        for number in (7..NAMES).step_by(NAMES / 100) {
            feed.push_str(&record(number, 9, "1.0.1", "a new flaw"));
        }
    }
    if day >= Day::Last {
        feed.push_str(&record(11, 9, "1.0.1", "one more"));
    }
    let feed = builder.add_bytes("bench", "bench", feed.as_bytes());
    feed.expect("read");
    builder.finish("2026-11-21T00:00:00Z").expect("written");
}

fn record(number: usize, one: usize, fixed: &str, word: &str) -> String {
    let (ecosystem, name) = catalogue::names(number);
    let details = "Whoever can send a request can make the program read what is not its own. ";
    let details = details.repeat(6);
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
    let cve = format!("CVE-2026-{number}{one}");
    format!(
        r#"{{"id":"T-{number}-{one}","aliases":["{cve}"],"summary":"{word} in {name}","details":"{details}","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}],"references":[{{"type":"WEB","url":"https://example.org/{cve}"}}]}}
{{"id":"{cve}","summary":"{word}","details":"{details}","severity":[{{"type":"CVSS_V3","score":"{vector}"}}]}}
"#
    )
}

/// Matches one image of 500 components, a tenth of them affected, after another one.
fn one_image(file: &Path) {
    let opening = Instant::now();
    let database = Advisories::open(file).expect("opens");
    say("opening the advisories", opening);
    let matcher = Matcher::new(&database);
    let image = |first: usize| -> Vec<Package> {
        (0..500)
            .map(|at| catalogue::package((first + at * 2) % NAMES, at % 3))
            .collect()
    };
    for first in [0, 20_000] {
        let (packages, started, mut found) = (image(first), Instant::now(), 0);
        for package in &packages {
            let answer = matcher.package(package).expect("readable");
            found += answer.expect("known").matches.len();
        }
        say(
            &format!("an image of 500 components, {found} findings"),
            started,
        );
    }
}

fn say(what: &str, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("{what}: {seconds:.4} s");
}

/// Says how long it takes, by the clock and by the processors, and the most memory there was
/// meanwhile.
async fn measure(what: &str, work: impl Future<Output = ()>) {
    // Begins a new peak (proc(5), `clear_refs`).
    std::fs::write("/proc/self/clear_refs", "5").expect("written");
    let before = memory();
    let (cpu, started) = (processor_seconds(), Instant::now());
    work.await;
    let (clock, cpu) = (started.elapsed().as_secs_f64(), processor_seconds() - cpu);
    let memory = memory();
    eprintln!(
        "{what}: {clock:.1} s, {cpu:.1} s of processors, {memory} MB at most, {before} MB before"
    );
}

fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("read");
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|word| word.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("read");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let line = line.unwrap_or_default().trim().trim_end_matches(" kB");
    line.parse::<u64>().unwrap_or_default() / 1_000
}
