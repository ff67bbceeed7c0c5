//! The advisory database: opened, replaced, matched again with what is released.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use advisory::database::{Builder, Database, Meta};
use chrono::{DateTime, SecondsFormat, Utc};
use market::{Action, Deadline, FindingState, deadline};
use store::{Tx, findings::Finding, submissions::Submission};

use crate::{
    Actor, App, AppError,
    audit::Change,
    inspection::ImageContent,
    jobs::{JobKind, Running},
    scan::match_inventory,
};

/// The advisory database in words.
#[derive(Debug, Clone)]
pub struct AdvisoryStatus {
    /// What it is made of.
    pub meta: Meta,
    /// Where it stands.
    pub file: PathBuf,
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
    tokio::task::spawn_blocking(work)
        .await
        .map_err(AppError::internal)?
}

impl App {
    /// Returns what the advisory database is made of.
    pub fn advisory_status(&self) -> AdvisoryStatus {
        AdvisoryStatus {
            meta: self.advisory_database().meta().clone(),
            file: self.config.advisories_file.clone(),
        }
    }

    /// Opens the database file again after it was replaced, and has everything released matched with it.
    ///
    /// # Errors
    /// The file cannot be opened, or the asker may not.
    pub async fn reload_advisories(&self, actor: &Actor) -> Result<AdvisoryStatus, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::UpdateAdvisories, None)
            .await?;
        let file = self.config.advisories_file.clone();
        let opened = tokio::task::spawn_blocking(move || Database::open(&file))
            .await
            .map_err(AppError::internal)?;
        let database = Arc::new(opened.map_err(|error| AppError::Conflict(error.to_string()))?);
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
        self.enqueue(
            &mut tx,
            &JobKind::Rematch {
                database: after.clone(),
            },
        )
        .await?;
        tx.commit().await?;
        *self
            .advisories
            .write()
            .expect("nobody panics while holding the advisories") = database;
        self.job_added.notify_one();
        Ok(self.advisory_status())
    }

    /// Takes over a database file that somebody else replaced, such as the command line beside the server.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub async fn take_over_new_advisories(&self) -> Result<bool, AppError> {
        let file = self.config.advisories_file.clone();
        let opened = tokio::task::spawn_blocking(move || Database::open(&file))
            .await
            .map_err(AppError::internal)?;
        let found = opened.map_err(AppError::internal)?;
        if found.meta().version == self.advisory_database().meta().version {
            return Ok(false);
        }
        self.reload_advisories(&Actor::system()).await?;
        Ok(true)
    }

    /// The job: matches every product's newest release; no image is read for it.
    pub(crate) async fn rematch(&self, running: &Running<'_>) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let mut products = store::products::in_state(&mut tx, market::ListingState::Listed).await?;
        products.extend(store::products::in_state(&mut tx, market::ListingState::OnHold).await?);
        drop(tx);
        let total = i64::try_from(products.len()).unwrap_or(i64::MAX);
        for (done, product) in (0_i64..).zip(&products) {
            running
                .progress(done, total, "matching releases with new advisories")
                .await?;
            let mut tx = self.begin().await?;
            if let Some(release) = store::releases::of_product(&mut tx, &product.id)
                .await?
                .into_iter()
                .next()
                && let Some(submission) =
                    store::submissions::find(&mut tx, &release.submission_id).await?
            {
                self.rematch_submission(&mut tx, &submission).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn rematch_submission(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<(), AppError> {
        let database = self.advisory_database();
        let known = store::findings::of_submission(tx, &submission.id).await?;
        let mut standing = Vec::new();
        for row in store::images::of_submission(tx, &submission.id).await? {
            let content = ImageContent::decode(&row.content)?;
            let scan =
                match_inventory(&content.inventory, &database).map_err(AppError::internal)?;
            for found in &scan.findings {
                let mut finding = self.finding(submission, &row.digest, found)?;
                // The finding stands in the publisher's portal from now on: that is the notice.
                finding.notified_at = Some(self.now());
                if let Deadline::Due(due) = deadline(finding.class, finding.notified_at) {
                    finding.due_at = Some(due);
                }
                let before = known.iter().find(|known| same(known, &finding));
                store::findings::upsert(tx, &finding).await?;
                // A higher class starts its own clock with the notice of the change.
                if let Some(before) = before.filter(|before| finding.class > before.class) {
                    store::findings::set_clock(tx, &before.id, self.now(), finding.due_at).await?;
                }
                standing.push(finding);
            }
        }
        for finding in known {
            if !standing.iter().any(|standing| same(standing, &finding)) {
                store::findings::set_state(tx, &finding.id, FindingState::Fixed).await?;
            }
        }
        Ok(())
    }
}

/// Whether two findings are about the same vulnerability of the same component of the same image.
fn same(a: &Finding, b: &Finding) -> bool {
    (&a.image, &a.vulnerability, &a.component, &a.version)
        == (&b.image, &b.vulnerability, &b.component, &b.version)
}
