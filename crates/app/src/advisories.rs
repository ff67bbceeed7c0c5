//! The advisory database: opened, replaced, matched again with what is released.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use advisory::{
    database::{Builder, Database, Meta},
    health::{self, SourceHealth},
};
use chrono::{DateTime, SecondsFormat, Utc};
use market::{Action, Deadline, FindingState, deadline};
use store::{Tx, findings::Finding, images::ImageRow, products::Product, submissions::Submission};

use crate::{
    Actor, App, AppError,
    audit::Change,
    inspection::{ImageContent, blocking},
    jobs::{JobKind, Running},
};

/// The setting that holds the version everything released was last matched with.
const MATCHED: &str = "matched-advisories";

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
        store::settings::set(tx, MATCHED, version).await?;
        let database = version.to_owned();
        self.enqueue(tx, &JobKind::Rematch { database }).await
    }

    /// Has everything matched again whose advisories were replaced while nobody watched.
    pub(crate) async fn match_advisories_replaced_meanwhile(&self) -> Result<(), AppError> {
        let version = self.advisory_database().meta().version.clone();
        let mut tx = self.begin().await?;
        match store::settings::find(&mut tx, MATCHED).await? {
            Some(matched) if matched == version => return Ok(()),
            Some(_) => self.want_rematch(&mut tx, &version).await?,
            None => store::settings::set(&mut tx, MATCHED, &version).await?,
        }
        Ok(tx.commit().await?)
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

    /// The job: matches every product's newest release; no image is read for it.
    pub(crate) async fn rematch(self: &Arc<Self>, running: &Running<'_>) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let mut products = store::products::in_state(&mut tx, market::ListingState::Listed).await?;
        products.extend(store::products::in_state(&mut tx, market::ListingState::OnHold).await?);
        drop(tx);
        let total = i64::try_from(products.len()).unwrap_or(i64::MAX);
        for (done, product) in (0_i64..).zip(&products) {
            running
                .progress(done, total, "matching releases with new advisories")
                .await?;
            self.rematch_product(product).await?;
        }
        Ok(())
    }

    async fn rematch_product(self: &Arc<Self>, product: &Product) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let Some(release) = store::releases::newest(&mut tx, &product.id).await? else {
            return Ok(());
        };
        let submission = store::submissions::find(&mut tx, &release.submission_id).await?;
        let Some(submission) = submission else {
            return Ok(());
        };
        let known = store::findings::of_submission(&mut tx, &submission.id).await?;
        let images = store::images::of_submission(&mut tx, &submission.id).await?;
        drop(tx);
        let standing = {
            let app = Arc::clone(self);
            blocking(move || app.match_again(&submission, &images)).await??
        };
        let mut tx = self.begin().await?;
        let before: HashMap<_, _> = known.iter().map(|known| (key(known), known)).collect();
        for finding in &standing {
            self.renew(&mut tx, before.get(&key(finding)).copied(), finding)
                .await?;
        }
        let standing: HashSet<_> = standing.iter().map(key).collect();
        for known in known.iter().filter(|known| !standing.contains(&key(known))) {
            if known.state == FindingState::Open {
                store::findings::set_state(&mut tx, &known.id, FindingState::Fixed).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    fn match_again(
        &self,
        submission: &Submission,
        images: &[ImageRow],
    ) -> Result<Vec<Finding>, AppError> {
        let database = self.advisory_database();
        let mut standing = Vec::new();
        for row in images {
            let content = ImageContent::decode(&row.content)?;
            standing.extend(self.findings(submission, &row.digest, &content, &database)?);
        }
        Ok(standing)
    }

    /// Keeps what a new matching says. That a finding stands in the publisher's portal is the notice.
    async fn renew(
        &self,
        tx: &mut Tx,
        before: Option<&Finding>,
        finding: &Finding,
    ) -> Result<(), AppError> {
        let now = self.now();
        let due = |notified_at| match deadline(finding.class, notified_at) {
            Deadline::Due(due) => Some(due),
            Deadline::None | Deadline::NotNotified => None,
        };
        let Some(before) = before else {
            let finding = Finding {
                notified_at: Some(now),
                due_at: due(Some(now)),
                ..finding.clone()
            };
            return Ok(store::findings::upsert(tx, &finding).await?);
        };
        store::findings::upsert(tx, finding).await?;
        // What is worse than before, or back again, starts its own clock with the notice of
        // that; what is milder has the milder class's time from its first notice.
        if before.state != FindingState::Open || finding.class > before.class {
            store::findings::set_clock(tx, &before.id, now, due(Some(now))).await?;
        } else if let (true, Some(notified)) = (finding.class < before.class, before.notified_at) {
            store::findings::set_clock(tx, &before.id, notified, due(Some(notified))).await?;
        }
        Ok(())
    }
}

/// What makes two findings one: the same vulnerability of the same component of the same image.
fn key(finding: &Finding) -> (&str, &str, &str, &str) {
    (
        &finding.image,
        &finding.vulnerability,
        &finding.component,
        &finding.version,
    )
}
