//! What is attested of released images, signed with the release key there is now: the same
//! statements, beside those that an earlier one signed.
//!
//! What a publisher brings refers to nothing on the market, and what no key of the market signed
//! is not signed now.

use std::collections::{BTreeMap, BTreeSet};

use oci::{Descriptor, Digest, RawManifest};
use store::{
    Tx,
    contents::{ReferrerPage, referrers},
    release_certificates,
    repositories::Repository,
};
use trust::{
    PublicKey, Signer,
    bundle::{self, BUNDLE, MAX_BUNDLE_BYTES, Verified},
    notation::{self, Certificate, MAX_ENVELOPE_BYTES, Trusted},
};

use crate::{
    App, AppError,
    attestations::{Attestation, require_attestable},
    registry::stored_manifest,
};

/// So many referrers are read at once.
const AT_ONCE: i64 = 100;

/// What is signed again, and whom it is believed by.
struct Again<'a> {
    app: &'a App,
    repository: &'a Repository,
    /// All that was released.
    released: BTreeMap<Digest, Descriptor>,
    /// The key there is now, and all before it.
    keys: Vec<PublicKey>,
    certificates: Vec<Certificate>,
}

impl App {
    /// Signs again what is attested of released images and all that they consist of, and stores
    /// it; it is part of no repository yet. What the key there is now signed is left alone.
    pub(crate) async fn attest_again(
        &self,
        repository: &Repository,
        roots: impl Iterator<Item = &String>,
    ) -> Result<Vec<Attestation>, AppError> {
        let mut released = BTreeMap::new();
        let mut tx = self.read().await?;
        for root in roots {
            let found = self.manifests_below(&mut tx, &repository.name, root);
            let found = found.await?.into_values();
            released.extend(found.map(|image| (image.digest.clone(), image.descriptor())));
        }
        let certificates = release_certificates::list(&mut tx).await?;
        drop(tx);
        let certificates = certificates.iter().map(|der| Certificate::from_der(der));
        let certificates: Vec<_> = certificates
            .collect::<Result<_, _>>()
            .map_err(AppError::internal)?;
        let earlier = certificates.iter().filter_map(Certificate::public_key);
        let again = Again {
            app: self,
            repository,
            released,
            keys: std::iter::once(self.release_key()).chain(earlier).collect(),
            certificates,
        };
        let mut attestations = Vec::new();
        for image in again.released.values() {
            attestations.extend(again.statements(image).await?);
            attestations.extend(again.notation(image).await?);
        }
        Ok(attestations)
    }
}

impl Again<'_> {
    /// Signs the statements about an image again.
    async fn statements(&self, image: &Descriptor) -> Result<Vec<Attestation>, AppError> {
        let now = self.app.release_key().key_id();
        let (mut ours, mut others) = (BTreeSet::new(), BTreeMap::new());
        for carrier in self.carriers(image, BUNDLE).await? {
            // One at a time, because they may be large.
            let Some(said) = self.statement_in(&carrier, image).await? else {
                continue;
            };
            let statement = Digest::of(&said.payload);
            match said.key_id == now {
                true => drop(ours.insert(statement)),
                false => drop(others.insert(statement, carrier)),
            }
        }
        others.retain(|statement, _| !ours.contains(statement));
        let mut attestations = Vec::new();
        for carrier in others.values() {
            let Some(said) = self.statement_in(carrier, image).await? else {
                continue;
            };
            let kind = said.predicate_type;
            let sign = move |key: &dyn Signer| bundle::seal(key, &said.payload);
            let content = self.app.with_release_key(sign).await??;
            require_attestable(&content, (&image.digest, &kind))?;
            let attestation = self.app.attestation(content, &kind, image.clone());
            attestations.push(attestation.await?);
        }
        Ok(attestations)
    }

    /// Signs an image again in the form of Notation, where it was signed so.
    async fn notation(&self, image: &Descriptor) -> Result<Option<Attestation>, AppError> {
        let (key, now) = (self.app.release_key(), self.app.now());
        let mut was_signed = false;
        for carrier in self.carriers(image, notation::SIGNATURE).await? {
            let Some((kind, content)) = self.content(&carrier, MAX_ENVELOPE_BYTES).await? else {
                continue;
            };
            let is_by = |trusted| {
                let envelope = (kind.as_str(), content.as_slice());
                notation::verify(envelope, image, trusted, now).is_ok()
            };
            if is_by(Trusted::Key(&key)) {
                return Ok(None);
            }
            was_signed |= is_by(Trusted::Certificates(&self.certificates));
        }
        match was_signed {
            true => self.app.attest_notation(image).await.map(Some),
            false => Ok(None),
        }
    }

    /// Returns what a key of the market says of an image in a bundle; nothing where none does.
    async fn statement_in(
        &self,
        carrier: &RawManifest,
        image: &Descriptor,
    ) -> Result<Option<Verified>, AppError> {
        let content = self.content(carrier, MAX_BUNDLE_BYTES).await?;
        let verified =
            |(_, content): (_, Vec<u8>)| bundle::verify(&content, &image.digest, &self.keys).ok();
        Ok(content.and_then(verified))
    }

    /// Returns what a manifest carries, and of which kind that is.
    async fn content(
        &self,
        carrier: &RawManifest,
        limit: usize,
    ) -> Result<Option<(String, Vec<u8>)>, AppError> {
        let layers = carrier.image().map(|image| image.layers.as_slice());
        let [layer] = layers.unwrap_or_default() else {
            return Ok(None);
        };
        let bytes = self.app.blob_within(&layer.digest, limit).await?;
        Ok(bytes.map(|bytes| (layer.media_type.clone(), bytes.to_vec())))
    }

    /// Returns the manifests of one kind that refer to an image.
    async fn carriers(&self, image: &Descriptor, kind: &str) -> Result<Vec<RawManifest>, AppError> {
        let mut tx = self.app.read().await?;
        let (mut found, mut last) = (Vec::new(), String::new());
        loop {
            let page = ReferrerPage {
                subject: image.digest.as_str(),
                artifact_type: Some(kind),
                last: &last,
                limit: AT_ONCE,
            };
            let rows = referrers(&mut tx, &self.repository.id, page).await?;
            let Some(end) = rows.last() else {
                return Ok(found);
            };
            for row in &rows {
                found.extend(carrier(&mut tx, self.repository, &row.digest).await?);
            }
            last.clone_from(&end.digest);
        }
    }
}

async fn carrier(
    tx: &mut Tx,
    repository: &Repository,
    digest: &str,
) -> Result<Option<RawManifest>, AppError> {
    let row = store::repositories::find_manifest(tx, &repository.id, digest).await?;
    row.map(stored_manifest).transpose()
}
