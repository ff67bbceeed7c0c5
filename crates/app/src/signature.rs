//! The signature of a submitted image: it must be by a key, certificate or identity that its publisher
//! registered and proved to hold, beside the image as cosign 2 puts it, referring to the image
//! as cosign 3 and Notation do, or in the trust metadata of its repository.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use market::KeyStanding;
use oci::{Algorithm, Descriptor, Digest, MAX_INDEX_MANIFESTS, Platform, RawManifest};
use serde::{Deserialize, Serialize};
use store::{Tx, publishers::PublisherKey, submissions::Submission};
use tokio::task::spawn_blocking;
use trust::{
    cosign,
    credential::Credential,
    keyless::{self, Identity, TrustRoot},
    notation::Certificate,
};

use crate::{App, AppError, clock::to_the_minute, inspection::Stop, registry::stored_manifest};

mod referrers;

/// What verifying a publisher's signature found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignatureResult {
    pub(crate) verified: bool,
    reason: String,
    key_id: Option<String>,
    key_name: Option<String>,
    digest: String,
    /// `cosign`, `notation` or `content-trust`.
    #[serde(default)]
    form: Option<String>,
    /// When it was made, where the signature says so and is believed.
    #[serde(default)]
    signed_at: Option<DateTime<Utc>>,
    /// Until when the signer vouches for it: the timestamp's end, or the signature's.
    #[serde(default)]
    fresh_until: Option<DateTime<Utc>>,
    /// Of the trust metadata that names the digest.
    #[serde(default)]
    metadata_version: Option<i64>,
    /// What an index names, all of which its signature covers.
    #[serde(default)]
    platforms: Vec<String>,
}

impl SignatureResult {
    fn unsigned(reason: String, digest: &Digest) -> Self {
        Self {
            verified: false,
            reason,
            key_id: None,
            key_name: None,
            digest: digest.to_string(),
            form: None,
            signed_at: None,
            fresh_until: None,
            metadata_version: None,
            platforms: Vec::new(),
        }
    }
}

/// What signatures are checked with.
struct Signers {
    rows: Vec<PublisherKey>,
    keys: Vec<cosign::Key>,
    certificates: Vec<Certificate>,
    identities: Vec<Identity>,
}

impl Signers {
    fn new(rows: Vec<PublisherKey>) -> Arc<Self> {
        let (mut keys, mut certificates, mut identities) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            match Credential::parse(&row.pem) {
                Ok(Credential::Key(key)) => keys.push(key),
                Ok(Credential::Certificate(certificate)) => certificates.push(*certificate),
                Ok(Credential::Identity(identity)) => identities.push(identity),
                // What cannot be read any more signs nothing.
                Err(_) => {}
            }
        }
        Arc::new(Self {
            rows,
            keys,
            certificates,
            identities,
        })
    }

    /// Says by whom cosign's signatures must be, and whom to believe of identities, and when.
    fn trusted<'a>(
        &'a self,
        (root, now): (Option<&'a TrustRoot>, DateTime<Utc>),
    ) -> cosign::Trusted<'a, cosign::Key> {
        cosign::Trusted {
            keys: &self.keys,
            identities: &self.identities,
            root: root.map(|root| (root, now)),
        }
    }

    /// Says that one of them signed, with cosign.
    fn signed_with_cosign(&self, verified: &cosign::Verified, digest: &Digest) -> SignatureResult {
        match &verified.identity {
            Some(signed) => self.signed_by_identity(signed, digest),
            None => self.signed(&verified.key_id, digest),
        }
    }

    /// Says that an identity signed, and who says when.
    fn signed_by_identity(&self, signed: &keyless::Signed, digest: &Digest) -> SignatureResult {
        let (identity, at) = (&signed.identity, to_the_minute(signed.at));
        let seen = match signed.index {
            Some(index) => format!("in the log as number {index}, seen on {at}"),
            None => format!("seen by a timestamp authority on {at}"),
        };
        SignatureResult {
            reason: format!("signed by {identity}, an identity the publisher registered, {seen}"),
            signed_at: Some(signed.at),
            ..self.signed(&identity.fingerprint(), digest)
        }
    }

    /// Says that one of them signed, in cosign's form.
    fn signed(&self, key_id: &str, digest: &Digest) -> SignatureResult {
        let row = self.rows.iter().find(|row| row.fingerprint == key_id);
        SignatureResult {
            verified: true,
            reason: "signed by a key the publisher registered".to_owned(),
            key_name: row.map(|row| row.name.clone()),
            key_id: Some(key_id.to_owned()),
            form: Some("cosign".to_owned()),
            ..SignatureResult::unsigned(String::new(), digest)
        }
    }
}

/// Names a part of an index.
fn platform(child: &Descriptor) -> String {
    match &child.platform {
        Some(Platform {
            os,
            architecture,
            variant: Some(variant),
            ..
        }) => format!("{os}/{architecture}/{variant}"),
        Some(Platform {
            os, architecture, ..
        }) => format!("{os}/{architecture}"),
        None => child.digest.to_string(),
    }
}

/// Says why a signature by a key does not count.
fn why_not(row: &PublisherKey, standing: KeyStanding) -> String {
    let day = |at: Option<DateTime<Utc>>| {
        at.map(|at| to_the_minute(at).to_string())
            .unwrap_or_default()
    };
    let problem = match standing {
        KeyStanding::Ended => format!(
            "which was revoked on {}: sign with a key in force, then submit again",
            day(row.revoked_at)
        ),
        KeyStanding::NotYet => format!("which counts from {} on", day(row.valid_from)),
        _ => {
            "which is not proven: prove on the publisher's page that it is yours, then submit again"
                .to_owned()
        }
    };
    format!("the image is signed by the key `{}`, {problem}", row.name)
}

impl App {
    /// Finds a signature of the submitted digest by one of the publisher's keys in force.
    pub(crate) async fn verify_signature(
        &self,
        submission: &Submission,
    ) -> Result<SignatureResult, Stop> {
        let mut tx = self.read().await?;
        let product = store::products::find(&mut tx, &submission.product_id).await?;
        let rows = match product {
            Some(product) => store::publishers::keys(&mut tx, &product.publisher_id).await?,
            None => Vec::new(),
        };
        let digest: Digest = submission.digest.parse().map_err(AppError::internal)?;
        let children = self.children_of(&mut tx, submission, &digest).await?;
        let is_in_force = |row: &PublisherKey| row.standing(self.now()) == KeyStanding::InForce;
        let (in_force, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_in_force);
        let none = in_force.is_empty();
        let signers = Signers::new(in_force);
        let mut result = self
            .look_for_signature(&mut tx, submission, &digest, &signers)
            .await?;
        result.platforms = children.iter().map(platform).collect();
        if !result.verified {
            let parts = self.signed_parts(&mut tx, submission, &children, &signers);
            if let Some(parts) = parts.await? {
                result.reason.push_str(&parts);
            }
            let (host, name) = (self.config.host(), &submission.repository);
            result.reason.push_str(&format!(
                "; sign {host}/{name}@{digest} with a registered key, by cosign, Notation or docker trust, then submit again"
            ));
        }
        if result.verified || others.is_empty() {
            if none {
                result.reason = "the publisher has no signing key registered: register one, prove it, sign the image, submit again".to_owned();
            }
            return Ok(result);
        }
        // Whoever signed with a key that does not count wants to know just that.
        let others = Signers::new(others);
        let by_other = self
            .look_for_signature(&mut tx, submission, &digest, &others)
            .await?;
        let row = (others.rows.iter())
            .find(|row| by_other.verified && by_other.key_id.as_ref() == Some(&row.fingerprint));
        match row {
            Some(row) => result.reason = why_not(row, row.standing(self.now())),
            None if none => {
                result.reason = "none of the publisher's signing keys is in force: prove one or register another, sign the image with it, submit again".to_owned();
            }
            None => {}
        }
        Ok(result)
    }

    /// Returns what the submitted index names; nothing of an image.
    async fn children_of(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        digest: &Digest,
    ) -> Result<Vec<Descriptor>, Stop> {
        let row = store::repositories::find_by_name(tx, &submission.repository).await?;
        let Some(row) = row else {
            return Ok(Vec::new());
        };
        let row = store::repositories::find_manifest(tx, &row.id, digest.as_str()).await?;
        let manifest = row.and_then(|row| stored_manifest(row).ok());
        let children = manifest.as_ref().map_or(&[][..], RawManifest::children);
        // Attestations among them have no platform that anybody runs.
        let runs = |child: &&Descriptor| {
            let platform = child.platform.as_ref();
            platform.is_none_or(|platform| platform.os != "unknown")
        };
        let most = children.iter().filter(runs).take(MAX_INDEX_MANIFESTS);
        Ok(most.cloned().collect())
    }

    /// Says which parts of an unsigned index are signed by themselves, if any are.
    async fn signed_parts(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        children: &[Descriptor],
        signers: &Arc<Signers>,
    ) -> Result<Option<String>, Stop> {
        let (mut signed, mut unsigned) = (Vec::new(), Vec::new());
        for child in children {
            let found = self.look_for_signature(tx, submission, &child.digest, signers);
            match found.await?.verified {
                true => signed.push(platform(child)),
                false => unsigned.push(platform(child)),
            }
        }
        if signed.is_empty() {
            return Ok(None);
        }
        let of_others = match unsigned.is_empty() {
            true => String::new(),
            false => format!(", {} not", unsigned.join(" and ")),
        };
        Ok(Some(format!(
            "; of the index only {} is signed by itself{of_others}, but an index is signed as a whole",
            signed.join(" and ")
        )))
    }

    /// Finds a signature of a digest by one of these.
    async fn look_for_signature(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        digest: &Digest,
        signers: &Arc<Signers>,
    ) -> Result<SignatureResult, Stop> {
        let unsigned = match self.verify_cosign(tx, submission, digest, signers).await? {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        let beside = self.verify_referrers(tx, submission, digest, signers);
        let mut reasons = match beside.await? {
            Some(Ok(result)) => return Ok(result),
            Some(Err(reason)) => vec![reason],
            None => Vec::new(),
        };
        if unsigned != cosign::VerifyError::Unsigned {
            reasons.insert(0, unsigned.to_string());
        }
        let trusted = self.verify_content_trust(tx, submission, digest, &signers.rows);
        match trusted.await? {
            Some(Ok(result)) => return Ok(result),
            Some(Err(reason)) => reasons.push(reason),
            None if reasons.is_empty() => reasons.push(unsigned.to_string()),
            None => {}
        }
        Ok(SignatureResult::unsigned(reasons.join("; "), digest))
    }

    async fn verify_cosign(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        digest: &Digest,
        signers: &Arc<Signers>,
    ) -> Result<Result<SignatureResult, cosign::VerifyError>, Stop> {
        let beside = self.signature_of(tx, &submission.repository, digest);
        match beside.await? {
            Some(manifest) => self.verify_payloads(manifest, digest, signers).await,
            None => Ok(Err(cosign::VerifyError::Unsigned)),
        }
    }

    /// Verifies the signatures that a manifest names. There may be many, and many keys, so nobody
    /// else waits for it.
    async fn verify_payloads(
        &self,
        manifest: RawManifest,
        digest: &Digest,
        signers: &Arc<Signers>,
    ) -> Result<Result<SignatureResult, cosign::VerifyError>, Stop> {
        let payloads = self.payloads(&manifest).await?;
        let (digest, signers) = (digest.clone(), Arc::clone(signers));
        let (root, now) = (self.config.identity_root.clone(), self.now());
        let verified = spawn_blocking(move || {
            let payload_of = |digest: &Digest| payloads.get(digest).cloned();
            let trusted = signers.trusted((root.as_deref(), now));
            let verified = cosign::verify(&manifest, &payload_of, &digest, trusted, None)?;
            Ok(signers.signed_with_cosign(&verified, &digest))
        });
        Ok(verified.await.map_err(AppError::internal)?)
    }

    /// Looks for the digest in the repository's trust metadata; none where there is none.
    async fn verify_content_trust(
        &self,
        tx: &mut Tx,
        submission: &Submission,
        digest: &Digest,
        in_force: &[PublisherKey],
    ) -> Result<Option<Result<SignatureResult, String>>, Stop> {
        let repository = submission.repository.parse().map_err(AppError::internal)?;
        let hash = (digest.algorithm() == Algorithm::Sha256)
            .then(|| hex::decode(digest.hex()).ok())
            .flatten();
        let row = store::repositories::find_by_name(tx, &submission.repository).await?;
        let (Some(hash), Some(row)) = (hash, row) else {
            return Ok(None);
        };
        let manifest = store::repositories::find_manifest(tx, &row.id, digest.as_str()).await?;
        let Some(length) = manifest.and_then(|row| i64::try_from(row.content.len()).ok()) else {
            return Ok(None);
        };
        let image = (hash.as_slice(), length);
        let found = self
            .signed_target(tx, &repository, image, &submission.tag)
            .await?;
        let (target, stored) = match found {
            None => return Ok(None),
            Some(Err(error)) => return Ok(Some(Err(format!("content trust: {error}")))),
            Some(Ok(found)) => found,
        };
        // Trust metadata names keys, whatever certificate is around them here or there.
        let is_signer = |row: &&PublisherKey| {
            let name = Credential::parse(&row.pem).ok()?.key_fingerprint()?;
            Some(target.keys.contains(&name))
        };
        let Some(key) = (in_force.iter()).find(|row| is_signer(row) == Some(true)) else {
            let keys: Vec<_> = target.keys.iter().map(String::as_str).collect();
            let reason = format!(
                "content trust names the digest, signed by keys that the publisher has not registered ({}): register the public half of one of them, or a certificate of it",
                keys.join(", ")
            );
            return Ok(Some(Err(reason)));
        };
        Ok(Some(Ok(SignatureResult {
            verified: true,
            reason: format!(
                "signed with content trust by a key the publisher registered: `{}` in {} version {}, stored {}; timestamp {} says until {} that nothing is newer",
                target.name,
                target.role,
                target.version,
                to_the_minute(stored),
                target.timestamp,
                to_the_minute(target.fresh_until)
            ),
            key_name: Some(key.name.clone()),
            key_id: Some(key.fingerprint.clone()),
            form: Some("content-trust".to_owned()),
            signed_at: Some(stored),
            fresh_until: Some(target.fresh_until),
            metadata_version: Some(target.version),
            ..SignatureResult::unsigned(String::new(), digest)
        })))
    }

    /// Returns the signature manifest beside an image.
    async fn signature_of(
        &self,
        tx: &mut Tx,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<RawManifest>, Stop> {
        let Some(tag) = cosign::signature_tag(digest) else {
            return Ok(None);
        };
        let Some(repository) = store::repositories::find_by_name(tx, repository).await? else {
            return Ok(None);
        };
        let row = store::repositories::find_manifest_by_tag(tx, &repository.id, tag.as_str());
        Ok(row.await?.and_then(|row| stored_manifest(row).ok()))
    }

    /// Returns the signed payloads that a manifest names, as far as they are there.
    async fn payloads(&self, manifest: &RawManifest) -> Result<HashMap<Digest, Vec<u8>>, Stop> {
        let mut payloads = HashMap::new();
        let limit = usize::try_from(cosign::MAX_PAYLOAD_BYTES).unwrap_or(usize::MAX);
        let layers = manifest
            .image()
            .map(|image| image.layers.as_slice())
            .unwrap_or_default();
        for layer in layers
            .iter()
            .filter(|layer| layer.size <= cosign::MAX_PAYLOAD_BYTES)
            .take(cosign::MAX_SIGNATURES)
        {
            if let Some(payload) = self.blob_within(&layer.digest, limit).await? {
                payloads.insert(layer.digest.clone(), payload.to_vec());
            }
        }
        Ok(payloads)
    }
}
