//! Reads the layers of images as soon as they are pushed, and keeps their reports, so that an
//! inspection has them only to put together. Nobody waits for it: there is one worker in a
//! process, which reads one layer after the other, and where the queue is long, an image stays
//! for its inspection to read. So does what cannot be understood, which the inspection says.

use std::{collections::HashSet, slice, sync::Arc};

use inventory::{DiffId, Limits};
use oci::{Descriptor, Digest, ImageSource as _, RawManifest, RepoName, media_type};
use store::Tx;

use crate::{
    App, AppError,
    inspection::blocking,
    jobs::{JobKind, READ_AHEAD, Running},
    staged::StagedImage,
};

/// So many images wait at most; what is pushed meanwhile is read by its inspection.
const WAITING: i64 = 500;

impl App {
    /// Adds the job that reads what is pushed, where it is an image, in the transaction of the
    /// push; gives whether there is anything to read.
    pub(crate) async fn enqueue_reading(
        &self,
        tx: &mut Tx,
        name: &RepoName,
        manifest: &RawManifest,
    ) -> Result<bool, AppError> {
        if !self.config.read_ahead || readable_layers(manifest).next().is_none() {
            return Ok(false);
        }
        if store::jobs::waiting(tx, READ_AHEAD, WAITING).await? >= WAITING {
            return Ok(false);
        }
        let job = JobKind::ReadAhead {
            repository: name.to_string(),
            digest: manifest.digest.clone(),
        };
        self.enqueue(tx, &job).await?;
        Ok(true)
    }

    /// The job.
    pub(crate) async fn read_ahead(
        self: &Arc<Self>,
        running: &Running<'_>,
        repository: &str,
        digest: &Digest,
    ) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let manifests = self
            .manifests_below(&mut tx, repository, digest.as_str())
            .await?;
        // It may have been deleted since.
        let Some(manifest) = manifests.get(digest).cloned() else {
            return Ok(());
        };
        let root = manifest.descriptor();
        let source = self
            .staged_below(&mut tx, repository, root, manifests)
            .await?;
        drop(tx);
        let source = Arc::new(source);
        let layers: Vec<_> = readable_layers(&manifest).collect();
        for (place, layer) in (0_i64..).zip(&layers) {
            let total = i64::try_from(layers.len()).unwrap_or(i64::MAX);
            running.progress(place, total, "reading layers").await?;
            let _turn = self.layer_turns.take(slice::from_ref(*layer)).await;
            if !self.has_report(&layer.digest).await? {
                self.read_layer(&source, layer).await?;
            }
        }
        Ok(())
    }

    async fn read_layer(
        &self,
        source: &Arc<StagedImage>,
        layer: &Descriptor,
    ) -> Result<(), AppError> {
        let (shared, wanted) = (Arc::clone(source), layer.clone());
        let scan = move || {
            let mut blob = shared.open(&wanted).map_err(|error| error.to_string())?;
            let (limits, compute) = (Limits::default(), DiffId::Compute);
            inventory::scan_layer(&mut blob, &wanted.media_type, &limits, compute)
                .map_err(|error| error.to_string())
        };
        match blocking(scan).await? {
            Ok(report) => self.keep_reports(&[&(layer.digest.clone(), report)]).await,
            Err(error) if source.has_failed() => Err(AppError::internal(error)),
            Err(error) => {
                tracing::debug!(layer.digest = %layer.digest, error, "a layer cannot be read ahead");
                Ok(())
            }
        }
    }
}

/// Returns the layers of an image that can be read, each once; of anything else, none.
fn readable_layers(manifest: &RawManifest) -> impl Iterator<Item = &Descriptor> {
    let image = manifest.image().filter(|image| image.is_image());
    let layers = image.map_or(&[][..], |image| &image.layers);
    let mut seen = HashSet::new();
    layers.iter().filter(move |layer| {
        media_type::is_readable_layer(&layer.media_type) && seen.insert(&layer.digest)
    })
}
