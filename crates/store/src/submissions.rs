//! Submissions, their check results and their review threads.

use chrono::{DateTime, Utc};
use market::{
    AccountId, Anchor, CommentId, ProductId, ProductManifest, Publication, SubmissionId,
    SubmissionState,
};
use sqlx::types::Json;

use crate::{
    Part, StoreError, Tx, assets,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// An immutable snapshot on its way through review.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Submission {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: SubmissionId,
    /// Of which product.
    #[sqlx(try_from = "String")]
    pub product_id: ProductId,
    /// 1 for a product's first.
    pub number: i64,
    /// Where it is.
    #[sqlx(try_from = "String")]
    pub state: SubmissionState,
    /// The manifest as submitted.
    pub manifest: Json<ProductManifest>,
    /// The staging repository; never shown to consumers.
    pub repository: String,
    /// The tag it was submitted under.
    pub tag: String,
    /// What the tag named then.
    pub digest: String,
    /// Of the manifest or index.
    pub media_type: String,
    /// By whom.
    #[sqlx(try_from = "String")]
    pub submitted_by: AccountId,
    /// When.
    pub submitted_at: DateTime<Utc>,
    /// Since when the side whose turn it is has it.
    pub waiting_since: DateTime<Utc>,
    /// When the machine was done.
    pub inspected_at: Option<DateTime<Utc>>,
    /// What signature verification found, as JSON.
    pub signature: Option<Json<serde_json::Value>>,
    /// Why inspection failed.
    pub problem: Option<String>,
    /// Whether a release of it would be certified.
    pub certifiable: bool,
    /// The account of the reviewer who took it.
    pub reviewer_id: Option<String>,
    /// When it goes public once it is approved.
    #[sqlx(try_from = "String")]
    pub publication: Publication,
    /// The time, where there is one.
    pub publish_at: Option<DateTime<Utc>>,
}

impl Submission {
    /// Returns whether it goes public at `now` if it is approved.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.publication.is_due(self.publish_at, now)
    }
}

/// A remark in a review thread.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Comment {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: CommentId,
    /// In which thread.
    #[sqlx(try_from = "String")]
    pub submission_id: SubmissionId,
    /// By whom.
    #[sqlx(try_from = "String")]
    pub author_id: AccountId,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub anchor: Anchor,
    /// What it says.
    pub body: String,
    /// The decision it came with.
    pub decision: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was settled.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// The result of one certification check on one image.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct CheckRow {
    /// The image's manifest digest.
    pub image: String,
    /// The check's id.
    pub check_id: String,
    /// Its place in the list.
    pub position: i64,
    /// The result as `certify` wrote it.
    pub result: Json<serde_json::Value>,
    /// The waiver that counts for it where it failed.
    pub waiver_id: Option<String>,
}

/// Adds a submission.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, submission: &Submission) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO submissions (id, product_id, number, state, manifest, repository, tag, digest, media_type, submitted_by, submitted_at, waiting_since, certifiable, reviewer_id, publication, publish_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15)",
        submission.id.as_str(),
        submission.product_id.as_str(),
        submission.number,
        submission.state.as_str(),
        &submission.manifest,
        &submission.repository,
        &submission.tag,
        &submission.digest,
        &submission.media_type,
        submission.submitted_by.as_str(),
        submission.submitted_at,
        submission.certifiable,
        &submission.reviewer_id,
        submission.publication.as_str(),
        submission.publish_at,
    )?;
    Ok(())
}

/// Returns the submission with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &SubmissionId) -> Result<Option<Submission>, StoreError> {
    fetch_opt!(
        tx,
        Submission,
        "SELECT * FROM submissions WHERE id = $1",
        id.as_str()
    )
}

/// Returns the submissions with these identifiers, in no order.
///
/// # Errors
/// The database cannot be read.
pub async fn all_of(tx: &mut Tx, ids: &[&str]) -> Result<Vec<Submission>, StoreError> {
    fetch_all!(
        tx,
        Submission,
        [
            "SELECT * FROM submissions WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT * FROM submissions WHERE id IN (SELECT value FROM jsonb_array_elements_text($1) t (value))"
        ],
        Json(ids)
    )
}

/// Returns a part of a product's submissions, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_product(
    tx: &mut Tx,
    product: &ProductId,
    part: Part<'_>,
) -> Result<Vec<Submission>, StoreError> {
    fetch_all!(
        tx,
        Submission,
        "SELECT * FROM submissions WHERE product_id = $1 AND ($2 = '' OR number < (SELECT l.number FROM submissions l WHERE l.id = $2)) ORDER BY number DESC LIMIT $3",
        product.as_str(),
        part.from,
        part.limit
    )
}

/// Returns a product's last submission before `number`.
///
/// # Errors
/// The database cannot be read.
pub async fn before(
    tx: &mut Tx,
    product: &ProductId,
    number: i64,
) -> Result<Option<Submission>, StoreError> {
    fetch_opt!(
        tx,
        Submission,
        "SELECT * FROM submissions WHERE product_id = $1 AND number < $2 ORDER BY number DESC LIMIT 1",
        product.as_str(),
        number
    )
}

/// Returns how many submissions of images in a repository are still on their way.
///
/// # Errors
/// The database cannot be read.
pub async fn count_under_way(tx: &mut Tx, repository: &str) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM submissions WHERE repository = $1 AND state IN ('inspecting', 'in-review', 'changes-requested', 'approved')",
        repository
    )
}

/// Moves a submission from one state to another and starts the other side's waiting time;
/// gives whether it still was in the first.
///
/// # Errors
/// The database refused.
pub async fn set_state(
    tx: &mut Tx,
    id: &SubmissionId,
    (from, to): (SubmissionState, SubmissionState),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let moved = execute!(
        tx,
        "UPDATE submissions SET state = $3, waiting_since = $4 WHERE id = $1 AND state = $2",
        id.as_str(),
        from.as_str(),
        to.as_str(),
        at
    )?;
    Ok(moved > 0)
}

/// Sets when a submission goes public, unless its state or that has changed meanwhile; gives
/// whether it was set.
///
/// # Errors
/// The database refused.
pub async fn set_publication(
    tx: &mut Tx,
    submission: &Submission,
    publication: Publication,
    publish_at: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    let set = execute!(
        tx,
        "UPDATE submissions SET publication = $4, publish_at = $5 WHERE id = $1 AND state = $2 AND publication = $3",
        submission.id.as_str(),
        submission.state.as_str(),
        submission.publication.as_str(),
        publication.as_str(),
        publish_at
    )?;
    Ok(set > 0)
}

/// Takes an approved submission that is due for whoever makes it public: nobody changes when it
/// goes public until the transaction ends. Gives whether it is.
///
/// # Errors
/// The database refused.
pub async fn take_due(
    tx: &mut Tx,
    id: &SubmissionId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let taken = execute!(
        tx,
        "UPDATE submissions SET state = state WHERE id = $1 AND state = 'approved' AND (publication = 'at-once' OR (publication = 'at-time' AND publish_at <= $2))",
        id.as_str(),
        now
    )?;
    Ok(taken > 0)
}

/// What inspection found out about a submission as a whole.
#[derive(Debug, Clone)]
pub struct InspectionResult<'a> {
    /// What signature verification found.
    pub signature: &'a serde_json::Value,
    /// Why inspection failed, if it did.
    pub problem: Option<&'a str>,
    /// Whether a release would be certified.
    pub certifiable: bool,
    /// When inspection ended.
    pub at: DateTime<Utc>,
}

/// Notes what inspection found.
///
/// # Errors
/// The database refused.
pub async fn set_inspection(
    tx: &mut Tx,
    id: &SubmissionId,
    result: &InspectionResult<'_>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE submissions SET signature = $2, problem = $3, certifiable = $4, inspected_at = $5 WHERE id = $1",
        id.as_str(),
        Json(result.signature),
        result.problem,
        result.certifiable,
        result.at
    )?;
    Ok(())
}

/// Replaces the check results of one image of a submission.
///
/// # Errors
/// The database refused.
pub async fn replace_checks(
    tx: &mut Tx,
    id: &SubmissionId,
    image: &str,
    results: &[(String, serde_json::Value)],
) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM check_results WHERE submission_id = $1 AND image = $2",
        id.as_str(),
        image
    )?;
    for (position, (check_id, result)) in (0_i64..).zip(results) {
        execute!(
            tx,
            "INSERT INTO check_results (submission_id, image, check_id, position, result) VALUES ($1, $2, $3, $4, $5)",
            id.as_str(),
            image,
            check_id,
            position,
            Json(result)
        )?;
    }
    Ok(())
}

/// Returns a submission's check results, image by image.
///
/// # Errors
/// The database cannot be read.
pub async fn checks(tx: &mut Tx, id: &SubmissionId) -> Result<Vec<CheckRow>, StoreError> {
    fetch_all!(
        tx,
        CheckRow,
        "SELECT image, check_id, position, result, waiver_id FROM check_results WHERE submission_id = $1 ORDER BY image, position",
        id.as_str()
    )
}

/// Notes by which waiver a failed check need not be passed, or that it has to be.
///
/// # Errors
/// The database refused.
pub async fn set_waiver(
    tx: &mut Tx,
    id: &SubmissionId,
    (image, check): (&str, &str),
    waiver: Option<&str>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE check_results SET waiver_id = $4 WHERE submission_id = $1 AND image = $2 AND check_id = $3",
        id.as_str(),
        image,
        check,
        waiver
    )?;
    Ok(())
}

/// Notes whether a release of a submission would be certified.
///
/// # Errors
/// The database refused.
pub async fn set_certifiable(
    tx: &mut Tx,
    id: &SubmissionId,
    certifiable: bool,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE submissions SET certifiable = $2 WHERE id = $1",
        id.as_str(),
        certifiable
    )?;
    Ok(())
}

/// Adds a remark.
///
/// # Errors
/// The database refused.
pub async fn add_comment(tx: &mut Tx, comment: &Comment) -> Result<(), StoreError> {
    assets::keep_named(tx, &comment.body).await?;
    execute!(
        tx,
        "INSERT INTO comments (id, submission_id, author_id, anchor, body, decision, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        comment.id.as_str(),
        comment.submission_id.as_str(),
        comment.author_id.as_str(),
        comment.anchor.to_string(),
        &comment.body,
        &comment.decision,
        comment.created_at,
    )?;
    Ok(())
}

/// A remark with the name of its author.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CommentWithAuthor {
    /// The remark.
    #[sqlx(flatten)]
    pub comment: Comment,
    /// The author's name.
    pub author: String,
    /// The number of the submission it was written on.
    pub submission_number: i64,
}

/// Returns a part of the thread of a product up to a submission, oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn thread(
    tx: &mut Tx,
    submission: &Submission,
    part: Part<'_>,
) -> Result<Vec<CommentWithAuthor>, StoreError> {
    fetch_all!(
        tx,
        CommentWithAuthor,
        "SELECT c.*, a.name AS author, s.number AS submission_number FROM comments c JOIN accounts a ON a.id = c.author_id JOIN submissions s ON s.id = c.submission_id WHERE s.product_id = $1 AND s.number <= $2 AND c.id > $3 ORDER BY c.id LIMIT $4",
        submission.product_id.as_str(),
        submission.number,
        part.from,
        part.limit
    )
}

/// Returns the remark with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find_comment(tx: &mut Tx, id: &CommentId) -> Result<Option<Comment>, StoreError> {
    fetch_opt!(
        tx,
        Comment,
        "SELECT * FROM comments WHERE id = $1",
        id.as_str()
    )
}

/// Settles a remark, or opens it again.
///
/// # Errors
/// The database refused.
pub async fn set_resolved(
    tx: &mut Tx,
    id: &CommentId,
    at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE comments SET resolved_at = $2 WHERE id = $1",
        id.as_str(),
        at
    )?;
    Ok(())
}
