//! The advisory database: opened, replaced, taken over.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use advisory::{
    database::{Builder, Database, Meta},
    health::{self, SourceHealth},
};
use chrono::{DateTime, SecondsFormat, Utc};
use market::Action;
use store::Tx;

use crate::{
    Actor, App, AppError, audit::Change, inspection::blocking, jobs::JobKind, rematch::Matched,
};

/// The advisory database in words.
#[derive(Debug, Clone)]
pub struct AdvisoryStatus {
    /// What it is made of.
    pub meta: Meta,
    /// Where it stands.
    pub file: PathBuf,
    /// How each feed of the last update fares; nothing where it was compiled from files.
    pub health: Vec<SourceHealth>,
}

/// Opens the database, or makes one of the starter set where there is none.
pub(crate) async fn open_or_make(file: &Path, now: DateTime<Utc>) -> Result<Database, AppError> {
    let file = file.to_owned();
    let work = move || {
        if !file.exists() {
            let mut builder = Builder::new(&file).map_err(AppError::internal)?;
            builder.add_starter().map_err(AppError::internal)?;
            builder
                .finish(&now.to_rfc3339_opts(SecondsFormat::Secs, true))
                .map_err(AppError::internal)?;
        }
        Database::open(&file).map_err(AppError::internal)
    };
    blocking(work).await?
}

impl App {
    /// Returns what the advisory database is made of.
    pub fn advisory_status(&self) -> AdvisoryStatus {
        AdvisoryStatus {
            meta: self.advisory_database().meta().clone(),
            file: self.config.advisories_file.clone(),
            health: health::load(&self.config.advisories_file),
        }
    }

    /// Opens the database file again after it was replaced, and has everything released matched with it.
    ///
    /// # Errors
    /// The file cannot be opened, or the asker may not.
    pub async fn reload_advisories(&self, actor: &Actor) -> Result<AdvisoryStatus, AppError> {
        self.authorize(
            &mut self.read().await?,
            actor,
            Action::UpdateAdvisories,
            None,
        )
        .await?;
        let file = self.config.advisories_file.clone();
        let opened = blocking(move || Database::open(&file)).await?;
        let database = opened.map_err(|error| AppError::Conflict(error.to_string()))?;
        self.adopt(actor, database).await?;
        Ok(self.advisory_status())
    }

    /// Takes a database into use and has everything released matched with it.
    async fn adopt(&self, actor: &Actor, database: Database) -> Result<(), AppError> {
        let database = Arc::new(database);
        let mut tx = self.begin().await?;
        let before = self.advisory_database().meta().version.clone();
        let after = database.meta().version.clone();
        let change = Change {
            subject: "advisories",
            before: Some(&before),
            after: Some(&after),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::UpdateAdvisories, change)
            .await?;
        self.want_rematch(&mut tx, &after).await?;
        // Before the job can be claimed, so that nobody matches with the old one.
        *self
            .advisories
            .write()
            .expect("nobody panics while holding the advisories") = database;
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(())
    }

    async fn want_rematch(&self, tx: &mut Tx, version: &str) -> Result<(), AppError> {
        let database = version.to_owned();
        self.enqueue(tx, &JobKind::Rematch { database }).await
    }

    /// Has everything matched again whose advisories were replaced while nobody watched, or
    /// that was matched by other rules.
    pub(crate) async fn match_advisories_replaced_meanwhile(&self) -> Result<(), AppError> {
        let version = self.advisory_database().meta().version.clone();
        let mut tx = self.begin().await?;
        match self.matched_with(&mut tx).await? {
            Some(matched) if matched == Matched::now(&version) => {}
            None if !store::component_index::any_image(&mut tx).await? => {
                self.keep_matched(&mut tx, &Matched::now(&version)).await?;
            }
            _ => {
                self.want_rematch(&mut tx, &version).await?;
                return Ok(tx.commit().await?);
            }
        }
        tx.commit().await?;
        self.keep_advisories(&version).await
    }

    /// Takes over a database file that somebody else replaced, such as the command line beside the server.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub async fn take_over_new_advisories(&self) -> Result<bool, AppError> {
        let file = self.config.advisories_file.clone();
        let opened = blocking(move || Database::open(&file)).await?;
        let found = opened.map_err(AppError::internal)?;
        if found.meta().version == self.advisory_database().meta().version {
            return Ok(false);
        }
        self.adopt(&Actor::system(), found).await?;
        Ok(true)
    }
}
