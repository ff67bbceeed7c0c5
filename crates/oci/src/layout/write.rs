//! Writing layouts. Every file is written beside its place and renamed, so that whoever
//! reads sees all of it or nothing.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    process,
    sync::{
        PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    INDEX, Layout, MARKER,
    select::{REF_NAME, tag_of},
};
use crate::{
    Algorithm, Descriptor, Digester, Index, RawManifest, SourceError, VerifyingReader, media_type,
};

impl Layout {
    /// Makes an empty layout in `dir`, with the directories above it; one that is
    /// there already is opened and kept.
    ///
    /// # Errors
    /// [`SourceError`] where the files cannot be written or `dir` holds a layout that
    /// cannot be read.
    pub fn create(dir: &Path) -> Result<Self, SourceError> {
        if dir.join(MARKER).exists() {
            return Self::open(dir);
        }
        let blobs = dir.join("blobs").join(Algorithm::Sha256.as_str());
        fs::create_dir_all(&blobs).map_err(SourceError::io("create", &blobs))?;
        if !dir.join(INDEX).exists() {
            write_index(dir, &empty_index())?;
        }
        replace(dir, MARKER, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        Self::open(dir)
    }

    /// Stores everything `reader` gives under its SHA-256 digest.
    ///
    /// # Errors
    /// [`SourceError`] where reading or writing fails; nothing is left behind.
    pub fn put_blob(
        &self,
        reader: &mut dyn Read,
        media_type: &str,
    ) -> Result<Descriptor, SourceError> {
        let mut temporary = Temporary::new(&self.dir)?;
        let mut digester = Digester::new(Algorithm::Sha256);
        let size = temporary.fill(reader, |bytes| digester.update(bytes))?;
        let descriptor = Descriptor::new(media_type, digester.finish(), size);
        temporary.settle(&self.blob_path(&descriptor.digest))?;
        Ok(descriptor)
    }

    /// Stores what `reader` gives, which must be what `descriptor` says.
    ///
    /// # Errors
    /// [`SourceError`] where it is something else, or reading or writing fails; nothing is
    /// left behind.
    pub fn put_verified(
        &self,
        reader: &mut dyn Read,
        descriptor: &Descriptor,
    ) -> Result<(), SourceError> {
        let mut temporary = Temporary::new(&self.dir)?;
        temporary.fill(&mut VerifyingReader::new(reader, descriptor), |_| {})?;
        temporary.settle(&self.blob_path(&descriptor.digest))
    }

    /// Stores `bytes` under their SHA-256 digest.
    ///
    /// # Errors
    /// [`SourceError`] where writing fails.
    pub fn put_bytes(&self, bytes: &[u8], media_type: &str) -> Result<Descriptor, SourceError> {
        self.put_blob(&mut &*bytes, media_type)
    }

    /// Stores a manifest and lists it in `index.json`; a tag moves to it from whatever had
    /// it. The manifests below an index are content: store them with [`Self::put_verified`].
    ///
    /// # Errors
    /// [`SourceError`] where writing fails.
    pub fn put_manifest(
        &self,
        manifest: &RawManifest,
        tag: Option<&str>,
    ) -> Result<Descriptor, SourceError> {
        let mut entry = manifest.descriptor();
        self.put_verified(&mut manifest.bytes.as_slice(), &entry)?;
        entry.annotations = tag.map(|tag| BTreeMap::from([(REF_NAME.to_owned(), tag.to_owned())]));
        let _guard = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.read_index()?;
        index.manifests.retain(|old| match tag {
            Some(tag) => tag_of(old) != Some(tag),
            None => old.digest != entry.digest || tag_of(old).is_some(),
        });
        index.manifests.push(entry.clone());
        write_index(&self.dir, &index)?;
        Ok(entry)
    }
}

fn empty_index() -> Index {
    Index {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: Vec::new(),
        subject: None,
        annotations: None,
    }
}

fn write_index(dir: &Path, index: &Index) -> Result<(), SourceError> {
    let bytes = serde_json::to_vec(index).expect("an index has string keys only");
    replace(dir, INDEX, &bytes)
}

fn replace(dir: &Path, name: &str, mut bytes: &[u8]) -> Result<(), SourceError> {
    let mut temporary = Temporary::new(dir)?;
    temporary.fill(&mut bytes, |_| {})?;
    temporary.settle(&dir.join(name))
}

/// A file that is being written; it goes away unless it is settled.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn new(dir: &Path) -> Result<Self, SourceError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = dir.join(format!(".writing-{}-{number}", process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, file }),
                // Left by a process that had our number and was killed.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(SourceError::io("create", &path)(error)),
            }
        }
    }

    fn fill(
        &mut self,
        reader: &mut dyn Read,
        mut see: impl FnMut(&[u8]),
    ) -> Result<u64, SourceError> {
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0;
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return Ok(size),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(SourceError::from_read(
                        &self.path.with_file_name("").display().to_string(),
                        error,
                    ));
                }
            };
            see(&buffer[..count]);
            self.file
                .write_all(&buffer[..count])
                .map_err(SourceError::io("write", &self.path))?;
            size += count as u64;
        }
    }

    fn settle(self, path: &Path) -> Result<(), SourceError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(SourceError::io("create", parent))?;
        }
        fs::rename(&self.path, path).map_err(SourceError::io("write", path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing is there any more after settling; otherwise nobody can be told.
        drop(fs::remove_file(&self.path));
    }
}
