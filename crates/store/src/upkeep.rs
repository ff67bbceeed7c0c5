//! Long work on the store itself, such as collections: who asked for it, where it is, what it found.

use chrono::{DateTime, Utc};
use market::RunId;
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_opt},
};

/// One run.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Run {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: RunId,
    /// What is done.
    pub kind: String,
    /// Whether it only looks.
    pub dry_run: bool,
    /// The account's id, or `system`.
    pub requested_by: String,
    /// The job that does it.
    pub job_id: String,
    /// When it was asked for.
    pub started_at: DateTime<Utc>,
    /// When it was done.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it is at.
    pub stage: String,
    /// Where in the stage, in case it is cut short.
    pub place: Json<serde_json::Value>,
    /// What it did and found so far.
    pub figures: Json<serde_json::Value>,
}

/// Adds a run.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, run: &Run) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO upkeep_runs (id, kind, dry_run, requested_by, job_id, started_at, stage, place, figures) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        run.id.as_str(),
        &run.kind,
        run.dry_run,
        &run.requested_by,
        &run.job_id,
        run.started_at,
        &run.stage,
        &run.place,
        &run.figures
    )?;
    Ok(())
}

/// Notes where a run is, in the transaction that got it there.
///
/// # Errors
/// The database refused.
pub async fn save(tx: &mut Tx, run: &Run) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE upkeep_runs SET ended_at = $2, stage = $3, place = $4, figures = $5 WHERE id = $1",
        run.id.as_str(),
        run.ended_at,
        &run.stage,
        &run.place,
        &run.figures
    )?;
    Ok(())
}

/// Returns the run with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &RunId) -> Result<Option<Run>, StoreError> {
    fetch_opt!(
        tx,
        Run,
        "SELECT * FROM upkeep_runs WHERE id = $1",
        id.as_str()
    )
}

/// Returns the newest run of a kind; of those that change something, where `dry_run` is false.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(tx: &mut Tx, kind: &str, dry_run: bool) -> Result<Option<Run>, StoreError> {
    fetch_opt!(
        tx,
        Run,
        "SELECT * FROM upkeep_runs WHERE kind = $1 AND dry_run = $2 ORDER BY id DESC LIMIT 1",
        kind,
        dry_run
    )
}

/// Returns the run of a kind that is not done, where there is one.
///
/// # Errors
/// The database cannot be read.
pub async fn under_way(tx: &mut Tx, kind: &str) -> Result<Option<Run>, StoreError> {
    fetch_opt!(
        tx,
        Run,
        "SELECT r.* FROM upkeep_runs r JOIN jobs j ON j.id = r.job_id WHERE r.kind = $1 AND r.ended_at IS NULL AND j.state IN ('queued', 'running') ORDER BY r.id DESC LIMIT 1",
        kind
    )
}
