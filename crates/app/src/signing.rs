//! cosign's signatures of what is released. Keys are replaced and consumers keep the one they
//! know, so a signature is added to those that are there, and takes the place of none.

use std::collections::{BTreeMap, BTreeSet};

use oci::{Digest, RawManifest, Tag};
use store::{Tx, repositories::Repository, submissions::Submission};
use trust::{
    Signer,
    cosign::{self, SignatureImage},
};

use crate::{
    App, AppError,
    registry::{Refers, stored_manifest},
};

/// Signatures of a digest, to be put in the place of those that were beside it, which are among
/// them.
pub(crate) struct Beside {
    tag: Tag,
    before: Option<Digest>,
    /// None where all that is to be signed is signed.
    image: Option<SignatureImage>,
}

impl Beside {
    /// Tells whether there is nothing to add to what is there.
    pub(crate) fn is_nothing(&self) -> bool {
        self.image.is_none()
    }
}

impl App {
    /// Signs the digest under its public name, and stores what the signature consists of.
    pub(crate) async fn sign_release(
        &self,
        name: &str,
        submission: &Submission,
    ) -> Result<Beside, AppError> {
        let tags = BTreeSet::from([submission.tag.clone()]);
        self.beside(name, &submission.digest, &tags).await
    }

    /// Adds signatures by the key there is now to those that a digest has under a public name;
    /// they are stored, and part of no repository yet. Without a transaction, for the key may be
    /// in a device that takes its time.
    pub(crate) async fn beside(
        &self,
        name: &str,
        digest: &str,
        tags: &BTreeSet<String>,
    ) -> Result<Beside, AppError> {
        let (key, place) = (self.release_key(), signature_tag(digest)?);
        let mut tx = self.read().await?;
        let repository = store::repositories::find_by_name(&mut tx, name).await?;
        let found = match &repository {
            Some(repository) => there(&mut tx, repository, &place).await?,
            None => None,
        };
        drop(tx);
        let mut signatures = Vec::new();
        for tag in tags {
            let payload = self.release_payload(name, digest, tag)?;
            let is_there = |found: &RawManifest| cosign::carries(found, &payload, &key);
            if !found.as_ref().is_some_and(is_there) {
                let sign = move |key: &dyn Signer| cosign::sign(key, payload);
                signatures.push(self.with_release_key(sign).await??);
            }
        }
        let image = match &found {
            _ if signatures.is_empty() => None,
            Some(found) => Some(cosign::append(found, &signatures)),
            None => Some(cosign::signature_manifest(&signatures)),
        };
        let image = image.transpose().map_err(AppError::internal)?;
        for blob in image.iter().flat_map(blobs) {
            let digest = Digest::of(blob);
            self.blobs.put_bytes(&digest, blob.clone().into()).await?;
        }
        Ok(Beside {
            tag: place,
            before: found.map(|found| found.digest),
            image,
        })
    }

    /// Returns what is signed of a digest under its public name; the same each time.
    fn release_payload(&self, name: &str, digest: &str, tag: &str) -> Result<Vec<u8>, AppError> {
        let digest: Digest = digest.parse().map_err(AppError::internal)?;
        let reference = format!("{}/{name}", self.config.host());
        let notes = BTreeMap::from([("tag".to_owned(), tag.to_owned())]);
        Ok(cosign::payload(&reference, &digest, Some(&notes)))
    }

    /// Puts signatures beside the digest that they are of; false where others are there by now
    /// than those they were added to.
    pub(crate) async fn put_signature(
        &self,
        tx: &mut Tx,
        repository: &Repository,
        signature: &Beside,
    ) -> Result<bool, AppError> {
        let found = there(tx, repository, &signature.tag).await?;
        if found.map(|found| found.digest) != signature.before {
            return Ok(false);
        }
        let Some(image) = &signature.image else {
            return Ok(true);
        };
        for blob in blobs(image) {
            let size = i64::try_from(blob.len()).unwrap_or(i64::MAX);
            let digest = Digest::of(blob);
            let blob = (digest.as_str(), size);
            store::repositories::link_blob(tx, &*self.blobs, &repository.id, blob, self.now())
                .await?;
        }
        let manifest = &image.manifest;
        self.keep_manifest(tx, &repository.id, manifest, Refers::ToItsSubject)
            .await?;
        let (tag, digest) = (signature.tag.as_str(), manifest.digest.as_str());
        store::repositories::set_tag(tx, &repository.id, tag, digest, self.now()).await?;
        Ok(true)
    }
}

fn blobs(image: &SignatureImage) -> impl Iterator<Item = &Vec<u8>> {
    image.payloads.iter().chain([&image.config])
}

fn signature_tag(digest: &str) -> Result<Tag, AppError> {
    let digest: Digest = digest.parse().map_err(AppError::internal)?;
    cosign::signature_tag(&digest).ok_or_else(|| {
        AppError::Conflict(format!(
            "images under {} digests cannot be signed in cosign's form",
            digest.algorithm().as_str()
        ))
    })
}

/// Returns the image of signatures under a tag.
async fn there(
    tx: &mut Tx,
    repository: &Repository,
    tag: &Tag,
) -> Result<Option<RawManifest>, AppError> {
    let row = store::repositories::find_manifest_by_tag(tx, &repository.id, tag.as_str());
    row.await?.map(stored_manifest).transpose()
}
