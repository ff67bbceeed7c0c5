//! Blobs of repositories: read, mounted, taken out.

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use oci::{Digest, ErrorCode, RepoName};
use store::{
    StoreError, Tx,
    blobs::{Blob, BlobError},
    quotas::Usage,
    repositories::Repository,
};

use super::{
    RegistryError, collect,
    rights::{asker, unknown_repository},
};
use crate::{Access, Actor, App, AppError};

/// Repositories looked at for a blob to mount.
const MOST_MOUNT_SOURCES: i64 = 20;

impl App {
    /// Returns a blob's size if the repository has it.
    ///
    /// # Errors
    /// It has not.
    pub async fn blob_size(&self, name: &RepoName, digest: &Digest) -> Result<u64, RegistryError> {
        let recent = &self.recent.blobs;
        let question = match recent.look(&self.db, format!("{name}@{digest}")) {
            Ok(size) => return Ok(size),
            Err(question) => question,
        };
        let mut tx = self.read().await?;
        let size =
            store::repositories::locate_blob(&mut tx, name.as_str(), digest.as_str()).await?;
        drop(tx);
        let size = size.ok_or_else(|| unknown_repository(name))?;
        let size = size.and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| {
            RegistryError::new(
                ErrorCode::BlobUnknown,
                format!("blob {digest} is not in repository {name}"),
            )
        })?;
        recent.keep(&self.db, question, size, 0);
        Ok(size)
    }

    /// Opens a blob, or a range of it. The caller has seen that the repository has it.
    ///
    /// # Errors
    /// The store cannot give it, or the range is outside.
    pub async fn open_blob(
        &self,
        digest: &Digest,
        range: Option<Range<u64>>,
    ) -> Result<Blob, RegistryError> {
        Ok(self.blobs.get(digest, range).await?)
    }

    /// Returns a blob's bytes; none where they are gone, or more than `limit`.
    pub(crate) async fn blob_within(
        &self,
        digest: &Digest,
        limit: usize,
    ) -> Result<Option<Bytes>, AppError> {
        let blob = match self.blobs.get(digest, None).await {
            Ok(blob) if blob.size <= limit as u64 => blob,
            Ok(_) | Err(BlobError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(collect(blob.into_stream(), limit).await?))
    }

    /// Returns where else anybody gets a blob for some minutes, if the operator wants it so.
    /// The caller has seen that the repository has it.
    ///
    /// # Errors
    /// The store cannot say.
    pub async fn redirect_blob(&self, digest: &Digest) -> Result<Option<String>, RegistryError> {
        Ok(self.blobs.redirect(digest).await?)
    }

    /// Makes a blob of another repository part of this one; gives whether it could be done.
    /// Without `from`, any repository that whoever asks may pull from will do.
    ///
    /// # Errors
    /// The repository takes no pushes.
    pub async fn mount_blob(
        &self,
        name: &RepoName,
        digest: &Digest,
        from: Option<&RepoName>,
        access: &Access,
    ) -> Result<bool, RegistryError> {
        let Some(source) = self.mount_source(name, digest, from, access).await? else {
            return Ok(false);
        };
        let mut tx = self.begin().await?;
        // What is linked there must not go between being looked up and being linked here.
        store::collection::enter(&mut tx).await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        if store::damaged::is_damaged(&mut tx, digest.as_str()).await? {
            // A push of its bytes mends it.
            return Ok(false);
        }
        // It may have gone meanwhile.
        let size = store::repositories::find_blob(&mut tx, &source.id, digest.as_str()).await?;
        let Some(size) = size else {
            return Ok(false);
        };
        let blob = (digest.as_str(), size);
        let usage =
            store::repositories::link_blob(&mut tx, &*self.blobs, &repository.id, blob, self.now())
                .await?;
        self.require_room(usage.as_ref(), 0)?;
        tx.commit().await?;
        Ok(true)
    }

    /// Returns a repository with the blob that the holder of the token may pull from. The token
    /// itself need not grant it: which repository will do is not known to whoever asks for one,
    /// and most clients ask for the one they push to only.
    async fn mount_source(
        &self,
        name: &RepoName,
        digest: &Digest,
        from: Option<&RepoName>,
        access: &Access,
    ) -> Result<Option<Repository>, RegistryError> {
        let holder = self.token_holder(access).await?;
        if let Some(from) = from {
            // Asked whether there is such a repository or not: the time must not tell.
            let may = self
                .may_mount(&holder, from.as_str(), digest, access)
                .await?;
            let mut tx = self.read().await?;
            let found = store::repositories::find_by_name(&mut tx, from.as_str()).await?;
            return Ok(found.filter(|_| may));
        }
        for candidate in self.with_blob(name, digest, &holder).await? {
            if self
                .may_mount(&holder, &candidate.name, digest, access)
                .await?
            {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    async fn may_mount(
        &self,
        holder: &Actor,
        from: &str,
        digest: &Digest,
        access: &Access,
    ) -> Result<bool, RegistryError> {
        let (may, limited) = match access.grants(from, "pull") {
            true => (true, access.is_limited(from)),
            false => {
                let rights = self.repository_rights(holder, from).await?;
                (rights.pull, rights.limited)
            }
        };
        let at = (from, access.account.as_str());
        Ok(may && (!limited || self.gives(at, digest.as_str()).await?))
    }

    async fn with_blob(
        &self,
        name: &RepoName,
        digest: &Digest,
        holder: &Actor,
    ) -> Result<Vec<Repository>, RegistryError> {
        let mut tx = self.read().await?;
        // Where it is pushed to is looked at first: its publisher's own images share most.
        let publisher = self.publisher_of(&mut tx, name).await?;
        let limit = MOST_MOUNT_SOURCES;
        let found = store::contents::repositories_with_blob(
            &mut tx,
            digest.as_str(),
            (asker(holder), publisher.as_ref()),
            limit,
        );
        Ok(found.await?)
    }

    /// Makes a blob whose bytes were just put part of a repository. Where a collection deletes
    /// the same bytes at this moment, waits until it has.
    pub(super) async fn link_pushed(
        &self,
        name: &RepoName,
        digest: &Digest,
        size: u64,
    ) -> Result<(), RegistryError> {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let mut patience = 20;
        loop {
            let mut tx = self.begin().await?;
            store::collection::enter(&mut tx).await?;
            let repository = self.repository_to_push(&mut tx, name).await?;
            let (blob, now) = ((digest.as_str(), size), self.now());
            let linked =
                store::repositories::link_blob(&mut tx, &*self.blobs, &repository.id, blob, now)
                    .await;
            let usage = match linked {
                Err(StoreError::BeingCollected(_)) if patience > 0 => {
                    drop(tx);
                    patience -= 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
                other => other?,
            };
            self.require_room(usage.as_ref(), 0)?;
            store::damaged::mend(&mut tx, digest.as_str()).await?;
            return Ok(tx.commit().await?);
        }
    }

    /// Refuses blobs and manifests, given with their bytes, that together would take more than the
    /// publisher may, before they come.
    pub(crate) async fn require_room_for(
        &self,
        name: &RepoName,
        pieces: &[(&Digest, u64)],
    ) -> Result<(), RegistryError> {
        let mut tx = self.read().await?;
        let Some(publisher) = self.publisher_of(&mut tx, name).await? else {
            return Ok(());
        };
        let usage = store::quotas::usage(&mut tx, &publisher).await?;
        let mut more = 0_i64;
        for (digest, size) in pieces {
            if !store::quotas::has(&mut tx, &publisher, digest.as_str()).await? {
                more = more.saturating_add(i64::try_from(*size).unwrap_or(i64::MAX));
            }
        }
        self.require_room(Some(&usage), more)
    }

    /// Refuses what would take, with `more` bytes, more than the publisher may.
    pub(super) fn require_room(
        &self,
        usage: Option<&Usage>,
        more: i64,
    ) -> Result<(), RegistryError> {
        let Some(usage) = usage else { return Ok(()) };
        let used = usage.used_bytes.saturating_add(more);
        match self.limit(usage) {
            Some(quota) if used > quota => Err(RegistryError::new(
                ErrorCode::Denied,
                crate::upkeep::full(used, quota),
            )),
            _ => Ok(()),
        }
    }

    /// Notes that a client that may push looked whether the repository has something: it may
    /// go on to rely on it, so a collection does not take it away under its hands.
    ///
    /// # Errors
    /// Its bytes are damaged: to whoever can mend it by a push, it is not there. The database refused.
    pub async fn note_looked_at(
        &self,
        name: &RepoName,
        digest: &str,
        access: &Access,
    ) -> Result<(), RegistryError> {
        if !access.grants(name.as_str(), "push") {
            return Ok(());
        }
        let recent = &self.recent.sound;
        let question = match recent.look(&self.db, format!("{name}@{digest}")) {
            Ok(()) => return Ok(()),
            Err(question) => question,
        };
        let mut tx = self.read().await?;
        let repository = self.repository(&mut tx, name).await?;
        let marked = store::collection::is_marked(&mut tx, repository.id.as_str(), digest).await?;
        let damaged = store::damaged::is_damaged(&mut tx, digest).await?;
        drop(tx);
        if damaged {
            return Err(RegistryError::new(
                ErrorCode::BlobUnknown,
                format!("the bytes of blob {digest} are damaged: push it again to mend it"),
            ));
        }
        if !marked {
            recent.keep(&self.db, question, (), 0);
            return Ok(());
        }
        let mut tx = self.begin().await?;
        store::collection::enter(&mut tx).await?;
        store::collection::renew(&mut tx, repository.id.as_str(), digest).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a blob out of a staging repository.
    ///
    /// # Errors
    /// It is not there.
    pub async fn delete_blob(&self, name: &RepoName, digest: &Digest) -> Result<(), RegistryError> {
        let mut tx = self.begin().await?;
        store::collection::decide(&mut tx).await?;
        let repository = self.repository_to_push(&mut tx, name).await?;
        self.require_nothing_under_way(&mut tx, name).await?;
        if !store::repositories::unlink_blob(&mut tx, &repository.id, digest.as_str()).await? {
            return Err(RegistryError::new(
                ErrorCode::BlobUnknown,
                format!("blob {digest} is not in repository {name}"),
            ));
        }
        Ok(tx.commit().await?)
    }

    /// What is reviewed is what is released, so nothing of it goes away meanwhile.
    pub(super) async fn require_nothing_under_way(
        &self,
        tx: &mut Tx,
        name: &RepoName,
    ) -> Result<(), RegistryError> {
        if store::submissions::count_under_way(tx, name.as_str()).await? == 0 {
            return Ok(());
        }
        Err(RegistryError::new(
            ErrorCode::Denied,
            format!(
                "an image in {name} is under review: nothing but tags is deleted until that ends"
            ),
        ))
    }
}
