//! An image in a registry, of which only what is asked for is fetched: a layer streams through
//! the scanner as it comes, and one that the cache knows never does.

use std::io::{self, Read};

use oci::{Client, Descriptor, Digest, ImageSource, RawManifest, Reference, RepoName, SourceError};

/// The image.
pub(super) struct Remote {
    client: Client,
    repo: RepoName,
    root: Descriptor,
    /// What was fetched to find the root.
    known: RawManifest,
}

impl Remote {
    /// Makes the image of `root` in `repo`; `known` need not be fetched again.
    pub(super) fn new(
        client: Client,
        repo: RepoName,
        root: Descriptor,
        known: RawManifest,
    ) -> Self {
        Self {
            client,
            repo,
            root,
            known,
        }
    }

    fn failed(&self, digest: &Digest, error: oci::ClientError) -> SourceError {
        SourceError::Read {
            place: format!("{}@{digest}", self.repo),
            source: io::Error::other(error),
        }
    }
}

impl ImageSource for Remote {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<RawManifest, SourceError> {
        if self.known.digest == descriptor.digest {
            return Ok(self.known.clone());
        }
        let reference = Reference {
            host: None,
            repo: self.repo.clone(),
            tag: None,
            digest: Some(descriptor.digest.clone()),
        };
        let manifest = self.client.manifest(&reference);
        manifest.map_err(|error| self.failed(&descriptor.digest, error))
    }

    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let blob = self.client.blob(&self.repo, descriptor);
        let blob = blob.map_err(|error| self.failed(&descriptor.digest, error))?;
        Ok(Box::new(blob))
    }
}
