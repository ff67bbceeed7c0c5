//! Collection: deletes what nothing reaches, in small steps, while everything else goes on.
//!
//! What reaches what: tags and submissions reach manifests; an index its manifests; a subject
//! its referrers; a manifest its blobs. A submission counts while it is under way, and for
//! one grace after it was decided. Released repositories are never touched.
//!
//! Each step looks first, and then does what it found to be due in one short transaction
//! that looks again. Marks say since when something is out of reach; what is reached again
//! loses its mark. A manifest goes when its mark is a grace old, and then its blobs are
//! marked in turn; so do pictures that nothing names; bytes go when no repository and no
//! picture has them and they are a grace old. The row of the run is written in the same transactions, so a run that is cut short
//! goes on where it was, with figures that are right.

mod bytes;
mod pictures;

use std::{collections::HashSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use market::{Action, RunId};
use oci::RawManifest;
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    collection::{self, Held, Place},
    upkeep::Run,
};

use crate::{Actor, App, AppError, audit::Change, jobs::Running, registry::names_of};

/// Rows looked at in one step.
const LOOK: i64 = 200;
/// Rows deleted in one transaction.
const DELETE: i64 = 50;

/// What a collection did and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CollectionFigures {
    /// Tags dropped by rule; in a dry run, those that would be.
    pub tags: i64,
    /// Manifests deleted; in a dry run, those that would be.
    pub manifests: i64,
    /// Blobs taken out of repositories.
    pub links: i64,
    /// Pictures deleted; in a dry run, those that would be.
    pub pictures: i64,
    /// Blobs whose bytes were deleted.
    pub blobs: i64,
    /// Bytes freed.
    pub bytes: i64,
    /// Reports on layers deleted that nobody has any more.
    pub reports: i64,
    /// Manifests out of reach whose grace is not over.
    pub waiting_manifests: i64,
    /// Blobs of repositories out of reach whose grace is not over.
    pub waiting_links: i64,
    /// Bytes of those blobs.
    pub waiting_bytes: i64,
    /// Pictures that nothing names whose grace is not over.
    pub waiting_pictures: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    /// By the rules of the publishers and the operator.
    #[default]
    DropTags,
    /// Notes what manifests name that were pushed before that was noted.
    ReadManifests,
    MarkManifests,
    DeleteManifests,
    MarkBlobs,
    UnlinkBlobs,
    ReadNames,
    MarkPictures,
    DeletePictures,
    DeleteBytes,
    DeleteReports,
    Done,
}

impl Stage {
    const ALL: [Self; 12] = [
        Self::DropTags,
        Self::ReadManifests,
        Self::MarkManifests,
        Self::DeleteManifests,
        Self::MarkBlobs,
        Self::UnlinkBlobs,
        Self::ReadNames,
        Self::MarkPictures,
        Self::DeletePictures,
        Self::DeleteBytes,
        Self::DeleteReports,
        Self::Done,
    ];

    fn next(self) -> Self {
        let place = Self::ALL.iter().position(|stage| *stage == self);
        let next = place.and_then(|place| Self::ALL.get(place + 1));
        next.copied().unwrap_or(Self::Done)
    }

    fn words(self) -> &'static str {
        match self {
            Self::DropTags => "dropping tags by rule",
            Self::ReadManifests => "reading manifests",
            Self::MarkManifests => "looking for manifests out of reach",
            Self::DeleteManifests => "deleting manifests",
            Self::MarkBlobs => "looking for blobs out of reach",
            Self::UnlinkBlobs => "taking blobs out of repositories",
            Self::ReadNames => "reading which pictures are named",
            Self::MarkPictures => "looking for pictures that nothing names",
            Self::DeletePictures => "deleting pictures",
            Self::DeleteBytes => "deleting bytes that nobody has",
            Self::DeleteReports => "deleting reports on layers that nobody has",
            Self::Done => "done",
        }
    }
}

/// Where a run is; stored with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Position {
    stage: Stage,
    place: Place,
    /// Of what can name pictures, how many kinds are read.
    read: usize,
}

/// A run in a worker's hands.
struct Collection<'a> {
    app: &'a App,
    run: Run,
    at: Position,
    figures: CollectionFigures,
    /// Repositories looked at for tags to drop since the place was noted.
    unsaved: i64,
}

impl App {
    /// The job.
    pub(crate) async fn collect(
        self: &Arc<Self>,
        running: &Running<'_>,
        id: &RunId,
    ) -> Result<(), AppError> {
        let run = store::upkeep::find(&mut self.read().await?, id).await?;
        let Some(run) = run.filter(|run| run.ended_at.is_none()) else {
            return Ok(());
        };
        let mut work = Collection {
            app: self,
            at: serde_json::from_value(run.place.0.clone()).map_err(AppError::internal)?,
            figures: serde_json::from_value(run.figures.0.clone()).map_err(AppError::internal)?,
            unsaved: 0,
            run,
        };
        let mut shown = None;
        while work.at.stage != Stage::Done {
            let stage = work.at.stage;
            if shown != Some(stage) {
                let number = Stage::ALL.iter().position(|other| *other == stage);
                let done = i64::try_from(number.unwrap_or(0)).unwrap_or(0);
                let total = i64::try_from(Stage::ALL.len() - 1).unwrap_or(0);
                running.progress(done, total, stage.words()).await?;
                shown = Some(stage);
            }
            work.step().await?;
        }
        work.end().await
    }

    /// Returns whether a manifest is reached from a tag or a submission; where `grace` says so,
    /// also from a manifest whose own grace is not over.
    async fn is_reached(
        &self,
        tx: &mut Tx,
        held: &Held,
        cutoff: DateTime<Utc>,
        grace: bool,
    ) -> Result<bool, AppError> {
        let (repository, digest) = (&held.repository_id, &held.digest);
        let speaks = |keeper: &collection::Keeper| keeper.is_root() || grace && keeper.fresh > 0;
        if speaks(&collection::keeper(tx, repository, digest, cutoff).await?) {
            return Ok(true);
        }
        // Upwards, for few things have many keepers. There can be rings: an index may be about
        // one of its own manifests.
        let mut seen = HashSet::from([digest.clone()]);
        let mut above = vec![digest.clone()];
        while let Some(digest) = above.pop() {
            for keeper in collection::keepers(tx, repository, &digest, cutoff).await? {
                if speaks(&keeper) {
                    return Ok(true);
                }
                if seen.insert(keeper.digest.clone()) {
                    above.push(keeper.digest);
                }
            }
        }
        Ok(false)
    }
}

impl Collection<'_> {
    fn cutoff(&self) -> DateTime<Utc> {
        self.app.now() - self.app.config.upkeep.collect_grace
    }

    async fn step(&mut self) -> Result<(), AppError> {
        match self.at.stage {
            Stage::DropTags => self.drop_tags().await,
            Stage::ReadManifests => self.read_manifests().await,
            Stage::MarkManifests => self.mark_manifests().await,
            Stage::DeleteManifests => self.delete_manifests().await,
            Stage::MarkBlobs => self.mark_blobs().await,
            Stage::UnlinkBlobs => self.unlink_blobs().await,
            Stage::ReadNames => self.read_names().await,
            Stage::MarkPictures => self.mark_pictures().await,
            Stage::DeletePictures => self.delete_pictures().await,
            Stage::DeleteBytes => self.delete_bytes().await,
            Stage::DeleteReports => self.delete_reports().await,
            Stage::Done => Ok(()),
        }
    }

    /// Goes on behind the last of what a step looked at, or to the next stage behind everything.
    fn advance(&mut self, last: Option<&Held>) {
        match last {
            Some(last) => self.at.place = last.into(),
            None => {
                self.at = Position {
                    stage: self.at.stage.next(),
                    ..Position::default()
                }
            }
        }
    }

    /// Notes where the run is and what it did, in the transaction that did it.
    async fn save(&mut self, tx: &mut Tx) -> Result<(), AppError> {
        self.run.stage = self.at.stage.words().to_owned();
        self.run.place = serde_json::to_value(&self.at)
            .map_err(AppError::internal)?
            .into();
        self.run.figures = serde_json::to_value(self.figures)
            .map_err(AppError::internal)?
            .into();
        self.app.save_run(tx, &self.run).await
    }

    async fn save_alone(&mut self) -> Result<(), AppError> {
        let mut tx = self.app.begin().await?;
        self.save(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Begins a transaction that nobody changes what is reachable beside.
    async fn decide(&self) -> Result<Tx, AppError> {
        let mut tx = self.app.begin().await?;
        collection::decide(&mut tx).await?;
        Ok(tx)
    }

    /// Commits, and leaves others as much time as the transaction took.
    async fn commit(&mut self, mut tx: Tx, began: tokio::time::Instant) -> Result<(), AppError> {
        self.save(&mut tx).await?;
        tx.commit().await?;
        let rest = began.elapsed().min(Duration::from_millis(100));
        tokio::time::sleep(rest).await;
        Ok(())
    }

    async fn drop_tags(&mut self) -> Result<(), AppError> {
        let last = &self.at.place.repository;
        let mut tx = self.app.read().await?;
        let found = store::retention::staging_after(&mut tx, last, 1).await?;
        drop(tx);
        let Some(repository) = found.first() else {
            self.advance(None);
            return self.save_alone().await;
        };
        let mut tx = self.app.read().await?;
        let (rules, tags) = self.app.tags_to_drop(&mut tx, repository).await?;
        drop(tx);
        if self.run.dry_run {
            self.figures.tags += count(tags.len());
        } else {
            for few in tags.chunks(usize::try_from(DELETE).unwrap_or(1)) {
                let began = tokio::time::Instant::now();
                let mut tx = self.app.begin().await?;
                collection::enter(&mut tx).await?;
                let dropped = self.app.drop_tags(&mut tx, repository, (&rules, few));
                self.figures.tags += count(dropped.await?);
                self.commit(tx, began).await?;
            }
        }
        self.at.place.repository.clone_from(&repository.id);
        self.unsaved += 1;
        if self.unsaved < LOOK {
            // To look at a repository again does no harm.
            return Ok(());
        }
        self.unsaved = 0;
        self.save_alone().await
    }

    async fn read_manifests(&mut self) -> Result<(), AppError> {
        let unread = collection::unread(&mut self.app.read().await?, DELETE).await?;
        if unread.is_empty() {
            self.advance(None);
            return self.save_alone().await;
        }
        let mut tx = self.app.begin().await?;
        collection::enter(&mut tx).await?;
        for row in &unread {
            // What cannot be read might name anything, so nothing is collected then.
            let manifest = RawManifest::parse(row.content.clone(), Some(&row.media_type))
                .map_err(AppError::internal)?;
            let names = names_of(&manifest);
            collection::put_references(&mut tx, &row.repository_id, &row.digest, &names).await?;
        }
        self.save(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    async fn mark_manifests(&mut self) -> Result<(), AppError> {
        let (now, cutoff) = (self.app.now(), self.cutoff());
        let mut tx = self.app.read().await?;
        let found = collection::unrooted_manifests(&mut tx, &self.at.place, cutoff, LOOK).await?;
        let mut changed = Vec::new();
        for held in &found {
            let reached = self.app.is_reached(&mut tx, held, cutoff, false).await?;
            if reached == held.unreachable_since.is_some() {
                changed.push(held);
            }
        }
        drop(tx);
        if changed.is_empty() || self.run.dry_run {
            self.advance(found.last());
        }
        if self.run.dry_run {
            let lost = changed
                .iter()
                .filter(|held| held.unreachable_since.is_none());
            self.figures.waiting_manifests += count(lost.count());
            return self.save_alone().await;
        }
        if changed.is_empty() {
            return self.save_alone().await;
        }
        let chunks = changed.chunks(usize::try_from(DELETE).unwrap_or(1));
        let last_chunk = chunks.len() - 1;
        for (number, few) in chunks.enumerate() {
            let began = tokio::time::Instant::now();
            let mut tx = self.decide().await?;
            for held in few {
                let reached = self.app.is_reached(&mut tx, held, cutoff, false).await?;
                let since = (!reached).then_some(now);
                let (repository, digest) = (&held.repository_id, &held.digest);
                collection::mark_manifest(&mut tx, repository, digest, since).await?;
            }
            self.advance(match number == last_chunk {
                true => found.last(),
                false => few.last().copied(),
            });
            self.commit(tx, began).await?;
        }
        Ok(())
    }

    async fn delete_manifests(&mut self) -> Result<(), AppError> {
        let cutoff = self.cutoff();
        let mut tx = self.app.read().await?;
        let found = collection::overdue_manifests(&mut tx, &self.at.place, cutoff, DELETE).await?;
        drop(tx);
        self.advance(found.last());
        if found.is_empty() {
            return self.save_alone().await;
        }
        let began = tokio::time::Instant::now();
        let mut tx = self.decide().await?;
        for held in &found {
            if self.app.is_reached(&mut tx, held, cutoff, true).await? {
                continue;
            }
            if self.run.dry_run {
                self.figures.manifests += 1;
                continue;
            }
            let (repository, digest) = (&held.repository_id, &held.digest);
            let gone = collection::delete_manifest(&mut tx, repository, digest).await?;
            self.figures.manifests += i64::from(gone);
        }
        self.commit(tx, began).await
    }

    async fn mark_blobs(&mut self) -> Result<(), AppError> {
        let now = self.app.now();
        let mut tx = self.app.read().await?;
        let found = collection::unnamed_blobs(&mut tx, &self.at.place, LOOK).await?;
        drop(tx);
        self.advance(found.last());
        if self.run.dry_run {
            self.figures.waiting_links += count(found.len());
            self.figures.waiting_bytes += found.iter().map(|held| held.size).sum::<i64>();
        }
        if self.run.dry_run || found.is_empty() {
            return self.save_alone().await;
        }
        let began = tokio::time::Instant::now();
        let mut tx = self.decide().await?;
        for held in &found {
            collection::mark_blob(&mut tx, held, now).await?;
        }
        self.commit(tx, began).await
    }

    async fn unlink_blobs(&mut self) -> Result<(), AppError> {
        let cutoff = self.cutoff();
        let mut tx = self.app.read().await?;
        let found = collection::overdue_blobs(&mut tx, &self.at.place, cutoff, LOOK).await?;
        drop(tx);
        self.advance(found.last());
        if self.run.dry_run {
            self.figures.links += count(found.len());
        }
        if self.run.dry_run || found.is_empty() {
            return self.save_alone().await;
        }
        let began = tokio::time::Instant::now();
        let mut tx = self.decide().await?;
        for held in &found {
            let gone = collection::drop_overdue_blob(&mut tx, held, cutoff).await?;
            self.figures.links += i64::from(gone);
        }
        self.commit(tx, began).await
    }

    async fn end(mut self) -> Result<(), AppError> {
        let (now, cutoff) = (self.app.now(), self.cutoff());
        let mut tx = self.app.begin().await?;
        let (manifests, blobs) = collection::waiting(&mut tx, cutoff).await?;
        // A dry run found more of them, but marked none.
        self.figures.waiting_manifests += manifests.count;
        self.figures.waiting_links += blobs.count;
        self.figures.waiting_bytes += blobs.bytes;
        self.figures.waiting_pictures += store::assets::marked(&mut tx, cutoff).await?.1;
        self.run.ended_at = Some(now);
        self.save(&mut tx).await?;
        if !self.run.dry_run {
            let after = format!(
                "{} tags, {} manifests, {} pictures, {} blobs, {} bytes deleted",
                self.figures.tags,
                self.figures.manifests,
                self.figures.pictures,
                self.figures.blobs,
                self.figures.bytes
            );
            let change = Change {
                subject: self.run.id.as_str(),
                after: Some(&after),
                ..Change::default()
            };
            self.app
                .record(&mut tx, &Actor::system(), Action::KeepStorage, change)
                .await?;
        }
        Ok(tx.commit().await?)
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
