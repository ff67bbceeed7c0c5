//! Work on the store itself: collections of what nobody needs, scrubs, quotas. A run is a row that says who
//! asked for it, where it is and what it found, and a job that does it in small steps.

mod collect;
mod quotas;
mod retention;
mod scrub;
mod why;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use market::{Action, JobId, RunId};
use serde::{Serialize, de::DeserializeOwned};
use store::{Tx, upkeep::Run};

use crate::{Actor, App, AppError, audit::Change, jobs::JobKind};

pub use collect::CollectionFigures;
pub use quotas::PublisherStorage;
pub(crate) use quotas::full;
pub(crate) use retention::TagPulls;
pub use retention::{DroppedTag, Retention};
pub use scrub::{DamagedBlob, ScrubFigures};
pub use why::{KeptBecause, KeptIn, PictureKept, WhyKept};

/// What the operator configured about the store's upkeep.
#[derive(Debug, Clone)]
pub struct UpkeepConfig {
    /// How long something must be out of reach before a collection deletes it.
    pub collect_grace: TimeDelta,
    /// How often a collection begins by itself; never without it.
    pub collect_every: Option<TimeDelta>,
    /// How often a scrub begins by itself; never without it.
    pub scrub_every: Option<TimeDelta>,
    /// Bytes that a scrub reads a second, at most; 0 for as fast as it goes.
    pub scrub_rate: u64,
    /// Bytes that a publisher's staging repositories may take; 0 for no limit.
    pub publisher_quota: u64,
    /// How long a worker has a job without a sign of life.
    pub job_lease: TimeDelta,
}

impl Default for UpkeepConfig {
    fn default() -> Self {
        Self {
            collect_grace: TimeDelta::days(1),
            collect_every: None,
            scrub_every: None,
            scrub_rate: 0,
            publisher_quota: 0,
            job_lease: TimeDelta::seconds(30),
        }
    }
}

/// A run as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpkeepRun<F> {
    /// Its identifier.
    pub id: RunId,
    /// Whether it only looks.
    pub dry_run: bool,
    /// Who asked for it: an account's id, or `system`.
    pub requested_by: String,
    /// When it was asked for.
    pub started_at: DateTime<Utc>,
    /// When it was done.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it is at.
    pub stage: String,
    /// Why it ended before it was done.
    pub failed: Option<String>,
    /// What it did and found so far.
    pub figures: F,
}

/// The newest runs of a kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpkeepStatus<F> {
    /// The newest that changed something, or is about to.
    pub newest: Option<UpkeepRun<F>>,
    /// The newest that only looked, unless the other one is newer.
    pub dry_run: Option<UpkeepRun<F>>,
}

/// The kind of a run, as it is stored.
const COLLECT: &str = "collection";
const SCRUB: &str = "scrub";

impl App {
    /// Starts a collection; a dry run only says what one would delete now.
    ///
    /// # Errors
    /// One is under way, or the asker may not.
    pub async fn start_collection(
        &self,
        actor: &Actor,
        dry_run: bool,
    ) -> Result<UpkeepRun<CollectionFigures>, AppError> {
        let nowhere = serde_json::json!({});
        let run = self.start_run(actor, COLLECT, dry_run, nowhere).await?;
        self.run_view(run).await
    }

    /// Returns the newest collections.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn collections(
        &self,
        actor: &Actor,
    ) -> Result<UpkeepStatus<CollectionFigures>, AppError> {
        self.run_status(actor, COLLECT).await
    }

    /// Returns a collection.
    ///
    /// # Errors
    /// There is none, or the asker may not see it.
    pub async fn collection(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<UpkeepRun<CollectionFigures>, AppError> {
        self.find_run(actor, COLLECT, id).await
    }

    /// Starts a collection if the last one is so long ago as the operator configured.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn collect_if_due(&self) -> Result<bool, AppError> {
        let Some(every) = self.config.upkeep.collect_every else {
            return Ok(false);
        };
        if !self.is_due(COLLECT, every).await? {
            return Ok(false);
        }
        match self.start_collection(&Actor::system(), false).await {
            Ok(_) => Ok(true),
            Err(AppError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn run_status<F: DeserializeOwned>(
        &self,
        actor: &Actor,
        kind: &str,
    ) -> Result<UpkeepStatus<F>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        let newest = store::upkeep::newest(&mut tx, kind, false).await?;
        let dry_run = store::upkeep::newest(&mut tx, kind, true).await?;
        drop(tx);
        let newer = |dry: &Run| newest.as_ref().is_none_or(|newest| dry.id > newest.id);
        let dry_run = dry_run.filter(newer);
        Ok(UpkeepStatus {
            newest: self.optional_view(newest).await?,
            dry_run: self.optional_view(dry_run).await?,
        })
    }

    async fn find_run<F: DeserializeOwned>(
        &self,
        actor: &Actor,
        kind: &'static str,
        id: &str,
    ) -> Result<UpkeepRun<F>, AppError> {
        let missing = || AppError::not_found(kind, id);
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        let id = id.parse().map_err(|_malformed| missing())?;
        let run = store::upkeep::find(&mut tx, &id).await?;
        drop(tx);
        let run = run.filter(|run| run.kind == kind).ok_or_else(missing)?;
        self.run_view(run).await
    }

    async fn is_due(&self, kind: &str, every: TimeDelta) -> Result<bool, AppError> {
        let setting = format!("{kind}-counts-from");
        let mut tx = self.read().await?;
        let last = store::upkeep::newest(&mut tx, kind, false).await?;
        let from = match last {
            Some(last) => Some(last.started_at),
            // In a new marketplace there is nothing to do yet.
            None => store::settings::find(&mut tx, &setting)
                .await?
                .and_then(|text| text.parse().ok()),
        };
        drop(tx);
        if let Some(from) = from {
            return Ok(from + every <= self.now());
        }
        let mut tx = self.begin().await?;
        store::settings::set(&mut tx, &setting, &self.now().to_rfc3339()).await?;
        tx.commit().await?;
        Ok(false)
    }

    async fn start_run(
        &self,
        actor: &Actor,
        kind: &'static str,
        dry_run: bool,
        place: serde_json::Value,
    ) -> Result<Run, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        if let Some(other) = store::upkeep::under_way(&mut tx, kind).await? {
            return Err(AppError::Conflict(format!(
                "a {kind} ({}) is under way: wait until it has ended",
                other.id
            )));
        }
        let (id, job) = (self.id(RunId::new), self.id(JobId::new));
        let run = id.clone();
        let work = match kind {
            SCRUB => JobKind::Scrub { run },
            _ => JobKind::Collect { run },
        };
        self.enqueue_as(&mut tx, job.clone(), &work).await?;
        let run = Run {
            id,
            kind: kind.to_owned(),
            dry_run,
            requested_by: actor.audit_name().to_owned(),
            job_id: job.to_string(),
            started_at: self.now(),
            ended_at: None,
            stage: "waiting for a worker".to_owned(),
            place: place.into(),
            figures: serde_json::json!({}).into(),
        };
        store::upkeep::create(&mut tx, &run).await?;
        let change = Change {
            subject: run.id.as_str(),
            reason: Some(if dry_run { "dry run" } else { kind }),
            after: Some("started"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::KeepStorage, change)
            .await?;
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(run)
    }

    /// Notes where a run is. A run goes on from there after every start, so only starts at the same
    /// place are attempts.
    async fn save_run(&self, tx: &mut Tx, run: &Run) -> Result<(), AppError> {
        store::upkeep::save(tx, run).await?;
        let job = run.job_id.parse().map_err(AppError::internal)?;
        Ok(store::jobs::went_on(tx, &job).await?)
    }

    async fn optional_view<F: DeserializeOwned>(
        &self,
        run: Option<Run>,
    ) -> Result<Option<UpkeepRun<F>>, AppError> {
        match run {
            Some(run) => Ok(Some(self.run_view(run).await?)),
            None => Ok(None),
        }
    }

    async fn run_view<F: DeserializeOwned>(&self, run: Run) -> Result<UpkeepRun<F>, AppError> {
        let job = run.job_id.parse().map_err(AppError::internal)?;
        let job = store::jobs::find(&mut self.read().await?, &job).await?;
        let failed = job
            .filter(|job| job.state == "failed")
            .map(|job| job.error.unwrap_or_default());
        Ok(UpkeepRun {
            id: run.id,
            dry_run: run.dry_run,
            requested_by: run.requested_by,
            started_at: run.started_at,
            ended_at: run.ended_at,
            stage: run.stage,
            failed,
            figures: serde_json::from_value(run.figures.0).map_err(AppError::internal)?,
        })
    }

    /// Sees a run to its end: does its job here, unless a worker has it already. When this
    /// process is killed, a worker goes on with it.
    ///
    /// # Errors
    /// The queue cannot be read or written.
    pub async fn finish_run(self: &Arc<Self>, worker: &str, id: &RunId) -> Result<(), AppError> {
        let run = store::upkeep::find(&mut self.read().await?, id).await?;
        let run = run.ok_or_else(|| AppError::not_found("run", id.as_str()))?;
        let job = run.job_id.parse().map_err(AppError::internal)?;
        loop {
            if self.work_on(worker, &job).await? {
                continue;
            }
            let found = store::jobs::find(&mut self.read().await?, &job).await?;
            if found.is_none_or(|job| job.ended_at.is_some()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
