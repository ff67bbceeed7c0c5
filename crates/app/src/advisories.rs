//! The advisory database: opened, replaced, taken over.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use advisory::{
    database::{Builder, Database, Meta, Source},
    health::{self, SourceHealth},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use market::{Action, NoticeKind};
use store::Tx;

use crate::{
    Actor, App, AppError, audit::Change, inspection::blocking, jobs::JobKind, notices::News,
    rematch::Matched,
};

/// The advisory database in words.
#[derive(Debug, Clone)]
pub struct AdvisoryStatus {
    /// What it is made of.
    pub meta: Meta,
    /// Where it stands.
    pub file: PathBuf,
    /// The feeds: those in it, then those that could never be had.
    pub feeds: Vec<AdvisoryFeed>,
}

/// A feed of the advisory database, or one that was configured for it.
#[derive(Debug, Clone)]
pub struct AdvisoryFeed {
    /// What the database has of it.
    pub source: Source,
    /// How it fared at the last update; nothing where it was compiled from a file.
    pub health: Option<SourceHealth>,
}

/// Advisories that are older say little of what is known today.
const OLD_AFTER: TimeDelta = TimeDelta::days(7);
/// Clocks that are set by the network differ by less.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// Says that a database was compiled later than `now`, if it was.
pub fn from_the_future(meta: &Meta, now: DateTime<Utc>) -> Option<String> {
    let is_later = compiled_at(meta)? > now + CLOCKS_DIFFER;
    is_later.then(|| {
        format!(
            "the advisories were compiled in the future, at {}: check the clock of this machine and of the one that compiled them",
            meta.created_at
        )
    })
}

fn compiled_at(meta: &Meta) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(&meta.created_at).ok()?;
    Some(at.to_utc())
}

impl AdvisoryStatus {
    /// Returns when the database was compiled, if it says so.
    pub fn compiled_at(&self) -> Option<DateTime<Utc>> {
        compiled_at(&self.meta)
    }

    /// Says what is wrong with its age, if something is.
    pub fn trouble(&self, now: DateTime<Utc>) -> Option<String> {
        let age = now - self.compiled_at()?;
        if age > OLD_AFTER {
            return Some(format!("they are {} days old", age.num_days()));
        }
        from_the_future(&self.meta, now)
    }
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
        let meta = self.advisory_database().meta().clone();
        let mut health = health::load(&self.config.advisories_file);
        let mut feeds = Vec::new();
        for source in meta.sources.clone() {
            let known = health.iter().position(|known| known.name == source.name);
            let health = known.map(|at| health.remove(at));
            feeds.push(AdvisoryFeed { source, health });
        }
        feeds.extend(health.into_iter().map(|health| AdvisoryFeed {
            source: Source {
                name: health.name.clone(),
                ..Source::default()
            },
            health: Some(health),
        }));
        AdvisoryStatus {
            meta,
            file: self.config.advisories_file.clone(),
            feeds,
        }
    }

    /// Tells the operators of each feed that cannot be had any more, and where all advisories
    /// are old; once for each cause.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn tell_of_advisories(&self) -> Result<(), AppError> {
        let status = self.advisory_status();
        let mut troubles = Vec::new();
        if let Some(trouble) = status.trouble(self.now()) {
            troubles.push((
                format!("advisories:{}", status.meta.created_at),
                "The advisories are not of today".to_owned(),
                format!("New vulnerabilities may go unnoticed: the advisories were compiled at {}, {trouble}.", status.meta.created_at),
            ));
        }
        for health in status.feeds.iter().filter_map(|feed| feed.health.as_ref()) {
            let Some(error) = &health.error else { continue };
            let since = health.last_success.as_deref().unwrap_or("never");
            troubles.push((
                format!("feed:{}:{since}", health.name),
                format!("The advisory feed {} cannot be had", health.name),
                format!(
                    "The last update could not have the advisory feed {}; what was had of it before stays in use. It was had last: {since}.\n\n{error}",
                    health.name
                ),
            ));
        }
        if troubles.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let operators = store::notices::operators(&mut tx).await?;
        for (cause, title, body) in troubles {
            let news = News {
                kind: NoticeKind::Advisories,
                cause,
                title,
                body,
                path: "/operator",
                product: None,
            };
            self.tell(&mut tx, &operators, &news).await?;
        }
        Ok(tx.commit().await?)
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
