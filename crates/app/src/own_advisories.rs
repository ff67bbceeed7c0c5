//! Vulnerabilities that the certification team adds by hand: kept beside the feeds, matched as
//! they are, by a job that follows each change.

use std::sync::Arc;

use advisory::{
    cvss::Vector,
    ecosystem::package_name,
    matching::{Kind, Matcher, Package},
    record::{Advisory, Affected, Authority, Event, Range, RangeKind, SeverityEntry},
    version::Scheme,
};
use chrono::{Datelike, SecondsFormat};
use market::{Action, Class, OwnAdvisoryId, Problem, is_reason};
use serde::Deserialize;
use store::{Part, Tx, own_advisories::OwnAdvisory};

use crate::{
    Actor, App, AppError,
    audit::Change,
    findings::Said,
    jobs::{JobKind, Running},
};

/// As the source of a finding, who added its advisory.
pub(crate) const SOURCE: &str = "certification team";

/// What the team says beside the feeds.
#[derive(Debug, Default)]
pub(crate) struct OwnAdvisories {
    in_force: Vec<(OwnAdvisory, Advisory)>,
    withdrawn: Vec<OwnAdvisory>,
}

impl OwnAdvisories {
    pub(crate) async fn read(tx: &mut Tx) -> Result<Self, AppError> {
        let all = store::own_advisories::newest(tx, None, Part::ALL).await?;
        let (in_force, withdrawn): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|it| it.withdrawn_at.is_none());
        let recorded = in_force.into_iter().map(|it| {
            let record = record(&it);
            (it, record)
        });
        Ok(Self {
            in_force: recorded.collect(),
            withdrawn,
        })
    }

    /// Puts what the team says of a package in the place of what the feeds say of the same
    /// vulnerability.
    pub(crate) fn overrule(
        &self,
        matcher: &Matcher<'_>,
        package: &Package,
        mut said: Vec<Said>,
    ) -> Result<Vec<Said>, AppError> {
        for (own, record) in &self.in_force {
            let matched = matcher.beside(package, record);
            if let Some(matched) = matched.map_err(AppError::internal)? {
                said.retain(|said| !said.names().contains(&own.name.as_str()));
                said.push(Said::by_hand(matched, own)?);
            }
        }
        Ok(said)
    }

    /// The same of a package as it is kept.
    pub(crate) fn overrule_stored(
        &self,
        matcher: &Matcher<'_>,
        package: &serde_json::Value,
        said: Vec<Said>,
    ) -> Result<Vec<Said>, AppError> {
        if self.in_force.is_empty() {
            return Ok(said);
        }
        let package = Package::deserialize(package).map_err(AppError::internal)?;
        self.overrule(matcher, &package, said)
    }

    /// Says why the team no longer says something of a package, if it ever did.
    pub(crate) fn why_gone(&self, vulnerability: &str) -> Option<String> {
        let mut withdrawn = self.withdrawn.iter();
        let found = withdrawn.find(|it| it.name == vulnerability)?;
        Some(format!(
            "The {SOURCE} withdrew it: {}",
            found.withdrawn_why.as_deref().unwrap_or_default()
        ))
    }
}

fn record(own: &OwnAdvisory) -> Advisory {
    let beginning = || "0".to_owned();
    let mut events = vec![Event::Introduced(
        own.introduced.clone().unwrap_or_else(beginning),
    )];
    events.extend(own.fixed.clone().map(Event::Fixed));
    events.extend(own.last_affected.clone().map(Event::LastAffected));
    let rating = own.vector.as_ref().map(|vector| SeverityEntry {
        source: SOURCE.to_owned(),
        authority: Authority::Other,
        vector: Some(vector.clone()),
        ..SeverityEntry::default()
    });
    let time = own.made_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Advisory {
        id: own.name.clone(),
        source: SOURCE.to_owned(),
        authority: Authority::Other,
        summary: own.title.clone(),
        details: own.reason.clone(),
        published: Some(time.clone()),
        modified: Some(time),
        severities: rating.into_iter().collect(),
        affected: vec![Affected {
            ecosystem: own.ecosystem.clone(),
            package: own.package.clone(),
            ranges: vec![Range {
                kind: RangeKind::Ecosystem,
                events,
            }],
            ..Affected::default()
        }],
        ..Advisory::default()
    }
}

impl App {
    /// Returns a part of the vulnerabilities that were added by hand: of those that count, of the
    /// withdrawn, or of all; the newest first.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn own_advisories(
        &self,
        actor: &Actor,
        counting: Option<bool>,
        part: Part<'_>,
    ) -> Result<Vec<OwnAdvisory>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadQueue, None)
            .await?;
        Ok(store::own_advisories::newest(&mut tx, counting, part).await?)
    }

    /// Adds a vulnerability by hand; everything that holds the package is matched with it.
    ///
    /// # Errors
    /// It lacks something, the package's versions cannot be ordered, one about the same counts
    /// already, or the asker may not.
    pub async fn add_own_advisory(
        &self,
        actor: &Actor,
        new: &market::OwnAdvisory,
    ) -> Result<OwnAdvisory, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::ManageAdvisories, None)
            .await?;
        let mut problems = new.problems();
        let (score, class) = rated(new, &mut problems);
        self.check_range(&mut tx, new, &mut problems).await?;
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let account = actor.require_account("to add a vulnerability")?;
        let name = match &new.name {
            Some(name) => name.clone(),
            None => {
                let beginning = format!("OWN-{}-", self.now().year());
                let before = store::own_advisories::count_named(&mut tx, &beginning).await?;
                format!("{beginning}{:04}", before + 1)
            }
        };
        let own = OwnAdvisory {
            id: self.id(OwnAdvisoryId::new),
            name,
            ecosystem: new.ecosystem.clone(),
            package: package_name(&new.ecosystem, &new.package).into_owned(),
            introduced: new.introduced.clone(),
            fixed: new.fixed.clone(),
            last_affected: new.last_affected.clone(),
            title: new.title.trim().to_owned(),
            vector: new.vector.clone(),
            score,
            class,
            reason: new.reason.trim().to_owned(),
            made_by: account.id.clone(),
            author: account.name.clone(),
            made_at: self.now(),
            withdrawer: None,
            withdrawn_at: None,
            withdrawn_why: None,
        };
        let created = store::own_advisories::create(&mut tx, &own).await;
        created.map_err(|error| match error.is_conflict() {
            true => AppError::Conflict(format!(
                "{} of {} in {} is added already: withdraw it first",
                own.name, own.package, own.ecosystem
            )),
            false => error.into(),
        })?;
        let change = Change {
            subject: own.id.as_str(),
            reason: Some(&own.reason),
            before: None,
            after: Some(own.class.as_str()),
        };
        self.follow_advisory(&mut tx, actor, (&own, false), change)
            .await?;
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(own)
    }

    /// Withdraws a vulnerability that was added by hand; its findings go, unless a feed says the
    /// same.
    ///
    /// # Errors
    /// There is none, it was withdrawn already, no reason is given, or the asker may not (never
    /// where their own organisation's products have it).
    pub async fn withdraw_own_advisory(
        &self,
        actor: &Actor,
        id: &str,
        reason: &str,
    ) -> Result<OwnAdvisory, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::ManageAdvisories, None)
            .await?;
        let missing = || AppError::not_found("advisory", id);
        let id: OwnAdvisoryId = id.parse().map_err(|_malformed| missing())?;
        let found = store::own_advisories::find(&mut tx, &id).await?;
        let found = found.ok_or_else(missing)?;
        let reason = reason.trim();
        if !is_reason(reason) {
            let message = "say why, in at most 2000 characters; it stands beside what is gone";
            return Err(AppError::invalid("reason", message));
        }
        self.check_not_own(
            &mut tx,
            actor,
            (Action::ManageAdvisories, None),
            &found.name,
        )
        .await?;
        let account = actor.require_account("to withdraw a vulnerability")?;
        let by = (&account.id, reason);
        if !store::own_advisories::withdraw(&mut tx, &id, by, self.now()).await? {
            return Err(AppError::Conflict("it is withdrawn already".to_owned()));
        }
        let change = Change {
            subject: id.as_str(),
            reason: Some(reason),
            before: Some(found.class.as_str()),
            after: Some("withdrawn"),
        };
        self.follow_advisory(&mut tx, actor, (&found, true), change)
            .await?;
        let withdrawn = store::own_advisories::find(&mut tx, &id).await?;
        tx.commit().await?;
        self.job_added.notify_one();
        withdrawn.ok_or_else(missing)
    }

    /// Records a change, and has what it touches matched.
    async fn follow_advisory(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (own, withdrawn): (&OwnAdvisory, bool),
        change: Change<'_>,
    ) -> Result<(), AppError> {
        self.record(tx, actor, Action::ManageAdvisories, change)
            .await?;
        let job = JobKind::MatchOwn {
            advisory: own.id.clone(),
            withdrawn,
        };
        self.enqueue(tx, &job).await
    }

    /// Says what is wrong with ecosystem and versions.
    async fn check_range(
        &self,
        tx: &mut Tx,
        new: &market::OwnAdvisory,
        problems: &mut Vec<Problem>,
    ) -> Result<(), AppError> {
        let ecosystem = new.ecosystem.as_str();
        let is_language = || Kind::ALL.iter().any(|it| it.ecosystem() == Some(ecosystem));
        let database = self.advisory_database();
        let is_known = is_language()
            || database.meta().ecosystems.iter().any(|it| it == ecosystem)
            || store::component_index::has_ecosystem(tx, ecosystem).await?;
        let Some(scheme) = Scheme::of_ecosystem(ecosystem).filter(|_| is_known) else {
            problems.push(problem(
                "ecosystem",
                "nothing here is of this ecosystem: write it as OSV does, with its release, such as `Debian:11` or `npm`".to_owned(),
            ));
            return Ok(());
        };
        for (field, version) in [
            ("introduced", &new.introduced),
            ("fixed", &new.fixed),
            ("last_affected", &new.last_affected),
        ] {
            if let Some(Err(error)) = version.as_deref().map(|it| scheme.check(it)) {
                problems.push(problem(field, error.to_string()));
            }
        }
        Ok(())
    }

    /// The job: matches the packages that an advisory by hand is about.
    pub(crate) async fn match_own(
        self: &Arc<Self>,
        running: &Running<'_>,
        id: &OwnAdvisoryId,
    ) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let Some(own) = store::own_advisories::find(&mut tx, id).await? else {
            return Ok(());
        };
        let (ecosystem, package) = (&own.ecosystem, &own.package);
        let packages = store::component_index::packages_under(&mut tx, ecosystem, package);
        let packages = packages.await?;
        drop(tx);
        self.rematch_listed(running, packages).await?;
        self.announce_all_promises().await
    }
}

/// Returns score and class; says what is wrong with the vector.
fn rated(new: &market::OwnAdvisory, problems: &mut Vec<Problem>) -> (Option<f64>, Class) {
    let Some(vector) = &new.vector else {
        return (None, new.class.unwrap_or(Class::Unscored));
    };
    match Vector::parse(vector) {
        Ok(vector) => {
            let score = vector.base_score().value();
            let class = Class::of_score(Some(score));
            if class == Class::None {
                let message = "a score of 0.0 is no vulnerability".to_owned();
                problems.push(problem("vector", message));
            }
            (Some(score), class)
        }
        Err(error) => {
            problems.push(problem("vector", error.to_string()));
            (None, Class::Unscored)
        }
    }
}

fn problem(field: &str, message: String) -> Problem {
    Problem {
        field: field.to_owned(),
        message,
    }
}
