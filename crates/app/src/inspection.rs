//! The inspection of a submission: have its signature verified, take it apart layer by layer,
//! match every component, run the checks. Layers that were ever taken apart are not read again.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use inventory::LayerReport;
use market::{Action, SubmissionEvent, SubmissionId, SubmissionState};
use oci::{Descriptor, Digest, PlatformImage};
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    images::ImageRow,
    submissions::{InspectionResult, Submission},
};

pub(crate) use crate::scan::ImageContent;
use crate::{
    Actor, App, AppError, bases::chains, component_index::Indexed, findings::Where, jobs::Running,
    staged::StagedImage,
};

/// One platform's image with everything found in it.
struct Examined {
    row: ImageRow,
    /// Of all layers together.
    chain: Option<Digest>,
    indexed: Indexed,
    checks: Vec<(String, serde_json::Value)>,
}

/// Why an inspection ended without result.
pub(crate) enum Stop {
    /// The image is at fault; trying again changes nothing.
    Image(String),
    /// The machine is at fault; trying again may help.
    Machine(AppError),
}

impl<E: Into<AppError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Machine(error.into())
    }
}

impl App {
    /// The job.
    pub(crate) async fn inspect(
        self: &Arc<Self>,
        running: &Running<'_>,
        id: &SubmissionId,
    ) -> Result<(), AppError> {
        let Some(submission) = store::submissions::find(&mut self.read().await?, id).await? else {
            return Ok(());
        };
        if submission.state != SubmissionState::Inspecting {
            return Ok(());
        }
        match self.inspect_image(running, &submission).await {
            Ok(()) => Ok(()),
            Err(Stop::Machine(error)) => Err(error),
            Err(Stop::Image(problem)) => {
                let problem = problem.replace('\0', REPLACEMENT);
                let mut tx = self.begin().await?;
                self.inspection_failed(&mut tx, &submission, &problem)
                    .await?;
                Ok(tx.commit().await?)
            }
        }
    }

    async fn inspect_image(
        self: &Arc<Self>,
        running: &Running<'_>,
        submission: &Submission,
    ) -> Result<(), Stop> {
        running.progress(0, 4, "verifying the signature").await?;
        let signature = self.verify_signature(submission).await?;
        running.progress(1, 4, "reading the image").await?;
        let source = Arc::new(self.staged(submission).await?);
        let images = {
            let shared = Arc::clone(&source);
            blocking(move || oci::platform_images(shared.as_ref()))
                .await?
                .map_err(|error| source.stop(error))?
        };
        let mut contents = Vec::new();
        for image in images {
            contents.push((
                image.descriptor.digest.clone(),
                self.take_apart(running, &source, image).await?,
            ));
        }
        running
            .progress(2, 4, "matching components with advisories")
            .await?;
        let examined = {
            let (app, submission) = (Arc::clone(self), submission.clone());
            blocking(move || app.examine(&submission, contents)).await??
        };
        let mut tx = self.begin().await?;
        for (position, image) in (0_i64..).zip(&examined) {
            let (row, checks) = (&image.row, &image.checks);
            store::images::put(&mut tx, &submission.id, position, row).await?;
            if let Some(chain) = &image.chain {
                store::images::set_chain(&mut tx, &row.digest, chain.as_str()).await?;
            }
            let packages = self
                .index_image(&mut tx, &row.digest, &image.indexed)
                .await?;
            let said = self.said(&mut tx, &packages).await?;
            let product = [submission.product_id.clone()];
            let each = said.values().flatten();
            let judgements = self.judgements(&mut tx, &product, each).await?;
            let judgement = judgements.into_values().next().unwrap_or_default();
            let at = Where {
                submission: &submission.id,
                image: &row.digest,
                judgement: &judgement,
            };
            for finding in self.findings(at, image.indexed.places(&packages), &said)? {
                store::findings::upsert(&mut tx, &finding).await?;
            }
            store::submissions::replace_checks(&mut tx, &submission.id, &row.digest, checks)
                .await?;
        }
        let signature = serde_json::to_value(&signature).map_err(AppError::internal)?;
        let signed = Submission {
            signature: Some(signature.clone().into()),
            ..submission.clone()
        };
        let certifiable = self.weigh_checks(&mut tx, &signed).await?;
        let result = InspectionResult {
            signature: &signature,
            problem: None,
            certifiable,
            at: self.now(),
        };
        store::submissions::set_inspection(&mut tx, &submission.id, &result).await?;
        let event = (Action::Submit, SubmissionEvent::Inspected);
        self.move_submission(&mut tx, &Actor::system(), submission, event, None)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Matches and checks what was taken apart; takes its time, and needs no database.
    fn examine(
        &self,
        submission: &Submission,
        contents: Vec<(Digest, ImageContent)>,
    ) -> Result<Vec<Examined>, AppError> {
        let database = self.advisory_database();
        let examine = |(digest, content): (Digest, ImageContent)| {
            let row = ImageRow {
                digest: digest.to_string(),
                platform: content.platform.clone(),
                size: i64::try_from(content.size()).unwrap_or(i64::MAX),
                content: content.encode()?,
                distribution: Some(content.distribution().replace('\0', REPLACEMENT)),
                created_at: self.now(),
            };
            let report = content.certify(Some(&submission.tag), self.now());
            Ok(Examined {
                indexed: Indexed::of(&content.inventory, &database)?,
                checks: check_rows(&report)?,
                chain: chains(&content.config.rootfs.diff_ids).pop(),
                row,
            })
        };
        contents.into_iter().map(examine).collect()
    }

    /// Marks a submission as failed that the machine cannot inspect, whatever it tries.
    pub(crate) async fn give_up_inspection(
        &self,
        tx: &mut Tx,
        id: &SubmissionId,
    ) -> Result<(), AppError> {
        match store::submissions::find(tx, id).await? {
            Some(submission) if submission.state == SubmissionState::Inspecting => {
                let problem = "the marketplace could not inspect the image, and its operator can see why: submit it again later";
                self.inspection_failed(tx, &submission, problem).await
            }
            _ => Ok(()),
        }
    }

    async fn inspection_failed(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        problem: &str,
    ) -> Result<(), AppError> {
        let signature =
            serde_json::json!({ "verified": false, "reason": "the image could not be read" });
        let result = InspectionResult {
            signature: &signature,
            problem: Some(problem),
            certifiable: false,
            at: self.now(),
        };
        store::submissions::set_inspection(tx, &submission.id, &result).await?;
        let event = (Action::Submit, SubmissionEvent::InspectionFailed);
        self.move_submission(tx, &Actor::system(), submission, event, Some(problem))
            .await?;
        Ok(())
    }

    async fn staged(&self, submission: &Submission) -> Result<StagedImage, Stop> {
        let mut tx = self.read().await?;
        let manifests = self
            .manifests_below(&mut tx, &submission.repository, &submission.digest)
            .await
            .map_err(|error| match error {
                AppError::Conflict(why) => Stop::Image(why),
                other => Stop::Machine(other),
            })?;
        let digest: Digest = submission.digest.parse().map_err(AppError::internal)?;
        let size = manifests
            .get(&digest)
            .map_or(0, |manifest| manifest.bytes.len() as u64);
        let root = Descriptor::new(submission.media_type.clone(), digest, size);
        let repository = &submission.repository;
        Ok(self
            .staged_below(&mut tx, repository, root, manifests)
            .await?)
    }

    /// Takes one platform's image apart, layer by layer, and keeps each layer's report.
    async fn take_apart(
        self: &Arc<Self>,
        running: &Running<'_>,
        source: &Arc<StagedImage>,
        image: PlatformImage,
    ) -> Result<ImageContent, Stop> {
        let done = Arc::new(AtomicUsize::new(0));
        let pulse = Pulse {
            running,
            platform: image.platform(),
            done: Arc::clone(&done),
            total: image.layers().len(),
        };
        let turns = pulse.during(self.layer_turns.take(image.layers())).await?;
        let known = self.known_reports(source, image.layers()).await?;
        let kept: HashSet<_> = known.keys().cloned().collect();
        let scan = {
            let (source, image) = (Arc::clone(source), image.clone());
            move || {
                let progress =
                    |progress: inventory::Progress| done.store(progress.layers, Ordering::Relaxed);
                let scan = inventory::Scan {
                    known: &|digest| known.get(digest).cloned(),
                    progress: &progress,
                    ..inventory::Scan::default()
                };
                inventory::scan_layers(source.as_ref(), &image, &scan)
            }
        };
        let reports = pulse.during(blocking(scan)).await??;
        let reports = reports.map_err(|error| source.stop(error))?;
        let is_new = |(layer, _): &&(Digest, LayerReport)| !kept.contains(layer);
        let new: Vec<_> = reports.iter().filter(is_new).collect();
        self.keep_reports(&new).await?;
        drop(turns);
        let inventory = blocking(move || inventory::merge(&reports)).await?;
        let base = self.released_base(&image).await?;
        Ok(ImageContent::new(&image, inventory, base.as_slice()))
    }
}

/// Says how far an inspection is, while it waits or reads.
struct Pulse<'a> {
    running: &'a Running<'a>,
    platform: String,
    done: Arc<AtomicUsize>,
    total: usize,
}

impl Pulse<'_> {
    /// Waits for something, which must not hold the database: it stands still while progress is
    /// written.
    async fn during<T>(&self, something: impl Future<Output = T>) -> Result<T, AppError> {
        tokio::pin!(something);
        let mut pulse = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                done = &mut something => return Ok(done),
                _ = pulse.tick() => {
                    let done = self.done.load(Ordering::Relaxed).min(self.total);
                    let note = format!("taking {} apart: layer {done} of {}", self.platform, self.total);
                    self.running.progress(1, 4, &note).await?;
                }
            }
        }
    }
}

impl ImageContent {
    pub(crate) fn encode(&self) -> Result<Vec<u8>, AppError> {
        compress(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, AppError> {
        decompress(bytes)
            .ok_or_else(|| AppError::internal("a stored image description cannot be read"))
    }
}

pub(crate) fn compress(value: &impl Serialize) -> Result<Vec<u8>, AppError> {
    let json = serde_json::to_vec(value).map_err(AppError::internal)?;
    zstd::encode_all(json.as_slice(), 3).map_err(AppError::internal)
}

pub(crate) fn decompress<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<T> {
    let reader = zstd::Decoder::new(bytes).ok()?;
    serde_json::from_reader(std::io::BufReader::new(reader)).ok()
}

fn check_rows(report: &certify::Report) -> Result<Vec<(String, serde_json::Value)>, AppError> {
    let row = |result: &certify::CheckResult| {
        Ok((
            result.id.clone(),
            storable(serde_json::to_value(result).map_err(AppError::internal)?),
        ))
    };
    report.results.iter().map(row).collect()
}

/// Stands where a text that was found had a NUL.
pub(crate) const REPLACEMENT: &str = "\u{fffd}";

/// Returns JSON without NUL, which PostgreSQL cannot store and what is found may hold.
pub(crate) fn storable(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) if text.contains('\0') => {
            Value::String(text.replace('\0', REPLACEMENT))
        }
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.replace('\0', REPLACEMENT), storable(value)))
            .collect(),
        other => other,
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(AppError::internal)
}
