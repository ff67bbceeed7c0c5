//! An image in staging, as the scanner reads it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use oci::{
    Descriptor, Digest, ImageSource, MAX_INDEX_MANIFESTS, RawManifest, SourceError, VerifyingReader,
};
use store::{Tx, blobs::BlobStore};

use crate::{App, AppError, inspection::Stop, jobs::with_causes, registry::stored_manifest};

/// Manifests that are read of one index: its images, and to each of them what is attested of it.
const MOST_BELOW: usize = 4 * MAX_INDEX_MANIFESTS;

/// An image in staging, as the scanner reads it.
pub(crate) struct StagedImage {
    root: Descriptor,
    manifests: HashMap<Digest, RawManifest>,
    /// What the repository has; a digest alone gives no access to what others pushed.
    linked: HashSet<Digest>,
    blobs: Arc<dyn BlobStore>,
    /// Whether the store failed, which is not the image's fault.
    store_failed: AtomicBool,
}

impl StagedImage {
    /// Returns whether the repository has a blob.
    pub(crate) fn has(&self, blob: &Digest) -> bool {
        self.linked.contains(blob)
    }
}

impl ImageSource for StagedImage {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<RawManifest, SourceError> {
        self.manifests
            .get(&descriptor.digest)
            .cloned()
            .ok_or_else(|| SourceError::Missing {
                place: "the staging repository".to_owned(),
                name: descriptor.digest.to_string(),
            })
    }

    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        if !self.has(&descriptor.digest) {
            return Err(SourceError::Missing {
                place: "the staging repository".to_owned(),
                name: descriptor.digest.to_string(),
            });
        }
        let reader = self.blobs.open_sync(&descriptor.digest).map_err(|error| {
            self.store_failed.store(true, Ordering::Relaxed);
            SourceError::Read {
                place: descriptor.digest.to_string(),
                source: std::io::Error::other(error),
            }
        })?;
        Ok(Box::new(VerifyingReader::new(reader, descriptor)))
    }
}

impl StagedImage {
    /// Returns whether the store failed, which is not the image's fault.
    pub(crate) fn has_failed(&self) -> bool {
        self.store_failed.load(Ordering::Relaxed)
    }

    /// Tells the machine's failures from the image's.
    pub(crate) fn stop(&self, error: impl std::error::Error + Send + Sync + 'static) -> Stop {
        if self.has_failed() {
            return Stop::Machine(AppError::internal(error));
        }
        Stop::Image(with_causes(&error))
    }
}

/// Returns which blobs of these manifests the repository has.
async fn linked_blobs(
    tx: &mut Tx,
    repository: &str,
    manifests: &HashMap<Digest, RawManifest>,
) -> Result<HashSet<Digest>, AppError> {
    let mut linked = HashSet::new();
    let Some(repository) = store::repositories::find_by_name(tx, repository).await? else {
        return Ok(linked);
    };
    let images = manifests.values().filter_map(RawManifest::image);
    let named: Vec<_> = images
        .flat_map(|image| image.layers.iter().chain([&image.config]))
        .collect();
    for blob in named {
        let size = store::repositories::find_blob(tx, &repository.id, blob.digest.as_str()).await?;
        if size.is_some() {
            linked.insert(blob.digest.clone());
        }
    }
    Ok(linked)
}

impl App {
    /// Returns the image at `root` in a staging repository, of which these are the manifests.
    pub(crate) async fn staged_below(
        &self,
        tx: &mut Tx,
        repository: &str,
        root: Descriptor,
        manifests: HashMap<Digest, RawManifest>,
    ) -> Result<StagedImage, AppError> {
        let linked = linked_blobs(tx, repository, &manifests).await?;
        Ok(StagedImage {
            root,
            manifests,
            linked,
            blobs: Arc::clone(&self.blobs),
            store_failed: AtomicBool::new(false),
        })
    }

    /// Returns a manifest and everything an index names, each once and as far as the repository
    /// has it. An index with more than any image may have is a conflict.
    pub(crate) async fn manifests_below(
        &self,
        tx: &mut Tx,
        repository: &str,
        root: &str,
    ) -> Result<HashMap<Digest, RawManifest>, AppError> {
        let mut found = HashMap::new();
        let Some(repository) = store::repositories::find_by_name(tx, repository).await? else {
            return Ok(found);
        };
        let mut seen = HashSet::from([root.to_owned()]);
        let mut wanted = VecDeque::from([root.to_owned()]);
        while let Some(digest) = wanted.pop_front() {
            if found.len() >= MOST_BELOW {
                return Err(AppError::Conflict(format!(
                    "index {root} names more than {MOST_BELOW} manifests: name the images in several indexes"
                )));
            }
            let row = store::repositories::find_manifest(tx, &repository.id, &digest).await?;
            let Some(manifest) = row.map(stored_manifest).transpose()? else {
                continue;
            };
            let children = manifest.children().iter();
            let new = children.map(|child| child.digest.to_string());
            wanted.extend(new.filter(|child| seen.insert(child.clone())));
            found.insert(manifest.digest.clone(), manifest);
        }
        Ok(found)
    }
}
