//! Quotas: how much a publisher's staging repositories may take. Each blob and each manifest
//! counts once, however many of the publisher's staging repositories have it, and so does all
//! trust metadata. Released images do not count: they are kept for ever, which the publisher cannot change.

use market::Action;
use oci::RepoName;
use serde::Serialize;
use store::{Part, quotas::Usage};

use crate::{Actor, App, AppError, audit::Change};

/// From so many hundredths of the quota on, pushes carry a warning.
const WARN_AT: i64 = 90;

/// What a publisher takes and may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublisherStorage {
    /// The publisher's short name.
    pub publisher: String,
    /// Bytes of blobs and manifests in its staging repositories, each counted once, and of their
    /// trust metadata.
    pub used_bytes: i64,
    /// What it may take; none for no limit.
    pub quota_bytes: Option<i64>,
    /// Whether the operator set this for the publisher, or it is the configured one.
    pub is_own_quota: bool,
}

impl PublisherStorage {
    /// Returns how full it is, in hundredths; none where there is no limit.
    pub fn percent(&self) -> Option<i64> {
        let quota = self.quota_bytes?;
        Some(percent(self.used_bytes, quota))
    }

    /// Returns whether pushes carry a warning.
    pub fn is_tight(&self) -> bool {
        self.percent().is_some_and(|percent| percent >= WARN_AT)
    }
}

fn percent(used: i64, quota: i64) -> i64 {
    let hundredths = i128::from(used) * 100 / i128::from(quota.max(1));
    i64::try_from(hundredths).unwrap_or(i64::MAX)
}

/// Why a push was refused: the publisher's staging repositories are full.
pub(crate) fn full(used: i64, quota: i64) -> String {
    format!(
        "the publisher's staging repositories would take {used} of {quota} bytes allowed: \
         delete tags and manifests that are no longer needed, which is counted after the next \
         collections, or trust metadata, or ask the operator for more"
    )
}

impl App {
    /// Returns the limit that counts; none where there is none.
    pub(crate) fn limit(&self, usage: &Usage) -> Option<i64> {
        let configured = self.config.upkeep.publisher_quota;
        usage
            .quota_bytes
            .or_else(|| i64::try_from(configured).ok())
            .filter(|quota| *quota > 0)
    }

    /// Returns the words of the warning that a push into `repository` carries, where it is nearly full.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn storage_warning(&self, repository: &RepoName) -> Result<Option<String>, AppError> {
        let mut tx = self.read().await?;
        let Some(publisher) = self.publisher_of(&mut tx, repository).await? else {
            return Ok(None);
        };
        let usage = store::quotas::usage(&mut tx, &publisher).await?;
        Ok(self.limit(&usage).and_then(|quota| {
            let percent = percent(usage.used_bytes, quota);
            (percent >= WARN_AT).then(|| {
                format!(
                    "the publisher's staging repositories take {} of {quota} bytes allowed ({percent} %)",
                    usage.used_bytes
                )
            })
        }))
    }

    /// Returns what a publisher takes and may take.
    ///
    /// # Errors
    /// There is none that the asker may look into.
    pub async fn publisher_storage(
        &self,
        actor: &Actor,
        slug: &str,
    ) -> Result<PublisherStorage, AppError> {
        let mut tx = self.read().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::PullStaging)
            .await?;
        let usage = store::quotas::usage(&mut tx, &publisher.id).await?;
        Ok(self.storage(slug, usage))
    }

    /// Returns what every publisher takes and may take.
    ///
    /// # Errors
    /// The asker is not the operator.
    pub async fn all_publisher_storage(
        &self,
        actor: &Actor,
        part: Part<'_>,
    ) -> Result<Vec<PublisherStorage>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        let rows = store::quotas::all(&mut tx, part).await?;
        let view = |(slug, used_bytes, quota_bytes): (String, _, _)| {
            let usage = Usage {
                used_bytes,
                quota_bytes,
            };
            self.storage(&slug, usage)
        };
        Ok(rows.into_iter().map(view).collect())
    }

    fn storage(&self, slug: &str, usage: Usage) -> PublisherStorage {
        PublisherStorage {
            publisher: slug.to_owned(),
            used_bytes: usage.used_bytes,
            quota_bytes: self.limit(&usage),
            is_own_quota: usage.quota_bytes.is_some(),
        }
    }

    /// Sets what a publisher may take: bytes, 0 for no limit, or `None` for the configured quota.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is not the operator.
    pub async fn set_publisher_quota(
        &self,
        actor: &Actor,
        slug: &str,
        quota: Option<u64>,
    ) -> Result<PublisherStorage, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        let publisher = store::publishers::find_by_slug(&mut tx, slug)
            .await?
            .ok_or_else(|| AppError::not_found("publisher", slug))?;
        let quota = quota
            .map(i64::try_from)
            .transpose()
            .map_err(|_beyond| AppError::invalid("quota", "it is larger than any store"))?;
        let before = store::quotas::usage(&mut tx, &publisher.id).await?;
        store::quotas::set_quota(&mut tx, &publisher.id, quota).await?;
        let words = |quota: Option<i64>| match quota {
            None => "quota as configured".to_owned(),
            Some(0) => "no quota".to_owned(),
            Some(bytes) => format!("quota of {bytes} bytes"),
        };
        let (was, is) = (words(before.quota_bytes), words(quota));
        let change = Change {
            subject: publisher.id.as_str(),
            before: Some(&was),
            after: Some(&is),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::KeepStorage, change)
            .await?;
        let after = store::quotas::usage(&mut tx, &publisher.id).await?;
        tx.commit().await?;
        Ok(self.storage(slug, after))
    }
}
