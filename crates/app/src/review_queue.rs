//! The reviewer's queue: what waits, whose turn it was for how long, and who took it.

use std::{collections::HashMap, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use market::{Action, Assigned, Class, SubmissionId, SubmissionState, Waiting};
use store::{
    Tx,
    products::Product,
    publishers::Publisher,
    review_queue::{QueueFilter, QueueRow},
    submissions::Submission,
};

use crate::{
    Actor, App, AppError,
    findings::{class_counts, counts_of},
    submission_page::is_in_the_way,
};

/// What the queue shows unless a state is asked for: all that the publisher need not act on.
const WAITING: [SubmissionState; 3] = [
    SubmissionState::InReview,
    SubmissionState::Inspecting,
    SubmissionState::Approved,
];

/// Which submissions of the queue are asked for.
#[derive(Debug, Clone)]
pub struct QueueQuery {
    /// In this state; without one, what does not wait for its publisher.
    pub state: Option<SubmissionState>,
    /// Of the publisher with this short name.
    pub publisher: Option<String>,
    /// Of products with this short name.
    pub product: Option<String>,
    /// Whose release would be certified, or would not.
    pub certifiable: Option<bool>,
    /// Taken by whom.
    pub assigned: Assigned,
    /// From after this place on.
    pub after: Option<QueueCursor>,
}

impl Default for QueueQuery {
    fn default() -> Self {
        Self {
            state: None,
            publisher: None,
            product: None,
            certifiable: None,
            assigned: Assigned::Everybody,
            after: None,
        }
    }
}

impl QueueQuery {
    /// Returns whether it asks for less than the whole queue.
    pub fn is_filtered(&self) -> bool {
        self.state.is_some()
            || self.publisher.is_some()
            || self.product.is_some()
            || self.certifiable.is_some()
            || self.assigned != Assigned::Everybody
    }
}

/// A place in the queue: when its submission came into its state, and which it is. Written
/// as `<microseconds since 1970>~<identifier>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCursor {
    at: DateTime<Utc>,
    id: SubmissionId,
}

impl fmt::Display for QueueCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.at.timestamp_micros(), self.id)
    }
}

/// A text that is no place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the queue: use what an answer gave as `next`, or nothing")]
pub struct QueueCursorError;

impl FromStr for QueueCursor {
    type Err = QueueCursorError;

    fn from_str(text: &str) -> Result<Self, QueueCursorError> {
        let (at, id) = text.split_once('~').ok_or(QueueCursorError)?;
        let at = at.parse().map_err(|_| QueueCursorError)?;
        Ok(Self {
            at: DateTime::from_timestamp_micros(at).ok_or(QueueCursorError)?,
            id: id.parse().map_err(|_| QueueCursorError)?,
        })
    }
}

/// A submission that waits for somebody.
#[derive(Debug, Clone)]
pub struct QueueEntry {
    /// The submission.
    pub submission: Submission,
    /// Of which product.
    pub product: Product,
    /// By which publisher.
    pub publisher: Publisher,
    /// Open findings of each class, the worst class first.
    pub counts: Vec<(Class, i64)>,
    /// Checks that failed and keep it from being certified.
    pub failed_checks: usize,
    /// Remarks that nobody resolved.
    pub open_remarks: usize,
    /// How long its review waited for each side.
    pub waiting: Waiting,
    /// The name of the reviewer who took it.
    pub reviewer: Option<String>,
    /// Whether the asker belongs to the publisher, and so may not decide.
    pub own_work: bool,
}

/// What is read of all entries at once.
struct Shared {
    products: Vec<Product>,
    publishers: Vec<Publisher>,
    counts: Vec<(String, Class, i64)>,
    remarks: HashMap<String, i64>,
}

impl Shared {
    async fn read(tx: &mut Tx, rows: &[QueueRow]) -> Result<Self, AppError> {
        let ids: Vec<_> = rows.iter().map(|row| row.submission.id.as_str()).collect();
        let products = rows.iter().map(|row| row.submission.product_id.as_str());
        let products = store::products::all_of(tx, &products.collect::<Vec<_>>()).await?;
        let publishers = products.iter().map(|product| product.publisher_id.as_str());
        let publishers = store::publishers::all_of(tx, &publishers.collect::<Vec<_>>()).await?;
        let remarks = store::review_queue::open_remarks(tx, &ids).await?;
        Ok(Self {
            counts: store::findings::counts(tx, &ids).await?,
            remarks: remarks.into_iter().collect(),
            products,
            publishers,
        })
    }

    fn home_of(&self, submission: &Submission) -> Result<(&Publisher, &Product), AppError> {
        let mut products = self.products.iter();
        let product = products.find(|product| product.id == submission.product_id);
        let publisher = product.and_then(|product| {
            let mut publishers = self.publishers.iter();
            publishers.find(|publisher| publisher.id == product.publisher_id)
        });
        let missing = || AppError::not_found("submission", submission.id.as_str());
        publisher.zip(product).ok_or_else(missing)
    }
}

/// A part of the queue.
#[derive(Debug, Clone)]
pub struct QueuePage {
    /// The submissions, those first that wait longest.
    pub entries: Vec<QueueEntry>,
    /// Where the next part begins, if there is one.
    pub next: Option<QueueCursor>,
}

impl App {
    /// Returns at most `limit` of what is under review, longest first.
    ///
    /// # Errors
    /// The asker may not see it.
    pub async fn review_queue(
        &self,
        actor: &Actor,
        query: &QueueQuery,
        limit: usize,
    ) -> Result<QueuePage, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadQueue, None)
            .await?;
        let limit = limit.clamp(1, 200);
        let mut rows = queue_rows(&mut tx, actor, query, limit + 1).await?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more);
        let next = last.map(|row| QueueCursor {
            at: row.submission.waiting_since,
            id: row.submission.id.clone(),
        });
        let shared = Shared::read(&mut tx, &rows).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            entries.push(self.queue_entry(&mut tx, actor, (row, &shared)).await?);
        }
        Ok(QueuePage { entries, next })
    }

    async fn queue_entry(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (row, shared): (QueueRow, &Shared),
    ) -> Result<QueueEntry, AppError> {
        let submission = row.submission;
        let (publisher, product) = shared.home_of(&submission)?;
        let roles = self.roles(tx, actor, Some(&publisher.id)).await?;
        let checks = store::submissions::checks(tx, &submission.id).await?;
        let remarks = shared.remarks.get(submission.id.as_str());
        Ok(QueueEntry {
            counts: class_counts(counts_of(&shared.counts, submission.id.as_str())),
            failed_checks: checks.iter().filter(|row| is_in_the_way(row)).count(),
            open_remarks: usize::try_from(*remarks.unwrap_or(&0)).unwrap_or(usize::MAX),
            waiting: self.waiting(tx, &submission).await?,
            reviewer: row.reviewer,
            own_work: market::is_own_work(Action::DecideSubmission, &roles),
            product: product.clone(),
            publisher: publisher.clone(),
            submission,
        })
    }

    /// Returns how long a submission's review waited for each side.
    pub(crate) async fn waiting(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<Waiting, AppError> {
        let turns = store::review_queue::turns(tx, submission).await?;
        let states = turns
            .into_iter()
            .filter_map(|(at, word)| Some((at, word.parse().ok()?)));
        Ok(Waiting::of(&states.collect::<Vec<_>>(), self.now()))
    }
}

/// Returns the first `limit` rows of all states that are asked for.
async fn queue_rows(
    tx: &mut Tx,
    actor: &Actor,
    query: &QueueQuery,
    limit: usize,
) -> Result<Vec<QueueRow>, AppError> {
    let reviewer = match query.assigned {
        Assigned::Everybody => None,
        Assigned::Nobody => Some(""),
        Assigned::Mine => Some(
            actor
                .require_account("to have taken something")?
                .id
                .as_str(),
        ),
    };
    let filter = QueueFilter {
        publisher: query.publisher.as_deref(),
        product: query.product.as_deref(),
        certifiable: query.certifiable,
        reviewer,
    };
    let after = query.after.as_ref();
    let after = after.map_or((DateTime::UNIX_EPOCH, ""), |place| {
        (place.at, place.id.as_str())
    });
    let asked = query.state.as_ref();
    // A query for each state reads no more of its index than it shows.
    let states = asked.map_or(WAITING.as_slice(), std::slice::from_ref);
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = Vec::new();
    for state in states {
        rows.extend(store::review_queue::in_state(tx, *state, filter, after, most).await?);
    }
    rows.sort_by(|a, b| {
        let place = |row: &QueueRow| (row.submission.waiting_since, row.submission.id.clone());
        place(a).cmp(&place(b))
    });
    rows.truncate(limit);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_queue_is_read_as_it_is_written() {
        let at = "2026-11-01T10:00:00.123456Z".parse().expect("a time");
        let place = QueueCursor {
            at,
            id: SubmissionId::new(at, [7; 10]),
        };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "~", "7", "yesterday~sub_x", "7~sub_x"] {
            assert_eq!(text.parse::<QueueCursor>(), Err(QueueCursorError), "{text}");
        }
    }
}
