//! Jobs: what takes longer than a request. Any worker of any node takes the next one
//! from the queue; each is idempotent, so one that was cut short is simply done again.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use market::{ImportId, JobId, OwnAdvisoryId, ProductId, RunId, SubmissionId};
use oci::Digest;
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    jobs::{Job, MAX_ATTEMPTS, NewJob, Progress, back_off},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Actor, App, AppError};

/// How often an idle worker looks at the queue, for jobs of other nodes.
const LOOK: Duration = Duration::from_secs(1);

/// The kind of jobs that read what was pushed.
pub(crate) const READ_AHEAD: &str = "read-ahead";

/// Everything there is to do in the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum JobKind {
    /// Verify, take apart, match and check a submission.
    Inspect {
        /// Which.
        submission: SubmissionId,
    },
    /// Sign an approved submission and make it public.
    Release {
        /// Which.
        submission: SubmissionId,
        /// When; what is set before then counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<DateTime<Utc>>,
    },
    /// Keep what is pulled of a product before its first release.
    Preview {
        /// Which.
        product: ProductId,
        /// When: what happens while one is under way asks for another.
        asked_at: DateTime<Utc>,
    },
    /// Read the layers of an image that was pushed, before somebody waits for it.
    ReadAhead {
        /// Where.
        repository: String,
        /// Its manifest.
        digest: Digest,
    },
    /// Bring an image from another registry.
    Import {
        /// Which import.
        import: ImportId,
    },
    /// Delete what nothing reaches.
    Collect {
        /// The run that the job does.
        run: RunId,
    },
    /// Compare everything stored with its digest.
    Scrub {
        /// The run that the job does.
        run: RunId,
    },
    /// Match what holds a package with what the certification team says of it.
    MatchOwn {
        /// Which advisory of the team's.
        advisory: OwnAdvisoryId,
        /// Whether it was withdrawn.
        withdrawn: bool,
    },
    /// Match everything released against a new advisory database.
    Rematch {
        /// Its version.
        database: String,
    },
}

impl JobKind {
    fn name(&self) -> &'static str {
        match self {
            Self::Inspect { .. } => "inspect",
            Self::Release { .. } => "release",
            Self::Preview { .. } => "preview",
            Self::ReadAhead { .. } => READ_AHEAD,
            Self::Import { .. } => "import",
            Self::MatchOwn { .. } => "match-own",
            Self::Rematch { .. } => "rematch",
            Self::Collect { .. } => "collect",
            Self::Scrub { .. } => "scrub",
        }
    }

    /// No second job with this key waits or runs.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Inspect { submission } => format!("inspect:{submission}"),
            Self::Release { submission, at } => match at {
                Some(at) => format!("release:{submission}:{}", at.timestamp_micros()),
                None => format!("release:{submission}"),
            },
            Self::Preview { product, asked_at } => {
                format!("preview:{product}:{}", asked_at.timestamp_micros())
            }
            Self::ReadAhead { repository, digest } => format!("{READ_AHEAD}:{repository}@{digest}"),
            Self::Import { import } => format!("import:{import}"),
            Self::MatchOwn {
                advisory,
                withdrawn,
            } => format!("match-own:{advisory}:{withdrawn}"),
            Self::Rematch { database } => format!("rematch:{database}"),
            Self::Collect { run } => format!("collect:{run}"),
            Self::Scrub { run } => format!("scrub:{run}"),
        }
    }
}

/// The queue in numbers.
#[derive(Debug, Clone)]
pub struct JobSummary {
    /// How many are in each state.
    pub counts: Vec<(String, i64)>,
    /// The newest that failed: kind and error.
    pub failed: Vec<(String, String)>,
}

/// A job in a worker's hands.
pub(crate) struct Running<'a> {
    app: &'a Arc<App>,
    job: JobId,
    worker: &'a str,
}

impl Running<'_> {
    /// Notes how far the job is.
    pub(crate) async fn progress(&self, done: i64, total: i64, note: &str) -> Result<(), AppError> {
        let mut tx = self.app.begin().await?;
        let progress = Progress {
            done,
            total,
            note: note.to_owned(),
        };
        store::jobs::record_progress(
            &mut tx,
            &self.job,
            self.worker,
            &progress,
            self.app.now() + self.app.config.upkeep.job_lease,
        )
        .await?;
        Ok(tx.commit().await?)
    }
}

impl App {
    /// Adds a job in the transaction that makes it needed.
    pub(crate) async fn enqueue(&self, tx: &mut Tx, kind: &JobKind) -> Result<(), AppError> {
        self.enqueue_as(tx, self.id(JobId::new), kind).await
    }

    /// Adds a job with an identifier that was made before.
    pub(crate) async fn enqueue_as(
        &self,
        tx: &mut Tx,
        id: JobId,
        kind: &JobKind,
    ) -> Result<(), AppError> {
        self.enqueue_for(tx, id, kind, self.now()).await
    }

    /// Adds a job that is due at a time.
    pub(crate) async fn enqueue_for(
        &self,
        tx: &mut Tx,
        id: JobId,
        kind: &JobKind,
        run_at: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let job = NewJob {
            id,
            kind: kind.name(),
            payload: serde_json::to_value(kind).map_err(AppError::internal)?,
            dedupe_key: Some(kind.key()),
            run_at,
        };
        store::jobs::enqueue(tx, &job).await?;
        Ok(())
    }

    /// Works on all jobs that have no workers of their own until `stop`.
    pub async fn work(self: &Arc<Self>, worker: &str, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let done = self.work_once(worker).await;
            rest(done, &self.job_added, &stop).await;
        }
    }

    /// Works on imports until `stop`.
    pub async fn work_on_imports(self: &Arc<Self>, worker: &str, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let done = self.import_once(worker).await;
            rest(done, &self.import_added, &stop).await;
        }
    }

    /// Reads what was pushed until `stop`.
    pub async fn read_pushes(self: &Arc<Self>, worker: &str, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let done = self.read_push_once(worker).await;
            rest(done, &self.push_added, &stop).await;
        }
    }

    /// Does the next job that is due and has no workers of its own; gives whether there was one.
    ///
    /// # Errors
    /// The queue cannot be read or written.
    pub async fn work_once(self: &Arc<Self>, worker: &str) -> Result<bool, AppError> {
        let mut tx = self.begin().await?;
        let lease = self.config.upkeep.job_lease;
        let claimed = store::jobs::claim(&mut tx, worker, self.now(), lease).await?;
        self.do_claimed(tx, claimed, worker).await
    }

    /// Does the next import that is due; gives whether there was one.
    ///
    /// # Errors
    /// The queue cannot be read or written.
    pub async fn import_once(self: &Arc<Self>, worker: &str) -> Result<bool, AppError> {
        let mut tx = self.begin().await?;
        let lease = self.config.upkeep.job_lease;
        let claimed = store::jobs::claim_import(&mut tx, worker, self.now(), lease).await?;
        self.do_claimed(tx, claimed, worker).await
    }

    /// Reads the next image that was pushed; gives whether there was one.
    ///
    /// # Errors
    /// The queue cannot be read or written.
    pub async fn read_push_once(self: &Arc<Self>, worker: &str) -> Result<bool, AppError> {
        let mut tx = self.begin().await?;
        let lease = self.config.upkeep.job_lease;
        let claimed = store::jobs::claim_read_ahead(&mut tx, worker, self.now(), lease).await?;
        self.do_claimed(tx, claimed, worker).await
    }

    async fn do_claimed(
        self: &Arc<Self>,
        tx: Tx,
        claimed: Option<Job>,
        worker: &str,
    ) -> Result<bool, AppError> {
        tx.commit().await?;
        let Some(job) = claimed else { return Ok(false) };
        self.do_job(&job, worker).await?;
        Ok(true)
    }

    /// Does one certain job if nobody has it; gives whether it did.
    pub(crate) async fn work_on(
        self: &Arc<Self>,
        worker: &str,
        job: &JobId,
    ) -> Result<bool, AppError> {
        let mut tx = self.begin().await?;
        let claimed = store::jobs::claim_one(
            &mut tx,
            job,
            worker,
            self.now(),
            self.config.upkeep.job_lease,
        )
        .await?;
        tx.commit().await?;
        let Some(job) = claimed else { return Ok(false) };
        self.do_job(&job, worker).await?;
        Ok(true)
    }

    /// Does a job that the worker has the lease of.
    async fn do_job(self: &Arc<Self>, job: &Job, worker: &str) -> Result<(), AppError> {
        // Beyond the last attempt only a job comes that took its worker down with it.
        let outcome = if job.attempts > MAX_ATTEMPTS {
            Err(AppError::internal(
                "its worker ended without a word at every attempt",
            ))
        } else {
            self.run_holding_lease(job, worker).await
        };
        let mut tx = self.begin().await?;
        match outcome {
            // There is one for every push, and nobody asks for it.
            Ok(()) if job.kind == READ_AHEAD => {
                store::jobs::forget(&mut tx, &job.id, worker).await?;
            }
            Ok(()) => {
                store::jobs::finish(&mut tx, &job.id, worker, self.now()).await?;
            }
            Err(error) => self.job_failed(&mut tx, job, worker, &error).await?,
        }
        Ok(tx.commit().await?)
    }

    /// Runs a job while a timer holds its lease, however long it takes. Both go on side by
    /// side: the job may have the one connection that writes, for which the timer waits.
    async fn run_holding_lease(self: &Arc<Self>, job: &Job, worker: &str) -> Result<(), AppError> {
        tokio::select! {
            outcome = self.run_job(job, worker) => outcome,
            () = self.hold_lease(job, worker) => {
                Err(AppError::Conflict("another worker has the job".to_owned()))
            }
        }
    }

    /// Returns when the lease is lost.
    async fn hold_lease(&self, job: &Job, worker: &str) {
        let lease = self.config.upkeep.job_lease;
        let pulse = (lease / 3).to_std().unwrap_or_default();
        loop {
            tokio::time::sleep(pulse).await;
            let held = async {
                let mut tx = self.begin().await?;
                let until = self.now() + lease;
                let held = store::jobs::hold(&mut tx, &job.id, worker, until).await?;
                tx.commit().await?;
                Ok::<_, AppError>(held)
            };
            match held.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a job's lease cannot be held; trying again");
                }
            }
        }
    }

    async fn run_job(self: &Arc<Self>, job: &Job, worker: &str) -> Result<(), AppError> {
        let kind: JobKind =
            serde_json::from_value(job.payload.0.clone()).map_err(AppError::internal)?;
        let running = Running {
            app: self,
            job: job.id.clone(),
            worker,
        };
        match kind {
            JobKind::Inspect { submission } => self.inspect(&running, &submission).await,
            JobKind::Release { submission, .. } => self.release(&submission).await,
            JobKind::ReadAhead { repository, digest } => {
                self.read_ahead(&running, &repository, &digest).await
            }
            JobKind::Import { import } => self.import(&import).await,
            JobKind::Preview { product, .. } => self.keep_preview(&product).await,
            JobKind::MatchOwn { advisory, .. } => self.match_own(&running, &advisory).await,
            JobKind::Rematch { .. } => self.rematch(&running).await,
            JobKind::Collect { run } => self.collect(&running, &run).await,
            JobKind::Scrub { run } => self.scrub(&running, &run).await,
        }
    }

    async fn job_failed(
        &self,
        tx: &mut Tx,
        job: &Job,
        worker: &str,
        error: &AppError,
    ) -> Result<(), AppError> {
        let text = with_causes(error);
        // What it got on with meanwhile counts its attempts anew.
        let now = store::jobs::find(tx, &job.id).await?;
        let attempts = now.map_or(job.attempts, |now| now.attempts);
        if attempts >= MAX_ATTEMPTS {
            tracing::error!(job.kind = job.kind, job.id = %job.id, error = text, "a job failed for good");
            let held = store::jobs::fail(tx, &job.id, worker, &text, self.now()).await?;
            let kind = serde_json::from_value(job.payload.0.clone());
            return match (held, kind) {
                (true, Ok(JobKind::Inspect { submission })) => {
                    self.give_up_inspection(tx, &submission).await
                }
                (true, Ok(JobKind::Release { submission, .. })) => {
                    let why = "the release failed several times; the operator finds the reason among the jobs";
                    self.give_up_release(tx, &submission, why).await
                }
                (true, Ok(JobKind::Import { import })) => {
                    self.give_up_import(tx, &import, &error.to_string()).await
                }
                (true, Ok(JobKind::Collect { .. })) => {
                    // A push must not wait for the next one.
                    Ok(store::condemned::give_up(tx, self.now()).await?)
                }
                _ => Ok(()),
            };
        }
        tracing::warn!(job.kind = job.kind, job.id = %job.id, error = text, "a job failed and will be tried again");
        Ok(store::jobs::retry(tx, &job.id, worker, &text, self.now() + back_off(attempts)).await?)
    }

    /// Returns the queue in numbers.
    ///
    /// # Errors
    /// The asker is not the operator.
    pub async fn job_summary(&self, actor: &Actor) -> Result<JobSummary, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, market::Action::ReadAudit, None)
            .await?;
        let counts = store::jobs::counts(&mut tx).await?;
        let failed = store::jobs::failed(&mut tx, 10).await?;
        Ok(JobSummary {
            counts,
            failed: failed
                .into_iter()
                .map(|job| (job.kind, job.error.unwrap_or_default()))
                .collect(),
        })
    }
}

/// Waits for more to do, where there was nothing.
async fn rest(done: Result<bool, AppError>, added: &Notify, stop: &CancellationToken) {
    match done {
        Ok(true) => {}
        Ok(false) => {
            tokio::select! {
                () = stop.cancelled() => {}
                () = added.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the job queue cannot be read; trying again"
            );
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Writes an error with everything that caused it, on one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
