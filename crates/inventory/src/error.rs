//! Why a layer, an image or a directory could not be taken apart.

use std::path::PathBuf;

use oci::Digest;

/// What is wrong with one layer.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The stream broke off, or its compression is damaged.
    #[error("cannot read the layer after byte {offset} of its uncompressed form: {source}")]
    Read {
        /// Uncompressed bytes read before.
        offset: u64,
        /// What the reader or decompressor said.
        source: std::io::Error,
    },
    /// The content is no tar archive at all.
    #[error(
        "the layer is no tar archive (media type `{media_type}`): push an image whose layers are file-system archives"
    )]
    NotATar {
        /// The media type its descriptor gives.
        media_type: String,
    },
    /// The layer can only be read with a key.
    #[error("the layer is encrypted (media type `{media_type}`): push it unencrypted")]
    Encrypted {
        /// The media type its descriptor gives.
        media_type: String,
    },
    /// A header within the archive makes no sense.
    #[error("the layer's tar archive is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where in the uncompressed stream.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// Larger than is accepted.
    #[error("the layer exceeds the limit `{name}` of {limit} (at `{place}`)")]
    Limit {
        /// The field of [`crate::Limits`].
        name: &'static str,
        /// Its value.
        limit: u64,
        /// The path or place that exceeded it.
        place: String,
    },
    /// The temporary file for a large body cannot be written or read.
    #[error("cannot keep a large file of the layer: {0}: see that the temporary folder has room")]
    Spool(std::io::Error),
    /// A directory or file of a root file system could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Why an image could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The manifest is an index or lists nothing to inspect.
    #[error("{0} is not a single image: choose a platform of the index")]
    NotAnImage(Digest),
    /// Manifest and configuration disagree.
    #[error(
        "the manifest lists {layers} layers, the configuration {diff_ids} `diff_ids`: the image was put together wrongly, build it again"
    )]
    LayerCount {
        /// Layers in the manifest.
        layers: usize,
        /// Entries in `rootfs.diff_ids`.
        diff_ids: usize,
    },
    /// More than is accepted of one image.
    #[error("the image has more than {limit} {what} in all its layers: put fewer into it")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much is accepted.
        limit: u64,
    },
    /// The layer's blob is not to be had.
    #[error("layer {index} ({digest}): {source}")]
    Source {
        /// Counted from 1, lowest first.
        index: usize,
        /// The blob.
        digest: Digest,
        /// What the source said.
        source: Box<oci::SourceError>,
    },
    /// The layer cannot be taken apart.
    #[error("layer {index} ({digest}): {source}")]
    Layer {
        /// Counted from 1, lowest first.
        index: usize,
        /// The blob.
        digest: Digest,
        /// Why.
        source: ScanError,
    },
    /// The layer's content is not what the configuration says.
    #[error(
        "layer {index} ({digest}): its content has diff_id {found}, the configuration says {expected}: the image is damaged or forged"
    )]
    DiffId {
        /// Counted from 1, lowest first.
        index: usize,
        /// The blob.
        digest: Digest,
        /// What the configuration says.
        expected: Digest,
        /// What the stream has.
        found: Digest,
    },
}
