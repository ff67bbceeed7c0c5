//! Manifests, tags and referrers of repositories.

use std::collections::BTreeSet;

use bytes::Bytes;
use market::{ListingState, ProductId, PullId, RepositoryId};
use oci::{Digest, ErrorCode, RawManifest, RepoName};
use store::{
    StoreError, Tx,
    pulls::Pull,
    repositories::{Located, ManifestRow},
};

use super::{
    RegistryError,
    references::{require_replaceable, require_same_type},
    rights::unknown_repository,
};
use crate::{Access, App, AppError, clock::to_the_minute};

/// A manifest to keep.
#[derive(Clone, Copy)]
pub struct ManifestPush<'a> {
    /// What to keep.
    pub manifest: &'a RawManifest,
    /// The tags to point at it.
    pub tags: &'a [oci::Tag],
    /// Says whether it may take the place of what is there: the digest under the tag, or its
    /// own, or nothing.
    pub may_replace: &'a (dyn Fn(Option<&str>) -> bool + Sync),
}

impl<'a> ManifestPush<'a> {
    /// Makes a push that takes the place of whatever is there.
    pub fn new(manifest: &'a RawManifest, tags: &'a [oci::Tag]) -> Self {
        Self {
            manifest,
            tags,
            may_replace: &|_| true,
        }
    }
}

/// Whether a manifest that is kept is listed among what refers to its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refers {
    ToItsSubject,
    ToNothing,
}

/// A manifest that was pushed.
#[derive(Debug, Clone)]
pub struct PushedManifest {
    /// Its digest.
    pub digest: Digest,
    /// What it is about, where it is about something.
    pub subject: Option<Digest>,
}

/// A manifest as a pull gets it.
#[derive(Debug, Clone)]
pub struct FoundManifest {
    /// Its digest.
    pub digest: String,
    /// Its type.
    pub media_type: String,
    /// The bytes as pushed.
    pub content: Bytes,
    /// The product whose release it belongs to; none in staging.
    pub product: Option<ProductId>,
    /// Whether that product is on hold.
    pub on_hold: bool,
}

/// What a pull is asked for by and with.
#[derive(Debug, Clone, Copy)]
pub struct PullRequest<'a> {
    /// A tag or a digest.
    pub reference: &'a str,
    /// The client, as it calls itself.
    pub user_agent: &'a str,
    /// Who pulls.
    pub access: &'a Access,
}

impl App {
    /// Keeps a manifest, under tags where some are given.
    ///
    /// # Errors
    /// It names blobs that the repository lacks, indexes lie too deep in one another, something
    /// stands in its place that it may not replace, or the repository takes no pushes.
    pub async fn put_manifest(
        &self,
        name: &RepoName,
        push: ManifestPush<'_>,
    ) -> Result<PushedManifest, RegistryError> {
        let ManifestPush { manifest, tags, .. } = push;
        let digest = manifest.digest.as_str();
        let mut tx = self.begin().await?;
        // What it names must not go between being looked up and being named.
        store::collection::enter(&mut tx).await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        require_replaceable(&mut tx, &repository, push).await?;
        require_same_type(&mut tx, &repository, manifest).await?;
        self.check_references(&mut tx, &repository, manifest)
            .await?;
        let (row, names, now) = (manifest_row(manifest)?, names_of(manifest), self.now());
        let usage = store::repositories::put_manifest(&mut tx, &repository.id, &row, &names, now);
        self.require_room(usage.await?.as_ref(), 0)?;
        for tag in tags {
            store::repositories::set_tag(&mut tx, &repository.id, tag.as_str(), digest, now)
                .await?;
        }
        let is_to_be_read = self.enqueue_reading(&mut tx, name, manifest).await?;
        tx.commit().await?;
        if is_to_be_read {
            self.push_added.notify_one();
        }
        let subject = manifest.subject().map(|subject| subject.digest.clone());
        Ok(PushedManifest {
            digest: manifest.digest.clone(),
            subject,
        })
    }

    /// Makes a manifest that is released part of a repository, with what it names noted for collections.
    pub(crate) async fn keep_manifest(
        &self,
        tx: &mut Tx,
        repository: &RepositoryId,
        manifest: &RawManifest,
        refers: Refers,
    ) -> Result<(), AppError> {
        let mut row = manifest_row(manifest)?;
        if refers == Refers::ToNothing {
            row.subject = None;
        }
        let names = names_of(manifest);
        store::repositories::put_manifest(tx, repository, &row, &names, self.now()).await?;
        Ok(())
    }

    /// Returns a manifest by tag or digest.
    ///
    /// # Errors
    /// The repository has none.
    pub async fn find_manifest(
        &self,
        name: &RepoName,
        reference: &str,
    ) -> Result<FoundManifest, RegistryError> {
        let recent = &self.recent.manifests;
        let question = match recent.look(&self.db, format!("{name}@{reference}")) {
            Ok(found) => return Ok(found),
            Err(question) => question,
        };
        let mut tx = self.read().await?;
        let located = if reference.contains(':') {
            store::repositories::locate_by_digest(&mut tx, name.as_str(), reference).await?
        } else {
            store::repositories::locate_by_tag(&mut tx, name.as_str(), reference).await?
        };
        let located = located.ok_or_else(|| unknown_repository(name))?;
        let Located {
            product_id,
            product_state,
            digest: Some(digest),
            media_type: Some(media_type),
            content: Some(content),
        } = located
        else {
            let why = self.why_absent(&mut tx, name, reference).await?;
            return Err(RegistryError::new(ErrorCode::ManifestUnknown, why));
        };
        drop(tx);
        let found = FoundManifest {
            digest,
            media_type,
            content: content.into(),
            product: product_id.and_then(|id| id.parse().ok()),
            on_hold: product_state.is_some_and(|state| state == ListingState::OnHold.as_str()),
        };
        recent.keep(&self.db, question, found.clone(), found.content.len());
        Ok(found)
    }

    /// Returns the words for a manifest that is not there.
    async fn why_absent(
        &self,
        tx: &mut Tx,
        name: &RepoName,
        reference: &str,
    ) -> Result<String, StoreError> {
        let withdrawn_at = match reference.contains(':') {
            true => None,
            false => store::releases::withdrawn_at(tx, name.as_str(), reference).await?,
        };
        Ok(match withdrawn_at {
            Some(at) => format!(
                "{name} no longer offers `{reference}`: its publisher withdrew it on {}",
                to_the_minute(at)
            ),
            None => format!("repository {name} has no `{reference}`"),
        })
    }

    /// Returns a manifest and records the pull where it is a released one; with it, the
    /// warning that a listing on hold carries.
    ///
    /// # Errors
    /// The repository has none, or the plan of who pulls does not give it.
    pub async fn pull_manifest(
        &self,
        name: &RepoName,
        request: PullRequest<'_>,
    ) -> Result<(FoundManifest, Option<String>), RegistryError> {
        let found = self.find_manifest(name, request.reference).await?;
        let Some(product) = &found.product else {
            self.note_staged_pull(name, request.reference).await?;
            return Ok((found, None));
        };
        self.require_given(request.access, name, &found.digest)
            .await?;
        let account = &request.access.account;
        let pull = Pull {
            id: self.id(PullId::new).as_str().to_owned(),
            at: self.now(),
            product_id: product.clone(),
            account_id: (!account.is_empty()).then(|| account.clone()),
            plan: None,
            reference: request.reference.to_owned(),
            digest: found.digest.clone(),
            user_agent: request.user_agent.chars().take(200).collect(),
        };
        self.pulls.record(pull).await;
        let warning = found
            .on_hold
            .then(|| format!("{name} is on hold: see {}/p/{name}", self.config.public_url));
        Ok((found, warning))
    }

    /// Takes a manifest with its tags, or a single tag, out of a staging repository.
    ///
    /// # Errors
    /// It is not there, or under review.
    pub async fn delete_manifest(
        &self,
        name: &RepoName,
        reference: &str,
    ) -> Result<(), RegistryError> {
        let mut tx = self.begin().await?;
        let is_digest = reference.contains(':');
        if is_digest {
            // Alone, so that nobody keeps it elsewhere while it is counted out.
            store::collection::decide(&mut tx).await?;
        } else {
            store::collection::enter(&mut tx).await?;
        }
        let repository = self.repository_to_push(&mut tx, name).await?;
        if is_digest {
            self.require_nothing_under_way(&mut tx, name).await?;
        }
        let gone = if is_digest {
            store::repositories::delete_manifest(&mut tx, &repository.id, reference).await?
        } else {
            store::repositories::delete_tag(&mut tx, &repository.id, reference).await?
        };
        if !gone {
            return Err(RegistryError::new(
                ErrorCode::ManifestUnknown,
                format!("repository {name} has no `{reference}`"),
            ));
        }
        Ok(tx.commit().await?)
    }

    /// Returns up to `limit` tags after `last`, in byte order.
    ///
    /// # Errors
    /// There is no such repository.
    pub async fn list_tags(
        &self,
        name: &RepoName,
        last: &str,
        limit: i64,
    ) -> Result<Vec<String>, RegistryError> {
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        Ok(store::repositories::tags(&mut tx, &repository.id, last, limit).await?)
    }
}

/// Returns the digests of what a manifest names, each once.
pub(crate) fn names_of(manifest: &RawManifest) -> Vec<String> {
    let named = manifest.references();
    let digests: BTreeSet<_> = named.iter().map(|named| named.digest.to_string()).collect();
    digests.into_iter().collect()
}

/// Reads a manifest as it is kept, under the digest that it was pushed by, which may be SHA-512.
///
/// # Errors
/// The row is not what was once accepted.
pub(crate) fn stored_manifest(row: ManifestRow) -> Result<RawManifest, AppError> {
    let mut manifest =
        RawManifest::parse(row.content, Some(&row.media_type)).map_err(AppError::internal)?;
    manifest.digest = row.digest.parse().map_err(AppError::internal)?;
    Ok(manifest)
}

fn manifest_row(manifest: &RawManifest) -> Result<ManifestRow, AppError> {
    let annotations = manifest
        .annotations()
        .map(serde_json::to_value)
        .transpose()
        .map_err(AppError::internal)?;
    Ok(ManifestRow {
        digest: manifest.digest.to_string(),
        media_type: manifest.media_type.clone(),
        content: manifest.bytes.clone(),
        subject: manifest.subject().map(|subject| subject.digest.to_string()),
        artifact_type: manifest.artifact_type().map(str::to_owned),
        annotations: annotations.map(Into::into),
    })
}
