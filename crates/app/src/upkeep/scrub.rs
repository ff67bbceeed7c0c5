//! Scrubs: read everything that somebody has and compare it with its digest.
//!
//! Bytes are streamed and hashed, a piece at a time, as fast as the operator allows. What is
//! missing or wrong is noted; whoever may push it is told that it is not there, and the push
//! mends it. The run's row says how far it is, so a scrub that is cut short goes on there.

use std::{io, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use market::{Action, RunId};
use oci::{Digest, Digester};
use serde::{Deserialize, Serialize};
use store::{blobs::BlobError, collection::Place, condemned, damaged, upkeep::Run};
use tokio::time::Instant;

use super::{SCRUB, UpkeepRun, UpkeepStatus};
use crate::{Actor, App, AppError, audit::Change, jobs::Running};

/// Rows looked at in one step.
const LOOK: i64 = 50;
/// How often a scrub notes how far it is, at the latest.
const SAVE: Duration = Duration::from_secs(2);
/// How often a blob is read before it counts as one that cannot be.
const ATTEMPTS: usize = 3;
/// Damaged blobs told at most, and repositories of each.
const MOST: i64 = 1_000;
const MOST_PLACES: i64 = 20;

/// What a scrub did and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScrubFigures {
    /// Blobs read.
    pub blobs: i64,
    /// Bytes read.
    pub bytes: i64,
    /// Manifests compared with their digests.
    pub manifests: i64,
    /// Blobs whose bytes are missing.
    pub missing: i64,
    /// Blobs and manifests whose bytes are wrong.
    pub damaged: i64,
}

/// A blob whose bytes are missing or wrong, and who has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DamagedBlob {
    /// Which.
    pub digest: String,
    /// What is wrong.
    pub problem: String,
    /// Since when that is known.
    pub found_at: chrono::DateTime<chrono::Utc>,
    /// Names of repositories that have it, the first twenty.
    pub repositories: Vec<String>,
    /// Whether it is an uploaded picture.
    pub picture: bool,
}

/// Where a run is; stored with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Position {
    /// Bytes a second at most; 0 for as fast as it goes.
    rate: u64,
    /// The last blob that was read; manifests come after the last of all.
    blob: Option<String>,
    blobs_done: bool,
    manifest: Place,
}

struct Scrub<'a> {
    app: &'a App,
    run: Run,
    at: Position,
    figures: ScrubFigures,
    /// When this worker began, and how much it has read since.
    pace: (Instant, u64),
    saved: Instant,
}

impl App {
    /// Starts a scrub that reads at most `rate` bytes a second; 0 for as fast as it goes.
    ///
    /// # Errors
    /// One is under way, or the asker may not.
    pub async fn start_scrub(
        &self,
        actor: &Actor,
        rate: Option<u64>,
    ) -> Result<UpkeepRun<ScrubFigures>, AppError> {
        let at = Position {
            rate: rate.unwrap_or(self.config.upkeep.scrub_rate),
            ..Position::default()
        };
        let at = serde_json::to_value(at).map_err(AppError::internal)?;
        let run = self.start_run(actor, SCRUB, false, at).await?;
        self.run_view(run).await
    }

    /// Returns the newest scrub.
    ///
    /// # Errors
    /// The asker may not see it.
    pub async fn scrubs(&self, actor: &Actor) -> Result<UpkeepStatus<ScrubFigures>, AppError> {
        self.run_status(actor, SCRUB).await
    }

    /// Returns a scrub.
    ///
    /// # Errors
    /// There is none, or the asker may not see it.
    pub async fn scrub_run(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<UpkeepRun<ScrubFigures>, AppError> {
        self.find_run(actor, SCRUB, id).await
    }

    /// Starts a scrub if the last one is so long ago as the operator configured.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn scrub_if_due(&self) -> Result<bool, AppError> {
        let Some(every) = self.config.upkeep.scrub_every else {
            return Ok(false);
        };
        if !self.is_due(SCRUB, every).await? {
            return Ok(false);
        }
        match self.start_scrub(&Actor::system(), None).await {
            Ok(_) => Ok(true),
            Err(AppError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the blobs whose bytes are missing or wrong, and who has them.
    ///
    /// # Errors
    /// The asker may not know.
    pub async fn damaged_blobs(&self, actor: &Actor) -> Result<Vec<DamagedBlob>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        let mut found = Vec::new();
        for row in damaged::all(&mut tx, MOST).await? {
            let places = condemned::places(&mut tx, &row.digest, MOST_PLACES).await?;
            let picture = store::assets::find(&mut tx, &row.digest).await?;
            found.push(DamagedBlob {
                repositories: places.into_iter().map(|place| place.repository).collect(),
                picture: picture.is_some(),
                digest: row.digest,
                problem: row.problem,
                found_at: row.found_at,
            });
        }
        Ok(found)
    }

    /// Returns how many blobs are known to be missing or wrong, for the metrics.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_damaged_blobs(&self) -> Result<i64, AppError> {
        Ok(damaged::count(&mut self.read().await?).await?)
    }

    /// The job.
    pub(crate) async fn scrub(
        self: &Arc<Self>,
        running: &Running<'_>,
        id: &RunId,
    ) -> Result<(), AppError> {
        let run = store::upkeep::find(&mut self.read().await?, id).await?;
        let Some(run) = run.filter(|run| run.ended_at.is_none()) else {
            return Ok(());
        };
        running.progress(0, 2, "reading blobs").await?;
        let mut work = Scrub {
            app: self,
            at: serde_json::from_value(run.place.0.clone()).map_err(AppError::internal)?,
            figures: serde_json::from_value(run.figures.0.clone()).map_err(AppError::internal)?,
            run,
            pace: (Instant::now(), 0),
            saved: Instant::now(),
        };
        "reading blobs".clone_into(&mut work.run.stage);
        work.read_blobs().await?;
        running.progress(1, 2, "comparing manifests").await?;
        "comparing manifests".clone_into(&mut work.run.stage);
        work.read_manifests().await?;
        work.end().await
    }
}

impl Scrub<'_> {
    async fn read_blobs(&mut self) -> Result<(), AppError> {
        if self.at.blobs_done {
            // Nothing to note: what is noted counts as progress.
            return Ok(());
        }
        while !self.at.blobs_done {
            let last = self.at.blob.clone().unwrap_or_default();
            let found = damaged::needed_after(&mut self.app.read().await?, &last, LOOK).await?;
            self.at.blobs_done = found.is_empty();
            for (digest,) in found {
                self.read_blob(&digest).await?;
                self.at.blob = Some(digest);
                self.save_now_and_then().await?;
            }
        }
        self.save().await
    }

    async fn read_blob(&mut self, digest: &str) -> Result<(), AppError> {
        let parsed: Digest = digest.parse().map_err(AppError::internal)?;
        let mut problem = self.problem(&parsed).await?;
        if problem.is_some() {
            // A push may have mended it while what was there before was read.
            problem = self.problem(&parsed).await?;
        }
        self.figures.blobs += 1;
        let mut tx = self.app.read().await?;
        let known = damaged::is_damaged(&mut tx, digest).await?;
        drop(tx);
        let Some(problem) = problem else {
            if known {
                let mut tx = self.app.begin().await?;
                damaged::mend(&mut tx, digest).await?;
                tx.commit().await?;
            }
            return Ok(());
        };
        let mut tx = self.app.begin().await?;
        // Meanwhile it may have been collected.
        if !condemned::has_owner(&mut tx, digest).await? {
            return Ok(());
        }
        if problem.starts_with("missing") {
            self.figures.missing += 1;
        } else {
            self.figures.damaged += 1;
        }
        tracing::error!(
            blob.digest = digest,
            problem,
            "a stored blob is not what it should be"
        );
        damaged::note(&mut tx, digest, &problem, self.app.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Returns what is wrong with a blob.
    async fn problem(&mut self, digest: &Digest) -> Result<Option<String>, AppError> {
        Ok(match self.hash_patiently(digest).await {
            Ok(Ok(found)) if found == *digest => None,
            Ok(Ok(found)) => Some(format!("damaged: the bytes have digest {found}")),
            Ok(Err(error)) => Some(format!("damaged: the bytes cannot be read: {error}")),
            Err(BlobError::NotFound(_)) => Some("missing: the bytes are not there".to_owned()),
            // The machine is at fault, perhaps for a moment; the job is tried again.
            Err(error) => return Err(error.into()),
        })
    }

    /// A disk that cannot be read fails every time, a network does not.
    async fn hash_patiently(
        &mut self,
        digest: &Digest,
    ) -> Result<Result<Digest, io::Error>, BlobError> {
        for _ in 1..ATTEMPTS {
            if let Ok(found) = self.hash(digest).await? {
                return Ok(Ok(found));
            }
        }
        self.hash(digest).await
    }

    /// Reads a blob, no faster than allowed.
    async fn hash(&mut self, digest: &Digest) -> Result<Result<Digest, io::Error>, BlobError> {
        let blob = self.app.blobs.get(digest, None).await?;
        let mut stream = blob.into_stream();
        let mut digester = Digester::new(digest.algorithm());
        while let Some(piece) = stream.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => return Ok(Err(error)),
            };
            digester.update(&piece);
            self.figures.bytes += i64::try_from(piece.len()).unwrap_or(0);
            self.pace.1 += piece.len() as u64;
            self.keep_pace().await;
        }
        Ok(Ok(digester.finish()))
    }

    async fn keep_pace(&self) {
        let (began, read) = self.pace;
        if self.at.rate == 0 {
            return;
        }
        let due = Duration::from_secs_f64(read as f64 / self.at.rate as f64);
        tokio::time::sleep_until(began + due).await;
    }

    async fn read_manifests(&mut self) -> Result<(), AppError> {
        loop {
            let last = (&*self.at.manifest.repository, &*self.at.manifest.digest);
            let mut tx = self.app.read().await?;
            let found = damaged::manifests_after(&mut tx, last, LOOK).await?;
            drop(tx);
            let Some(end) = found.last() else {
                return Ok(());
            };
            let end = Place {
                repository: end.repository_id.clone(),
                digest: end.digest.clone(),
            };
            for row in found {
                self.figures.manifests += 1;
                let expected: Digest = row.digest.parse().map_err(AppError::internal)?;
                if Digest::by(expected.algorithm(), &row.content) != expected {
                    self.figures.damaged += 1;
                    tracing::error!(
                        manifest.digest = row.digest,
                        repository.id = row.repository_id,
                        "a stored manifest is not what it should be"
                    );
                }
            }
            self.at.manifest = end;
            self.save_now_and_then().await?;
        }
    }

    async fn save_now_and_then(&mut self) -> Result<(), AppError> {
        if self.saved.elapsed() < SAVE {
            return Ok(());
        }
        self.save().await
    }

    async fn save(&mut self) -> Result<(), AppError> {
        self.saved = Instant::now();
        self.run.place = serde_json::to_value(&self.at)
            .map_err(AppError::internal)?
            .into();
        self.run.figures = serde_json::to_value(self.figures)
            .map_err(AppError::internal)?
            .into();
        let mut tx = self.app.begin().await?;
        self.app.save_run(&mut tx, &self.run).await?;
        Ok(tx.commit().await?)
    }

    async fn end(mut self) -> Result<(), AppError> {
        self.run.ended_at = Some(self.app.now());
        "done".clone_into(&mut self.run.stage);
        let mut tx = self.app.begin().await?;
        damaged::forget_idle(&mut tx).await?;
        let figures = &self.figures;
        let after = format!(
            "{} blobs read, {} missing, {} damaged",
            figures.blobs, figures.missing, figures.damaged
        );
        let change = Change {
            subject: self.run.id.as_str(),
            after: Some(&after),
            ..Change::default()
        };
        self.app
            .record(&mut tx, &Actor::system(), Action::KeepStorage, change)
            .await?;
        tx.commit().await?;
        self.save().await
    }
}
