//! The bytes of blobs, and reports on layers, that nobody has any more.
//!
//! Bytes are condemned in one transaction, deleted, and noted as deleted in another, so that
//! nobody relies on what is about to go.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use inventory::PARSER_VERSION;
use oci::Digest;
use store::{blobs::BlobEntry, condemned};

use super::{Collection, DELETE, LOOK, count};
use crate::AppError;

/// Objects deleted at once.
const AT_ONCE: usize = 8;

impl Collection<'_> {
    /// Walks over all that is stored. Cut short, it begins again: what is gone is not found again.
    pub(super) async fn delete_bytes(&mut self) -> Result<(), AppError> {
        if !self.run.dry_run {
            self.take_up_condemned().await?;
        }
        let cutoff = self.cutoff();
        let mut old = self
            .app
            .blobs
            .list()
            .try_filter(move |entry| std::future::ready(entry.modified < cutoff))
            .try_chunks(usize::try_from(LOOK).unwrap_or(1))
            .boxed();
        if self.run.dry_run {
            (self.figures.blobs, self.figures.bytes) = (0, 0);
        }
        while let Some(entries) = old.next().await {
            let entries = entries.map_err(|broken| broken.1)?;
            let idle = self.idle(entries, cutoff).await?;
            if self.run.dry_run {
                self.figures.blobs += count(idle.len());
                self.figures.bytes += idle.iter().map(|entry| bytes(entry.size)).sum::<i64>();
                continue;
            }
            for few in idle.chunks(usize::try_from(DELETE).unwrap_or(1)) {
                self.delete_idle(few, cutoff).await?;
            }
        }
        self.advance(None);
        self.save_alone().await
    }

    /// Returns those that nobody has.
    async fn idle(
        &self,
        entries: Vec<BlobEntry>,
        cutoff: DateTime<Utc>,
    ) -> Result<Vec<BlobEntry>, AppError> {
        let mut tx = self.app.read().await?;
        let mut idle = Vec::new();
        for entry in entries {
            let digest = entry.digest.as_str();
            let owned = if self.run.dry_run {
                condemned::has_lasting_owner(&mut tx, digest, cutoff).await?
            } else {
                condemned::has_owner(&mut tx, digest).await?
            };
            if !owned {
                idle.push(entry);
            }
        }
        Ok(idle)
    }

    async fn delete_idle(
        &mut self,
        entries: &[BlobEntry],
        older_than: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let mut tx = self.decide().await?;
        let mut doomed = Vec::new();
        for entry in entries {
            if condemned::condemn(&mut tx, entry.digest.as_str(), older_than).await? {
                doomed.push((entry.digest.clone(), older_than));
            }
        }
        tx.commit().await?;
        self.delete_condemned(doomed).await
    }

    /// Goes on with what a run that was cut short had condemned.
    async fn take_up_condemned(&mut self) -> Result<(), AppError> {
        let mut tx = self.app.begin().await?;
        condemned::forget_old(&mut tx, self.app.now()).await?;
        let left = condemned::all(&mut tx).await?;
        tx.commit().await?;
        let parse = |(digest, older_than): (String, _)| {
            let digest: Digest = digest.parse().map_err(AppError::internal)?;
            Ok((digest, older_than))
        };
        let left: Result<Vec<_>, AppError> = left.into_iter().map(parse).collect();
        self.delete_condemned(left?).await
    }

    async fn delete_condemned(
        &mut self,
        doomed: Vec<(Digest, DateTime<Utc>)>,
    ) -> Result<(), AppError> {
        if doomed.is_empty() {
            return Ok(());
        }
        let deleted: Vec<_> = stream::iter(doomed)
            .map(|(digest, older_than)| {
                let blobs = Arc::clone(&self.app.blobs);
                async move { (blobs.delete_older(&digest, older_than).await, digest) }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        // What went is noted even where something else did not: pushes wait for that.
        let mut failed = None;
        let mut tx = self.app.begin().await?;
        for (freed, digest) in deleted {
            let freed = match freed {
                Ok(freed) => freed,
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            condemned::set_deleted(&mut tx, digest.as_str(), self.app.now()).await?;
            if let Some(freed) = freed {
                self.figures.blobs += 1;
                self.figures.bytes += bytes(freed);
            }
        }
        match failed {
            // Not saved as a step forward, or it would be tried for ever.
            Some(error) => {
                tx.commit().await?;
                Err(error.into())
            }
            None => {
                self.save(&mut tx).await?;
                Ok(tx.commit().await?)
            }
        }
    }

    pub(super) async fn delete_reports(&mut self) -> Result<(), AppError> {
        if self.run.dry_run {
            self.advance(None);
            return self.save_alone().await;
        }
        let began = tokio::time::Instant::now();
        let mut tx = self.app.begin().await?;
        let version = i64::from(PARSER_VERSION);
        let cutoff = self.cutoff();
        let gone = condemned::delete_idle_layer_reports(&mut tx, version, cutoff, DELETE).await?;
        self.figures.reports += i64::try_from(gone).unwrap_or(i64::MAX);
        if gone == 0 {
            self.advance(None);
        }
        self.commit(tx, began).await
    }
}

fn bytes(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
