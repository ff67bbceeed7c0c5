//! What publishers state about vulnerabilities in their products.

use chrono::{DateTime, Utc};
use market::{AccountId, ProductId, VexClaim, VexId, VexScope, VexStanding};
use sqlx::types::Json;

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// A statement with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexStatement {
    /// Its identifier.
    pub id: VexId,
    /// About which product.
    pub product_id: ProductId,
    /// About what within it.
    pub scope: VexScope,
    /// 1 for the first of its scope.
    pub version: i64,
    /// What is stated.
    pub claim: VexClaim,
    /// The OpenVEX document it came in, by its id.
    pub document: Option<String>,
    /// Where it stands.
    pub standing: VexStanding,
    /// By whom.
    pub stated_by: AccountId,
    /// The name of that account.
    pub author: String,
    /// When.
    pub stated_at: DateTime<Utc>,
    /// The name of the account that decided last.
    pub decider: Option<String>,
    /// When it was decided on.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// Until when the acceptance counts.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it stopped counting.
    pub ended_at: Option<DateTime<Utc>>,
}

/// The columns as they are stored.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: String,
    product_id: String,
    vulnerability: String,
    image: Option<String>,
    component: Option<String>,
    version: i64,
    status: String,
    justification: Option<String>,
    text: String,
    document: Option<String>,
    standing: String,
    stated_by: String,
    author: String,
    stated_at: DateTime<Utc>,
    decider: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    ends_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for VexStatement {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let justification = row.justification.map(|word| parse(&word)).transpose()?;
        Ok(Self {
            id: parse(&row.id)?,
            product_id: parse(&row.product_id)?,
            scope: VexScope {
                vulnerability: row.vulnerability,
                image: row.image,
                component: row.component,
            },
            version: row.version,
            claim: VexClaim {
                status: parse(&row.status)?,
                justification,
                text: row.text,
            },
            document: row.document,
            standing: parse(&row.standing)?,
            stated_by: parse(&row.stated_by)?,
            author: row.author,
            stated_at: row.stated_at,
            decider: row.decider,
            decided_at: row.decided_at,
            reason: row.reason,
            ends_at: row.ends_at,
            ended_at: row.ended_at,
        })
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error: T::Err| StoreError::Corrupt {
        what: "statement",
        reason: error.to_string(),
    })
}

fn statements(rows: Vec<Row>) -> Result<Vec<VexStatement>, StoreError> {
    rows.into_iter().map(VexStatement::try_from).collect()
}

/// How a statement moves on.
#[derive(Debug, Clone, Copy)]
pub struct VexMove<'a> {
    /// Where it is, and where it goes.
    pub standings: (VexStanding, VexStanding),
    /// When.
    pub at: DateTime<Utc>,
    /// Who decides, why, and until when; nobody where it is replaced or its time is over.
    pub decision: Option<(&'a AccountId, &'a str, Option<DateTime<Utc>>)>,
}

/// Adds a statement.
///
/// # Errors
/// The scope has one of this version, or the database refused.
pub async fn create(tx: &mut Tx, statement: &VexStatement) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO vex_statements (id, product_id, vulnerability, image, component, version, status, justification, text, document, standing, stated_by, stated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        statement.id.as_str(),
        statement.product_id.as_str(),
        &statement.scope.vulnerability,
        &statement.scope.image,
        &statement.scope.component,
        statement.version,
        statement.claim.status.as_str(),
        statement
            .claim
            .justification
            .map(market::VexJustification::as_str),
        &statement.claim.text,
        &statement.document,
        statement.standing.as_str(),
        statement.stated_by.as_str(),
        statement.stated_at,
    )?;
    Ok(())
}

/// Moves a statement; gives whether it was where it should be.
///
/// # Errors
/// The database refused.
pub async fn set_standing(
    tx: &mut Tx,
    id: &VexId,
    change: &VexMove<'_>,
) -> Result<bool, StoreError> {
    let (before, after) = change.standings;
    let ended_at = (before == VexStanding::Accepted).then_some(change.at);
    let moved = match change.decision {
        Some((by, reason, ends_at)) => execute!(
            tx,
            "UPDATE vex_statements SET standing = $3, ended_at = $4, decided_by = $5, decided_at = $6, reason = $7, ends_at = $8 WHERE id = $1 AND standing = $2",
            id.as_str(),
            before.as_str(),
            after.as_str(),
            ended_at,
            by.as_str(),
            change.at,
            reason,
            ends_at,
        )?,
        None => execute!(
            tx,
            "UPDATE vex_statements SET standing = $3, ended_at = $4 WHERE id = $1 AND standing = $2",
            id.as_str(),
            before.as_str(),
            after.as_str(),
            ended_at,
        )?,
    };
    Ok(moved > 0)
}

/// Returns the statement with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &VexId) -> Result<Option<VexStatement>, StoreError> {
    let row = fetch_opt!(
        tx,
        Row,
        "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.id = $1",
        id.as_str()
    )?;
    row.map(VexStatement::try_from).transpose()
}

/// Returns a part of what is and was stated about a product, of vulnerabilities under these names
/// or, where there are none, of all; newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_product(
    tx: &mut Tx,
    product: &ProductId,
    vulnerabilities: &[&str],
    part: Part<'_>,
) -> Result<Vec<VexStatement>, StoreError> {
    statements(fetch_all!(
        tx,
        Row,
        [
            "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.product_id = $1 AND (json_array_length($2) = 0 OR v.vulnerability IN (SELECT value FROM json_each($2))) AND ($3 = '' OR (v.stated_at, v.id) < (SELECT l.stated_at, l.id FROM vex_statements l WHERE l.id = $3)) ORDER BY v.stated_at DESC, v.id DESC LIMIT $4",
            "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.product_id = $1 AND (jsonb_array_length($2) = 0 OR v.vulnerability IN (SELECT value FROM jsonb_array_elements_text($2) t (value))) AND ($3 = '' OR (v.stated_at, v.id) < (SELECT l.stated_at, l.id FROM vex_statements l WHERE l.id = $3)) ORDER BY v.stated_at DESC, v.id DESC LIMIT $4"
        ],
        product.as_str(),
        Json(vulnerabilities),
        part.from,
        part.limit
    )?)
}

/// Returns what is and was stated about a product and a vulnerability under this name, by version.
///
/// # Errors
/// The database cannot be read.
pub async fn of_vulnerability(
    tx: &mut Tx,
    product: &ProductId,
    vulnerability: &str,
) -> Result<Vec<VexStatement>, StoreError> {
    statements(fetch_all!(
        tx,
        Row,
        "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.product_id = $1 AND v.vulnerability = $2 ORDER BY v.version",
        product.as_str(),
        vulnerability
    )?)
}

/// Returns the statements that close findings of these products about vulnerabilities of these
/// names, and count at `now`.
///
/// # Errors
/// The database cannot be read.
pub async fn closing(
    tx: &mut Tx,
    products: &[&str],
    vulnerabilities: &[&str],
    now: DateTime<Utc>,
) -> Result<Vec<VexStatement>, StoreError> {
    statements(fetch_all!(
        tx,
        Row,
        [
            "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.product_id IN (SELECT value FROM json_each($1)) AND v.vulnerability IN (SELECT value FROM json_each($2)) AND v.standing = 'accepted' AND v.status IN ('not_affected', 'fixed') AND (v.ends_at IS NULL OR v.ends_at > $3) ORDER BY v.stated_at DESC, v.id DESC",
            "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.product_id IN (SELECT value FROM jsonb_array_elements_text($1) t (value)) AND v.vulnerability IN (SELECT value FROM jsonb_array_elements_text($2) t (value)) AND v.standing = 'accepted' AND v.status IN ('not_affected', 'fixed') AND (v.ends_at IS NULL OR v.ends_at > $3) ORDER BY v.stated_at DESC, v.id DESC"
        ],
        Json(products),
        Json(vulnerabilities),
        now
    )?)
}

/// Returns a part of the statements that nobody decided on, the oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn waiting(tx: &mut Tx, part: Part<'_>) -> Result<Vec<VexStatement>, StoreError> {
    statements(fetch_all!(
        tx,
        Row,
        "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.standing = 'waiting' AND ($1 = '' OR (v.stated_at, v.id) > (SELECT l.stated_at, l.id FROM vex_statements l WHERE l.id = $1)) ORDER BY v.stated_at, v.id LIMIT $2",
        part.from,
        part.limit
    )?)
}

/// Returns the accepted statements whose time is over by `now`.
///
/// # Errors
/// The database cannot be read.
pub async fn over(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<VexStatement>, StoreError> {
    statements(fetch_all!(
        tx,
        Row,
        "SELECT v.*, a.name AS author, d.name AS decider FROM vex_statements v JOIN accounts a ON a.id = v.stated_by LEFT JOIN accounts d ON d.id = v.decided_by WHERE v.standing = 'accepted' AND v.ends_at <= $1 ORDER BY v.ends_at, v.id",
        now
    )?)
}

/// Returns the digests of a product's submissions, each with those of its platforms' images.
///
/// # Errors
/// The database cannot be read.
pub async fn known_images(
    tx: &mut Tx,
    product: &ProductId,
) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        tx,
        (String, String),
        "SELECT s.digest, i.digest FROM submissions s JOIN submission_images i ON i.submission_id = s.id WHERE s.product_id = $1 ORDER BY s.number, i.position",
        product.as_str()
    )
}

/// Returns whether any statement about a product counts at `now`.
///
/// # Errors
/// The database cannot be read.
pub async fn any_counts(
    tx: &mut Tx,
    product: &ProductId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    fetch_scalar!(
        tx,
        bool,
        "SELECT EXISTS (SELECT 1 FROM vex_statements WHERE product_id = $1 AND standing = 'accepted' AND (ends_at IS NULL OR ends_at > $2))",
        product.as_str(),
        now
    )
}

/// Returns how many statements of a product wait or count.
///
/// # Errors
/// The database cannot be read.
pub async fn count_current(tx: &mut Tx, product: &ProductId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM vex_statements WHERE product_id = $1 AND standing IN ('waiting', 'accepted')",
        product.as_str()
    )
}
