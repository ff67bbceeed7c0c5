//! What is on the market, signed with the release key there is now: so the key can be replaced
//! while those who pull notice nothing.

use std::collections::{BTreeMap, BTreeSet};

use market::Action;
use store::{products::Product, repositories::Repository};
use trust::tuf::Signer;

use crate::{Actor, App, AppError, attestations::Attestation, audit::Change, signing::Beside};

/// So many products are read at once.
const AT_ONCE: i64 = 100;

/// What was signed again of a product.
struct SignedAgain {
    name: String,
    repository: Repository,
    signatures: Vec<Beside>,
    attestations: Vec<Attestation>,
    targets: Signer,
}

impl App {
    /// Signs what is on the market with the release key there is now, where another one signed
    /// it: beside each of cosign's signatures, Notation's and the attestations, and in the trust
    /// metadata of each name, whose root key says whom to believe from now on. Gives how many
    /// products that were. Keys named in `seen` were replaced because others may have them: the root
    /// key revokes them, and names the one there is now as the successor of all else.
    ///
    /// # Errors
    /// The root key is not here, or something cannot be read or written; what was signed before
    /// stays, and the next attempt goes on there. Where only the successors of some keys are left
    /// to name, all is signed before that is said.
    pub async fn sign_releases_again(&self, seen: &BTreeSet<String>) -> Result<usize, AppError> {
        let left = self.name_successors(seen).await?;
        let (mut count, mut after) = (0, String::new());
        loop {
            let mut tx = self.read().await?;
            let products = store::products::on_market_after(&mut tx, &after, AT_ONCE).await?;
            drop(tx);
            let Some(last) = products.last() else {
                return left.map_or(Ok(count), Err);
            };
            after = last.id.to_string();
            for product in &products {
                count += usize::from(self.sign_product_again(product).await?);
            }
        }
    }

    /// Signs all releases of a product; tells whether there was anything to do.
    async fn sign_product_again(&self, product: &Product) -> Result<bool, AppError> {
        loop {
            let Some(signed) = self.signed_again(product).await? else {
                return Ok(false);
            };
            if let Some(done) = self.put_signed_again(product, &signed).await? {
                return Ok(done);
            }
        }
    }

    /// Signs all releases of a product without a transaction, for the key may be in a device that
    /// takes its time; nothing of it is part of a repository yet.
    async fn signed_again(&self, product: &Product) -> Result<Option<SignedAgain>, AppError> {
        let mut tx = self.read().await?;
        let name = self.name_of(&mut tx, product).await?;
        let Some(repository) = store::repositories::find_by_name(&mut tx, &name).await? else {
            return Ok(None);
        };
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for release in store::releases::of_product(&mut tx, &product.id).await? {
            tags.entry(release.digest).or_default().insert(release.tag);
        }
        drop(tx);
        let mut signatures = Vec::new();
        for (digest, tags) in &tags {
            let beside = self.beside(&name, digest, tags).await?;
            signatures.extend((!beside.is_nothing()).then_some(beside));
        }
        Ok(Some(SignedAgain {
            attestations: self.attest_again(&repository, tags.keys()).await?,
            targets: self.targets_key(&name).await?,
            name,
            repository,
            signatures,
        }))
    }

    /// Puts in one transaction what was signed beside what was there; tells whether it was
    /// anything, and nothing where something else is there now.
    async fn put_signed_again(
        &self,
        product: &Product,
        signed: &SignedAgain,
    ) -> Result<Option<bool>, AppError> {
        let (name, repository) = (signed.name.as_str(), &signed.repository);
        let mut tx = self.begin().await?;
        store::collection::enter(&mut tx).await?;
        // It may have been revoked while what is said of it was being signed.
        let held = store::products::lock(&mut tx, &product.id).await?;
        if !held.is_some_and(|held| held.state.is_public()) {
            return Ok(Some(false));
        }
        for signature in &signed.signatures {
            if !self.put_signature(&mut tx, repository, signature).await? {
                return Ok(None);
            }
        }
        self.put_attestations(&mut tx, repository, &signed.attestations)
            .await?;
        let is_done = self.signs_targets(&mut tx, name, &signed.targets).await?;
        if is_done && signed.attestations.is_empty() && signed.signatures.is_empty() {
            return Ok(Some(false));
        }
        self.sign_targets(&mut tx, (name, &signed.targets), &product.id)
            .await?;
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
        Ok(Some(true))
    }
}
