//! What is written beside a released image, each signed by the operator: the signature in the
//! forms of cosign 3 and Notation, how the release came about, what certification found, what is
//! true of vulnerabilities, and what is inside.
//!
//! Nothing private is in it: no staging name, no finding, no buyer, and components only where the
//! publisher opened them.

use oci::{Descriptor, Digest, RawManifest};
use serde_json::{Value, json};
use store::{Tx, release_certificates as rows, repositories::Repository, submissions::Submission};
use trust::{
    SignError, Signer,
    bundle::{self, PROVENANCE, SIGNATURE, TEST_RESULT},
    notation::{Certified, CertifyError, certify},
    referrer::EMPTY,
};

use crate::{
    App, AppError,
    bills::Said,
    registry::Refers,
    storefront::{checked, public_checks},
};

/// A bundle or envelope that is stored, and the manifest that makes it a referrer of its image.
pub(crate) struct Attestation {
    manifest: RawManifest,
    content: Digest,
    size: usize,
}

impl App {
    /// Writes and stores everything that is said of a release; it is part of no repository yet.
    pub(crate) async fn attest(
        &self,
        name: &str,
        submission: &Submission,
        images: &[Descriptor],
        said: Vec<Said>,
    ) -> Result<Vec<Attestation>, AppError> {
        let name = format!("{}/{name}", self.config.host());
        let root: Digest = submission.digest.parse().map_err(AppError::internal)?;
        let image_of = |digest: &Digest| {
            let found = images.iter().find(|image| image.digest == *digest);
            found.ok_or_else(|| AppError::not_found("manifest", digest.as_str()))
        };
        let mut statements = vec![
            (root.clone(), SIGNATURE, json!({})),
            (root.clone(), PROVENANCE, self.provenance(&name, submission)),
            (
                root.clone(),
                TEST_RESULT,
                self.test_result(submission).await?,
            ),
        ];
        statements.extend(said);
        self.blobs
            .put_bytes(&Digest::of(EMPTY), EMPTY.into())
            .await?;
        let mut attestations = vec![self.attest_notation(image_of(&root)?).await?];
        for (digest, kind, predicate) in statements {
            let image = image_of(&digest)?.clone();
            let (name, subject) = (name.clone(), digest.clone());
            let sign = move |key: &dyn Signer| {
                bundle::sign(key, (name.as_str(), &subject), kind, predicate)
            };
            let content = self.with_release_key(sign).await??;
            require_attestable(&content, (&digest, kind))?;
            attestations.push(self.attestation(content, kind, image).await?);
        }
        Ok(attestations)
    }

    /// Stores a bundle that is to become a referrer of an image.
    pub(crate) async fn attestation(
        &self,
        bundle: Vec<u8>,
        kind: &str,
        image: Descriptor,
    ) -> Result<Attestation, AppError> {
        let manifest = bundle::manifest(&bundle, kind, image, self.now());
        self.stored(manifest, bundle).await
    }

    async fn stored(
        &self,
        manifest: RawManifest,
        content: Vec<u8>,
    ) -> Result<Attestation, AppError> {
        let (digest, size) = (Digest::of(&content), content.len());
        self.blobs.put_bytes(&digest, content.into()).await?;
        Ok(Attestation {
            manifest,
            content: digest,
            size,
        })
    }

    /// Makes them referrers of the released image.
    pub(crate) async fn put_attestations(
        &self,
        tx: &mut Tx,
        repository: &Repository,
        attestations: &[Attestation],
    ) -> Result<(), AppError> {
        for attestation in attestations {
            let empty = (&Digest::of(EMPTY), EMPTY.len());
            for (digest, size) in [empty, (&attestation.content, attestation.size)] {
                let blob = (digest.as_str(), i64::try_from(size).unwrap_or(i64::MAX));
                store::repositories::link_blob(tx, &*self.blobs, &repository.id, blob, self.now())
                    .await?;
            }
            let manifest = &attestation.manifest;
            self.keep_manifest(tx, &repository.id, manifest, Refers::ToItsSubject)
                .await?;
        }
        Ok(())
    }

    /// Signs an image in the form of Notation.
    pub(crate) async fn attest_notation(
        &self,
        image: &Descriptor,
    ) -> Result<Attestation, AppError> {
        let (certificate, image, now) = (self.certificate().await?, image.clone(), self.now());
        let sign = move |key: &dyn Signer| {
            let key = Certified::new(key, &certificate);
            let content = key.sign(&image, now)?;
            let manifest = key.manifest(&content, image, now);
            Ok::<_, SignError>((manifest, content))
        };
        let (manifest, content) = self.with_release_key(sign).await??;
        self.stored(manifest, content).await
    }

    /// Returns the certificate that consumers trust Notation's signatures by (PEM).
    ///
    /// # Errors
    /// The market's host cannot stand in a certificate, or the key did not sign it.
    pub async fn release_certificate(&self) -> Result<String, AppError> {
        Ok(trust::certificate_pem(&self.certificate().await?))
    }

    /// Returns the certificate of the key for releases; made when it is first asked for, and
    /// the same on every node from then on.
    async fn certificate(&self) -> Result<Vec<u8>, AppError> {
        let (key, host) = (self.release_key().key_id(), self.config.host());
        if let Some(found) = rows::find(&mut self.read().await?, &key, host).await? {
            return Ok(found);
        }
        let name = host.to_owned();
        let sign = move |key: &dyn Signer| certify(key, &name);
        let made = match self.with_release_key(sign).await? {
            Err(CertifyError::Unsigned(error)) => return Err(error.into()),
            made => made.map_err(AppError::internal)?,
        };
        let mut tx = self.begin().await?;
        rows::add(&mut tx, (&key, host), &made, self.now()).await?;
        let kept = rows::find(&mut tx, &key, host).await?;
        tx.commit().await?;
        Ok(kept.unwrap_or(made))
    }

    /// Says how the release came about (SLSA provenance 1); the publisher's own signature, which
    /// is not offered under the public name, is sealed in it.
    fn provenance(&self, name: &str, submission: &Submission) -> Value {
        let signature = submission.signature.as_ref().map(|found| &found.0);
        let field = |name: &str| signature.and_then(|found| found.get(name)).cloned();
        let market = &self.config.public_url;
        json!({
            "buildDefinition": {
                "buildType": format!("{market}/.well-known/plimsoll/release"),
                "externalParameters": { "name": name, "tag": submission.tag },
                "internalParameters": {
                    "submission": submission.id.as_str(),
                    "publisherSignature": {
                        "keyId": field("key_id"),
                        "form": field("form"),
                        "signedAt": field("signed_at"),
                        "freshUntil": field("fresh_until"),
                        "metadataVersion": field("metadata_version"),
                        "verifiedAt": submission.inspected_at,
                        "digest": field("digest"),
                        "found": field("reason"),
                    },
                },
            },
            "runDetails": {
                "builder": { "id": market },
                "metadata": {
                    "invocationId": submission.id.as_str(),
                    "startedOn": submission.submitted_at,
                    "finishedOn": self.now(),
                },
            },
        })
    }

    /// Says which checks passed and which did not (in-toto test result 0.1).
    async fn test_result(&self, submission: &Submission) -> Result<Value, AppError> {
        let mut tx = self.read().await?;
        let rows = store::submissions::checks(&mut tx, &submission.id).await?;
        let checks = public_checks(&checked(&rows)?);
        let named = |counts: &dyn Fn(&crate::PublicCheck) -> bool| -> Vec<String> {
            let counted = checks.iter().filter(|check| counts(check));
            counted.map(|check| check.id.clone()).collect()
        };
        let serious = |check: &crate::PublicCheck| check.level == certify::Level::Error;
        // What is waived is not passed, though the release is certified.
        let result = match submission.certifiable && !checks.iter().any(|check| check.waived) {
            true => "PASSED",
            false => "WARNED",
        };
        Ok(json!({
            "result": result,
            "configuration": [],
            "url": self.config.public_url,
            "passedTests": named(&|check| check.passed),
            "warnedTests": named(&|check| !check.passed && (check.waived || !serious(check))),
            "waivedTests": named(&|check| check.waived),
            "failedTests": named(&|check| !check.passed && !check.waived && serious(check)),
        }))
    }
}

/// Makes sure that a bundle is not larger than anybody reads.
pub(crate) fn require_attestable(
    bundle: &[u8],
    (image, kind): (&Digest, &str),
) -> Result<(), AppError> {
    match bundle.len() {
        ..=bundle::MAX_BUNDLE_BYTES => Ok(()),
        size => Err(AppError::TooLarge(format!(
            "what is to be attested of {image} ({kind}) has {size} bytes, and at most {} are: the publisher closes the product's components, then it is approved again",
            bundle::MAX_BUNDLE_BYTES
        ))),
    }
}
