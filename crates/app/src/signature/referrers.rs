//! Signatures that refer to the image: cosign 3's bundles, and those that cosign 2 writes with
//! `--registry-referrers-mode=oci-1-1`.

use oci::{Digest, RawManifest};
use store::{
    Tx,
    contents::{ReferrerPage, referrers},
    publishers::PublisherKey,
    submissions::Submission,
};
use trust::{
    PublicKey,
    bundle::{self, BUNDLE, SIGNATURE},
    cosign,
};

use super::{SignatureResult, public_keys};
use crate::{App, inspection::Stop};

/// As cosign 2 calls its signatures among referrers.
const COSIGN_2: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// More referrers of one kind are not looked at.
const MOST: i64 = 100;

impl App {
    /// Looks for a signature among what refers to the image; none where there is none, else the
    /// first that holds, or why the last does not.
    pub(super) async fn verify_referrers(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        digest: &Digest,
        in_force: &[PublisherKey],
    ) -> Result<Option<Result<SignatureResult, String>>, Stop> {
        let found = store::repositories::find_by_name(tx, &submission.repository).await?;
        let Some(repository) = found else {
            return Ok(None);
        };
        let keys = public_keys(in_force);
        let mut reason = None;
        for kind in [BUNDLE, COSIGN_2] {
            let page = ReferrerPage {
                subject: digest.as_str(),
                artifact_type: Some(kind),
                last: "",
                limit: MOST,
            };
            for row in referrers(tx, &repository.id, page).await? {
                let row =
                    store::repositories::find_manifest(tx, &repository.id, &row.digest).await?;
                let manifest =
                    row.and_then(|row| RawManifest::parse(row.content, Some(&row.media_type)).ok());
                let Some(manifest) = manifest else { continue };
                let verified = match kind {
                    BUNDLE => self.verify_bundle(&manifest, digest, &keys).await?,
                    _ => {
                        let payloads = self.payloads(&manifest).await?;
                        let payload_of = |digest: &Digest| payloads.get(digest).cloned();
                        cosign::verify(&manifest, &payload_of, digest, &keys, None)
                            .map(|verified| verified.key_id)
                            .map_err(|error| error.to_string())
                    }
                };
                match verified {
                    Ok(key) => {
                        let result = SignatureResult::by_key(&key, in_force, digest);
                        return Ok(Some(Ok(result)));
                    }
                    Err(why) => reason = Some(why),
                }
            }
        }
        Ok(reason.map(Err))
    }

    /// Returns the key that signed the bundle of a manifest, or why none did.
    async fn verify_bundle(
        &self,
        manifest: &RawManifest,
        digest: &Digest,
        keys: &[PublicKey],
    ) -> Result<Result<String, String>, Stop> {
        let layers = manifest.image().map_or(&[][..], |image| &image.layers);
        let Some(layer) = layers.iter().find(|layer| layer.media_type == BUNDLE) else {
            return Ok(Err("the bundle's manifest names no bundle".to_owned()));
        };
        let Some(bytes) = self
            .signed_blob(&layer.digest, bundle::MAX_BUNDLE_BYTES)
            .await?
        else {
            let missing = format!("the bundle {} is missing or too large", layer.digest);
            return Ok(Err(missing));
        };
        Ok(match bundle::verify(&bytes, digest, keys) {
            Ok(verified) if verified.predicate_type == SIGNATURE => Ok(verified.key_id),
            Ok(verified) => Err(format!(
                "the image carries a statement of the kind {}, and no signature",
                verified
                    .predicate_type
                    .chars()
                    .take(120)
                    .collect::<String>()
            )),
            Err(error) => Err(error.to_string()),
        })
    }
}
