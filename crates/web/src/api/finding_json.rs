//! A finding as programs read it.

use app::FindingView;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    classifications::ClassificationJson,
    vex::VexStatementJson,
    words::{ClassJson, FindingStateJson},
};

/// A vulnerability in a component.
#[derive(Serialize, ToSchema)]
pub(super) struct FindingJson {
    /// Its identifier.
    id: String,
    /// Whether it stands.
    state: FindingStateJson,
    /// The CVE, or the advisory's own id.
    vulnerability: String,
    /// Other names.
    aliases: Vec<String>,
    /// One line on what it is.
    title: String,
    /// The programme's class, which counts.
    class: ClassJson,
    /// The class by the advisories' word alone.
    advised_class: ClassJson,
    /// The class that the certification team gave it by hand, where it did.
    classification: Option<ClassificationJson>,
    /// The CVSS base score that decided the class.
    score: Option<f64>,
    /// CVSS's word for the score.
    word: Option<String>,
    /// The vector the score was computed from.
    vector: Option<String>,
    /// Who scored it so.
    score_source: Option<String>,
    /// Every source's rating with its score.
    ratings: Vec<RatingJson>,
    /// Every source's rating, as each wrote it.
    severities: Value,
    /// `os/architecture` of the image.
    platform: String,
    /// The image's manifest digest.
    image: String,
    /// The component's name.
    component: String,
    /// Its version.
    version: String,
    /// Its package URL.
    purl: String,
    /// The layer that brought it.
    layer: String,
    /// The file that names the component.
    path: String,
    /// Where it is fixed.
    fixed_version: Option<String>,
    /// The distribution's word on it.
    status: String,
    /// Why it was found, why it has its class, and what else is known, in sentences.
    explanation: String,
    /// The statement that decided.
    reason: StatementJson,
    /// When it was published, as the feeds wrote it.
    published: Option<String>,
    /// The version of the advisories that said so first, in these words.
    advisories: Option<String>,
    /// FIRST's estimate of how likely it is to be exploited within 30 days, 0 to 1.
    epss: Option<f64>,
    /// Since when CISA lists it as exploited.
    exploited_since: Option<String>,
    /// Why the advisories no longer say so.
    gone_because: Option<String>,
    /// Further reading, the best first.
    urls: Vec<String>,
    /// What the publisher states about it: what answers it, else the newest.
    statement: Option<VexStatementJson>,
    /// When it was first seen here.
    first_seen_at: DateTime<Utc>,
    /// When the publisher was told of what the running promise is about.
    notified_at: Option<DateTime<Utc>>,
    /// When it must be fixed.
    due_at: Option<DateTime<Utc>>,
}

/// What one source says of how grave a vulnerability is.
#[derive(Serialize, ToSchema)]
struct RatingJson {
    /// Who rates.
    source: String,
    /// The CVSS vector as written.
    vector: Option<String>,
    /// The base score.
    score: Option<f64>,
    /// The score with the vector's threat and environmental metrics, where they make it another.
    whole_score: Option<f64>,
    /// The source's own word, or CVSS's for the score.
    word: Option<String>,
}

impl From<app::Rating> for RatingJson {
    fn from(rating: app::Rating) -> Self {
        Self {
            source: rating.source,
            vector: rating.vector,
            score: rating.score,
            whole_score: rating.whole_score,
            word: rating.word,
        }
    }
}

/// The statement that decided, taken apart.
#[derive(Serialize, ToSchema)]
struct StatementJson {
    /// The advisory's id.
    advisory: String,
    /// The feed it came from.
    source: String,
    /// The ecosystem it names.
    ecosystem: String,
    /// The package it names.
    name: String,
    /// The range that holds the installed version.
    range: String,
    /// The order by which versions were compared.
    order: String,
    /// The feed's own word for the status.
    status_word: Option<String>,
    /// What the feed says about the status.
    comment: Option<String>,
}

impl From<app::Reason> for StatementJson {
    fn from(reason: app::Reason) -> Self {
        Self {
            advisory: reason.advisory,
            source: reason.source,
            ecosystem: reason.ecosystem,
            name: reason.name,
            range: reason.range,
            order: reason.order,
            status_word: reason.status_word,
            comment: reason.comment,
        }
    }
}

impl From<FindingView> for FindingJson {
    fn from(view: FindingView) -> Self {
        let ratings = view.ratings().into_iter().map(RatingJson::from).collect();
        let finding = view.finding;
        Self {
            ratings,
            id: finding.id.to_string(),
            state: finding.state.into(),
            vulnerability: finding.vulnerability,
            aliases: view.aliases,
            title: view.title,
            class: finding.class.into(),
            advised_class: finding.advised.into(),
            classification: view.classification.map(ClassificationJson::from),
            score: finding.score,
            word: view.word,
            vector: view.vector,
            score_source: view.score_source,
            severities: view.severities,
            platform: view.platform,
            image: finding.image,
            component: finding.component,
            version: finding.version,
            purl: view.purl,
            layer: finding.layer,
            path: view.path,
            fixed_version: finding.fixed_version,
            status: view.status,
            explanation: view.explanation,
            reason: view.reason.into(),
            published: view.published,
            advisories: view.advisories,
            epss: view.exploitation.epss.map(|epss| epss.score),
            exploited_since: view.exploitation.kev.map(|kev| kev.added),
            gone_because: view.gone_because,
            urls: view.urls,
            statement: view.statement.map(VexStatementJson::from),
            first_seen_at: finding.first_seen_at,
            notified_at: finding.notified_at,
            due_at: finding.due_at,
        }
    }
}
