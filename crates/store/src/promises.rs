//! Promises to fix, by release: what begins, what ends soon, what was broken.
//!
//! CROSS JOIN keeps SQLite to the order written: from the few findings that a promise is about.

use chrono::{DateTime, Utc};
use market::{Breach, Class, ProductId, PublisherId, SubmissionId};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A listed product with a finding that is overdue.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Overdue {
    /// The product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
}

/// Returns the listed products with an open finding due by `now` in a release that stands.
///
/// # Errors
/// The database cannot be read.
pub async fn overdue(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Overdue>, StoreError> {
    fetch_all!(
        tx,
        Overdue,
        "SELECT DISTINCT r.product_id FROM findings f CROSS JOIN releases r CROSS JOIN products p WHERE r.submission_id = f.submission_id AND NOT r.replaced AND p.id = r.product_id AND f.state = 'open' AND f.due_at <= $1 AND p.state = 'listed' ORDER BY r.product_id",
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

/// What a release of a publisher's product has to be fixed by some time.
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
    /// How many of them an operator's grace is about.
    pub meant: i64,
}

/// Returns what is due in the standing releases of a publisher's public products, the earliest
/// first.
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
        "SELECT p.id AS product_id, f.submission_id, f.due_at, COUNT(*) AS findings, COUNT(g.product_id) AS meant FROM products p CROSS JOIN releases r CROSS JOIN findings f LEFT JOIN grace_promises g ON g.product_id = r.product_id AND g.vulnerability = f.vulnerability AND g.component = f.component AND g.due_at = f.due_at WHERE p.publisher_id = $1 AND p.state IN ('listed', 'on-hold') AND r.product_id = p.id AND NOT r.replaced AND f.submission_id = r.submission_id AND f.state = 'open' AND f.due_at IS NOT NULL GROUP BY p.id, f.submission_id, f.due_at ORDER BY f.due_at, p.id, f.submission_id",
        publisher.as_str()
    )
}

/// Promises about a product that were broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Broken {
    /// How many findings.
    pub findings: i64,
    /// How many of them an operator's grace is about.
    pub meant: i64,
    /// When the first was due.
    pub first_at: Option<DateTime<Utc>>,
}

impl Broken {
    /// Returns what the rules know of it.
    pub fn breach(&self) -> Breach {
        Breach {
            meant: self.meant > 0,
            other: self.meant < self.findings,
        }
    }
}

/// Returns what of the open findings of a product's standing releases was due by `now`.
///
/// # Errors
/// The database cannot be read.
pub async fn broken(
    tx: &mut Tx,
    product: &ProductId,
    now: DateTime<Utc>,
) -> Result<Broken, StoreError> {
    let found = fetch_opt!(
        tx,
        Broken,
        "SELECT COUNT(*) AS findings, COUNT(g.product_id) AS meant, MIN(f.due_at) AS first_at FROM releases r CROSS JOIN findings f LEFT JOIN grace_promises g ON g.product_id = r.product_id AND g.vulnerability = f.vulnerability AND g.component = f.component AND g.due_at = f.due_at WHERE r.product_id = $1 AND NOT r.replaced AND f.submission_id = r.submission_id AND f.state = 'open' AND f.due_at <= $2",
        product.as_str(),
        now
    )?;
    Ok(found.unwrap_or(Broken {
        findings: 0,
        meant: 0,
        first_at: None,
    }))
}

/// Returns how many open findings of products' standing releases were due by `now`; nothing of
/// those where there are none.
///
/// # Errors
/// The database cannot be read.
pub async fn count_broken(
    tx: &mut Tx,
    products: &[&str],
    now: DateTime<Utc>,
) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        tx,
        (String, i64),
        [
            "SELECT r.product_id, COUNT(*) FROM releases r CROSS JOIN findings f WHERE r.product_id IN (SELECT value FROM json_each($1)) AND NOT r.replaced AND f.submission_id = r.submission_id AND f.state = 'open' AND f.due_at <= $2 GROUP BY r.product_id",
            "SELECT r.product_id, COUNT(*) FROM releases r CROSS JOIN findings f WHERE r.product_id IN (SELECT value FROM jsonb_array_elements_text($1) t (value)) AND NOT r.replaced AND f.submission_id = r.submission_id AND f.state = 'open' AND f.due_at <= $2 GROUP BY r.product_id"
        ],
        Json(products),
        now
    )
}

/// What a publisher was told of a finding that stands in a release of a product.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Told {
    /// The vulnerability.
    pub vulnerability: String,
    /// The component.
    pub component: String,
    /// Its class.
    #[sqlx(try_from = "String")]
    pub class: Class,
    /// Since when its publisher knows that it has a class with a time.
    pub told_at: Option<DateTime<Utc>>,
    /// When its publisher was told of what it is now.
    pub notified_at: Option<DateTime<Utc>>,
    /// When it must be fixed.
    pub due_at: Option<DateTime<Utc>>,
}

/// Returns what a publisher was told of open findings of a submission in whatever else was
/// released of the product, the most urgent first.
///
/// # Errors
/// The database cannot be read.
pub async fn told(
    tx: &mut Tx,
    product: &ProductId,
    submission: &SubmissionId,
) -> Result<Vec<Told>, StoreError> {
    fetch_all!(
        tx,
        Told,
        "SELECT k.vulnerability, k.component, k.class, k.told_at, k.notified_at, k.due_at FROM releases r CROSS JOIN findings k WHERE r.product_id = $1 AND r.submission_id <> $2 AND k.submission_id = r.submission_id AND k.state = 'open' AND k.announced AND k.due_at IS NOT NULL AND EXISTS (SELECT 1 FROM findings f WHERE f.submission_id = $2 AND f.state = 'open' AND f.vulnerability = k.vulnerability AND f.component = k.component) GROUP BY k.vulnerability, k.component, k.class, k.told_at, k.notified_at, k.due_at ORDER BY k.due_at, k.notified_at",
        product.as_str(),
        submission.as_str()
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

/// Returns the promises of a public product's release that nobody was told of, the worst first;
/// none where a later release took its place. The release is a question of its own: a join
/// would let a database walk over all findings that nobody was told of, for each release again.
///
/// # Errors
/// The database cannot be read.
pub async fn beginning(
    tx: &mut Tx,
    submission: &SubmissionId,
) -> Result<Vec<Beginning>, StoreError> {
    fetch_all!(
        tx,
        Beginning,
        "SELECT f.submission_id, f.class, f.due_at, COUNT(*) AS findings FROM findings f WHERE f.submission_id = (SELECT r.submission_id FROM releases r JOIN products p ON p.id = r.product_id WHERE r.submission_id = $1 AND NOT r.replaced AND p.state IN ('listed', 'on-hold')) AND f.state = 'open' AND NOT f.announced AND f.due_at IS NOT NULL GROUP BY f.submission_id, f.class, f.due_at ORDER BY f.due_at, f.class",
        submission.as_str()
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
