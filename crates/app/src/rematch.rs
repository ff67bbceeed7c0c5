//! The job that follows new advisories: what they say differently is passed on to every image
//! that holds the package, by the index of components. No image and no inventory is read for it.
//!
//! Packages are matched page by page, each once however many images hold it. Of a page only
//! what differs from what was said before is kept in memory, and written; passing it on goes by
//! images, a bounded number in each transaction. What is said of a package is written with the
//! last of its images, so that a job that was cut short does it again.

mod index;
mod pass_on;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use advisory::{
    database::Database,
    matching::{self, Known, Matcher, RULES_VERSION},
};
use store::component_index::{self, Cursor, Package as PackageRow};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    App, AppError,
    findings::{Said, said_of},
    inspection::blocking,
    jobs::Running,
    own_advisories::OwnAdvisories,
    scan,
};

use pass_on::Writer;

/// The setting that holds what everything is matched with.
const MATCHED: &str = "matched-advisories";
/// Packages matched at once.
const PAGE: usize = 128;
/// Pages in work at once: one for each of the two cores that a small machine has.
const AT_ONCE: usize = 2;

/// What everything in the index was matched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matched {
    /// The version of the advisories.
    pub(crate) database: String,
    /// The version of the rules of matching.
    pub(crate) rules: u32,
}

impl Matched {
    /// Makes it of advisories and the rules in force.
    pub(crate) fn now(database: &str) -> Self {
        Self {
            database: database.to_owned(),
            rules: RULES_VERSION,
        }
    }

    fn parse(text: &str) -> Self {
        // Before the index there were no rules beside the version.
        let (database, rules) = text.split_once(' ').unwrap_or((text, "0"));
        Self {
            database: database.to_owned(),
            rules: rules.parse().unwrap_or(0),
        }
    }
}

impl std::fmt::Display for Matched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.database, self.rules)
    }
}

/// What is said of a package now that was not said before, or no longer.
#[derive(Debug)]
struct Difference {
    package: i64,
    /// New, or said in other words.
    said: Vec<Said>,
    /// Vulnerabilities that are gone, and why.
    gone: Vec<(String, String)>,
}

/// What is still to be matched.
enum Pages {
    /// These packages.
    Listed(Vec<i64>),
    /// All after this one.
    After(Cursor),
}

type Before = HashMap<i64, HashMap<String, String>>;

impl App {
    pub(crate) async fn matched_with(
        &self,
        tx: &mut store::Tx,
    ) -> Result<Option<Matched>, AppError> {
        let found = store::settings::find(tx, MATCHED).await?;
        Ok(found.map(|text| Matched::parse(&text)))
    }

    pub(crate) async fn keep_matched(
        &self,
        tx: &mut store::Tx,
        matched: &Matched,
    ) -> Result<(), AppError> {
        Ok(store::settings::set(tx, MATCHED, &matched.to_string()).await?)
    }

    /// The job.
    pub(crate) async fn rematch(self: &Arc<Self>, running: &Running<'_>) -> Result<(), AppError> {
        let database = self.advisory_database();
        let now = Matched::now(&database.meta().version);
        let before = self.matched_with(&mut self.read().await?).await?;
        let rules_changed = before.as_ref().is_none_or(|it| it.rules != now.rules);
        self.index_images(running, &database).await?;
        if rules_changed {
            self.renew_keys().await?;
        }
        let old = match before {
            Some(before) if !rules_changed => self.advisories_before(&before).await?,
            _ => None,
        };
        match old.filter(|old| old.meta().ecosystems == database.meta().ecosystems) {
            Some(old) => self.rematch_changed(running, old, &database).await?,
            None => self.rematch_all(running, &database).await?,
        }
        // Once all is known, so that a product's publisher has one notice of it.
        self.announce_all_promises().await?;
        let mut tx = self.begin().await?;
        self.keep_matched(&mut tx, &now).await?;
        tx.commit().await?;
        self.keep_advisories(&now.database).await
    }

    /// Matches the packages that two versions of the advisories may say different things of.
    async fn rematch_changed(
        self: &Arc<Self>,
        running: &Running<'_>,
        old: Arc<Database>,
        new: &Arc<Database>,
    ) -> Result<(), AppError> {
        let changed = {
            let new = Arc::clone(new);
            blocking(move || Database::changed_packages(&old, &new)).await?
        };
        let changed = changed.map_err(AppError::internal)?;
        let mut tx = self.read().await?;
        let total = component_index::count_packages(&mut tx).await?;
        if i64::try_from(changed.len()).is_ok_and(|changed| changed / 2 > total) {
            drop(tx);
            // One walk takes less than as many questions.
            return self.rematch_all(running, new).await;
        }
        let mut packages = BTreeSet::new();
        for (ecosystem, name) in &changed {
            packages.extend(component_index::packages_under(&mut tx, ecosystem, name).await?);
        }
        drop(tx);
        let packages: Vec<i64> = packages.into_iter().collect();
        let total = packages.len();
        self.rematch_pages(running, new, Pages::Listed(packages), total)
            .await
    }

    /// Matches every package that any statement may concern.
    async fn rematch_all(
        self: &Arc<Self>,
        running: &Running<'_>,
        database: &Arc<Database>,
    ) -> Result<(), AppError> {
        let total = component_index::count_packages(&mut self.read().await?).await?;
        let total = usize::try_from(total).unwrap_or_default();
        let pages = Pages::After(Cursor::default());
        self.rematch_pages(running, database, pages, total).await
    }

    async fn rematch_pages(
        self: &Arc<Self>,
        running: &Running<'_>,
        database: &Arc<Database>,
        mut pages: Pages,
        total: usize,
    ) -> Result<(), AppError> {
        let mut writer = Writer::new(Arc::clone(self), database.meta().version.clone());
        let (mut done, mut told) = (0, tokio::time::Instant::now());
        let mut in_work = VecDeque::new();
        loop {
            while in_work.len() < AT_ONCE
                && let Some(page) = self.next_page(&mut pages).await?
            {
                let compared = Arc::clone(self).compare(page, Arc::clone(database));
                in_work.push_back(AbortOnDropHandle::new(tokio::spawn(compared)));
            }
            let Some(compared) = in_work.pop_front() else {
                return writer.flush().await;
            };
            let (packages, differences) = compared.await.map_err(AppError::internal)??;
            for difference in &differences {
                writer.pass_on(difference).await?;
            }
            done += packages;
            if told.elapsed() >= Duration::from_secs(1) {
                writer.flush().await?;
                let steps = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
                let note = "matching packages with new advisories";
                running.progress(steps(done), steps(total), note).await?;
                told = tokio::time::Instant::now();
            }
        }
    }

    /// Matches these packages with what is known now.
    pub(crate) async fn rematch_listed(
        self: &Arc<Self>,
        running: &Running<'_>,
        packages: Vec<i64>,
    ) -> Result<(), AppError> {
        let (database, total) = (self.advisory_database(), packages.len());
        self.rematch_pages(running, &database, Pages::Listed(packages), total)
            .await
    }

    async fn next_page(&self, pages: &mut Pages) -> Result<Option<Vec<PackageRow>>, AppError> {
        let mut tx = self.read().await?;
        match pages {
            Pages::Listed(ids) if ids.is_empty() => Ok(None),
            Pages::Listed(ids) => {
                let page = ids.split_off(ids.len().saturating_sub(PAGE));
                Ok(Some(component_index::packages(&mut tx, &page).await?))
            }
            Pages::After(cursor) => {
                let limit = PAGE as i64;
                let (page, next) = component_index::packages_by_key(&mut tx, cursor, limit).await?;
                let Some(next) = next else { return Ok(None) };
                *cursor = next;
                Ok(Some(page))
            }
        }
    }

    /// Matches a page of packages, and returns how many there were and what is said otherwise.
    async fn compare(
        self: Arc<Self>,
        page: Vec<PackageRow>,
        database: Arc<Database>,
    ) -> Result<(usize, Vec<Difference>), AppError> {
        let ids: Vec<i64> = page.iter().map(|package| package.id).collect();
        let mut before = Before::new();
        let mut tx = self.read().await?;
        let own = OwnAdvisories::read(&mut tx).await?;
        for said in component_index::said(&mut tx, &ids).await? {
            let of_package = before.entry(said.package_id).or_default();
            of_package.insert(said.vulnerability, said.fingerprint);
        }
        drop(tx);
        blocking(move || {
            let (packages, matcher) = (page.len(), Matcher::new(&database));
            let differences = page.into_iter().map(|package| {
                let before = before.remove(&package.id).unwrap_or_default();
                difference((&*database, &own), &matcher, package, before)
            });
            let differences: Result<Vec<_>, AppError> = differences.collect();
            let differences = differences?.into_iter().flatten().collect();
            Ok((packages, differences))
        })
        .await?
    }

    /// Opens the advisories that everything was matched with last, if they are still there.
    async fn advisories_before(
        &self,
        matched: &Matched,
    ) -> Result<Option<Arc<Database>>, AppError> {
        let file = matched_file(&self.config.advisories_file);
        let opened = blocking(move || Database::open(&file)).await?.ok();
        let same = opened.filter(|database| database.meta().version == matched.database);
        Ok(same.map(Arc::new))
    }

    /// Keeps the advisories' file under another name, to compare the next ones with it.
    pub(crate) async fn keep_advisories(&self, version: &str) -> Result<(), AppError> {
        let (file, version) = (self.config.advisories_file.clone(), version.to_owned());
        let kept = blocking(move || keep(&file, &version)).await?;
        if let Err(error) = kept {
            tracing::warn!(%error, "the advisories cannot be kept for comparison; the next ones are matched with everything");
        }
        Ok(())
    }
}

/// Where the advisories stay that everything was matched with.
fn matched_file(file: &Path) -> PathBuf {
    file.with_extension("matched")
}

/// Links the file, which takes no room until it is replaced; where that cannot be, copies it.
fn keep(file: &Path, version: &str) -> std::io::Result<()> {
    let kept = matched_file(file);
    let is_it = |path: &Path| Database::open(path).is_ok_and(|it| it.meta().version == version);
    if is_it(&kept) {
        return Ok(());
    }
    let new = file.with_extension("matched-new");
    if new.exists() {
        std::fs::remove_file(&new)?;
    }
    if std::fs::hard_link(file, &new).is_err() {
        std::fs::copy(file, &new)?;
    }
    match is_it(&new) {
        true => std::fs::rename(&new, &kept),
        // It was replaced again meanwhile, and the next job is for that.
        false => std::fs::remove_file(&new),
    }
}

/// Returns how what is said of a package differs from what was said before, if it does.
fn difference(
    (database, own): (&Database, &OwnAdvisories),
    matcher: &Matcher<'_>,
    row: PackageRow,
    mut before: HashMap<String, String>,
) -> Result<Option<Difference>, AppError> {
    let package = scan::kept_package(row.package.0)?;
    let mut said = own.overrule(matcher, &package, said_of(matcher, &package)?)?;
    said.retain(|said| before.remove(&said.vulnerability).as_ref() != Some(&said.fingerprint));
    let gone: Vec<Known> = before
        .into_keys()
        .map(|vulnerability| Known {
            vulnerability,
            package: package.clone(),
        })
        .collect();
    if said.is_empty() && gone.is_empty() {
        return Ok(None);
    }
    let gone = matching::gone(database, &gone, std::slice::from_ref(&package), &[])
        .map_err(AppError::internal)?;
    let gone = gone.into_iter().map(|gone| {
        let vulnerability = gone.finding.vulnerability;
        let why = own.why_gone(&vulnerability).unwrap_or(gone.why);
        (vulnerability, why)
    });
    Ok(Some(Difference {
        package: row.id,
        said,
        gone: gone.collect(),
    }))
}
