//! Pictures that nothing names: all that can name one is read, what was not met is marked, and
//! what is marked for a grace goes. Its bytes go after it, as those of blobs do.

use store::assets::{self, Naming};

use super::{Collection, DELETE, LOOK};
use crate::AppError;

impl Collection<'_> {
    /// Reads on; a dry run, too, notes what is named.
    pub(super) async fn read_names(&mut self) -> Result<(), AppError> {
        let Some(naming) = Naming::ALL.get(self.at.read) else {
            self.advance(None);
            return self.save_alone().await;
        };
        let mut tx = self.app.read().await?;
        let texts = assets::texts(&mut tx, *naming, &self.at.place.digest, DELETE).await?;
        drop(tx);
        let Some((last, _)) = texts.last() else {
            self.at.read += 1;
            self.at.place.digest.clear();
            return Ok(());
        };
        self.at.place.digest.clone_from(last);
        let began = tokio::time::Instant::now();
        let mut tx = self.decide().await?;
        assets::note_named(&mut tx, &self.run.id, &texts).await?;
        self.commit(tx, began).await
    }

    pub(super) async fn mark_pictures(&mut self) -> Result<(), AppError> {
        if self.run.dry_run {
            let mut tx = self.app.read().await?;
            self.figures.waiting_pictures = assets::count_unnamed(&mut tx, &self.run.id).await?;
            drop(tx);
            self.advance(None);
            return self.save_alone().await;
        }
        let now = self.app.now();
        let began = tokio::time::Instant::now();
        let mut tx = self.decide().await?;
        if assets::mark_unnamed(&mut tx, &self.run.id, now, LOOK).await? == 0 {
            self.advance(None);
        }
        self.commit(tx, began).await
    }

    pub(super) async fn delete_pictures(&mut self) -> Result<(), AppError> {
        let cutoff = self.cutoff();
        if self.run.dry_run {
            let mut tx = self.app.read().await?;
            self.figures.pictures = assets::marked(&mut tx, cutoff).await?.0;
            drop(tx);
            self.advance(None);
            return self.save_alone().await;
        }
        let began = tokio::time::Instant::now();
        let mut tx = self.decide().await?;
        let gone = assets::delete_overdue(&mut tx, cutoff, LOOK).await?;
        self.figures.pictures += i64::try_from(gone).unwrap_or(i64::MAX);
        if gone == 0 {
            self.advance(None);
        }
        self.commit(tx, began).await
    }
}
