//! Every page and every answer of the API in a market of 100,000 products, a million findings
//! and 10,000 running promises: the slowest of a hundred. Then an advisory that touches a
//! thousand released images. Not criterion: what counts is the slow end.
//!
//! `cargo xtask bench size`, or with fewer products or another database
//! `cargo bench -p plimsoll-web --bench size -- PRODUCTS postgres://…`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it says how far it is and what it measured"
)]

#[expect(dead_code, reason = "the tests' market; not all of it is used here")]
#[path = "../../tests/web/fixture.rs"]
mod fixture;
mod grow;
#[expect(dead_code, reason = "the tests' addresses; not all of it is used here")]
#[path = "../../tests/web/pages/places.rs"]
mod places;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use advisory::database::Builder;
use app::{Actor, App};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use store::{Database, DatabaseUrl};
use tower::ServiceExt as _;

use fixture::Fixture;
use grow::Size;

/// How often each address is asked.
const TIMES: usize = 100;

/// Addresses beside those of the table of routes: lists that are searched, filtered, and far down.
const LISTS: [&str; 15] = [
    "/search?q=ship",
    "/search?q=word7",
    "/search?q=ship+99999",
    "/search?q=nothing+like+it",
    "/search?category=Databases&certified=true",
    "/search?q=ship&page=500",
    "/review?certifiable=false",
    "/review?publisher=acme-7",
    "/api/v1/products?q=word7",
    "/api/v1/products?q=ship",
    "/operator?q=ship&on_hold=true",
    "/operator?q=word7",
    "/api/v1/listings?on_hold=true",
    "/api/v1/listings?page=900",
    "/api/v1/audit?limit=200",
];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let products = arguments.next().and_then(|word| word.parse().ok());
    let address = arguments.next();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(products.unwrap_or(100_000), address));
}

async fn run(products: u64, address: Option<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().to_owned();
    let url = match address {
        Some(address) => address.parse().expect("an address"),
        None => DatabaseUrl::Sqlite(path.join("plimsoll.db")),
    };
    build(&path, &[1]);
    let fixture = Fixture::within(dir, &url, app::ReviewPolicy::default()).await;
    let (fixture, names) = places::stocked(fixture).await;
    let db = Database::open(&url).await.expect("a database");
    grow::grow(&db, &Size { products }).await;
    db.close().await;
    let mut askers = Vec::new();
    for name in ["ann", "olga", "carl"] {
        let session = fixture.app.sign_in(name, fixture::PASSWORD, None).await;
        askers.push((name, session.expect("signed in").secret));
    }
    let router = plimsoll_web::router(Arc::clone(&fixture.app));
    let mut all = Vec::new();
    for place in addresses(&names) {
        all.extend(slowest(&router, &askers, &place).await);
    }
    all.sort_by_key(|(_, p99, _)| std::cmp::Reverse(*p99));
    println!("| address | as | 99th of {TIMES}, ms | median, ms |\n|---|---|---|---|");
    for (place, p99, median) in &all {
        println!("| {place} | {:.1} | {:.1} |", ms(*p99), ms(*median));
    }
    let slow = all.iter().filter(|(_, p99, _)| ms(*p99) >= 50.0).count();
    println!("{} addresses, {slow} not below 50 ms", all.len());
    let db = Database::open(&url).await.expect("a database");
    watching(&path, &fixture.app, &db).await;
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn addresses(names: &places::Names) -> Vec<String> {
    let filled = |route: &str| places::filled(route, names);
    let mut all: Vec<String> = places::routes().into_iter().map(filled).collect();
    let document = serde_json::to_value(plimsoll_web::api::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let read = paths.iter().filter(|(_, item)| item["get"].is_object());
    let submission = names.iter().find(|(name, _)| *name == "{id}");
    let submission = &submission.expect("a submission").1;
    all.extend(read.map(|(path, _)| {
        let path = path.replace("{submission}", submission);
        format!(
            "/api/v1{}",
            filled(path.strip_prefix("/api/v1").unwrap_or(&path))
        )
    }));
    all.extend(LISTS.map(str::to_owned));
    all
}

/// Returns how long the slower answers and the middle one take whoever waits longest for it;
/// nothing for an address that shows nothing to anybody.
async fn slowest(
    router: &Router,
    askers: &[(&str, String)],
    place: &str,
) -> Option<(String, Duration, Duration)> {
    let mut worst = None;
    for (name, session) in askers {
        if ask(router, session, place).await.0 != StatusCode::OK {
            continue;
        }
        let mut times = Vec::new();
        while times.len() < TIMES && times.iter().sum::<Duration>() < Duration::from_secs(3) {
            times.push(ask(router, session, place).await.1);
        }
        times.sort_unstable();
        let (p99, median) = (times[times.len() * 99 / 100], times[times.len() / 2]);
        if worst.as_ref().is_none_or(|(_, most, _)| p99 > *most) {
            worst = Some((format!("{place} | {name}"), p99, median));
        }
    }
    if worst.is_none() {
        eprintln!("not shown to anybody: {place}");
    }
    worst
}

async fn ask(router: &Router, session: &str, place: &str) -> (StatusCode, Duration) {
    let request = Request::get(place)
        .header(header::COOKIE, format!("plimsoll_session={session}"))
        .body(Body::empty())
        .expect("a request");
    let started = Instant::now();
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    response.into_body().collect().await.expect("a body");
    (status, started.elapsed())
}

/// Writes advisories on the one package of the template's image.
fn build(dir: &Path, which: &[u32]) {
    let mut builder = Builder::new(&dir.join("advisories.db")).expect("a builder");
    let record = |number| {
        format!(
            r#"{{"id":"CVE-2026-{number}","summary":"A flaw","severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[{{"package":{{"ecosystem":"Debian:11","name":"openssl"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1.1.1w-1"}}]}}]}}]}}"#
        )
    };
    let feed: Vec<String> = which.iter().map(record).collect();
    let added = builder.add_bytes("bench", "bench", feed.join("\n").as_bytes());
    added.expect("read");
    builder.finish("2026-11-21T00:00:00Z").expect("written");
}

/// One more advisory on what a thousand released images hold; and the clock, with nothing due.
async fn watching(dir: &Path, app: &Arc<App>, db: &Database) {
    let notices = grow::count(db, "SELECT COUNT(*) FROM notices").await;
    build(dir, &[1, 2]);
    let started = Instant::now();
    let taken = app.reload_advisories(&Actor::system()).await;
    taken.expect("taken over");
    while app.work_once("bench").await.expect("worked") {}
    println!(
        "an advisory that touches 1,000 released images: {:.2} s",
        started.elapsed().as_secs_f64()
    );
    println!(
        "{} findings of it, {} of them with a time, {} notices",
        grow::count(db, "SELECT COUNT(*) FROM findings WHERE vulnerability = 'CVE-2026-2'").await,
        grow::count(db, "SELECT COUNT(*) FROM findings WHERE vulnerability = 'CVE-2026-2' AND due_at IS NOT NULL").await,
        grow::count(db, "SELECT COUNT(*) FROM notices").await - notices,
    );
    for _ in 0..3 {
        let started = Instant::now();
        app.enforce_deadlines().await.expect("looked at the clocks");
        let reminded = app.remind_publishers().await;
        let reminded = reminded.expect("looked for reminders");
        println!(
            "the clocks, with {reminded} reminders: {:.1} ms",
            ms(started.elapsed())
        );
    }
}
