//! Whole images, with all their platforms, between a registry and a layout or archive.

use std::{
    collections::HashSet,
    io::{self, Read},
};

use super::{Client, ClientError};
use crate::{
    Descriptor, Digest, ImageSource, Layout, ManifestKind, RawManifest, Reference, RepoName,
    SourceError, VerifyError, media_type,
    source::{check_count, check_depth},
};

/// What a transfer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// So much of a blob has gone over; the last report has `done == total`.
    Blob {
        /// Which blob.
        digest: &'a Digest,
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The other side had the blob.
    Present {
        /// Which blob.
        digest: &'a Digest,
        /// Its bytes.
        total: u64,
    },
    /// A manifest or index has gone over, after all it names.
    Manifest {
        /// Which manifest.
        digest: &'a Digest,
    },
}

impl Client {
    /// Copies an image with all platforms and blobs into `layout`, under the tag that was
    /// written or implied; by digest without a tag. What the layout has is not fetched again.
    /// Layers that may not be distributed stay away.
    ///
    /// # Errors
    /// [`ClientError`] where anything is missing, refused or damaged; `index.json` then is as
    /// it was.
    pub fn pull_to_layout(
        &self,
        reference: &Reference,
        layout: &Layout,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Descriptor, ClientError> {
        let manifest = self.manifest(reference)?;
        let mut pull = Pull {
            client: self,
            repo: &reference.repo,
            layout,
        };
        transfer(&mut pull, &manifest, progress)?;
        let target = reference.target();
        let tag = match (&reference.tag, &reference.digest) {
            (Some(tag), _) => Some(tag.as_str()),
            (None, Some(_)) => None,
            (None, None) => Some(target.as_str()),
        };
        let entry = layout.put_manifest(&manifest, tag)?;
        progress(Progress::Manifest {
            digest: &manifest.digest,
        });
        Ok(entry)
    }

    /// Copies an image with all platforms and blobs to `reference`. What the repository has
    /// is not sent again. Layers that may not be distributed stay away. Returns the digest.
    ///
    /// # Errors
    /// [`ClientError`] where anything is missing, refused or damaged; the tag then is as it was.
    pub fn push_from(
        &self,
        source: &dyn ImageSource,
        reference: &Reference,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Digest, ClientError> {
        let manifest = source.manifest(source.root())?;
        if let Some(expected) = &reference.digest
            && *expected != manifest.digest
        {
            return Err(ClientError::Damaged {
                place: self.place(&reference.repo),
                source: VerifyError::Digest {
                    expected: expected.clone(),
                    found: manifest.digest,
                },
            });
        }
        let mut push = Push {
            client: self,
            repo: &reference.repo,
            source,
        };
        transfer(&mut push, &manifest, progress)?;
        let target = match &reference.tag {
            Some(tag) => tag.to_string(),
            None => reference.target(),
        };
        let digest = self.put_manifest(&reference.repo, &target, &manifest)?;
        progress(Progress::Manifest { digest: &digest });
        Ok(digest)
    }
}

/// The two ends of a transfer.
trait Ends {
    /// Reads a manifest below the root.
    fn manifest(&mut self, child: &Descriptor) -> Result<RawManifest, ClientError>;
    /// Stores a manifest, after all it names.
    fn store(&mut self, child: &Descriptor, manifest: &RawManifest) -> Result<(), ClientError>;
    /// Moves a blob; false where the other side had it.
    fn blob(
        &mut self,
        blob: &Descriptor,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<bool, ClientError>;
}

struct Walk<'a> {
    ends: &'a mut dyn Ends,
    root: &'a Descriptor,
    seen: HashSet<Digest>,
    manifests: usize,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

/// Moves everything that `manifest` names, but not itself.
fn transfer(
    ends: &mut dyn Ends,
    manifest: &RawManifest,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), ClientError> {
    let root = manifest.descriptor();
    let mut walk = Walk {
        ends,
        root: &root,
        seen: HashSet::new(),
        manifests: 0,
        progress,
    };
    walk.below(manifest, &root, 1)
}

impl Walk<'_> {
    fn below(
        &mut self,
        manifest: &RawManifest,
        at: &Descriptor,
        depth: usize,
    ) -> Result<(), ClientError> {
        let index = match &manifest.kind {
            ManifestKind::Index(index) => index,
            ManifestKind::Image(_) | ManifestKind::Other(_) => {
                return manifest.blobs().try_for_each(|blob| self.blob(blob));
            }
        };
        check_depth(depth, at)?;
        for child in &index.manifests {
            self.manifests += 1;
            check_count(self.manifests, self.root)?;
            if !media_type::MANIFESTS.contains(&child.media_type.as_str()) {
                self.blob(child)?;
                continue;
            }
            let inner = self.ends.manifest(child)?;
            self.below(&inner, child, depth + 1)?;
            self.ends.store(child, &inner)?;
            (self.progress)(Progress::Manifest {
                digest: &child.digest,
            });
        }
        Ok(())
    }

    fn blob(&mut self, blob: &Descriptor) -> Result<(), ClientError> {
        if !self.seen.insert(blob.digest.clone()) {
            return Ok(());
        }
        if !self.ends.blob(blob, self.progress)? {
            (self.progress)(Progress::Present {
                digest: &blob.digest,
                total: blob.size,
            });
        }
        Ok(())
    }
}

struct Pull<'a> {
    client: &'a Client,
    repo: &'a RepoName,
    layout: &'a Layout,
}

impl Ends for Pull<'_> {
    fn manifest(&mut self, child: &Descriptor) -> Result<RawManifest, ClientError> {
        self.client.manifest(&Reference {
            host: None,
            repo: self.repo.clone(),
            tag: None,
            digest: Some(child.digest.clone()),
        })
    }

    fn store(&mut self, child: &Descriptor, manifest: &RawManifest) -> Result<(), ClientError> {
        Ok(self
            .layout
            .put_verified(&mut manifest.bytes.as_slice(), child)?)
    }

    fn blob(
        &mut self,
        blob: &Descriptor,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<bool, ClientError> {
        if self.layout.has_blob(blob) {
            return Ok(false);
        }
        let inner = self.client.blob(self.repo, blob)?;
        let mut reader = Reported::new(inner, blob, progress);
        // What breaks while it is read broke at the registry, not in the layout.
        let place = || self.client.place(self.repo);
        match self.layout.put_verified(&mut reader, blob) {
            Ok(()) => Ok(true),
            Err(SourceError::Damaged { source, .. }) => Err(ClientError::Damaged {
                place: place(),
                source,
            }),
            Err(SourceError::Read { source, .. }) => Err(ClientError::Broken {
                place: place(),
                source,
            }),
            Err(other) => Err(other.into()),
        }
    }
}

struct Push<'a> {
    client: &'a Client,
    repo: &'a RepoName,
    source: &'a dyn ImageSource,
}

impl Ends for Push<'_> {
    fn manifest(&mut self, child: &Descriptor) -> Result<RawManifest, ClientError> {
        Ok(self.source.manifest(child)?)
    }

    fn store(&mut self, child: &Descriptor, manifest: &RawManifest) -> Result<(), ClientError> {
        self.client
            .put_manifest(self.repo, child.digest.as_str(), manifest)?;
        Ok(())
    }

    fn blob(
        &mut self,
        blob: &Descriptor,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<bool, ClientError> {
        let mut reader = Reported::new(self.source.open(blob)?, blob, progress);
        self.client.push_blob(self.repo, blob, &mut reader)
    }
}

/// Tells how far a blob has been read.
struct Reported<'a, R> {
    inner: R,
    blob: &'a Descriptor,
    done: u64,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl<'a, R> Reported<'a, R> {
    fn new(inner: R, blob: &'a Descriptor, progress: &'a mut dyn FnMut(Progress<'_>)) -> Self {
        Self {
            inner,
            blob,
            done: 0,
            progress,
        }
    }
}

impl<R: Read> Read for Reported<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        if count > 0 {
            (self.progress)(Progress::Blob {
                digest: &self.blob.digest,
                done: self.done,
                total: self.blob.size,
            });
        }
        Ok(count)
    }
}
