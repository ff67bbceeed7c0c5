//! The registry's use cases: who may do what in which repository, and what pushing and
//! pulling change. The distribution protocol itself is the crate `registry`.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use market::{Action, ListingState, PullId, RepositoryId, UploadId};
use oci::{Descriptor, Digest, ErrorCode, ManifestKind, RawManifest, RepoName, media_type};
use store::{
    StoreError, Tx,
    blobs::{Blob, BlobError, UploadError},
    products::Product,
    publishers::Publisher,
    pulls::Pull,
    repositories::{ManifestRow, Repository, Upload},
};

use crate::{Access, Actor, App, AppError};

/// What somebody may do in a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// Read.
    pub pull: bool,
    /// Write and delete.
    pub push: bool,
}

/// Why the registry does not do what was asked: the specification's code, and a text
/// that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RegistryError {
    /// The code.
    pub code: ErrorCode,
    /// What is wrong and what to do.
    pub message: String,
    /// Where an upload goes on.
    pub offset: Option<u64>,
    /// What lies behind it, for the log.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RegistryError {
    /// Makes an error with its own text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            offset: None,
            source: None,
        }
    }

    fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(ErrorCode::Internal, "the registry failed; try again")
        }
    }

    fn full() -> Self {
        Self::new(
            ErrorCode::StorageFull,
            "the registry's storage is full: nothing was stored; ask the operator to make room",
        )
    }
}

impl From<StoreError> for RegistryError {
    fn from(error: StoreError) -> Self {
        if error.is_full() {
            Self::full()
        } else if error.is_nul() {
            Self::new(
                ErrorCode::ManifestInvalid,
                "a text holds the character NUL, which cannot be stored",
            )
        } else {
            Self::internal(error)
        }
    }
}

impl From<AppError> for RegistryError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Full => Self::full(),
            other => Self::internal(other),
        }
    }
}

impl From<BlobError> for RegistryError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full { .. } => Self::full(),
            BlobError::NotFound(digest) => Self::new(
                ErrorCode::BlobUnknown,
                format!("blob {digest} is not in this repository"),
            ),
            BlobError::Range { .. } => Self::new(ErrorCode::RangeInvalid, error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl From<UploadError> for RegistryError {
    fn from(error: UploadError) -> Self {
        let text = error.to_string();
        match error {
            UploadError::Id(_) | UploadError::Unknown(_) => {
                Self::new(ErrorCode::BlobUploadUnknown, text)
            }
            UploadError::Exists(_) | UploadError::Busy(_) => {
                Self::new(ErrorCode::BlobUploadInvalid, text)
            }
            UploadError::Offset { actual, .. } => Self {
                offset: Some(actual),
                ..Self::new(ErrorCode::RangeInvalid, text)
            },
            UploadError::TooLarge { .. } => Self::new(ErrorCode::TooLarge, text),
            UploadError::Digest { .. } => Self::new(ErrorCode::DigestInvalid, text),
            UploadError::Stream { offset, .. } => Self {
                offset: Some(offset),
                ..Self::new(ErrorCode::BlobUploadInvalid, text)
            },
            UploadError::Disk(error) => error.into(),
        }
    }
}

/// A repository's place in the programme.
enum Place {
    /// `staging/<publisher>/…`
    Staging(Box<Publisher>),
    /// `<publisher>/<product>`
    Released(Box<Product>),
    /// Nowhere.
    Unknown,
}

/// A manifest that was pushed.
#[derive(Debug, Clone)]
pub struct PushedManifest {
    /// Its digest.
    pub digest: Digest,
    /// What it is about, where it is about something.
    pub subject: Option<Digest>,
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

/// Bytes arriving from a client.
pub type Body = BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>;

impl App {
    /// Returns what `actor` may do in the repository called `name`; nothing where it has no place.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn repository_rights(&self, actor: &Actor, name: &str) -> Result<Rights, AppError> {
        let mut tx = self.read().await?;
        // Notary's names have the host in front.
        let name = name
            .strip_prefix(self.config.host())
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(name);
        let may =
            |action, roles: &[market::Role]| crate::actor::check(actor, action, roles).is_ok();
        Ok(match self.place(&mut tx, name).await? {
            Place::Unknown => Rights::default(),
            Place::Staging(publisher) => {
                let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
                let verified = publisher.state == market::PublisherState::Verified;
                Rights {
                    pull: may(Action::PullStaging, &roles),
                    push: verified && may(Action::PushStaging, &roles),
                }
            }
            Place::Released(product) => {
                let roles = self.roles_for_product(&mut tx, actor, &product).await?;
                let on_market = product.state.is_public() || actor.is_staff();
                Rights {
                    pull: on_market && may(Action::PullReleased, &roles),
                    push: false,
                }
            }
        })
    }

    async fn place(&self, tx: &mut Tx, name: &str) -> Result<Place, StoreError> {
        let Ok(name) = name.parse::<RepoName>() else {
            return Ok(Place::Unknown);
        };
        let parts: Vec<_> = name.parts().collect();
        match parts.as_slice() {
            ["staging", publisher, _, ..] => {
                let publisher = store::publishers::find_by_slug(tx, publisher).await?;
                Ok(publisher.map_or(Place::Unknown, |found| Place::Staging(Box::new(found))))
            }
            [publisher, product] => {
                let Some(publisher) = store::publishers::find_by_slug(tx, publisher).await? else {
                    return Ok(Place::Unknown);
                };
                let product = store::products::find_by_slug(tx, &publisher.id, product).await?;
                Ok(product.map_or(Place::Unknown, |product| Place::Released(Box::new(product))))
            }
            _ => Ok(Place::Unknown),
        }
    }

    /// Returns the words for somebody who may not do `action` in `name`: what to do, without
    /// telling a private repository from a missing one.
    pub async fn denial(&self, name: &RepoName, action: &str, signed_in: bool) -> String {
        let url = &self.config.public_url;
        let public = match self.read().await {
            Ok(mut tx) => {
                matches!(self.place(&mut tx, name.as_str()).await, Ok(Place::Released(product)) if product.state.is_public())
            }
            Err(_) => false,
        };
        let host = self.config.host();
        let sign_in = if signed_in {
            String::new()
        } else {
            format!("sign in first (docker login {host}), and ")
        };
        match (public, action) {
            (true, "pull") => format!("{sign_in}subscribe to {name} at {url}/p/{name} to pull it"),
            (true, _) => format!(
                "{name} holds released images, which nobody pushes: push to staging/… and submit"
            ),
            (false, "pull") if signed_in => {
                format!("there is no repository {name} that your account may pull from")
            }
            (false, _) if signed_in => {
                format!(
                    "there is no repository {name} that your account may push to: publishers push to staging/<publisher>/<name>, with a token that may write"
                )
            }
            (false, _) => {
                format!("sign in first (docker login {host}): {name} is not open to everybody")
            }
        }
    }

    async fn repository(&self, tx: &mut Tx, name: &RepoName) -> Result<Repository, RegistryError> {
        let found = store::repositories::find_by_name(tx, name.as_str()).await?;
        found.ok_or_else(|| {
            RegistryError::new(
                ErrorCode::NameUnknown,
                format!("repository {name} does not exist: push to it first"),
            )
        })
    }

    /// Returns the repository to push to, made on the first push; only staging is pushed to.
    async fn repository_to_push(
        &self,
        tx: &mut Tx,
        name: &RepoName,
    ) -> Result<Repository, RegistryError> {
        let Place::Staging(publisher) = self.place(tx, name.as_str()).await? else {
            return Err(RegistryError::new(
                ErrorCode::Denied,
                format!("{name} is no staging repository: push to staging/<publisher>/<name>"),
            ));
        };
        let repository = Repository {
            id: self.id(RepositoryId::new),
            name: name.to_string(),
            publisher_id: publisher.id,
            product_id: None,
            created_at: self.now(),
        };
        Ok(store::repositories::find_or_create(tx, &repository).await?)
    }

    /// Returns a blob's size if the repository has it.
    ///
    /// # Errors
    /// It has not.
    pub async fn blob_size(&self, name: &RepoName, digest: &Digest) -> Result<u64, RegistryError> {
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        let size = store::repositories::find_blob(&mut tx, &repository.id, digest.as_str()).await?;
        size.and_then(|size| u64::try_from(size).ok())
            .ok_or_else(|| {
                RegistryError::new(
                    ErrorCode::BlobUnknown,
                    format!("blob {digest} is not in repository {name}"),
                )
            })
    }

    /// Opens a blob, or a range of it, if the repository has it.
    ///
    /// # Errors
    /// It has not, or the range is outside.
    pub async fn open_blob(
        &self,
        name: &RepoName,
        digest: &Digest,
        range: Option<Range<u64>>,
    ) -> Result<Blob, RegistryError> {
        self.blob_size(name, digest).await?;
        Ok(self.blobs.get(digest, range).await?)
    }

    /// Begins an upload.
    ///
    /// # Errors
    /// The repository takes no pushes.
    pub async fn start_upload(
        &self,
        name: &RepoName,
        access: &Access,
    ) -> Result<UploadId, RegistryError> {
        let mut tx = self.begin().await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        let upload = Upload {
            id: self.id(UploadId::new),
            repository_id: repository.id,
            account_id: access.account.clone(),
            started_at: self.now(),
        };
        store::repositories::create_upload(&mut tx, &upload).await?;
        tx.commit().await?;
        self.uploads.create(upload.id.as_str()).await?;
        Ok(upload.id)
    }

    async fn find_upload(
        &self,
        name: &RepoName,
        id: &str,
    ) -> Result<(Repository, UploadId), RegistryError> {
        let unknown = || {
            RegistryError::new(
                ErrorCode::BlobUploadUnknown,
                "this upload is not open: begin a new one",
            )
        };
        let upload: UploadId = id.parse().map_err(|_malformed| unknown())?;
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        store::repositories::find_upload(&mut tx, &repository.id, &upload)
            .await?
            .ok_or_else(unknown)?;
        Ok((repository, upload))
    }

    /// Returns how many bytes of an upload have arrived.
    ///
    /// # Errors
    /// It is not open.
    pub async fn upload_offset(&self, name: &RepoName, id: &str) -> Result<u64, RegistryError> {
        let (_, upload) = self.find_upload(name, id).await?;
        Ok(self.uploads.offset(upload.as_str()).await?)
    }

    /// Adds bytes to an upload; gives how many there are then.
    ///
    /// # Errors
    /// It is not open, the bytes do not begin where it ends, or it grows too large.
    pub async fn append_upload(
        &self,
        name: &RepoName,
        id: &str,
        at: Option<u64>,
        body: Body,
    ) -> Result<u64, RegistryError> {
        let (_, upload) = self.find_upload(name, id).await?;
        let offset = match at {
            Some(at) => at,
            None => self.uploads.offset(upload.as_str()).await?,
        };
        Ok(self
            .uploads
            .append(upload.as_str(), offset, body, self.config.max_blob_bytes)
            .await?)
    }

    /// Ends an upload: the bytes must have `digest`. When this returns they are durable.
    ///
    /// # Errors
    /// They have another digest (the upload stays open), or the store refuses.
    pub async fn finish_upload(
        &self,
        name: &RepoName,
        id: &str,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let (repository, upload) = self.find_upload(name, id).await?;
        let staged = self.uploads.finish(upload.as_str(), digest).await?;
        let size = i64::try_from(staged.size()).unwrap_or(i64::MAX);
        staged.store_in(Arc::clone(&self.blobs)).await?;
        let mut tx = self.begin().await?;
        store::repositories::link_blob(&mut tx, &repository.id, digest.as_str(), size, self.now())
            .await?;
        store::repositories::delete_upload(&mut tx, &upload).await?;
        Ok(tx.commit().await?)
    }

    /// Cancels an upload.
    ///
    /// # Errors
    /// It is not open.
    pub async fn cancel_upload(&self, name: &RepoName, id: &str) -> Result<(), RegistryError> {
        let (_, upload) = self.find_upload(name, id).await?;
        self.uploads.cancel(upload.as_str()).await?;
        let mut tx = self.begin().await?;
        store::repositories::delete_upload(&mut tx, &upload).await?;
        Ok(tx.commit().await?)
    }

    /// Makes a blob of another repository part of this one; gives whether it could be done.
    ///
    /// # Errors
    /// The repository takes no pushes.
    pub async fn mount_blob(
        &self,
        name: &RepoName,
        digest: &Digest,
        from: &RepoName,
        access: &Access,
    ) -> Result<bool, RegistryError> {
        if !access.grants(from.as_str(), "pull") {
            return Ok(false);
        }
        let mut tx = self.begin().await?;
        let Some(source) = store::repositories::find_by_name(&mut tx, from.as_str()).await? else {
            return Ok(false);
        };
        let Some(size) =
            store::repositories::find_blob(&mut tx, &source.id, digest.as_str()).await?
        else {
            return Ok(false);
        };
        let repository = self.repository_to_push(&mut tx, name).await?;
        store::repositories::link_blob(&mut tx, &repository.id, digest.as_str(), size, self.now())
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a blob out of a staging repository.
    ///
    /// # Errors
    /// It is not there.
    pub async fn delete_blob(&self, name: &RepoName, digest: &Digest) -> Result<(), RegistryError> {
        let mut tx = self.begin().await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        if !store::repositories::unlink_blob(&mut tx, &repository.id, digest.as_str()).await? {
            return Err(RegistryError::new(
                ErrorCode::BlobUnknown,
                format!("blob {digest} is not in repository {name}"),
            ));
        }
        Ok(tx.commit().await?)
    }

    /// Keeps a manifest, under tags where some are given.
    ///
    /// # Errors
    /// It names blobs or manifests that the repository lacks, or the repository takes no pushes.
    pub async fn put_manifest(
        &self,
        name: &RepoName,
        tags: &[oci::Tag],
        manifest: &RawManifest,
    ) -> Result<PushedManifest, RegistryError> {
        let mut tx = self.begin().await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        check_references(&mut tx, &repository, manifest).await?;
        store::repositories::put_manifest(
            &mut tx,
            &repository.id,
            &manifest_row(manifest)?,
            self.now(),
        )
        .await?;
        for tag in tags {
            store::repositories::set_tag(
                &mut tx,
                &repository.id,
                tag.as_str(),
                manifest.digest.as_str(),
                self.now(),
            )
            .await?;
        }
        tx.commit().await?;
        let subject = manifest.subject().map(|subject| subject.digest.clone());
        Ok(PushedManifest {
            digest: manifest.digest.clone(),
            subject,
        })
    }

    /// Returns a manifest by tag or digest.
    ///
    /// # Errors
    /// The repository has none.
    pub async fn find_manifest(
        &self,
        name: &RepoName,
        reference: &str,
    ) -> Result<(Repository, ManifestRow), RegistryError> {
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        let row = if reference.contains(':') {
            store::repositories::find_manifest(&mut tx, &repository.id, reference).await?
        } else {
            store::repositories::find_manifest_by_tag(&mut tx, &repository.id, reference).await?
        };
        let row = row.ok_or_else(|| {
            RegistryError::new(
                ErrorCode::ManifestUnknown,
                format!("repository {name} has no `{reference}`"),
            )
        })?;
        Ok((repository, row))
    }

    /// Returns a manifest and records the pull where it is a released one; with it, the
    /// warning that a listing on hold carries.
    ///
    /// # Errors
    /// The repository has none.
    pub async fn pull_manifest(
        &self,
        name: &RepoName,
        request: PullRequest<'_>,
    ) -> Result<(ManifestRow, Option<String>), RegistryError> {
        let (repository, row) = self.find_manifest(name, request.reference).await?;
        let Some(product) = repository.product() else {
            return Ok((row, None));
        };
        let mut tx = self.read().await?;
        let state = store::products::find(&mut tx, &product)
            .await?
            .map(|product| product.state);
        let account = (!request.access.account.is_empty()).then(|| request.access.account.clone());
        let plan = match account.as_ref().and_then(|id| id.parse().ok()) {
            Some(account) => store::subscriptions::in_force(&mut tx, &account, &product)
                .await?
                .map(|subscription| subscription.plan),
            None => None,
        };
        drop(tx);
        let pull = Pull {
            id: self.id(PullId::new).as_str().to_owned(),
            at: self.now(),
            product_id: product,
            account_id: account,
            plan,
            reference: request.reference.to_owned(),
            digest: row.digest.clone(),
            user_agent: request.user_agent.chars().take(200).collect(),
        };
        self.pulls.record(pull).await;
        let warning = (state == Some(ListingState::OnHold))
            .then(|| format!("{name} is on hold: see {}/p/{name}", self.config.public_url));
        Ok((row, warning))
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
        let repository = self.repository_to_push(&mut tx, name).await?;
        if reference.contains(':')
            && store::submissions::count_of_digest(&mut tx, name.as_str(), reference).await? > 0
        {
            return Err(RegistryError::new(
                ErrorCode::Denied,
                format!("{reference} is under review and stays until that ends"),
            ));
        }
        let gone = if reference.contains(':') {
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

    /// Returns descriptors of what refers to a manifest.
    ///
    /// # Errors
    /// There is no such repository.
    pub async fn referrers(
        &self,
        name: &RepoName,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        let rows =
            store::repositories::referrers(&mut tx, &repository.id, subject.as_str()).await?;
        let descriptor = |row: ManifestRow| -> Result<Descriptor, RegistryError> {
            Ok(Descriptor {
                media_type: row.media_type,
                digest: row.digest.parse().map_err(RegistryError::internal)?,
                size: row.content.len() as u64,
                artifact_type: row.artifact_type,
                platform: None,
                annotations: row
                    .annotations
                    .and_then(|notes| serde_json::from_value(notes.0).ok()),
                urls: None,
            })
        };
        rows.into_iter().map(descriptor).collect()
    }

    /// Returns the names of the repositories that the asker may pull from, after `last`, in byte order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn catalog(
        &self,
        actor: &Actor,
        last: &str,
        limit: usize,
    ) -> Result<Vec<String>, RegistryError> {
        let mut tx = self.read().await?;
        let mut names: Vec<_> = store::repositories::names(&mut tx)
            .await?
            .into_iter()
            .map(|repository| repository.name)
            .collect();
        drop(tx);
        names.sort();
        let mut visible = Vec::new();
        for name in names.into_iter().filter(|name| name.as_str() > last) {
            if visible.len() >= limit {
                break;
            }
            if self.repository_rights(actor, &name).await?.pull {
                visible.push(name);
            }
        }
        Ok(visible)
    }

    /// Drops uploads that nobody went on with for a day.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn sweep_uploads(&self) -> Result<usize, RegistryError> {
        let a_day_ago = self.now() - chrono::TimeDelta::days(1);
        let swept = self.uploads.sweep(a_day_ago).await?;
        // A row without its file is an upload that is not open; a week is long after any is.
        let mut tx = self.begin().await?;
        let long_ago = a_day_ago - chrono::TimeDelta::days(7);
        store::repositories::delete_uploads_before(&mut tx, long_ago).await?;
        tx.commit().await?;
        Ok(swept)
    }
}

/// Everything a manifest names must be in the repository, so that what is there can be pulled whole.
async fn check_references(
    tx: &mut Tx,
    repository: &Repository,
    manifest: &RawManifest,
) -> Result<(), RegistryError> {
    match &manifest.kind {
        ManifestKind::Image(image) => {
            let blobs: BTreeSet<&Digest> = image
                .layers
                .iter()
                .filter(|layer| !media_type::is_foreign(&layer.media_type))
                .chain([&image.config])
                .map(|blob| &blob.digest)
                .collect();
            for digest in blobs {
                if store::repositories::find_blob(tx, &repository.id, digest.as_str())
                    .await?
                    .is_none()
                {
                    let message = format!(
                        "the manifest names blob {digest}, which was not pushed to {}",
                        repository.name
                    );
                    return Err(RegistryError::new(ErrorCode::ManifestBlobUnknown, message));
                }
            }
        }
        ManifestKind::Index(index) => {
            for child in &index.manifests {
                if store::repositories::find_manifest(tx, &repository.id, child.digest.as_str())
                    .await?
                    .is_none()
                {
                    let message = format!(
                        "the index names manifest {}, which was not pushed to {}",
                        child.digest, repository.name
                    );
                    return Err(RegistryError::new(ErrorCode::ManifestBlobUnknown, message));
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn manifest_row(manifest: &RawManifest) -> Result<ManifestRow, AppError> {
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

/// Reads a stream that must not be longer than `limit` bytes.
pub(crate) async fn collect(
    mut stream: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
    limit: usize,
) -> Result<Bytes, AppError> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.map_err(AppError::internal)?);
        if bytes.len() > limit {
            return Err(AppError::TooLarge(format!(
                "stored content is larger than {limit} bytes"
            )));
        }
    }
    Ok(bytes.freeze())
}
