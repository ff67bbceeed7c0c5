//! How deep indexes stand in one another: whoever walks an image must come to an end soon.

use std::collections::BTreeSet;

use oci::{Digest, ErrorCode, ManifestKind, RawManifest, media_type};
use store::{Tx, repositories::Repository};

use super::RegistryError;

/// Refuses an index in which more than `most` levels stand, itself counted.
pub(super) async fn check_depth(
    tx: &mut Tx,
    repository: &Repository,
    manifest: &RawManifest,
    most: usize,
) -> Result<(), RegistryError> {
    let mut level = children(&manifest.kind);
    let mut depth = 1;
    while !level.is_empty() {
        let mut next = BTreeSet::new();
        for digest in level {
            let found =
                store::repositories::find_manifest(tx, &repository.id, digest.as_str()).await?;
            let index = found.filter(|row| media_type::is_index(&row.media_type));
            let Some(row) = index else { continue };
            if depth >= most {
                return Err(RegistryError::new(
                    ErrorCode::ManifestInvalid,
                    format!("indexes stand in one another {most} deep at most; this one has more"),
                ));
            }
            // What is kept was read before; content that cannot be read any more leads nowhere.
            if let Ok(index) = RawManifest::parse(row.content, Some(&row.media_type)) {
                next.append(&mut children(&index.kind));
            }
        }
        level = next;
        depth += 1;
    }
    Ok(())
}

fn children(kind: &ManifestKind) -> BTreeSet<Digest> {
    match kind {
        ManifestKind::Index(index) => index
            .manifests
            .iter()
            .map(|child| child.digest.clone())
            .collect(),
        ManifestKind::Image(_) => BTreeSet::new(),
    }
}
