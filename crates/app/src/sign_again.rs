//! What is on the market, signed with the release key there is now: so the key can be replaced
//! while those who pull notice nothing.

use std::collections::{BTreeMap, BTreeSet};

use market::Action;
use oci::{Digest, RawManifest};
use store::{Tx, products::Product, repositories::Repository};
use trust::cosign::{self, SignatureImage};

use crate::{Actor, App, AppError, audit::Change};

/// So many products are read at once.
const AT_ONCE: i64 = 100;

impl App {
    /// Signs what is on the market with the release key there is now, where another one signed
    /// it: beside each of cosign's signatures, Notation's and the attestations, and in the trust
    /// metadata of each name, whose root key says whom to believe from now on. Gives how many
    /// products that were.
    ///
    /// # Errors
    /// The root key is not here, or something cannot be read or written; what was signed before
    /// stays, and the next attempt goes on there.
    pub async fn sign_releases_again(&self) -> Result<usize, AppError> {
        let (mut count, mut after) = (0, String::new());
        loop {
            let mut tx = self.read().await?;
            let products = store::products::on_market_after(&mut tx, &after, AT_ONCE).await?;
            drop(tx);
            let Some(last) = products.last() else {
                return Ok(count);
            };
            after = last.id.to_string();
            for product in &products {
                count += usize::from(self.sign_product_again(product).await?);
            }
        }
    }

    /// Signs all releases of a product in one transaction; tells whether there was anything to do.
    async fn sign_product_again(&self, product: &Product) -> Result<bool, AppError> {
        let mut tx = self.read().await?;
        let name = self.name_of(&mut tx, product).await?;
        let Some(repository) = store::repositories::find_by_name(&mut tx, &name).await? else {
            return Ok(false);
        };
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for release in store::releases::of_product(&mut tx, &product.id).await? {
            tags.entry(release.digest).or_default().insert(release.tag);
        }
        drop(tx);
        let attestations = self.attest_again(&repository, tags.keys()).await?;
        let mut tx = self.begin().await?;
        store::collection::enter(&mut tx).await?;
        // It may have been revoked while what is said of it was being signed.
        let held = store::products::lock(&mut tx, &product.id).await?;
        if !held.is_some_and(|held| held.state.is_public()) {
            return Ok(false);
        }
        self.put_attestations(&mut tx, &repository, &attestations)
            .await?;
        let mut is_done = self.signs_targets(&mut tx, &name).await? && attestations.is_empty();
        for (digest, tags) in &tags {
            let names = (name.as_str(), digest.as_str(), tags);
            if let Some(image) = self.beside(&mut tx, &repository, names).await? {
                self.store_signature(&image).await?;
                self.put_signature(&mut tx, &repository, digest, &image)
                    .await?;
                is_done = false;
            }
        }
        if is_done {
            return Ok(false);
        }
        self.sign_targets(&mut tx, &name, &product.id).await?;
        let key = self.keys.release.public().key_id();
        let change = Change {
            subject: product.id.as_str(),
            reason: Some(&key),
            after: Some("signed-again"),
            ..Change::default()
        };
        self.record(&mut tx, &Actor::system(), Action::ManageListing, change)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Adds signatures by the key there is now to those that a digest has; nothing where they
    /// are there already.
    async fn beside(
        &self,
        tx: &mut Tx,
        repository: &Repository,
        (name, digest, tags): (&str, &str, &BTreeSet<String>),
    ) -> Result<Option<SignatureImage>, AppError> {
        let found = signature_image(tx, repository, digest).await?;
        let key = self.release_key();
        let mut signatures = Vec::new();
        for tag in tags {
            let payload = self.release_payload(name, digest, tag)?;
            let mut found = found.iter();
            if !found.any(|found| cosign::carries(found, &payload, &key)) {
                signatures.push(self.release_signature(payload).await?);
            }
        }
        let image = match &found {
            _ if signatures.is_empty() => return Ok(None),
            Some(found) => cosign::append(found, &signatures),
            None => cosign::signature_manifest(&signatures),
        };
        image.map(Some).map_err(AppError::internal)
    }
}

/// Returns the image of the signatures that a digest has.
async fn signature_image(
    tx: &mut Tx,
    repository: &Repository,
    digest: &str,
) -> Result<Option<RawManifest>, AppError> {
    let digest: Digest = digest.parse().map_err(AppError::internal)?;
    let Some(tag) = cosign::signature_tag(&digest) else {
        return Ok(None);
    };
    let row = store::repositories::find_manifest_by_tag(tx, &repository.id, tag.as_str());
    let Some(row) = row.await? else {
        return Ok(None);
    };
    let found = RawManifest::parse(row.content, Some(&row.media_type));
    found.map(Some).map_err(AppError::internal)
}
