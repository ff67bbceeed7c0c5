//! OCI image layouts in a directory (image-spec, image-layout.md).

mod select;
#[cfg(test)]
mod tests;
mod write;

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde::Deserialize;

pub(crate) use select::{select, tags};

use crate::{
    Descriptor, Digest, ImageSource, Index, MAX_MANIFEST_BYTES, RawManifest, SourceError,
    VerifyingReader, source::read_manifest,
};

const MARKER: &str = "oci-layout";
const INDEX: &str = "index.json";

/// A directory with `oci-layout`, `index.json` and `blobs/<algorithm>/<hex>`.
#[derive(Debug)]
pub struct Layout {
    dir: PathBuf,
    /// Held while `index.json` is read, changed and replaced.
    index: Mutex<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Marker {
    image_layout_version: String,
}

impl Layout {
    /// Opens the layout in `dir`.
    ///
    /// # Errors
    /// [`SourceError`] where `dir` is no layout of a known version.
    pub fn open(dir: &Path) -> Result<Self, SourceError> {
        let marker = dir.join(MARKER);
        if !marker.is_file() {
            return Err(SourceError::Form {
                place: dir.display().to_string(),
                why: "no OCI layout: it has no file `oci-layout`".to_owned(),
            });
        }
        check_marker(&read_small(&marker)?, &marker.display().to_string())?;
        let layout = Self {
            dir: dir.to_owned(),
            index: Mutex::default(),
        };
        layout.read_index()?;
        Ok(layout)
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns where the content with `digest` lies or would lie.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.dir
            .join("blobs")
            .join(digest.algorithm().as_str())
            .join(digest.hex())
    }

    /// Returns whether content of that digest and size is there; it is not read.
    pub fn has_blob(&self, descriptor: &Descriptor) -> bool {
        fs::metadata(self.blob_path(&descriptor.digest))
            .is_ok_and(|found| found.is_file() && found.len() == descriptor.size)
    }

    /// Returns the tags in `index.json`, in its order.
    ///
    /// # Errors
    /// [`SourceError`] where `index.json` cannot be read.
    pub fn tags(&self) -> Result<Vec<String>, SourceError> {
        Ok(tags(&self.read_index()?))
    }

    /// Returns the image with that tag (`org.opencontainers.image.ref.name`),
    /// without a tag the only one there is.
    ///
    /// # Errors
    /// [`SourceError`] lists the tags there are.
    pub fn select(&self, tag: Option<&str>) -> Result<LayoutImage, SourceError> {
        let root = select(&self.read_index()?, tag, &self.dir.display().to_string())?;
        Ok(LayoutImage {
            layout: Self {
                dir: self.dir.clone(),
                index: Mutex::default(),
            },
            root,
        })
    }

    /// Lists what the index names that refers to a manifest: signatures, attestations and other
    /// artifacts. What cannot be read is left out.
    ///
    /// # Errors
    /// [`SourceError`] where `index.json` cannot be read.
    pub fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, SourceError> {
        let refers = |found: &Descriptor| {
            let bytes = read_small(&self.blob_path(&found.digest)).ok();
            let manifest =
                bytes.and_then(|bytes| RawManifest::parse(bytes, Some(&found.media_type)).ok());
            let subject = manifest.and_then(|manifest| manifest.image()?.subject.clone());
            subject.is_some_and(|subject| subject.digest == *digest)
        };
        let mut found = self.read_index()?.manifests;
        found.retain(refers);
        Ok(found)
    }

    fn read_index(&self) -> Result<Index, SourceError> {
        let path = self.dir.join(INDEX);
        parse_index(&read_small(&path)?, &path.display().to_string())
    }

    fn open_blob(&self, descriptor: &Descriptor) -> Result<File, SourceError> {
        let path = self.blob_path(&descriptor.digest);
        // Anything but a file could block for ever.
        if !path.is_file() {
            return Err(SourceError::Missing {
                place: self.dir.display().to_string(),
                name: descriptor.digest.to_string(),
            });
        }
        File::open(&path).map_err(SourceError::io("open", &path))
    }
}

/// An image in a layout.
#[derive(Debug)]
pub struct LayoutImage {
    layout: Layout,
    root: Descriptor,
}

impl ImageSource for LayoutImage {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<RawManifest, SourceError> {
        let place = self.layout.dir.display().to_string();
        read_manifest(self.layout.open_blob(descriptor)?, descriptor, &place)
    }

    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let file = self.layout.open_blob(descriptor)?;
        Ok(Box::new(VerifyingReader::new(file, descriptor)))
    }
}

/// Fails where `oci-layout` names a version that is not known.
pub(crate) fn check_marker(bytes: &[u8], place: &str) -> Result<(), SourceError> {
    let marker: Marker = serde_json::from_slice(bytes).map_err(|source| SourceError::Json {
        place: place.to_owned(),
        source,
    })?;
    if marker.image_layout_version.starts_with("1.") {
        return Ok(());
    }
    let version: String = marker.image_layout_version.chars().take(40).collect();
    Err(SourceError::Form {
        place: place.to_owned(),
        why: format!("layout version `{version}` is not known here; version 1.0.0 is"),
    })
}

/// Reads `index.json`.
pub(crate) fn parse_index(bytes: &[u8], place: &str) -> Result<Index, SourceError> {
    serde_json::from_slice(bytes).map_err(|source| SourceError::Json {
        place: place.to_owned(),
        source,
    })
}

fn read_small(path: &Path) -> Result<Vec<u8>, SourceError> {
    let limit = MAX_MANIFEST_BYTES as u64;
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(SourceError::io("open", path))?
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(SourceError::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(SourceError::Limit {
            place: path.display().to_string(),
            what: "bytes",
            limit,
        });
    }
    Ok(bytes)
}
