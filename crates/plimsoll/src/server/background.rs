//! What runs beside the requests: workers on the job queue, and chores by the clock.

use std::{fs, path::Path, sync::Arc, time::Duration};

use app::App;
use store::blobs::FsBlobs;
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use super::{domains::Lookout, mail::Post, webhooks::Caller, witnesses::Petitioner};
use crate::market_folder::{Market, node_name};

/// How often the file of advisories is looked at.
const LOOK_AT_ADVISORIES: Duration = Duration::from_secs(10);
const LOOK_AT_AGE: Duration = Duration::from_secs(60 * 60);
/// How often promises are compared with the clock.
const LOOK_AT_CLOCKS: Duration = Duration::from_secs(60);
const SWEEP: Duration = Duration::from_secs(3600);
/// How often the age of the key for registry tokens is looked at, and of timestamps.
const LOOK_AT_KEYS: Duration = Duration::from_secs(3600);
/// How long a worker may go on with its job after the signal to stop; the job is done again
/// by whoever takes the queue next.
const LAST_JOB: Duration = Duration::from_secs(10);

/// Everything that was started.
pub(super) struct Background(JoinSet<()>);

/// What goes out of the house.
pub(super) struct Errands {
    /// Sends mail, where there is a post office.
    pub(super) post: Option<Post>,
    /// Sends events.
    pub(super) caller: Caller,
    /// Looks at domains.
    pub(super) lookout: Lookout,
    /// Asks witnesses of the log.
    pub(super) petitioner: Petitioner,
}

/// Starts workers and chores, until `stop`.
pub(super) fn start(
    market: &Market,
    errands: Errands,
    (workers, importers): (u32, u32),
    stop: &CancellationToken,
) -> Background {
    let mut tasks = JoinSet::new();
    for number in 1..=importers {
        let (app, stop) = (Arc::clone(&market.app), stop.clone());
        let name = format!("{}-import-{number}", node_name());
        tasks.spawn(async move { app.work_on_imports(&name, stop).await });
    }
    for number in 1..=workers {
        let (app, stop) = (Arc::clone(&market.app), stop.clone());
        let name = format!("{}-{number}", node_name());
        tasks.spawn(async move { app.work(&name, stop).await });
    }
    if workers > 0 && market.app.config().read_ahead {
        let (app, stop) = (Arc::clone(&market.app), stop.clone());
        let name = format!("{}-read-ahead", node_name());
        tasks.spawn(async move { app.read_pushes(&name, stop).await });
    }
    let (app, token) = (Arc::clone(&market.app), stop.clone());
    tasks.spawn(async move {
        let watched = watch_advisories(&app);
        token.run_until_cancelled(watched).await;
    });
    let (app, token) = (Arc::clone(&market.app), stop.clone());
    tasks.spawn(async move {
        let watched = watch_clocks(&app);
        token.run_until_cancelled(watched).await;
    });
    let (app, token) = (Arc::clone(&market.app), stop.clone());
    tasks.spawn(async move {
        let kept = keep_store(&app);
        token.run_until_cancelled(kept).await;
    });
    let (app, token) = (Arc::clone(&market.app), stop.clone());
    let age = market.rotate_tokens_after;
    tasks.spawn(async move {
        let rotated = rotate_token_keys(&app, age);
        token.run_until_cancelled(rotated).await;
    });
    let (app, token) = (Arc::clone(&market.app), stop.clone());
    tasks.spawn(async move {
        let renewed = renew_trust(&app);
        token.run_until_cancelled(renewed).await;
    });
    errands.start(&mut tasks, &market.app, stop);
    let (app, files, token) = (Arc::clone(&market.app), market.files.clone(), stop.clone());
    tasks.spawn(async move {
        let swept = sweep(&app, files);
        token.run_until_cancelled(swept).await;
    });
    Background(tasks)
}

impl Errands {
    fn start(self, tasks: &mut JoinSet<()>, app: &Arc<App>, stop: &CancellationToken) {
        if let Some(post) = self.post {
            let (app, token) = (Arc::clone(app), stop.clone());
            tasks.spawn(async move {
                let sent = post.send(&app);
                token.run_until_cancelled(sent).await;
            });
        }
        let (caller, app, token) = (self.caller, Arc::clone(app), stop.clone());
        let (lookout, looking, over) = (self.lookout, Arc::clone(&app), stop.clone());
        tasks.spawn(async move {
            let sent = caller.send(&app);
            token.run_until_cancelled(sent).await;
        });
        let (petitioner, asking, end) = (self.petitioner, Arc::clone(&looking), stop.clone());
        tasks.spawn(async move {
            let looked = lookout.look(&looking);
            over.run_until_cancelled(looked).await;
        });
        tasks.spawn(async move {
            let asked = petitioner.ask(&asking);
            end.run_until_cancelled(asked).await;
        });
    }
}

impl Background {
    /// Waits for what was started, not for ever.
    pub(super) async fn end(mut self) {
        let all = async { while self.0.join_next().await.is_some() {} };
        if time::timeout(LAST_JOB, all).await.is_err() {
            tracing::warn!("a job is left to be done again after the next start");
        }
        self.0.shutdown().await;
    }
}

/// Takes over a new file of advisories soon after it is put in place.
async fn watch_advisories(app: &App) {
    let file = app.config().advisories_file.clone();
    let mut known = stamp(&file);
    let health = advisory::health::file_of(&file);
    let mut noted = None;
    let mut told: Option<time::Instant> = None;
    let mut ticks = time::interval(LOOK_AT_ADVISORIES);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let update = stamp(&health);
        let updated = update != noted;
        if updated {
            noted = update;
            raise_alarms(&file);
        }
        if updated || told.is_none_or(|told| told.elapsed() >= LOOK_AT_AGE) {
            told = Some(time::Instant::now());
            tell_of_advisories(app).await;
        }
        let found = stamp(&file);
        if found == known {
            continue;
        }
        match app.take_over_new_advisories().await {
            Ok(taken) => {
                known = found;
                if taken {
                    tracing::info!("took over new advisories");
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the new advisories cannot be used; the old ones stay"
                );
            }
        }
    }
}

async fn tell_of_advisories(app: &App) {
    if let Err(error) = app.tell_of_advisories().await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(
            error,
            "operators cannot be told of advisories; trying again"
        );
    }
}

/// Logs the feeds that the last update could not have.
fn raise_alarms(file: &Path) {
    for source in advisory::health::load(file) {
        if let Some(error) = source.error {
            tracing::warn!(
                source.name,
                source.failures,
                source.last_success,
                error,
                "an advisory feed cannot be updated; its last good data stays in use"
            );
        }
    }
}

/// Puts listings on hold whose promises are broken, and revokes those held for too long.
async fn watch_clocks(app: &App) {
    let mut ticks = time::interval(LOOK_AT_CLOCKS);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match app.enforce_deadlines().await {
            Ok(outcome) if outcome == app::ClockOutcome::default() => {}
            Ok(outcome) => tracing::info!(
                outcome.expired,
                outcome.asked,
                outcome.held,
                outcome.reinstated,
                outcome.revoked,
                "the clocks ran out for listings"
            ),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the clocks cannot be looked at"
            ),
        }
        remind(app).await;
    }
}

/// Reminds publishers of promises that end soon.
async fn remind(app: &App) {
    match app.remind_publishers().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "reminded publishers of promises"),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "publishers cannot be reminded; trying again"
        ),
    }
}

/// Has collections and scrubs begin when it is time.
async fn keep_store(app: &App) {
    let mut ticks = time::interval(LOOK_AT_CLOCKS);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.collect_if_due().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "no collection can begin; trying again");
        }
        if let Err(error) = app.scrub_if_due().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "no scrub can begin; trying again");
        }
    }
}

/// Makes a new key for registry tokens when the newest is old.
async fn rotate_token_keys(app: &App, age: chrono::TimeDelta) {
    let mut ticks = time::interval(LOOK_AT_KEYS);
    loop {
        ticks.tick().await;
        match app.rotate_old_token_keys(age).await {
            Ok(false) => {}
            Ok(true) => tracing::info!("made a new key for registry tokens"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no new key for registry tokens can be made; the old one goes on"
            ),
        }
    }
}

/// Signs anew what the market signs for publishers, before it ends.
async fn renew_trust(app: &App) {
    let mut ticks = time::interval(LOOK_AT_KEYS);
    loop {
        ticks.tick().await;
        match app.renew_trust().await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "signed timestamps of trust metadata anew"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "timestamps of trust metadata cannot be looked at; trying again"
            ),
        }
    }
}

/// What changes when a file is replaced.
fn stamp(file: &Path) -> Option<(std::time::SystemTime, u64)> {
    let about = fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// Drops uploads that nobody goes on with, and what a crash left of blobs.
async fn sweep(app: &App, files: Option<Arc<FsBlobs>>) {
    let mut ticks = time::interval(SWEEP);
    loop {
        ticks.tick().await;
        log_swept("unfinished uploads", app.sweep_uploads().await);
        log_swept(
            "old deliveries to webhooks",
            app.forget_webhook_deliveries().await,
        );
        if let Some(files) = &files {
            let yesterday = app.now() - chrono::TimeDelta::days(1);
            log_swept("unfinished blobs", files.sweep(yesterday).await);
        }
    }
}

fn log_swept<E: std::error::Error>(what: &str, swept: Result<usize, E>) {
    match swept {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "dropped {what}"),
        Err(error) => tracing::warn!(%error, "{what} cannot be dropped"),
    }
}
