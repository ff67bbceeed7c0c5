//! Retention: tags of staging repositories that are dropped by rule, before each collection.
//!
//! Only tags go; what they named is then collected like anything else that nothing reaches.
//! What a submission under way holds is never touched, and released repositories have no rules.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use market::{Action, PublisherId, RetentionRules, StagedTag, beside};
use oci::RepoName;
use serde::Serialize;
use store::{
    Tx,
    retention::{Staging, TagRow},
};

use crate::{Actor, App, AppError, audit::Change};

/// Where the operator's rules stand among the settings.
const DEFAULT: &str = "retention";
/// Tags that a preview shows, and that an audit record names, at most.
const MOST_SHOWN: usize = 1_000;
const MOST_NAMED: usize = 20;
/// Pulled tags remembered before all are forgotten.
const MOST_REMEMBERED: usize = 10_000;

/// A publisher's rules for its staging repositories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// The rules in force.
    pub rules: RetentionRules,
    /// Whether they are the publisher's own, or the operator's for all.
    pub is_own: bool,
    /// Whether the asker may change them.
    pub may_change: bool,
}

/// A tag that rules drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DroppedTag {
    /// The repository's name.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// What it names.
    pub digest: String,
    /// When it was set.
    pub updated_at: DateTime<Utc>,
}

/// When staged tags were pulled, so that each is noted once a day only.
#[derive(Debug, Default)]
pub(crate) struct TagPulls(Mutex<HashMap<(String, String), DateTime<Utc>>>);

impl TagPulls {
    /// Returns whether a pull is the first of its day, as far as this process knows.
    fn is_news(&self, repository: &str, tag: &str, now: DateTime<Utc>) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST_REMEMBERED {
            noted.clear();
        }
        let last = noted.insert((repository.to_owned(), tag.to_owned()), now);
        match last {
            Some(last) if now - last < TimeDelta::days(1) => {
                noted.insert((repository.to_owned(), tag.to_owned()), last);
                false
            }
            _ => true,
        }
    }
}

impl App {
    /// Returns a publisher's rules.
    ///
    /// # Errors
    /// There is no publisher that the asker may look into.
    pub async fn retention(&self, actor: &Actor, slug: &str) -> Result<Retention, AppError> {
        let mut tx = self.read().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::PullStaging)
            .await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let own = store::retention::find(&mut tx, &publisher.id).await?;
        Ok(Retention {
            is_own: own.is_some(),
            may_change: crate::actor::check(actor, Action::ManageRetention, &roles).is_ok(),
            rules: match own {
                Some(own) => own,
                None => default_rules(&mut tx).await?,
            },
        })
    }

    /// Sets a publisher's own rules; `None` leaves it to the operator's.
    ///
    /// # Errors
    /// They make no sense, there is no such publisher, or the asker may not.
    pub async fn set_retention(
        &self,
        actor: &Actor,
        slug: &str,
        rules: Option<&RetentionRules>,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::ManageRetention)
            .await?;
        check_rules(rules)?;
        let before = store::retention::find(&mut tx, &publisher.id).await?;
        store::retention::set(&mut tx, &publisher.id, rules).await?;
        let (before, after) = (words(before.as_ref())?, words(rules)?);
        let change = Change {
            subject: publisher.id.as_str(),
            before: Some(&before),
            after: Some(&after),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManageRetention, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns the rules of publishers that have none of their own.
    ///
    /// # Errors
    /// The asker is not the operator.
    pub async fn default_retention(&self, actor: &Actor) -> Result<RetentionRules, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        default_rules(&mut tx).await
    }

    /// Sets the rules of publishers that have none of their own.
    ///
    /// # Errors
    /// They make no sense, or the asker is not the operator.
    pub async fn set_default_retention(
        &self,
        actor: &Actor,
        rules: &RetentionRules,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        check_rules(Some(rules))?;
        let before = words(Some(&default_rules(&mut tx).await?))?;
        let after = words(Some(rules))?;
        store::settings::set(&mut tx, DEFAULT, &after).await?;
        let change = Change {
            subject: DEFAULT,
            before: Some(&before),
            after: Some(&after),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::KeepStorage, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns the tags that the next collection drops; by `rules` instead of those in force,
    /// where some are given.
    ///
    /// # Errors
    /// The rules make no sense, or there is no publisher that the asker may look into.
    pub async fn preview_retention(
        &self,
        actor: &Actor,
        slug: &str,
        rules: Option<&RetentionRules>,
    ) -> Result<Vec<DroppedTag>, AppError> {
        check_rules(rules)?;
        let rules = match rules {
            Some(rules) => rules.clone(),
            None => self.retention(actor, slug).await?.rules,
        };
        let mut tx = self.read().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::PullStaging)
            .await?;
        let mut shown = Vec::new();
        for repository in store::repositories::of_publisher(&mut tx, &publisher.id).await? {
            if !repository.name.starts_with("staging/") {
                continue;
            }
            let staging = Staging {
                id: repository.id.to_string(),
                name: repository.name,
                publisher_id: repository.publisher_id,
            };
            let dropped = dropped_tags(&mut tx, &staging, &rules, self.now()).await?;
            shown.extend(dropped.into_iter().map(|tag| DroppedTag {
                repository: staging.name.clone(),
                tag: tag.name,
                digest: tag.digest,
                updated_at: tag.updated_at,
            }));
        }
        shown.truncate(MOST_SHOWN);
        Ok(shown)
    }

    /// Returns what the rules in force drop of one repository, and the rules.
    pub(super) async fn tags_to_drop(
        &self,
        tx: &mut Tx,
        repository: &Staging,
    ) -> Result<(RetentionRules, Vec<TagRow>), AppError> {
        let rules = rules_in_force(tx, &repository.publisher_id).await?;
        let dropped = dropped_tags(tx, repository, &rules, self.now()).await?;
        Ok((rules, dropped))
    }

    /// Drops tags that these rules drop; gives how many went.
    pub(super) async fn drop_tags(
        &self,
        tx: &mut Tx,
        repository: &Staging,
        (rules, tags): (&RetentionRules, &[TagRow]),
    ) -> Result<usize, AppError> {
        let mut names = Vec::new();
        for tag in tags {
            if store::retention::drop_tag(tx, repository, tag).await? {
                names.push(tag.name.as_str());
            }
        }
        if names.is_empty() {
            return Ok(0);
        }
        let mut after = format!(
            "dropped {}",
            names[..names.len().min(MOST_NAMED)].join(", ")
        );
        if names.len() > MOST_NAMED {
            after.push_str(&format!(" and {} more", names.len() - MOST_NAMED));
        }
        let rules = words(Some(rules))?;
        let change = Change {
            subject: &repository.name,
            reason: Some(&rules),
            after: Some(&after),
            ..Change::default()
        };
        self.record(tx, &Actor::system(), Action::ManageRetention, change)
            .await?;
        Ok(names.len())
    }

    /// Notes that a staged tag was pulled, once a day.
    pub(crate) async fn note_staged_pull(
        &self,
        repository: &RepoName,
        reference: &str,
    ) -> Result<(), AppError> {
        let (name, now) = (repository.as_str(), self.now());
        if reference.contains(':') || !self.tag_pulls.is_news(name, reference, now) {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        store::retention::note_pull(&mut tx, name, reference, now).await?;
        Ok(tx.commit().await?)
    }
}

async fn default_rules(tx: &mut Tx) -> Result<RetentionRules, AppError> {
    match store::settings::find(tx, DEFAULT).await? {
        Some(text) => serde_json::from_str(&text).map_err(AppError::internal),
        None => Ok(RetentionRules::default()),
    }
}

async fn rules_in_force(tx: &mut Tx, publisher: &PublisherId) -> Result<RetentionRules, AppError> {
    match store::retention::find(tx, publisher).await? {
        Some(own) => Ok(own),
        None => default_rules(tx).await,
    }
}

/// Returns what goes: tags that the rules drop, and signatures and the like whose image is gone.
async fn dropped_tags(
    tx: &mut Tx,
    repository: &Staging,
    rules: &RetentionRules,
    now: DateTime<Utc>,
) -> Result<Vec<TagRow>, AppError> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store::retention::tags(tx, repository).await?;
    let seen: Vec<_> = rows
        .iter()
        .map(|row| StagedTag {
            name: row.name.clone(),
            updated_at: row.updated_at,
            pulled_at: row.pulled_at,
            is_held: row.held > 0,
        })
        .collect();
    let names: Vec<_> = rules
        .dropped(&seen, now)
        .into_iter()
        .map(|tag| tag.name.as_str())
        .collect();
    let mut dropped = Vec::new();
    for row in &rows {
        let goes = match beside(&row.name) {
            Some(image) => !store::retention::has_manifest(tx, &repository.id, &image).await?,
            None => names.contains(&row.name.as_str()),
        };
        if goes {
            dropped.push(row.clone());
        }
    }
    Ok(dropped)
}

fn check_rules(rules: Option<&RetentionRules>) -> Result<(), AppError> {
    match rules.map(RetentionRules::problems) {
        Some(problems) if !problems.is_empty() => Err(AppError::Invalid(problems)),
        _ => Ok(()),
    }
}

fn words(rules: Option<&RetentionRules>) -> Result<String, AppError> {
    match rules {
        Some(rules) => serde_json::to_string(rules).map_err(AppError::internal),
        None => Ok("the operator's rules".to_owned()),
    }
}
