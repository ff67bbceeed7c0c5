//! The job queue: rows with leases. A job is added in the transaction that makes it
//! needed; whoever holds the lease works on it; a lease that runs out (because its holder
//! was killed) lets the next worker take over. Jobs are idempotent, so twice is as good as once.

use chrono::{DateTime, TimeDelta, Utc};
use market::JobId;
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// After so many attempts a job counts as failed.
pub const MAX_ATTEMPTS: i64 = 5;

/// A job and how far it is.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Job {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: JobId,
    /// What to do.
    pub kind: String,
    /// With what.
    pub payload: Json<serde_json::Value>,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// No second job with this key waits or runs.
    pub dedupe_key: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
    /// Not before.
    pub run_at: DateTime<Utc>,
    /// Which worker has it.
    pub leased_by: Option<String>,
    /// Until when.
    pub leased_until: Option<DateTime<Utc>>,
    /// How far it is.
    pub done_steps: i64,
    /// How far it has to go; 0 where that is not known yet.
    pub total_steps: i64,
    /// What it is at.
    pub note: String,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A job to add.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// Its identifier.
    pub id: JobId,
    /// What to do.
    pub kind: &'a str,
    /// With what; an object.
    pub payload: serde_json::Value,
    /// Where one with this key waits or runs, none is added.
    pub dedupe_key: Option<String>,
    /// Not before.
    pub run_at: DateTime<Utc>,
}

/// Adds a job; gives whether it was added.
///
/// # Errors
/// The database refused.
pub async fn enqueue(tx: &mut Tx, job: &NewJob<'_>) -> Result<bool, StoreError> {
    let added = execute!(
        tx,
        "INSERT INTO jobs (id, kind, payload, state, dedupe_key, attempts, run_at, done_steps, total_steps, note, created_at) VALUES ($1, $2, $3, 'queued', $4, 0, $5, 0, 0, '', $5) ON CONFLICT (dedupe_key) DO NOTHING",
        job.id.as_str(),
        job.kind,
        Json(&job.payload),
        &job.dedupe_key,
        job.run_at,
    )?;
    Ok(added > 0)
}

/// Takes the next import that is due, or whose lease ran out, until `now + lease`. They have
/// workers of their own: other registries may be slow.
///
/// # Errors
/// The database refused.
pub async fn claim_import(
    tx: &mut Tx,
    worker: &str,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<Option<Job>, StoreError> {
    claim_next(tx, Lane::Imports, worker, (now, lease)).await
}

/// Takes the next image that was pushed and whose layers may be read ahead, or whose lease ran
/// out, until `now + lease`. Nobody waits for these, so they wait for nobody's worker.
///
/// # Errors
/// The database refused.
pub async fn claim_read_ahead(
    tx: &mut Tx,
    worker: &str,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<Option<Job>, StoreError> {
    claim_next(tx, Lane::ReadAhead, worker, (now, lease)).await
}

/// Takes the next job of the others that is due, or whose lease ran out, until `now + lease`.
///
/// # Errors
/// The database refused.
pub async fn claim(
    tx: &mut Tx,
    worker: &str,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<Option<Job>, StoreError> {
    claim_next(tx, Lane::Others, worker, (now, lease)).await
}

/// Jobs that have workers of their own.
#[derive(Debug, Clone, Copy)]
enum Lane {
    Others = 0,
    Imports = 1,
    ReadAhead = 2,
}

async fn claim_next(
    tx: &mut Tx,
    lane: Lane,
    worker: &str,
    (now, lease): (DateTime<Utc>, TimeDelta),
) -> Result<Option<Job>, StoreError> {
    fetch_opt!(
        tx,
        Job,
        [
            "UPDATE jobs SET state = 'running', leased_by = $1, leased_until = $2, attempts = attempts + 1 WHERE id = (SELECT id FROM jobs WHERE CASE kind WHEN 'import' THEN 1 WHEN 'read-ahead' THEN 2 ELSE 0 END = $4 AND ((state = 'queued' AND run_at <= $3) OR (state = 'running' AND leased_until < $3)) ORDER BY run_at, id LIMIT 1) RETURNING *",
            "UPDATE jobs SET state = 'running', leased_by = $1, leased_until = $2, attempts = attempts + 1 WHERE id = (SELECT id FROM jobs WHERE CASE kind WHEN 'import' THEN 1 WHEN 'read-ahead' THEN 2 ELSE 0 END = $4 AND ((state = 'queued' AND run_at <= $3) OR (state = 'running' AND leased_until < $3)) ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *"
        ],
        worker,
        now + lease,
        now,
        lane as i64
    )
}

/// Takes one certain job if nobody has it, until `now + lease`.
///
/// # Errors
/// The database refused.
pub async fn claim_one(
    tx: &mut Tx,
    job: &JobId,
    worker: &str,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<Option<Job>, StoreError> {
    fetch_opt!(
        tx,
        Job,
        "UPDATE jobs SET state = 'running', leased_by = $2, leased_until = $3, attempts = attempts + 1 WHERE id = $1 AND ((state = 'queued' AND run_at <= $4) OR (state = 'running' AND leased_until < $4)) RETURNING *",
        job.as_str(),
        worker,
        now + lease,
        now
    )
}

/// Returns the job with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, job: &JobId) -> Result<Option<Job>, StoreError> {
    fetch_opt!(tx, Job, "SELECT * FROM jobs WHERE id = $1", job.as_str())
}

/// Notes how far a job is and holds its lease; gives whether the worker still has it.
///
/// # Errors
/// The database refused.
pub async fn record_progress(
    tx: &mut Tx,
    job: &JobId,
    worker: &str,
    progress: &Progress,
    leased_until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let held = execute!(
        tx,
        "UPDATE jobs SET done_steps = $3, total_steps = $4, note = $5, leased_until = $6 WHERE id = $1 AND leased_by = $2 AND state = 'running'",
        job.as_str(),
        worker,
        progress.done,
        progress.total,
        &progress.note,
        leased_until
    )?;
    Ok(held > 0)
}

/// Holds a job's lease longer; gives whether the worker still has it.
///
/// # Errors
/// The database refused.
pub async fn hold(
    tx: &mut Tx,
    job: &JobId,
    worker: &str,
    leased_until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let held = execute!(
        tx,
        "UPDATE jobs SET leased_until = $3 WHERE id = $1 AND leased_by = $2 AND state = 'running'",
        job.as_str(),
        worker,
        leased_until
    )?;
    Ok(held > 0)
}

/// Counts a job's attempts anew: it got on since it was begun. Only for what goes on where it was.
///
/// # Errors
/// The database refused.
pub async fn went_on(tx: &mut Tx, job: &JobId) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE jobs SET attempts = 1 WHERE id = $1 AND state = 'running' AND attempts > 1",
        job.as_str()
    )?;
    Ok(())
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub done: i64,
    /// Steps in all.
    pub total: i64,
    /// What it is at.
    pub note: String,
}

/// Ends a job well; gives whether the worker still had it.
///
/// # Errors
/// The database refused.
pub async fn finish(
    tx: &mut Tx,
    job: &JobId,
    worker: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let held = execute!(
        tx,
        "UPDATE jobs SET state = 'done', ended_at = $3, dedupe_key = NULL, leased_by = NULL, leased_until = NULL, error = NULL WHERE id = $1 AND leased_by = $2 AND state = 'running'",
        job.as_str(),
        worker,
        at
    )?;
    Ok(held > 0)
}

/// Forgets a job that ended well, where nobody will ask for it; gives whether the worker still
/// had it.
///
/// # Errors
/// The database refused.
pub async fn forget(tx: &mut Tx, job: &JobId, worker: &str) -> Result<bool, StoreError> {
    let held = execute!(
        tx,
        "DELETE FROM jobs WHERE id = $1 AND leased_by = $2 AND state = 'running'",
        job.as_str(),
        worker
    )?;
    Ok(held > 0)
}

/// Puts a job back for a later attempt.
///
/// # Errors
/// The database refused.
pub async fn retry(
    tx: &mut Tx,
    job: &JobId,
    worker: &str,
    error: &str,
    run_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE jobs SET state = 'queued', run_at = $4, error = $3, leased_by = NULL, leased_until = NULL WHERE id = $1 AND leased_by = $2 AND state = 'running'",
        job.as_str(),
        worker,
        error,
        run_at
    )?;
    Ok(())
}

/// Ends a job badly; gives whether the worker still had it.
///
/// # Errors
/// The database refused.
pub async fn fail(
    tx: &mut Tx,
    job: &JobId,
    worker: &str,
    error: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let held = execute!(
        tx,
        "UPDATE jobs SET state = 'failed', error = $3, ended_at = $4, dedupe_key = NULL, leased_by = NULL, leased_until = NULL WHERE id = $1 AND leased_by = $2 AND state = 'running'",
        job.as_str(),
        worker,
        error,
        at
    )?;
    Ok(held > 0)
}

/// Returns how long to wait before the attempt after `attempts`: 2, 4, 8 … seconds, at most an hour.
pub fn back_off(attempts: i64) -> TimeDelta {
    let exponent = u32::try_from(attempts.clamp(1, 12)).unwrap_or(12);
    TimeDelta::seconds(2_i64.pow(exponent).min(3_600))
}

/// Returns the job with this key that waits or runs.
///
/// # Errors
/// The database cannot be read.
pub async fn find_by_dedupe_key(tx: &mut Tx, key: &str) -> Result<Option<Job>, StoreError> {
    fetch_opt!(tx, Job, "SELECT * FROM jobs WHERE dedupe_key = $1", key)
}

/// Returns how many jobs are in each state.
///
/// # Errors
/// The database cannot be read.
pub async fn counts(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        tx,
        (String, i64),
        "SELECT state, COUNT(*) FROM jobs GROUP BY state ORDER BY state"
    )
}

/// Returns how many jobs of each kind are in each state.
///
/// # Errors
/// The database cannot be read.
pub async fn counts_by_kind(tx: &mut Tx) -> Result<Vec<(String, String, i64)>, StoreError> {
    fetch_all!(
        tx,
        (String, String, i64),
        "SELECT kind, state, COUNT(*) FROM jobs GROUP BY kind, state ORDER BY kind, state"
    )
}

/// Returns how many jobs of a kind wait, counted up to `most`.
///
/// # Errors
/// The database cannot be read.
pub async fn waiting(tx: &mut Tx, kind: &str, most: i64) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE state = 'queued' AND kind = $1 LIMIT $2) AS few",
        kind,
        most
    )
}

/// Returns the jobs that failed, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn failed(tx: &mut Tx, limit: i64) -> Result<Vec<Job>, StoreError> {
    fetch_all!(
        tx,
        Job,
        "SELECT * FROM jobs WHERE state = 'failed' ORDER BY id DESC LIMIT $1",
        limit
    )
}
