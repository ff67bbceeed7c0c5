//! What is under review, who took it, and when it changed hands.

use chrono::{DateTime, Utc};
use market::{AccountId, PublisherId, SubmissionId, SubmissionState};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
    submissions::Submission,
};

/// Which submissions of a state are meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueueFilter<'a> {
    /// Of the publisher with this short name.
    pub publisher: Option<&'a str>,
    /// Of products with this short name.
    pub product: Option<&'a str>,
    /// Whose release would be certified, or would not.
    pub certifiable: Option<bool>,
    /// Taken by the account with this identifier; by nobody where it is empty.
    pub reviewer: Option<&'a str>,
}

/// A submission with who took it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct QueueRow {
    /// The submission.
    #[sqlx(flatten)]
    pub submission: Submission,
    /// The name of the reviewer who took it.
    pub reviewer: Option<String>,
}

/// Returns at most `limit` submissions in a state, those first that are in it longest, from
/// after the one that came into its state at `after` and has its identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn in_state(
    tx: &mut Tx,
    state: SubmissionState,
    filter: QueueFilter<'_>,
    after: (DateTime<Utc>, &str),
    limit: i64,
) -> Result<Vec<QueueRow>, StoreError> {
    fetch_all!(
        tx,
        QueueRow,
        "SELECT s.*, a.name AS reviewer FROM submissions s JOIN products p ON p.id = s.product_id JOIN publishers o ON o.id = p.publisher_id LEFT JOIN accounts a ON a.id = s.reviewer_id WHERE s.state = $1 AND (s.waiting_since, s.id) > ($2, $3) AND (CAST($4 AS TEXT) IS NULL OR o.slug = $4) AND (CAST($5 AS TEXT) IS NULL OR p.slug = $5) AND (CAST($6 AS BOOLEAN) IS NULL OR s.certifiable = $6) AND (CAST($7 AS TEXT) IS NULL OR COALESCE(s.reviewer_id, '') = $7) ORDER BY s.waiting_since, s.id LIMIT $8",
        state.as_str(),
        after.0,
        after.1,
        filter.publisher,
        filter.product,
        filter.certifiable,
        filter.reviewer,
        limit
    )
}

/// Gives a submission to a reviewer or takes it back; tells whether it still was in the hands
/// of `from`, or nobody's.
///
/// # Errors
/// The database refused.
pub async fn assign(
    tx: &mut Tx,
    id: &SubmissionId,
    (from, to): (Option<&str>, Option<&AccountId>),
) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE submissions SET reviewer_id = $3 WHERE id = $1 AND COALESCE(reviewer_id, '') = $2",
        id.as_str(),
        from.unwrap_or_default(),
        to.map(AccountId::as_str)
    )?;
    Ok(changed > 0)
}

/// Returns the names of the certification team's people who do not belong to a publisher.
///
/// # Errors
/// The database cannot be read.
pub async fn reviewers_for(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT a.name FROM accounts a WHERE a.staff_role IS NOT NULL AND a.disabled_at IS NULL AND NOT EXISTS (SELECT 1 FROM members m WHERE m.account_id = a.id AND m.publisher_id = $1) ORDER BY a.name COLLATE \"C\"",
        publisher.as_str()
    )?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Returns how many remarks nobody resolved, in the threads up to submissions; nothing of those
/// where there are none. Decisions stand in a thread too, but nobody resolves them.
///
/// # Errors
/// The database cannot be read.
pub async fn open_remarks(
    tx: &mut Tx,
    submissions: &[&str],
) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        tx,
        (String, i64),
        [
            "SELECT s.id, COUNT(*) FROM submissions s JOIN submissions t ON t.product_id = s.product_id AND t.number <= s.number JOIN comments c ON c.submission_id = t.id WHERE s.id IN (SELECT value FROM json_each($1)) AND c.decision IS NULL AND c.resolved_at IS NULL GROUP BY s.id",
            "SELECT s.id, COUNT(*) FROM submissions s JOIN submissions t ON t.product_id = s.product_id AND t.number <= s.number JOIN comments c ON c.submission_id = t.id WHERE s.id IN (SELECT value FROM jsonb_array_elements_text($1) t (value)) AND c.decision IS NULL AND c.resolved_at IS NULL GROUP BY s.id"
        ],
        Json(submissions)
    )
}

/// Returns what became of a submission and of those whose place it took, one after the other,
/// in order: each change of state with its time, and words that are no state between them.
///
/// # Errors
/// The database cannot be read.
pub async fn turns(
    tx: &mut Tx,
    submission: &Submission,
) -> Result<Vec<(DateTime<Utc>, String)>, StoreError> {
    fetch_all!(
        tx,
        (DateTime<Utc>, String),
        "SELECT a.at, a.after FROM submissions s JOIN audit a ON a.subject = s.id WHERE s.product_id = $1 AND s.number <= $2 AND s.number > (SELECT COALESCE(MAX(e.number), 0) FROM submissions e WHERE e.product_id = $1 AND e.number < $2 AND e.state <> 'superseded') AND a.after IS NOT NULL ORDER BY a.id",
        submission.product_id.as_str(),
        submission.number
    )
}
