//! How deep indexes stand in one another: whoever walks an image must come to an end soon.

use std::collections::BTreeSet;

use oci::{ErrorCode, MAX_INDEX_MANIFESTS, RawManifest, media_type};
use store::{Tx, repositories::Repository};

use super::RegistryError;

/// Refuses an index in which more than `most` levels stand, itself counted, as far as they are there.
pub(super) async fn check_depth(
    tx: &mut Tx,
    repository: &Repository,
    manifest: &RawManifest,
    most: usize,
) -> Result<(), RegistryError> {
    let refuse = |message| Err(RegistryError::new(ErrorCode::ManifestInvalid, message));
    let mut level = children(manifest);
    let (mut depth, mut seen) = (1, 0);
    while !level.is_empty() {
        let named: Vec<_> = level.iter().map(String::as_str).collect();
        let kinds = [media_type::OCI_INDEX, media_type::DOCKER_INDEX];
        let indexes =
            store::contents::manifests_of_types(tx, &repository.id, &named, &kinds).await?;
        if depth >= most && !indexes.is_empty() {
            return refuse(format!(
                "indexes stand in one another {most} deep at most; this one has more"
            ));
        }
        seen += indexes.len();
        if seen > MAX_INDEX_MANIFESTS {
            return refuse(format!(
                "the index holds more than {MAX_INDEX_MANIFESTS} further indexes: name the images in fewer"
            ));
        }
        level.clear();
        for digest in indexes {
            let row = store::repositories::find_manifest(tx, &repository.id, &digest).await?;
            let index = row.map(|row| RawManifest::parse(row.content, Some(&row.media_type)));
            // What is kept was read before; content that cannot be read any more leads nowhere.
            level.extend(index.and_then(Result::ok).iter().flat_map(children));
        }
        depth += 1;
    }
    Ok(())
}

fn children(manifest: &RawManifest) -> BTreeSet<String> {
    let named = manifest.children().iter();
    named.map(|child| child.digest.to_string()).collect()
}
