//! Findings: what matching says about a submission's images, in the form that is kept.

use market::{Class, FindingId, FindingState};
use serde::{Deserialize, Serialize};
use store::{findings::Finding, submissions::Submission};

use crate::{
    App, AppError,
    inspection::{REPLACEMENT, storable},
    scan::{ImageContent, ScanFinding, match_inventory},
};

/// What is kept about a finding besides its columns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FindingDetail {
    pub(crate) aliases: Vec<String>,
    pub(crate) advisories: Vec<String>,
    pub(crate) source: String,
    pub(crate) status: String,
    pub(crate) title: String,
    pub(crate) urls: Vec<String>,
    pub(crate) explanation: String,
    pub(crate) severities: serde_json::Value,
    pub(crate) word: Option<String>,
    pub(crate) vector: Option<String>,
    pub(crate) score_source: Option<String>,
    pub(crate) purl: String,
    pub(crate) path: String,
}

impl App {
    /// Returns what the advisories say about an image of a submission.
    pub(crate) fn findings(
        &self,
        submission: &Submission,
        image: &str,
        content: &ImageContent,
        database: &advisory::database::Database,
    ) -> Result<Vec<Finding>, AppError> {
        let scan = match_inventory(&content.inventory, database).map_err(AppError::internal)?;
        let found = scan.findings.iter();
        found
            .map(|found| self.finding(submission, image, found))
            .collect()
    }

    fn finding(
        &self,
        submission: &Submission,
        image: &str,
        found: &ScanFinding<'_>,
    ) -> Result<Finding, AppError> {
        let matched = &found.matched;
        let detail = FindingDetail {
            aliases: matched.aliases.clone(),
            advisories: matched.advisories.clone(),
            source: matched.source.clone(),
            status: matched.status.as_str().to_owned(),
            title: matched.title.clone(),
            urls: matched.urls.clone(),
            explanation: found.explained(),
            severities: serde_json::to_value(&matched.severities).map_err(AppError::internal)?,
            word: found
                .score
                .as_ref()
                .map(|score| score.score.severity().to_string()),
            vector: found.score.as_ref().and_then(|score| score.vector.clone()),
            score_source: found.score.as_ref().map(|score| score.source.clone()),
            purl: found.component.purl.clone(),
            path: found.component.path.clone(),
        };
        Ok(Finding {
            id: self.id(FindingId::new),
            submission_id: submission.id.clone(),
            image: image.to_owned(),
            state: FindingState::Open,
            vulnerability: matched.vulnerability.clone(),
            component: found.component.name.replace('\0', REPLACEMENT),
            version: found.component.version.replace('\0', REPLACEMENT),
            layer: found.component.layer.to_string(),
            class: found.class,
            score: found.score.as_ref().map(|score| score.score.value()),
            fixed_version: matched.fixed_version.clone(),
            detail: storable(serde_json::to_value(detail).map_err(AppError::internal)?).into(),
            first_seen_at: self.now(),
            notified_at: None,
            due_at: None,
        })
    }
}

/// Returns how many findings of each class there are, the worst class first.
pub(crate) fn class_counts(counts: &[(Class, i64)]) -> Vec<(Class, i64)> {
    let all = [Class::Critical, Class::Major, Class::Minor, Class::Unscored];
    all.into_iter()
        .map(|class| {
            (
                class,
                counts
                    .iter()
                    .find(|(known, _)| *known == class)
                    .map_or(0, |(_, count)| *count),
            )
        })
        .collect()
}
