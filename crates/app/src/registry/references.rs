//! What a manifest that is pushed must fit in with: what it names, and what it replaces.

use std::collections::BTreeSet;

use oci::{ErrorCode, RawManifest};
use store::{Tx, repositories::Repository};

use super::{ManifestPush, RegistryError, depth::check_depth};
use crate::App;

/// Digests named in one error.
const MOST_NAMED: usize = 5;

/// Fails where the client wanted to replace something else than what is there.
pub(super) async fn require_replaceable(
    tx: &mut Tx,
    repository: &Repository,
    push: ManifestPush<'_>,
) -> Result<(), RegistryError> {
    let own = [push.manifest.digest.as_str()];
    let tags = push.tags.iter().map(oci::Tag::as_str);
    let places: Vec<_> = if push.tags.is_empty() {
        own.into()
    } else {
        tags.collect()
    };
    for place in places {
        let there = if place.contains(':') {
            store::repositories::has_manifest(tx, &repository.id, place)
                .await?
                .then(|| place.to_owned())
        } else {
            store::repositories::tagged_digest(tx, &repository.id, place).await?
        };
        if !(push.may_replace)(there.as_deref()) {
            let there = there.as_deref().unwrap_or("nothing");
            let message = format!(
                "`{place}` is {there}, which is not what the push was to replace: look again and repeat it"
            );
            return Err(RegistryError::new(ErrorCode::Changed, message));
        }
    }
    Ok(())
}

/// A document that does not say its type is read by that which it was first pushed with: what was
/// looked at as an image must not become something else under the same digest.
pub(super) async fn require_same_type(
    tx: &mut Tx,
    repository: &Repository,
    manifest: &RawManifest,
) -> Result<(), RegistryError> {
    let digest = manifest.digest.as_str();
    let there = store::repositories::manifest_type(tx, &repository.id, digest).await?;
    match there {
        Some(there) if there != manifest.media_type => {
            let message = format!(
                "{digest} is here as {there} and cannot become {}: push it as what it is, or delete it first",
                manifest.media_type
            );
            Err(RegistryError::new(ErrorCode::ManifestInvalid, message))
        }
        _ => Ok(()),
    }
}

impl App {
    /// Blobs must be in the repository, so that what is there can be pulled whole. An index may
    /// name manifests that are not: whoever copies one platform keeps the digest of the whole.
    pub(super) async fn check_references(
        &self,
        tx: &mut Tx,
        repository: &Repository,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        check_depth(tx, repository, manifest, self.config.limits.index_depth).await?;
        let blobs: BTreeSet<_> = manifest.blobs().map(|blob| blob.digest.as_str()).collect();
        if self.config.sparse_images || blobs.is_empty() {
            return Ok(());
        }
        let blobs: Vec<_> = blobs.into_iter().collect();
        let missing = store::contents::missing_blobs(tx, &repository.id, &blobs).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let more = missing.len().saturating_sub(MOST_NAMED);
        let named = missing[..missing.len() - more].join(", ");
        let and_more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let message = format!(
            "the manifest names blobs that {} does not have: {named}{and_more}; push them first",
            repository.name
        );
        Err(RegistryError::new(ErrorCode::ManifestBlobUnknown, message))
    }
}
