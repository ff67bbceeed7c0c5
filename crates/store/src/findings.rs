//! Findings: a vulnerability in a component of a submitted image, with its clock.

use chrono::{DateTime, Utc};
use market::{Class, FindingId, FindingState, ProductId, PublisherId, SubmissionId};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_scalar},
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
    /// The programme's class.
    #[sqlx(try_from = "String")]
    pub class: Class,
    /// The CVSS base score that decided the class.
    pub score: Option<f64>,
    /// Where it is fixed.
    pub fixed_version: Option<String>,
    /// Everything else, as matching wrote it.
    pub detail: Json<serde_json::Value>,
    /// When it was first seen here.
    pub first_seen_at: DateTime<Utc>,
    /// When the publisher was told; the clock starts then.
    pub notified_at: Option<DateTime<Utc>>,
    /// When it must be fixed.
    pub due_at: Option<DateTime<Utc>>,
    /// The package in the index of components; nothing for findings from before there was one.
    pub package_id: Option<i64>,
}

/// Adds a finding, or brings what is known about it up to date; its clock and first sight stay.
///
/// # Errors
/// The database refused.
pub async fn upsert(tx: &mut Tx, finding: &Finding) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO findings (id, submission_id, image, state, vulnerability, component, version, layer, class, score, fixed_version, detail, first_seen_at, notified_at, due_at, package_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (submission_id, image, vulnerability, component, version) DO UPDATE SET state = excluded.state, layer = excluded.layer, class = excluded.class, score = excluded.score, fixed_version = excluded.fixed_version, detail = excluded.detail, package_id = excluded.package_id",
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

/// Starts a finding's clock.
///
/// # Errors
/// The database refused.
pub async fn set_clock(
    tx: &mut Tx,
    id: &FindingId,
    notified_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE findings SET notified_at = $2, due_at = $3 WHERE id = $1",
        id.as_str(),
        notified_at,
        due_at
    )?;
    Ok(())
}

/// Returns a submission's findings, the worst first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_submission(
    tx: &mut Tx,
    submission: &SubmissionId,
) -> Result<Vec<Finding>, StoreError> {
    fetch_all!(
        tx,
        Finding,
        "SELECT * FROM findings WHERE submission_id = $1 ORDER BY COALESCE(score, -1) DESC, vulnerability COLLATE \"C\", component COLLATE \"C\", image COLLATE \"C\", version COLLATE \"C\"",
        submission.as_str()
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

/// A finding, and whether it is of what is on the market.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct LiveFinding {
    /// The finding.
    #[sqlx(flatten)]
    pub finding: Finding,
    /// Whether its submission is the newest release.
    pub released: bool,
}

/// Returns the findings under these names that are not fixed, of a product's submissions that are
/// under review, and of its newest release while it is on the market.
///
/// # Errors
/// The database cannot be read.
pub async fn live(
    tx: &mut Tx,
    product: &ProductId,
    vulnerabilities: &[&str],
) -> Result<Vec<LiveFinding>, StoreError> {
    fetch_all!(
        tx,
        LiveFinding,
        [
            "SELECT f.*, s.state = 'released' AS released FROM findings f JOIN submissions s ON s.id = f.submission_id WHERE s.product_id = $1 AND f.vulnerability IN (SELECT value FROM json_each($2)) AND f.state <> 'fixed' AND (s.state IN ('in-review', 'changes-requested', 'approved') OR (s.state = 'released' AND s.id = (SELECT r.submission_id FROM releases r JOIN products p ON p.id = r.product_id WHERE r.product_id = s.product_id AND p.state IN ('listed', 'on-hold') ORDER BY r.released_at DESC, r.id DESC LIMIT 1))) ORDER BY f.id",
            "SELECT f.*, s.state = 'released' AS released FROM findings f JOIN submissions s ON s.id = f.submission_id WHERE s.product_id = $1 AND f.vulnerability IN (SELECT value FROM jsonb_array_elements_text($2) t (value)) AND f.state <> 'fixed' AND (s.state IN ('in-review', 'changes-requested', 'approved') OR (s.state = 'released' AND s.id = (SELECT r.submission_id FROM releases r JOIN products p ON p.id = r.product_id WHERE r.product_id = s.product_id AND p.state IN ('listed', 'on-hold') ORDER BY r.released_at DESC, r.id DESC LIMIT 1))) ORDER BY f.id"
        ],
        product.as_str(),
        Json(vulnerabilities)
    )
}

/// A submission of a listed product with a finding that is overdue.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OverdueSubmission {
    /// The submission.
    #[sqlx(try_from = "String")]
    pub id: SubmissionId,
    /// Its product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
}

/// Returns the submissions of listed products that have an open finding due by `now`.
///
/// # Errors
/// The database cannot be read.
pub async fn overdue_submissions(
    tx: &mut Tx,
    now: DateTime<Utc>,
) -> Result<Vec<OverdueSubmission>, StoreError> {
    fetch_all!(
        tx,
        OverdueSubmission,
        "SELECT DISTINCT s.id, s.product_id FROM findings f JOIN submissions s ON s.id = f.submission_id JOIN products p ON p.id = s.product_id WHERE f.state = 'open' AND f.due_at <= $1 AND p.state = 'listed' ORDER BY s.id",
        now
    )
}

/// Open findings of one release that are due at one moment.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Promise {
    /// The release's submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// Its product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// When the publisher was told.
    pub notified_at: DateTime<Utc>,
    /// When they must be fixed.
    pub due_at: DateTime<Utc>,
    /// How many there are.
    pub findings: i64,
}

/// Returns the promises of listed products that are still to be kept, by when they end.
///
/// # Errors
/// The database cannot be read.
pub async fn promises(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Promise>, StoreError> {
    fetch_all!(
        tx,
        Promise,
        "SELECT f.submission_id, s.product_id, f.notified_at, f.due_at, COUNT(*) AS findings FROM findings f JOIN submissions s ON s.id = f.submission_id JOIN products p ON p.id = s.product_id WHERE f.state = 'open' AND f.due_at > $1 AND f.notified_at IS NOT NULL AND p.state = 'listed' GROUP BY f.submission_id, s.product_id, f.notified_at, f.due_at ORDER BY f.due_at, f.submission_id",
        now
    )
}

/// What the newest release of a publisher's product has to be fixed by some time.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Due {
    /// The product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// The release's submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// When.
    pub due_at: DateTime<Utc>,
    /// How many findings.
    pub findings: i64,
}

/// Returns what is due in the newest releases of a publisher's public products, the earliest first.
///
/// # Errors
/// The database cannot be read.
pub async fn due_of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<Due>, StoreError> {
    fetch_all!(
        tx,
        Due,
        "SELECT p.id AS product_id, f.submission_id, f.due_at, COUNT(*) AS findings FROM products p JOIN findings f ON f.submission_id = (SELECT r.submission_id FROM releases r WHERE r.product_id = p.id ORDER BY r.released_at DESC, r.id DESC LIMIT 1) WHERE p.publisher_id = $1 AND p.state IN ('listed', 'on-hold') AND f.state = 'open' AND f.due_at IS NOT NULL GROUP BY p.id, f.submission_id, f.due_at ORDER BY f.due_at, p.id",
        publisher.as_str()
    )
}

/// Returns how many open findings of a submission were due by `now`.
///
/// # Errors
/// The database cannot be read.
pub async fn count_overdue(
    tx: &mut Tx,
    submission: &SubmissionId,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM findings WHERE submission_id = $1 AND state = 'open' AND due_at <= $2",
        submission.as_str(),
        now
    )
}

/// Returns how many open findings a submission has in each class.
///
/// # Errors
/// The database cannot be read.
pub async fn counts(
    tx: &mut Tx,
    submission: &SubmissionId,
) -> Result<Vec<(Class, i64)>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String, i64),
        "SELECT class, COUNT(*) FROM findings WHERE submission_id = $1 AND state = 'open' GROUP BY class",
        submission.as_str()
    )?;
    let read = |(class, count): (String, i64)| match class.parse() {
        Ok(class) => Ok((class, count)),
        Err(error) => Err(StoreError::Corrupt {
            what: "severity class",
            reason: format!("{error}"),
        }),
    };
    rows.into_iter().map(read).collect()
}
