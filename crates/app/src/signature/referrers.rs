//! Signatures that refer to the image: cosign 3's bundles, those that cosign 2 writes with
//! `--registry-referrers-mode=oci-1-1`, and Notation's.

use std::sync::Arc;

use oci::{Descriptor, Digest, RawManifest};
use store::{
    Tx,
    contents::{ReferrerPage, referrers},
    repositories::Repository,
    submissions::Submission,
};
use tokio::task::spawn_blocking;
use trust::{
    bundle::{self, BUNDLE, SIGNATURE},
    credential::NoTrustRoot,
    keyless,
    notation::{self, Trusted},
};

use super::{SignatureResult, Signers};
use crate::{App, AppError, clock::to_the_minute, inspection::Stop, registry::stored_manifest};

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
        signers: &Arc<Signers>,
    ) -> Result<Option<Result<SignatureResult, String>>, Stop> {
        let found = store::repositories::find_by_name(tx, &submission.repository).await?;
        let Some(repository) = found else {
            return Ok(None);
        };
        let Some(image) = stored(tx, &repository, digest.as_str()).await? else {
            return Ok(None);
        };
        let image = image.descriptor();
        let mut reason = None;
        for kind in [BUNDLE, COSIGN_2, notation::SIGNATURE] {
            let page = ReferrerPage {
                subject: digest.as_str(),
                artifact_type: Some(kind),
                last: "",
                limit: MOST,
            };
            for row in referrers(tx, &repository.id, page).await? {
                let Some(manifest) = stored(tx, &repository, &row.digest).await? else {
                    continue;
                };
                let verified = self.verify_referrer(kind, manifest, &image, signers);
                match verified.await? {
                    Ok(result) => return Ok(Some(Ok(result))),
                    Err(why) => reason = Some(why),
                }
            }
        }
        Ok(reason.map(Err))
    }

    async fn verify_referrer(
        &self,
        kind: &str,
        manifest: RawManifest,
        image: &Descriptor,
        signers: &Arc<Signers>,
    ) -> Result<Result<SignatureResult, String>, Stop> {
        let digest = &image.digest;
        match kind {
            BUNDLE => self.verify_bundle(&manifest, digest, signers).await,
            notation::SIGNATURE => self.verify_notation(&manifest, image, signers).await,
            _ => {
                let verified = self.verify_payloads(manifest, digest, signers).await?;
                Ok(verified.map_err(|error| error.to_string()))
            }
        }
    }

    /// Verifies Notation's envelope of a manifest.
    async fn verify_notation(
        &self,
        manifest: &RawManifest,
        image: &Descriptor,
        signers: &Signers,
    ) -> Result<Result<SignatureResult, String>, Stop> {
        let layers = manifest.image().map_or(&[][..], |image| &image.layers);
        let [layer] = layers else {
            return Ok(Err(format!(
                "Notation's manifest has {} envelopes; one is expected",
                layers.len()
            )));
        };
        let limit = notation::MAX_ENVELOPE_BYTES;
        let Some(bytes) = self.blob_within(&layer.digest, limit).await? else {
            let missing = format!(
                "Notation's envelope {} is missing or too large",
                layer.digest
            );
            return Ok(Err(missing));
        };
        let envelope = (layer.media_type.as_str(), &*bytes);
        let trusted = Trusted::Certificates(&signers.certificates);
        Ok(
            match notation::verify(envelope, image, trusted, self.now()) {
                Ok(found) => {
                    let until = found
                        .expires_at
                        .map(|at| format!(", good until {}", to_the_minute(at)));
                    Ok(SignatureResult {
                        reason: format!(
                            "signed with Notation ({}) by `{}` on {}{}, whose certificate, or that of its authority, the publisher registered",
                            found.algorithm,
                            found.subject,
                            to_the_minute(found.signed_at),
                            until.unwrap_or_default()
                        ),
                        form: Some("notation".to_owned()),
                        signed_at: Some(found.signed_at),
                        fresh_until: found.expires_at,
                        ..signers.signed(&found.thumbprint, &image.digest)
                    })
                }
                Err(error) => Err(format!("Notation: {error}")),
            },
        )
    }

    /// Verifies the bundle of a manifest, by a key or by an identity.
    async fn verify_bundle(
        &self,
        manifest: &RawManifest,
        digest: &Digest,
        signers: &Arc<Signers>,
    ) -> Result<Result<SignatureResult, String>, Stop> {
        let layers = manifest.image().map_or(&[][..], |image| &image.layers);
        let Some(layer) = layers.iter().find(|layer| layer.media_type == BUNDLE) else {
            return Ok(Err("the bundle's manifest names no bundle".to_owned()));
        };
        let Some(bytes) = self
            .blob_within(&layer.digest, bundle::MAX_SIGNATURE_BYTES)
            .await?
        else {
            let missing = format!("the bundle {} is missing or too large", layer.digest);
            return Ok(Err(missing));
        };
        if keyless::is_keyless(&bytes) {
            return Ok(self.verify_identity(&bytes, digest, signers));
        }
        let (by, about) = (Arc::clone(signers), digest.clone());
        let verified = spawn_blocking(move || bundle::verify(&bytes, &about, &by.keys));
        Ok(match verified.await.map_err(AppError::internal)? {
            Ok(verified) if verified.predicate_type == SIGNATURE => {
                Ok(signers.signed(&verified.key_id, digest))
            }
            Ok(verified) => Err(no_signature(&verified.predicate_type)),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Verifies a bundle that an identity signed.
    fn verify_identity(
        &self,
        bundle: &[u8],
        digest: &Digest,
        signers: &Signers,
    ) -> Result<SignatureResult, String> {
        let root = self.config.identity_root.as_deref();
        let root = root.ok_or_else(|| NoTrustRoot.to_string())?;
        let found = keyless::verify_statement(bundle, digest, (root, self.now()));
        let (signed, kind) = found.map_err(|error| error.to_string())?;
        let identity = &signed.identity;
        if kind != SIGNATURE {
            return Err(no_signature(&kind));
        }
        if !signers.identities.contains(identity) {
            return Err(format!(
                "the image is signed by {identity}, which the publisher has not registered"
            ));
        }
        Ok(signers.signed_by_identity(&signed, digest))
    }
}

fn no_signature(kind: &str) -> String {
    let kind: String = kind.chars().take(120).collect();
    format!("the image carries a statement of the kind {kind}, and no signature")
}

/// Returns a manifest of the repository.
async fn stored(
    tx: &mut Tx,
    repository: &Repository,
    digest: &str,
) -> Result<Option<RawManifest>, Stop> {
    let row = store::repositories::find_manifest(tx, &repository.id, digest).await?;
    Ok(row.and_then(|row| stored_manifest(row).ok()))
}
