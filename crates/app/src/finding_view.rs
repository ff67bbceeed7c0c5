//! Findings as people read them, each with why it is there, or why it is no longer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use advisory::{database::Exploitation, matching::Reason, record::SeverityEntry};
use serde::Deserialize;
use store::{
    Tx,
    classifications::Classification,
    component_index::{self, PackageMatch},
    findings::Finding,
    vex::VexStatement,
};

use crate::{
    App, AppError,
    findings::{FindingDetail, MatchDetail},
    inspection::blocking,
    scan,
};

/// A finding as people read it.
#[derive(Debug, Clone)]
pub struct FindingView {
    /// The finding.
    pub finding: Finding,
    /// `os/architecture` of the image.
    pub platform: String,
    /// CVSS's word for the score.
    pub word: Option<String>,
    /// The vector the score was computed from.
    pub vector: Option<String>,
    /// Who scored it so.
    pub score_source: Option<String>,
    /// One line on what it is.
    pub title: String,
    /// The distribution's word on it.
    pub status: String,
    /// Why it was found, why it has its class, and what else is known, in sentences.
    pub explanation: String,
    /// The record and range that decided, and the comparison.
    pub reason: Reason,
    /// When it was published, as the feeds wrote it: the earliest.
    pub published: Option<String>,
    /// The version of the advisories that said so first, in these words.
    pub advisories: Option<String>,
    /// What is known today of its exploitation.
    pub exploitation: Exploitation,
    /// Why the advisories no longer say so.
    pub gone_because: Option<String>,
    /// Further reading, the best first.
    pub urls: Vec<String>,
    /// Other names.
    pub aliases: Vec<String>,
    /// Every source's rating, as JSON.
    pub severities: serde_json::Value,
    /// What the publisher states about it: what answers it, else the newest.
    pub statement: Option<VexStatement>,
    /// The class that the certification team gave it by hand, where it did.
    pub classification: Option<Classification>,
    /// The component's package URL.
    pub purl: String,
    /// The file that names the component.
    pub path: String,
}

/// What one source says of how grave a vulnerability is.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    /// Who rates.
    pub source: String,
    /// The CVSS vector as written.
    pub vector: Option<String>,
    /// The base score.
    pub score: Option<f64>,
    /// The score with threat and environmental metrics, where they make it another (CVSS v4.0).
    pub whole_score: Option<f64>,
    /// The source's own word, or CVSS's for the score.
    pub word: Option<String>,
}

impl FindingView {
    /// Returns every name of the vulnerability.
    pub(crate) fn names(&self) -> Vec<&str> {
        let names = std::iter::once(&self.finding.vulnerability).chain(&self.aliases);
        names.map(String::as_str).collect()
    }

    /// Returns every source's rating.
    pub fn ratings(&self) -> Vec<Rating> {
        let entries = Vec::<SeverityEntry>::deserialize(&self.severities).unwrap_or_default();
        let rating = |entry: SeverityEntry| {
            let scored = advisory::score::score_of(&entry);
            let whole = scored.as_ref().and_then(|score| score.whole);
            let score = scored.map(|score| score.score);
            let word = entry.word.or(score.map(|score| score.severity()));
            Rating {
                source: entry.source,
                vector: entry.vector,
                score: score.map(|score| score.value()),
                whole_score: whole.map(|score| score.value()),
                word: entry.label.or(word.map(|word| word.to_string())),
            }
        };
        entries.into_iter().map(rating).collect()
    }
}

/// What is known of the exploitation of vulnerabilities, by name.
pub(crate) type Exploitations = HashMap<String, Exploitation>;

impl App {
    /// Makes findings readable; `platforms` are those of the images.
    pub(crate) async fn finding_views(
        &self,
        tx: &mut Tx,
        rows: &[Finding],
        platforms: &BTreeMap<String, String>,
    ) -> Result<Vec<FindingView>, AppError> {
        let packages: BTreeSet<i64> = rows.iter().filter_map(|row| row.package_id).collect();
        let packages: Vec<i64> = packages.into_iter().collect();
        let mut said = HashMap::new();
        for row in component_index::matches(tx, &packages).await? {
            said.insert((row.package_id, row.vulnerability.clone()), row);
        }
        let names: BTreeSet<String> = rows.iter().map(|row| row.vulnerability.clone()).collect();
        let mut exploited = self.exploitations(names).await?;
        let view = |row: &Finding| {
            let key = row.package_id.map(|id| (id, row.vulnerability.clone()));
            let said = key.and_then(|key| said.get(&key));
            let mut view = finding_view(row, said)?;
            view.platform = platforms.get(&row.image).cloned().unwrap_or_default();
            let known = exploited.get_mut(&row.vulnerability).cloned();
            view.exploitation = known.unwrap_or_default();
            let epss = view.exploitation.epss.as_ref().map(scan::epss);
            let version = view.advisories.as_deref().map(scan::advisories);
            for sentence in epss.into_iter().chain(version) {
                view.explanation.push(' ');
                view.explanation.push_str(&sentence);
            }
            Ok(view)
        };
        rows.iter().map(view).collect()
    }

    /// Returns what is known today of the exploitation of vulnerabilities.
    pub(crate) async fn exploitations(
        &self,
        names: BTreeSet<String>,
    ) -> Result<Exploitations, AppError> {
        let database = self.advisory_database();
        let each = move || {
            let each = names.into_iter().map(|name| {
                let known = database.exploitation(&name).map_err(AppError::internal)?;
                Ok((name, known))
            });
            each.collect()
        };
        blocking(each).await?
    }
}

fn finding_view(row: &Finding, said: Option<&PackageMatch>) -> Result<FindingView, AppError> {
    let detail = FindingDetail::deserialize(&row.detail.0).map_err(AppError::internal)?;
    let matched = match said {
        Some(said) => Some(MatchDetail::deserialize(&said.detail.0).map_err(AppError::internal)?),
        None => detail.matched,
    };
    let matched = matched.unwrap_or_default();
    let sentences = [Some(matched.explanation), detail.note];
    Ok(FindingView {
        platform: String::new(),
        word: matched.word,
        vector: matched.vector,
        score_source: matched.score_source,
        title: matched.title,
        status: matched.status,
        explanation: sentences
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
        reason: matched.reason,
        published: matched.published,
        advisories: said.map(|said| said.database.clone()),
        exploitation: Exploitation::default(),
        gone_because: said.and_then(|said| said.ended_because.clone()),
        urls: matched.urls,
        aliases: matched.aliases,
        severities: matched.severities,
        statement: None,
        classification: None,
        purl: detail.purl,
        path: detail.path,
        finding: row.clone(),
    })
}
