//! `oci-archive:FILE`: a tar of an OCI layout, as skopeo and podman write it.

use std::{io::Read, path::Path};

use super::tar_index::TarIndex;
use crate::{
    Descriptor, Digest, ImageSource, RawManifest, SourceError, VerifyingReader, layout,
    source::read_manifest,
};

/// An image in a tar of an OCI layout.
#[derive(Debug)]
pub struct OciArchive {
    tar: TarIndex,
    root: Descriptor,
}

impl OciArchive {
    /// Opens the image with `tag` in `file`, without a tag the only one there is.
    ///
    /// # Errors
    /// [`SourceError`] where the file is truncated, no such archive, or has no such tag.
    pub fn open(file: &Path, tag: Option<&str>) -> Result<Self, SourceError> {
        let tar = TarIndex::open(file)?;
        let place = tar.place();
        if !tar.has("index.json") {
            let why = if tar.has("manifest.json") {
                "no OCI archive but one of `docker save`; name it as `docker-archive:FILE`"
            } else {
                "no OCI archive: it has no `index.json`"
            };
            return Err(SourceError::Form {
                place,
                why: why.to_owned(),
            });
        }
        layout::check_marker(
            &tar.read_small("oci-layout")?,
            &format!("{place}, oci-layout"),
        )?;
        let index = layout::parse_index(
            &tar.read_small("index.json")?,
            &format!("{place}, index.json"),
        )?;
        Ok(Self {
            root: layout::select(&index, tag, &place)?,
            tar,
        })
    }
}

/// Returns the name of a blob in a layout.
pub(super) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

impl ImageSource for OciArchive {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<RawManifest, SourceError> {
        let reader = self.tar.open_entry(&blob_name(&descriptor.digest))?;
        read_manifest(reader, descriptor, &self.tar.place())
    }

    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let reader = self.tar.open_entry(&blob_name(&descriptor.digest))?;
        Ok(Box::new(VerifyingReader::new(reader, descriptor)))
    }
}
