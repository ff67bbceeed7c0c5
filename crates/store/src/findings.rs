//! Findings: a vulnerability in a component of a submitted image, with its clock.

use chrono::{DateTime, Utc};
use market::{Class, FindingClock, FindingId, FindingState, ProductId, PublisherId, SubmissionId};
use sqlx::types::Json;

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all},
};

/// A vulnerability in a component.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Finding {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: FindingId,
    /// On which submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// In which image, by manifest digest.
    pub image: String,
    /// Whether it stands.
    #[sqlx(try_from = "String")]
    pub state: FindingState,
    /// The CVE, or the advisory's own id.
    pub vulnerability: String,
    /// The component's name.
    pub component: String,
    /// Its version.
    pub version: String,
    /// The layer that brought it.
    pub layer: String,
    /// The programme's class, which counts.
    #[sqlx(try_from = "String")]
    pub class: Class,
    /// The class by the advisories; another one where the certification team classified by hand.
    #[sqlx(try_from = "String")]
    pub advised: Class,
    /// The CVSS base score that decided the class.
    pub score: Option<f64>,
    /// Where it is fixed.
    pub fixed_version: Option<String>,
    /// Everything else, as matching wrote it.
    pub detail: Json<serde_json::Value>,
    /// When it was first seen here.
    pub first_seen_at: DateTime<Utc>,
    /// Since when the publisher knows that it has a class with a time.
    pub told_at: Option<DateTime<Utc>>,
    /// When the publisher was told of what the running promise is about.
    pub notified_at: Option<DateTime<Utc>>,
    /// When it must be fixed.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether the running promise was announced.
    pub announced: bool,
    /// The package in the index of components; nothing for findings from before there was one.
    pub package_id: Option<i64>,
}

impl Finding {
    /// Returns its clock.
    pub fn clock(&self) -> FindingClock {
        FindingClock {
            told_at: self.told_at,
            notified_at: self.notified_at,
            due_at: self.due_at,
        }
    }

    /// Sets its clock, and notes whether a promise begins that is to be announced.
    pub fn set_clock(&mut self, clock: FindingClock) {
        self.announced = !clock.begins_after(self.clock()) && self.announced;
        self.told_at = clock.told_at;
        self.notified_at = clock.notified_at;
        self.due_at = clock.due_at;
    }
}

/// Adds a finding, or brings what is known about it up to date; its clock and first sight stay.
///
/// # Errors
/// The database refused.
pub async fn upsert(tx: &mut Tx, finding: &Finding) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO findings (id, submission_id, image, state, vulnerability, component, version, layer, class, score, fixed_version, detail, first_seen_at, notified_at, due_at, package_id, advised, told_at, announced) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT (submission_id, image, vulnerability, component, version) DO UPDATE SET state = excluded.state, layer = excluded.layer, class = excluded.class, score = excluded.score, fixed_version = excluded.fixed_version, detail = excluded.detail, package_id = excluded.package_id, advised = excluded.advised",
        finding.id.as_str(),
        finding.submission_id.as_str(),
        &finding.image,
        finding.state.as_str(),
        &finding.vulnerability,
        &finding.component,
        &finding.version,
        &finding.layer,
        finding.class.as_str(),
        finding.score,
        &finding.fixed_version,
        &finding.detail,
        finding.first_seen_at,
        finding.notified_at,
        finding.due_at,
        finding.package_id,
        finding.advised.as_str(),
        finding.told_at,
        finding.announced,
    )?;
    Ok(())
}

/// Sets whether a finding stands.
///
/// # Errors
/// The database refused.
pub async fn set_state(tx: &mut Tx, id: &FindingId, state: FindingState) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE findings SET state = $2 WHERE id = $1",
        id.as_str(),
        state.as_str()
    )?;
    Ok(())
}

/// Keeps a finding's class and clock, and whether its promise was announced.
///
/// # Errors
/// The database refused.
pub async fn keep_clock(tx: &mut Tx, finding: &Finding) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE findings SET class = $2, told_at = $3, notified_at = $4, due_at = $5, announced = $6 WHERE id = $1",
        finding.id.as_str(),
        finding.class.as_str(),
        finding.told_at,
        finding.notified_at,
        finding.due_at,
        finding.announced
    )?;
    Ok(())
}

/// Returns a part of a submission's findings, the worst first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_submission(
    tx: &mut Tx,
    submission: &SubmissionId,
    part: Part<'_>,
) -> Result<Vec<Finding>, StoreError> {
    fetch_all!(
        tx,
        Finding,
        "SELECT * FROM findings WHERE submission_id = $1 AND ($2 = '' OR (-COALESCE(score, -1), vulnerability COLLATE \"C\", component COLLATE \"C\", image COLLATE \"C\", version COLLATE \"C\", id COLLATE \"C\") > (SELECT -COALESCE(l.score, -1), l.vulnerability, l.component, l.image, l.version, l.id FROM findings l WHERE l.id = $2)) ORDER BY -COALESCE(score, -1), vulnerability COLLATE \"C\", component COLLATE \"C\", image COLLATE \"C\", version COLLATE \"C\", id COLLATE \"C\" LIMIT $3",
        submission.as_str(),
        part.from,
        part.limit
    )
}

/// Returns the open findings in one image of a submission, the worst first.
///
/// # Errors
/// The database cannot be read.
pub async fn open_in_image(
    tx: &mut Tx,
    submission: &SubmissionId,
    image: &str,
) -> Result<Vec<Finding>, StoreError> {
    fetch_all!(
        tx,
        Finding,
        "SELECT * FROM findings WHERE submission_id = $1 AND image = $2 AND state = 'open' ORDER BY COALESCE(score, -1) DESC, vulnerability COLLATE \"C\", component COLLATE \"C\", version COLLATE \"C\"",
        submission.as_str(),
        image
    )
}

/// A finding with where it is, and whether that is on the market.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct LiveFinding {
    /// The finding.
    #[sqlx(flatten)]
    pub finding: Finding,
    /// Its product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// Whether its submission is the newest release.
    pub released: bool,
}

/// Returns the findings under these names that are not fixed, of the submissions of one product or
/// of all that are under review, and of the newest releases while they are on the market.
///
/// # Errors
/// The database cannot be read.
pub async fn live(
    tx: &mut Tx,
    product: Option<&ProductId>,
    vulnerabilities: &[&str],
) -> Result<Vec<LiveFinding>, StoreError> {
    fetch_all!(
        tx,
        LiveFinding,
        [
            "SELECT f.*, s.product_id, s.state = 'released' AS released FROM findings f JOIN submissions s ON s.id = f.submission_id WHERE ($1 = '' OR s.product_id = $1) AND f.vulnerability IN (SELECT value FROM json_each($2)) AND f.state <> 'fixed' AND (s.state IN ('in-review', 'changes-requested', 'approved') OR (s.state = 'released' AND EXISTS (SELECT 1 FROM releases r JOIN products p ON p.id = r.product_id WHERE r.submission_id = s.id AND NOT r.replaced AND p.state IN ('listed', 'on-hold')))) ORDER BY s.product_id, f.id",
            "SELECT f.*, s.product_id, s.state = 'released' AS released FROM findings f JOIN submissions s ON s.id = f.submission_id WHERE ($1 = '' OR s.product_id = $1) AND f.vulnerability IN (SELECT value FROM jsonb_array_elements_text($2) t (value)) AND f.state <> 'fixed' AND (s.state IN ('in-review', 'changes-requested', 'approved') OR (s.state = 'released' AND EXISTS (SELECT 1 FROM releases r JOIN products p ON p.id = r.product_id WHERE r.submission_id = s.id AND NOT r.replaced AND p.state IN ('listed', 'on-hold')))) ORDER BY s.product_id, f.id"
        ],
        product.map_or("", ProductId::as_str),
        Json(vulnerabilities)
    )
}

/// Returns the publishers whose products have findings under these names that are not fixed.
///
/// # Errors
/// The database cannot be read.
pub async fn publishers_with(
    tx: &mut Tx,
    vulnerabilities: &[&str],
) -> Result<Vec<PublisherId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        [
            "SELECT DISTINCT p.publisher_id FROM findings f JOIN submissions s ON s.id = f.submission_id JOIN products p ON p.id = s.product_id WHERE f.vulnerability IN (SELECT value FROM json_each($1)) AND f.state <> 'fixed'",
            "SELECT DISTINCT p.publisher_id FROM findings f JOIN submissions s ON s.id = f.submission_id JOIN products p ON p.id = s.product_id WHERE f.vulnerability IN (SELECT value FROM jsonb_array_elements_text($1) t (value)) AND f.state <> 'fixed'"
        ],
        Json(vulnerabilities)
    )?;
    let read = |(id,): (String,)| {
        id.parse()
            .map_err(|error: market::IdError| StoreError::Corrupt {
                what: "publisher",
                reason: error.to_string(),
            })
    };
    rows.into_iter().map(read).collect()
}

/// Returns how many open findings submissions have, of each the number in each class.
///
/// # Errors
/// The database cannot be read.
pub async fn counts(
    tx: &mut Tx,
    submissions: &[&str],
) -> Result<Vec<(String, Class, i64)>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String, String, i64),
        [
            "SELECT submission_id, class, COUNT(*) FROM findings WHERE submission_id IN (SELECT value FROM json_each($1)) AND state = 'open' GROUP BY submission_id, class",
            "SELECT submission_id, class, COUNT(*) FROM findings WHERE submission_id IN (SELECT value FROM jsonb_array_elements_text($1) t (value)) AND state = 'open' GROUP BY submission_id, class"
        ],
        Json(submissions)
    )?;
    let read = |(submission, class, count): (String, String, i64)| match class.parse() {
        Ok(class) => Ok((submission, class, count)),
        Err(error) => Err(StoreError::Corrupt {
            what: "severity class",
            reason: format!("{error}"),
        }),
    };
    rows.into_iter().map(read).collect()
}
