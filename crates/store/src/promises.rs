//! Promises to fix, by release: what begins, what ends soon, what was broken.
//!
//! CROSS JOIN keeps SQLite to the order written: from the few findings that a promise is about.

use chrono::{DateTime, Utc};
use market::{Class, ProductId, PublisherId, SubmissionId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_scalar},
};

/// The newest release of a listed product, with a finding that is overdue.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OverdueSubmission {
    /// The submission.
    #[sqlx(try_from = "String")]
    pub id: SubmissionId,
    /// Its product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
}

/// Returns the newest releases of listed products that have an open finding due by `now`.
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
        "SELECT DISTINCT s.id, s.product_id FROM findings f CROSS JOIN submissions s CROSS JOIN products p WHERE s.id = f.submission_id AND p.id = s.product_id AND f.state = 'open' AND f.due_at <= $1 AND p.state = 'listed' AND s.id = (SELECT r.submission_id FROM releases r WHERE r.product_id = s.product_id ORDER BY r.released_at DESC, r.id DESC LIMIT 1) ORDER BY s.id",
        now
    )
}

/// Open findings of one release that are due at one moment.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Promise {
    /// The release's submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// When the publisher was told.
    pub notified_at: DateTime<Utc>,
    /// When they must be fixed.
    pub due_at: DateTime<Utc>,
    /// How many there are.
    pub findings: i64,
}

/// Returns the promises that are still to be kept, by when they end; those of products that are
/// not listed, too.
///
/// # Errors
/// The database cannot be read.
pub async fn promises(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Promise>, StoreError> {
    fetch_all!(
        tx,
        Promise,
        "SELECT f.due_at, f.submission_id, f.notified_at, COUNT(*) AS findings FROM findings f WHERE f.state = 'open' AND f.due_at > $1 AND f.notified_at IS NOT NULL GROUP BY f.due_at, f.submission_id, f.notified_at ORDER BY f.due_at, f.submission_id, f.notified_at",
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

/// Promises of one release that begin, of one class and time.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Beginning {
    /// The release's submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// The class.
    #[sqlx(try_from = "String")]
    pub class: Class,
    /// When they must be fixed.
    pub due_at: DateTime<Utc>,
    /// How many there are.
    pub findings: i64,
}

/// A submission with promises that nobody was told of.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Untold {
    /// The submission.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// Its product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
}

/// Returns the next `count` submissions after `after` with promises that nobody was told of.
///
/// # Errors
/// The database cannot be read.
pub async fn untold(tx: &mut Tx, after: &str, count: i64) -> Result<Vec<Untold>, StoreError> {
    fetch_all!(
        tx,
        Untold,
        "SELECT w.submission_id, s.product_id FROM (SELECT DISTINCT f.submission_id FROM findings f WHERE f.submission_id > $1 AND f.state = 'open' AND NOT f.announced ORDER BY f.submission_id LIMIT $2) w JOIN submissions s ON s.id = w.submission_id ORDER BY w.submission_id",
        after,
        count
    )
}

/// Returns the promises of a public product's newest release that nobody was told of, the worst
/// first. The release is a question of its own: a join would let a database walk over all
/// findings that nobody was told of, for each product again.
///
/// # Errors
/// The database cannot be read.
pub async fn beginning(tx: &mut Tx, product: &ProductId) -> Result<Vec<Beginning>, StoreError> {
    fetch_all!(
        tx,
        Beginning,
        "SELECT f.submission_id, f.class, f.due_at, COUNT(*) AS findings FROM findings f WHERE f.submission_id = (SELECT r.submission_id FROM releases r JOIN products p ON p.id = r.product_id WHERE r.product_id = $1 AND p.state IN ('listed', 'on-hold') ORDER BY r.released_at DESC, r.id DESC LIMIT 1) AND f.state = 'open' AND NOT f.announced AND f.due_at IS NOT NULL GROUP BY f.submission_id, f.class, f.due_at ORDER BY f.due_at, f.class",
        product.as_str()
    )
}

/// Notes that the promises of a release were announced.
///
/// # Errors
/// The database refused.
pub async fn set_announced(tx: &mut Tx, submission: &SubmissionId) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE findings SET announced = TRUE WHERE submission_id = $1 AND state = 'open' AND NOT announced",
        submission.as_str()
    )?;
    Ok(())
}
