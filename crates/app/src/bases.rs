//! Which release of the market an image is built on, known by its lowest layers.

use inventory::KnownBase;
use oci::{Digest, PlatformImage};

use crate::{App, AppError};

/// Layers from which a base is looked for; containers have at most 127.
const MOST: usize = 128;

/// Returns what the lowest layers are together, for each number of them (OCI image
/// specification, "Layer ChainID").
pub(crate) fn chains(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chains: Vec<Digest> = Vec::new();
    for diff_id in diff_ids.iter().take(MOST) {
        let chain = match chains.last() {
            Some(below) => Digest::of(format!("{below} {diff_id}").as_bytes()),
            None => diff_id.clone(),
        };
        chains.push(chain);
    }
    chains
}

impl App {
    /// Returns the release that has most of an image's lowest layers, all of its own.
    pub(crate) async fn released_base(
        &self,
        image: &PlatformImage,
    ) -> Result<Option<KnownBase>, AppError> {
        let own = &image.config.rootfs.diff_ids;
        let mut tx = self.read().await?;
        for (place, chain) in chains(own).iter().enumerate().rev() {
            // An image is not built on itself.
            if place + 1 == own.len() {
                continue;
            }
            let found = store::images::released_of_chain(&mut tx, chain.as_str()).await?;
            if let Some(base) = found {
                let host = self.config.host();
                return Ok(Some(KnownBase {
                    name: format!("{host}/{}/{}:{}", base.publisher, base.product, base.tag),
                    diff_ids: own[..=place].to_vec(),
                }));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_as_specified() {
        let ids: Vec<_> = [&b"a"[..], b"b", b"c"].map(Digest::of).into();
        let chains = chains(&ids);
        assert_eq!(chains[0], ids[0]);
        let second = Digest::of(format!("{} {}", ids[0], ids[1]).as_bytes());
        assert_eq!(chains[1], second);
        assert_eq!(
            chains[2],
            Digest::of(format!("{second} {}", ids[2]).as_bytes())
        );
    }
}
