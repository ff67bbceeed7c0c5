//! What is attested of released images, signed with the release key there is now: the same
//! statements, beside those that another key signed.

use std::collections::{BTreeMap, BTreeSet};

use oci::{Descriptor, Digest, RawManifest};
use store::{
    Tx,
    contents::{ReferrerPage, referrers},
    repositories::Repository,
};
use trust::{
    Signer,
    bundle::{self, BUNDLE, MAX_BUNDLE_BYTES, Said},
    notation::{self, MAX_ENVELOPE_BYTES, Trusted},
};

use crate::{App, AppError, attestations::Attestation};

/// So many referrers are read at once.
const AT_ONCE: i64 = 100;

impl App {
    /// Signs again what is attested of released images and all that they consist of, and stores
    /// it; it is part of no repository yet. What the key there is now signed is left alone.
    pub(crate) async fn attest_again(
        &self,
        repository: &Repository,
        roots: impl Iterator<Item = &String>,
    ) -> Result<Vec<Attestation>, AppError> {
        let mut images = BTreeMap::new();
        let mut tx = self.read().await?;
        for root in roots {
            let found = self.manifests_below(&mut tx, &repository.name, root);
            let found = found.await?.into_values();
            images.extend(found.map(|image| (image.digest.clone(), image.descriptor())));
        }
        drop(tx);
        let mut attestations = Vec::new();
        for image in images.into_values() {
            self.state_again(repository, &image, &mut attestations)
                .await?;
            attestations.extend(self.notation_again(repository, &image).await?);
        }
        Ok(attestations)
    }

    /// Signs the statements about an image again.
    async fn state_again(
        &self,
        repository: &Repository,
        image: &Descriptor,
        attestations: &mut Vec<Attestation>,
    ) -> Result<(), AppError> {
        let (mut ours, mut others) = (BTreeSet::new(), BTreeMap::new());
        for carrier in self.carriers(repository, image, BUNDLE).await? {
            // One at a time, because they may be large.
            let Some(said) = self.statement_in(&carrier).await? else {
                continue;
            };
            let statement = Digest::of(&said.payload);
            match said.is_by {
                true => drop(ours.insert(statement)),
                false => drop(others.insert(statement, carrier)),
            }
        }
        for (statement, carrier) in others {
            if ours.contains(&statement) {
                continue;
            }
            let Some(said) = self.statement_in(&carrier).await? else {
                continue;
            };
            let kind = said.predicate_type;
            let sign = move |key: &dyn Signer| bundle::seal(key, &said.payload);
            let content = self.with_release_key(sign).await??;
            attestations.push(self.attestation(content, &kind, image.clone()).await?);
        }
        Ok(())
    }

    /// Signs an image again in the form of Notation, where it was signed so.
    async fn notation_again(
        &self,
        repository: &Repository,
        image: &Descriptor,
    ) -> Result<Option<Attestation>, AppError> {
        let carriers = self
            .carriers(repository, image, notation::SIGNATURE)
            .await?;
        let key = self.release_key();
        for carrier in &carriers {
            let Some((kind, content)) = self.content(carrier, MAX_ENVELOPE_BYTES).await? else {
                continue;
            };
            let envelope = (kind.as_str(), content.as_slice());
            if notation::verify(envelope, image, Trusted::Key(&key), self.now()).is_ok() {
                return Ok(None);
            }
        }
        match carriers.is_empty() {
            true => Ok(None),
            false => self.attest_notation(image).await.map(Some),
        }
    }

    /// Returns what is said in a bundle; nothing where it is none of ours.
    async fn statement_in(&self, carrier: &RawManifest) -> Result<Option<Said>, AppError> {
        let content = self.content(carrier, MAX_BUNDLE_BYTES).await?;
        let key = self.release_key();
        Ok(content.and_then(|(_, bundle)| bundle::open(&bundle, &key).ok()))
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
        let bytes = self.blob_within(&layer.digest, limit).await?;
        Ok(bytes.map(|bytes| (layer.media_type.clone(), bytes.to_vec())))
    }

    /// Returns the manifests of one kind that refer to an image.
    async fn carriers(
        &self,
        repository: &Repository,
        image: &Descriptor,
        kind: &str,
    ) -> Result<Vec<RawManifest>, AppError> {
        let mut tx = self.read().await?;
        let (mut found, mut last) = (Vec::new(), String::new());
        loop {
            let page = ReferrerPage {
                subject: image.digest.as_str(),
                artifact_type: Some(kind),
                last: &last,
                limit: AT_ONCE,
            };
            let rows = referrers(&mut tx, &repository.id, page).await?;
            let Some(end) = rows.last() else {
                return Ok(found);
            };
            for row in &rows {
                found.extend(carrier(&mut tx, repository, &row.digest).await?);
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
    let read = |row: store::repositories::ManifestRow| {
        RawManifest::parse(row.content, Some(&row.media_type))
    };
    row.map(read).transpose().map_err(AppError::internal)
}
