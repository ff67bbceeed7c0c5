//! Who approved a submission since it came to the reviewers.

use chrono::{DateTime, Utc};
use market::{AccountId, SubmissionId};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
};

/// Somebody's approval.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ApprovalRow {
    /// By whom.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// The name of that account.
    pub reviewer: String,
    /// When.
    pub approved_at: DateTime<Utc>,
}

/// Has decisions on a submission that waits for its reviewers follow one another until the
/// transaction ends; gives whether it still waits.
///
/// # Errors
/// The database refused.
pub async fn lock(tx: &mut Tx, id: &SubmissionId) -> Result<bool, StoreError> {
    let locked = execute!(
        tx,
        "UPDATE submissions SET state = state WHERE id = $1 AND state = 'in-review'",
        id.as_str()
    )?;
    Ok(locked > 0)
}

/// Notes an approval.
///
/// # Errors
/// The database refused.
pub async fn add(
    tx: &mut Tx,
    id: &SubmissionId,
    by: &AccountId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO approvals (submission_id, account_id, approved_at) VALUES ($1, $2, $3) ON CONFLICT (submission_id, account_id) DO UPDATE SET approved_at = excluded.approved_at",
        id.as_str(),
        by.as_str(),
        at
    )?;
    Ok(())
}

/// Takes all approvals of a submission away.
///
/// # Errors
/// The database refused.
pub async fn clear(tx: &mut Tx, id: &SubmissionId) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM approvals WHERE submission_id = $1",
        id.as_str()
    )?;
    Ok(())
}

/// Returns the approvals of a submission that count, in order: not those of people who belong
/// to its publisher by now.
///
/// # Errors
/// The database cannot be read.
pub async fn counting(tx: &mut Tx, id: &SubmissionId) -> Result<Vec<ApprovalRow>, StoreError> {
    fetch_all!(
        tx,
        ApprovalRow,
        "SELECT v.account_id, a.name AS reviewer, v.approved_at FROM approvals v JOIN accounts a ON a.id = v.account_id JOIN submissions s ON s.id = v.submission_id JOIN products p ON p.id = s.product_id WHERE v.submission_id = $1 AND NOT EXISTS (SELECT 1 FROM members m WHERE m.publisher_id = p.publisher_id AND m.account_id = v.account_id) ORDER BY v.approved_at, v.account_id",
        id.as_str()
    )
}
