//! Where an image comes from: a layout, an archive or anything else that can name
//! a root manifest and hand out content by descriptor.

mod error;
#[cfg(test)]
mod tests;
mod verify;

use std::io::Read;

pub use error::SourceError;
pub use verify::{VerifyError, VerifyingReader};

use crate::{
    Descriptor, Digest, ImageConfig, Index, MAX_MANIFEST_BYTES, Manifest, ManifestKind,
    RawManifest, media_type,
};

/// How many indexes may lie within one another.
pub const MAX_INDEX_DEPTH: usize = 3;
/// How many manifests are read below one index.
pub const MAX_INDEX_MANIFESTS: usize = 64;
/// The largest image configuration read, 8 MiB.
pub const MAX_CONFIG_BYTES: u64 = 8 << 20;

/// An image, or several in an index, whose content is read by descriptor.
pub trait ImageSource: Send + Sync {
    /// Returns the descriptor of the outermost manifest.
    fn root(&self) -> &Descriptor;

    /// Returns the manifest that `descriptor` names, its size and digest verified.
    ///
    /// # Errors
    /// [`SourceError`] says whether it is missing, damaged or no manifest.
    fn manifest(&self, descriptor: &Descriptor) -> Result<RawManifest, SourceError>;

    /// Opens the content that `descriptor` names. The reader is a [`VerifyingReader`]:
    /// it fails before its last byte where size or digest differ, so whoever decodes
    /// the content must read the stream to its end before trusting it.
    ///
    /// # Errors
    /// [`SourceError`] where the content is missing or cannot be opened.
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError>;
}

/// One image for one platform.
#[derive(Debug, Clone, PartialEq)]
pub struct PlatformImage {
    /// How the root or its index names the manifest.
    pub descriptor: Descriptor,
    /// The manifest, which is never an index.
    pub manifest: RawManifest,
    /// The image configuration.
    pub config: ImageConfig,
    /// The configuration's digest, which Docker calls the image's ID.
    pub config_digest: Digest,
}

impl PlatformImage {
    /// Returns the layers, lowest first.
    pub fn layers(&self) -> &[Descriptor] {
        self.manifest.image().map_or(&[], |image| &image.layers)
    }

    /// Returns `os/architecture[/variant]`.
    pub fn platform(&self) -> String {
        self.config.platform()
    }
}

/// Resolves the root into single images, in the order of the index. Attestations and other
/// artifacts in an index are left out.
///
/// # Errors
/// [`SourceError`] where content is missing or damaged, a limit
/// ([`MAX_INDEX_DEPTH`], [`MAX_INDEX_MANIFESTS`]) is passed, or no image is found.
pub fn platform_images(source: &dyn ImageSource) -> Result<Vec<PlatformImage>, SourceError> {
    let root = source.root();
    let manifest = source.manifest(root)?;
    let mut images = Vec::new();
    match &manifest.kind {
        ManifestKind::Index(index) => {
            let mut walk = Walk {
                source,
                seen: 0,
                images: &mut images,
            };
            walk.index(index, root, 1)?;
        }
        ManifestKind::Image(image) => {
            if !image.is_image() {
                return Err(SourceError::NotAnImage {
                    digest: root.digest.clone(),
                    kind: kind_of(image).to_owned(),
                });
            }
            images.push(load(source, root, manifest)?);
        }
        ManifestKind::Other(_) => {
            return Err(SourceError::NotAnImage {
                digest: root.digest.clone(),
                kind: manifest.media_type.clone(),
            });
        }
    }
    if images.is_empty() {
        return Err(SourceError::NotAnImage {
            digest: root.digest.clone(),
            kind: "an index without any image".to_owned(),
        });
    }
    Ok(images)
}

struct Walk<'a> {
    source: &'a dyn ImageSource,
    seen: usize,
    images: &'a mut Vec<PlatformImage>,
}

impl Walk<'_> {
    fn index(
        &mut self,
        index: &Index,
        outer: &Descriptor,
        depth: usize,
    ) -> Result<(), SourceError> {
        check_depth(depth, outer)?;
        for child in index.manifests.iter().filter(|child| may_be_image(child)) {
            self.seen += 1;
            check_count(self.seen, self.source.root())?;
            let manifest = self.source.manifest(child)?;
            match &manifest.kind {
                ManifestKind::Index(inner) => self.index(inner, child, depth + 1)?,
                ManifestKind::Image(image) if image.is_image() => {
                    self.images.push(load(self.source, child, manifest)?);
                }
                ManifestKind::Image(_) | ManifestKind::Other(_) => {}
            }
        }
        Ok(())
    }
}

/// Fails where indexes lie deeper than [`MAX_INDEX_DEPTH`] within one another.
pub(crate) fn check_depth(depth: usize, at: &Descriptor) -> Result<(), SourceError> {
    if depth > MAX_INDEX_DEPTH {
        return Err(SourceError::Limit {
            place: format!("index {}", at.digest),
            what: "indexes within one another",
            limit: MAX_INDEX_DEPTH as u64,
        });
    }
    Ok(())
}

/// Fails where more than [`MAX_INDEX_MANIFESTS`] manifests lie below `root`.
pub(crate) fn check_count(seen: usize, root: &Descriptor) -> Result<(), SourceError> {
    if seen > MAX_INDEX_MANIFESTS {
        return Err(SourceError::Limit {
            place: format!("index {}", root.digest),
            what: "manifests",
            limit: MAX_INDEX_MANIFESTS as u64,
        });
    }
    Ok(())
}

/// BuildKit lists attestations as manifests for `unknown/unknown` with an annotation.
fn may_be_image(child: &Descriptor) -> bool {
    let unknown = child
        .platform
        .as_ref()
        .is_some_and(|p| p.os == "unknown" && p.architecture == "unknown");
    let attests = child
        .annotations
        .as_ref()
        .is_some_and(|notes| notes.contains_key("vnd.docker.reference.type"));
    let manifest = media_type::MANIFESTS.contains(&child.media_type.as_str());
    manifest && !unknown && !attests && child.artifact_type.is_none()
}

fn kind_of(manifest: &Manifest) -> &str {
    manifest
        .artifact_type
        .as_deref()
        .unwrap_or(&manifest.config.media_type)
}

fn load(
    source: &dyn ImageSource,
    descriptor: &Descriptor,
    manifest: RawManifest,
) -> Result<PlatformImage, SourceError> {
    let config = manifest
        .image()
        .map(|image| image.config.clone())
        .expect("the callers pass images only");
    let place = format!("configuration {}", config.digest);
    if config.size > MAX_CONFIG_BYTES {
        return Err(SourceError::Limit {
            place,
            what: "bytes",
            limit: MAX_CONFIG_BYTES,
        });
    }
    let mut bytes = Vec::new();
    source
        .open(&config)?
        .read_to_end(&mut bytes)
        .map_err(|e| SourceError::from_read(&place, e))?;
    Ok(PlatformImage {
        descriptor: descriptor.clone(),
        config: serde_json::from_slice(&bytes)
            .map_err(|source| SourceError::Json { place, source })?,
        config_digest: config.digest,
        manifest,
    })
}

/// Reads the manifest that `descriptor` names from `reader`, verified; `place` is for messages.
pub(crate) fn read_manifest(
    reader: impl Read,
    descriptor: &Descriptor,
    place: &str,
) -> Result<RawManifest, SourceError> {
    if descriptor.size > MAX_MANIFEST_BYTES as u64 {
        return Err(SourceError::Limit {
            place: format!("{place}, manifest {}", descriptor.digest),
            what: "bytes",
            limit: MAX_MANIFEST_BYTES as u64,
        });
    }
    let mut bytes = Vec::new();
    VerifyingReader::new(reader, descriptor)
        .read_to_end(&mut bytes)
        .map_err(|e| SourceError::from_read(place, e))?;
    let mut manifest =
        RawManifest::parse(bytes, Some(&descriptor.media_type)).map_err(|source| {
            SourceError::Manifest {
                place: place.to_owned(),
                digest: descriptor.digest.clone(),
                source,
            }
        })?;
    // The bytes were verified under this name, which may be SHA-512.
    manifest.digest = descriptor.digest.clone();
    Ok(manifest)
}
