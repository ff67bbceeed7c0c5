//! What the certification team says of how grave vulnerabilities are.

use chrono::{DateTime, Utc};
use market::{AccountId, Class, ClassificationId, ProductId};
use sqlx::types::Json;

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A class by hand with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classification {
    /// Its identifier.
    pub id: ClassificationId,
    /// The vulnerability, by one of its names.
    pub vulnerability: String,
    /// The product; nothing for every product.
    pub product_id: Option<ProductId>,
    /// The class.
    pub class: Class,
    /// Why.
    pub reason: String,
    /// By whom.
    pub made_by: AccountId,
    /// The name of that account.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The name of the account that ended it.
    pub ender: Option<String>,
    /// When it stopped counting.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why; nothing where a newer one took its place.
    pub end_reason: Option<String>,
}

/// The columns as they are stored.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: String,
    vulnerability: String,
    product_id: Option<String>,
    class: String,
    reason: String,
    made_by: String,
    author: String,
    made_at: DateTime<Utc>,
    ender: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    end_reason: Option<String>,
}

impl TryFrom<Row> for Classification {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: parse(&row.id)?,
            vulnerability: row.vulnerability,
            product_id: row.product_id.map(|id| parse(&id)).transpose()?,
            class: parse(&row.class)?,
            reason: row.reason,
            made_by: parse(&row.made_by)?,
            author: row.author,
            made_at: row.made_at,
            ender: row.ender,
            ended_at: row.ended_at,
            end_reason: row.end_reason,
        })
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::Corrupt {
        what: "classification",
        reason: error.to_string(),
    })
}

fn classifications(rows: Vec<Row>) -> Result<Vec<Classification>, StoreError> {
    rows.into_iter().map(Classification::try_from).collect()
}

/// Adds one.
///
/// # Errors
/// Another one of the same vulnerability and product counts, or the database refused.
pub async fn create(tx: &mut Tx, new: &Classification) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO classifications (id, vulnerability, product_id, class, reason, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new.id.as_str(),
        &new.vulnerability,
        new.product_id.as_ref().map(ProductId::as_str),
        new.class.as_str(),
        &new.reason,
        new.made_by.as_str(),
        new.made_at,
    )?;
    Ok(())
}

/// Ends one; gives whether it counted until then.
///
/// # Errors
/// The database refused.
pub async fn end(
    tx: &mut Tx,
    id: &ClassificationId,
    (by, reason): (&AccountId, Option<&str>),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ended = execute!(
        tx,
        "UPDATE classifications SET ended_by = $2, ended_at = $3, end_reason = $4 WHERE id = $1 AND ended_at IS NULL",
        id.as_str(),
        by.as_str(),
        at,
        reason
    )?;
    Ok(ended > 0)
}

/// Returns the one with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(
    tx: &mut Tx,
    id: &ClassificationId,
) -> Result<Option<Classification>, StoreError> {
    let row = fetch_opt!(
        tx,
        Row,
        "SELECT c.*, a.name AS author, e.name AS ender FROM classifications c JOIN accounts a ON a.id = c.made_by LEFT JOIN accounts e ON e.id = c.ended_by WHERE c.id = $1",
        id.as_str()
    )?;
    row.map(Classification::try_from).transpose()
}

/// Returns a part of those that count, of those that no longer do, or of all; the newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(
    tx: &mut Tx,
    counting: Option<bool>,
    part: Part<'_>,
) -> Result<Vec<Classification>, StoreError> {
    classifications(fetch_all!(
        tx,
        Row,
        "SELECT c.*, a.name AS author, e.name AS ender FROM classifications c JOIN accounts a ON a.id = c.made_by LEFT JOIN accounts e ON e.id = c.ended_by WHERE ((c.ended_at IS NULL) = $1 OR $1 IS NULL) AND ($2 = '' OR (c.made_at, c.id) < (SELECT l.made_at, l.id FROM classifications l WHERE l.id = $2)) ORDER BY c.made_at DESC, c.id DESC LIMIT $3",
        counting,
        part.from,
        part.limit
    )?)
}

/// Returns those that count of vulnerabilities under these names, in these products or in every
/// product; of one vulnerability, those about one product first.
///
/// # Errors
/// The database cannot be read.
pub async fn in_force(
    tx: &mut Tx,
    products: &[&str],
    vulnerabilities: &[&str],
) -> Result<Vec<Classification>, StoreError> {
    classifications(fetch_all!(
        tx,
        Row,
        [
            "SELECT c.*, a.name AS author, e.name AS ender FROM classifications c JOIN accounts a ON a.id = c.made_by LEFT JOIN accounts e ON e.id = c.ended_by WHERE c.ended_at IS NULL AND (c.product_id IS NULL OR c.product_id IN (SELECT value FROM json_each($1))) AND c.vulnerability IN (SELECT value FROM json_each($2)) ORDER BY (c.product_id IS NULL), c.made_at DESC, c.id DESC",
            "SELECT c.*, a.name AS author, e.name AS ender FROM classifications c JOIN accounts a ON a.id = c.made_by LEFT JOIN accounts e ON e.id = c.ended_by WHERE c.ended_at IS NULL AND (c.product_id IS NULL OR c.product_id IN (SELECT value FROM jsonb_array_elements_text($1) t (value))) AND c.vulnerability IN (SELECT value FROM jsonb_array_elements_text($2) t (value)) ORDER BY (c.product_id IS NULL), c.made_at DESC, c.id DESC"
        ],
        Json(products),
        Json(vulnerabilities)
    )?)
}

/// A vulnerability without a score in what is on the market or under review.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Unscored {
    /// The vulnerability.
    pub vulnerability: String,
    /// How many products have it.
    pub products: i64,
    /// How many findings.
    pub findings: i64,
    /// Since when it is known.
    pub first_seen_at: DateTime<Utc>,
}

/// Returns what waits to be classified, the oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn unscored(tx: &mut Tx, limit: i64) -> Result<Vec<Unscored>, StoreError> {
    fetch_all!(
        tx,
        Unscored,
        "SELECT f.vulnerability, COUNT(DISTINCT s.product_id) AS products, COUNT(*) AS findings, MIN(f.first_seen_at) AS first_seen_at FROM findings f CROSS JOIN submissions s WHERE s.id = f.submission_id AND f.class = 'unscored' AND f.state = 'open' AND (s.state IN ('in-review', 'changes-requested', 'approved') OR (s.state = 'released' AND EXISTS (SELECT 1 FROM releases r JOIN products p ON p.id = r.product_id WHERE r.submission_id = s.id AND NOT r.replaced AND p.state IN ('listed', 'on-hold')))) GROUP BY f.vulnerability ORDER BY MIN(f.first_seen_at), f.vulnerability COLLATE \"C\" LIMIT $1",
        limit
    )
}
