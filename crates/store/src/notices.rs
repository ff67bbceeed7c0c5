//! What people are told: one row a person and cause, with how its mail fares.

use chrono::{DateTime, Utc};
use market::{
    AccountId, MailChoice, MailState, NoticeId, NoticeKind, ProductId, PublisherId, SubmissionId,
};

use crate::{
    Part, StoreError, Tx,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// A notice to one person.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Notice {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: NoticeId,
    /// Who is told.
    #[sqlx(try_from = "String")]
    pub account_id: AccountId,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: NoticeKind,
    /// What happened; nobody is told of the same twice.
    pub cause: String,
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// The page that it is about, from `/`.
    pub path: String,
    /// The product that it is about.
    pub product_id: Option<String>,
    /// Who knows it may end mail of this kind to this person.
    pub mute_key: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was seen on the page.
    pub read_at: Option<DateTime<Utc>>,
    /// How its mail fares.
    #[sqlx(try_from = "String")]
    pub mail: MailState,
    /// When the mail is tried next, or came to its end.
    pub mail_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// A notice with where its mail goes.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Addressed {
    /// The notice.
    #[sqlx(flatten)]
    pub notice: Notice,
    /// The person's name.
    pub account: String,
    /// Their address.
    pub email: String,
    /// How they want such mail.
    #[sqlx(try_from = "String")]
    pub choice: MailChoice,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy)]
pub struct MailOutcome<'a> {
    /// Waiting to be tried again, or how it ended.
    pub mail: MailState,
    /// When it is tried next, or came to its end.
    pub at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it failed.
    pub error: Option<&'a str>,
}

/// Adds a notice, unless its person was told of its cause before.
///
/// # Errors
/// The database refused.
pub async fn create(tx: &mut Tx, notice: &Notice) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO notices (id, account_id, kind, cause, title, body, path, mute_key, created_at, mail, mail_at, product_id, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0) ON CONFLICT (account_id, cause) DO NOTHING",
        notice.id.as_str(),
        notice.account_id.as_str(),
        notice.kind.as_str(),
        &notice.cause,
        &notice.title,
        &notice.body,
        &notice.path,
        &notice.mute_key,
        notice.created_at,
        notice.mail.as_str(),
        notice.mail_at,
        notice.product_id.as_deref(),
    )?;
    Ok(())
}

/// Returns a part of a person's notices, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_account(
    tx: &mut Tx,
    account: &AccountId,
    part: Part<'_>,
) -> Result<Vec<Notice>, StoreError> {
    fetch_all!(
        tx,
        Notice,
        "SELECT * FROM notices WHERE account_id = $1 AND (id < $2 OR $2 = '') ORDER BY id DESC LIMIT $3",
        account.as_str(),
        part.from,
        part.limit
    )
}

/// Returns how many of a person's notices they have not seen.
///
/// # Errors
/// The database cannot be read.
pub async fn unread(tx: &mut Tx, account: &AccountId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM notices WHERE account_id = $1 AND read_at IS NULL",
        account.as_str()
    )
}

/// Notes that a person has seen all that they were told.
///
/// # Errors
/// The database refused.
pub async fn set_read(
    tx: &mut Tx,
    account: &AccountId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE notices SET read_at = $2 WHERE account_id = $1 AND read_at IS NULL",
        account.as_str(),
        at
    )?;
    Ok(())
}

/// Returns a part of the notices of everybody, newest first, with how their mail fares.
///
/// # Errors
/// The database cannot be read.
pub async fn newest(tx: &mut Tx, part: Part<'_>) -> Result<Vec<Addressed>, StoreError> {
    fetch_all!(
        tx,
        Addressed,
        "SELECT n.*, a.name AS account, a.email, COALESCE((SELECT c.choice FROM mail_choices c WHERE c.account_id = n.account_id AND c.kind = n.kind AND c.product_id = n.product_id), (SELECT c.choice FROM mail_choices c WHERE c.account_id = n.account_id AND c.kind = n.kind AND c.product_id = ''), 'at-once') AS choice FROM notices n JOIN accounts a ON a.id = n.account_id WHERE n.id < $1 OR $1 = '' ORDER BY n.id DESC LIMIT $2",
        part.from,
        part.limit
    )
}

/// Takes the mails of one person that are due, oldest first, and keeps everybody else from
/// them until `until`.
///
/// # Errors
/// The database refused.
pub async fn claim_mails(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Addressed>, StoreError> {
    let waits_longest = fetch_opt!(
        tx,
        (String,),
        "SELECT account_id FROM notices WHERE mail = 'waiting' AND mail_at <= $1 ORDER BY mail_at, id LIMIT 1",
        now
    )?;
    let Some((account,)) = waits_longest else {
        return Ok(Vec::new());
    };
    let due = fetch_all!(
        tx,
        Addressed,
        "SELECT n.*, a.name AS account, a.email, COALESCE((SELECT c.choice FROM mail_choices c WHERE c.account_id = n.account_id AND c.kind = n.kind AND c.product_id = n.product_id), (SELECT c.choice FROM mail_choices c WHERE c.account_id = n.account_id AND c.kind = n.kind AND c.product_id = ''), 'at-once') AS choice FROM notices n JOIN accounts a ON a.id = n.account_id WHERE n.account_id = $1 AND n.mail = 'waiting' AND n.mail_at <= $2 ORDER BY n.id LIMIT $3",
        account.as_str(),
        now,
        limit
    )?;
    let mut claimed = Vec::new();
    for mail in due {
        let changed = execute!(
            tx,
            "UPDATE notices SET mail_at = $3 WHERE id = $1 AND mail = 'waiting' AND mail_at = $2",
            mail.notice.id.as_str(),
            mail.notice.mail_at,
            until
        )?;
        if changed > 0 {
            claimed.push(mail);
        }
    }
    Ok(claimed)
}

/// Notes what became of a mail.
///
/// # Errors
/// The database refused.
pub async fn set_mail(
    tx: &mut Tx,
    id: &NoticeId,
    outcome: MailOutcome<'_>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE notices SET mail = $2, mail_at = $3, attempts = $4, error = $5 WHERE id = $1",
        id.as_str(),
        outcome.mail.as_str(),
        outcome.at,
        outcome.attempts,
        outcome.error
    )?;
    Ok(())
}

/// Returns the notice that a mail's key belongs to.
///
/// # Errors
/// The database cannot be read.
pub async fn find_by_mute_key(tx: &mut Tx, key: &str) -> Result<Option<Notice>, StoreError> {
    fetch_opt!(tx, Notice, "SELECT * FROM notices WHERE mute_key = $1", key)
}

/// Returns how a person wants mail of each kind that they chose something for: about a
/// product, or with an empty one about all others.
///
/// # Errors
/// The database cannot be read.
pub async fn choices(
    tx: &mut Tx,
    account: &AccountId,
    product: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        tx,
        (String, String),
        "SELECT kind, choice FROM mail_choices WHERE account_id = $1 AND product_id = $2",
        account.as_str(),
        product
    )
}

/// Sets how a person wants mail of a kind about a product, or with an empty one about all
/// others; without a choice, as if none was ever made.
///
/// # Errors
/// The database refused.
pub async fn choose(
    tx: &mut Tx,
    account: &AccountId,
    (kind, product): (NoticeKind, &str),
    choice: Option<MailChoice>,
) -> Result<(), StoreError> {
    let (account, kind) = (account.as_str(), kind.as_str());
    execute!(
        tx,
        "DELETE FROM mail_choices WHERE account_id = $1 AND kind = $2 AND product_id = $3",
        account,
        kind,
        product
    )?;
    if let Some(choice) = choice {
        execute!(
            tx,
            "INSERT INTO mail_choices (account_id, kind, product_id, choice) VALUES ($1, $2, $3, $4)",
            account,
            kind,
            product,
            choice.as_str()
        )?;
    }
    Ok(())
}

/// Ends a person's mail of a kind, whatever they chose for single products.
///
/// # Errors
/// The database refused.
pub async fn mute(tx: &mut Tx, account: &AccountId, kind: NoticeKind) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM mail_choices WHERE account_id = $1 AND kind = $2",
        account.as_str(),
        kind.as_str()
    )?;
    choose(tx, account, (kind, ""), Some(MailChoice::Never)).await
}

/// Returns the products for which a person chose otherwise than for all, as `publisher/product`.
///
/// # Errors
/// The database cannot be read.
pub async fn products_with_choices(
    tx: &mut Tx,
    account: &AccountId,
) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT DISTINCT u.slug || '/' || p.slug AS name FROM mail_choices c JOIN products p ON p.id = c.product_id JOIN publishers u ON u.id = p.publisher_id WHERE c.account_id = $1",
        account.as_str()
    )?;
    let mut names: Vec<_> = rows.into_iter().map(|(name,)| name).collect();
    names.sort_unstable();
    Ok(names)
}

/// Returns the people of a publisher who can act for it: its owners and editors.
///
/// # Errors
/// The database cannot be read.
pub async fn publishers_people(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT m.account_id FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.publisher_id = $1 AND m.role IN ('owner', 'editor') AND a.disabled_at IS NULL AND a.robot_publisher_id IS NULL AND a.robot_account_id IS NULL",
        publisher.as_str()
    )?;
    ids(rows)
}

/// Returns the owners of a publisher.
///
/// # Errors
/// The database cannot be read.
pub async fn owners(tx: &mut Tx, publisher: &PublisherId) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT m.account_id FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.publisher_id = $1 AND m.role = 'owner' AND a.disabled_at IS NULL",
        publisher.as_str()
    )?;
    ids(rows)
}

/// Returns who sees a publisher's terms and money: its owners and finance.
///
/// # Errors
/// The database cannot be read.
pub async fn payers(tx: &mut Tx, publisher: &PublisherId) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT m.account_id FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.publisher_id = $1 AND m.role IN ('owner', 'finance') AND a.disabled_at IS NULL",
        publisher.as_str()
    )?;
    ids(rows)
}

/// Returns the certification team: reviewers and operators.
///
/// # Errors
/// The database cannot be read.
pub async fn staff(tx: &mut Tx) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT id FROM accounts WHERE staff_role IS NOT NULL AND disabled_at IS NULL"
    )?;
    ids(rows)
}

/// Returns who keeps the marketplace.
///
/// # Errors
/// The database cannot be read.
pub async fn operators(tx: &mut Tx) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT id FROM accounts WHERE staff_role = 'operator' AND disabled_at IS NULL"
    )?;
    ids(rows)
}

/// Returns who wrote in the review thread of a submission.
///
/// # Errors
/// The database cannot be read.
pub async fn thread(tx: &mut Tx, submission: &SubmissionId) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT DISTINCT c.author_id FROM comments c JOIN accounts a ON a.id = c.author_id WHERE c.submission_id = $1 AND a.disabled_at IS NULL",
        submission.as_str()
    )?;
    ids(rows)
}

/// Returns who is subscribed to a product; with `downloaded`, only those who pulled it too,
/// themselves or by a robot of theirs.
///
/// # Errors
/// The database cannot be read.
pub async fn consumers(
    tx: &mut Tx,
    product: &ProductId,
    downloaded: bool,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT DISTINCT s.account_id FROM subscriptions s JOIN accounts a ON a.id = s.account_id WHERE s.product_id = $1 AND s.state <> 'lapsed' AND a.disabled_at IS NULL AND (NOT $2 OR EXISTS (SELECT 1 FROM pulls p WHERE p.product_id = $1 AND (p.account_id = s.account_id OR p.account_id IN (SELECT r.id FROM accounts r WHERE r.robot_account_id = s.account_id))))",
        product.as_str(),
        downloaded
    )?;
    ids(rows)
}

fn ids(rows: Vec<(String,)>) -> Result<Vec<AccountId>, StoreError> {
    let read = |(id,): (String,)| {
        id.parse().map_err(|error| StoreError::Corrupt {
            what: "account",
            reason: format!("{error}"),
        })
    };
    rows.into_iter().map(read).collect()
}
