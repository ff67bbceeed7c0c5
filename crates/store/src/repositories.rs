//! The registry's repositories: which manifests, tags and blobs each has.

mod links;

use chrono::{DateTime, Utc};
use market::{AccountId, ProductId, PublisherId, RepositoryId};
use sqlx::types::Json;

use crate::{
    StoreError, Tx, collection,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
    quotas::{self, Usage},
};

pub use links::{link_blob, unlink_blob};

/// For whom repositories are looked up. What is told is what they might be let see: their
/// publishers' own, and what is on the market; whether they are is asked of each.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'a> {
    /// Who may see everything.
    Staff,
    /// An account.
    Account(&'a AccountId),
    /// Somebody without one.
    Anybody,
}

impl Asker<'_> {
    pub(crate) fn parts(&self) -> (bool, Option<&str>) {
        match self {
            Self::Staff => (true, None),
            Self::Account(account) => (false, Some(account.as_str())),
            Self::Anybody => (false, None),
        }
    }
}

/// A repository: a publisher's staging, the preview of a product, or its released images.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Repository {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: RepositoryId,
    /// Its name.
    pub name: String,
    /// Whose.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// The product whose releases it holds; none in staging and previews.
    pub product_id: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Repository {
    /// Returns the product whose releases it holds.
    pub fn product(&self) -> Option<ProductId> {
        self.product_id.as_ref().and_then(|id| id.parse().ok())
    }
}

/// A manifest in a repository.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct ManifestRow {
    /// Of its bytes.
    pub digest: String,
    /// Its type.
    pub media_type: String,
    /// The bytes as pushed.
    pub content: Vec<u8>,
    /// What it is about.
    pub subject: Option<String>,
    /// What it is listed as among referrers.
    pub artifact_type: Option<String>,
    /// Free notes.
    pub annotations: Option<Json<serde_json::Value>>,
}

/// Returns the repository called `name`.
///
/// # Errors
/// The database cannot be read.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Repository>, StoreError> {
    fetch_opt!(
        tx,
        Repository,
        "SELECT * FROM repositories WHERE name = $1",
        name
    )
}

/// Returns the repository with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &RepositoryId) -> Result<Option<Repository>, StoreError> {
    fetch_opt!(
        tx,
        Repository,
        "SELECT * FROM repositories WHERE id = $1",
        id.as_str()
    )
}

/// Adds a repository where none has its name; gives the one that stands.
///
/// # Errors
/// The database refused.
pub async fn find_or_create(
    tx: &mut Tx,
    repository: &Repository,
) -> Result<Repository, StoreError> {
    execute!(
        tx,
        "INSERT INTO repositories (id, name, publisher_id, product_id, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
        repository.id.as_str(),
        &repository.name,
        repository.publisher_id.as_str(),
        &repository.product_id,
        repository.created_at,
    )?;
    Ok(find_by_name(tx, &repository.name)
        .await?
        .unwrap_or_else(|| repository.clone()))
}

/// Returns the repositories of a publisher by name.
///
/// # Errors
/// The database cannot be read.
pub async fn of_publisher(
    tx: &mut Tx,
    publisher: &PublisherId,
) -> Result<Vec<Repository>, StoreError> {
    fetch_all!(
        tx,
        Repository,
        "SELECT * FROM repositories WHERE publisher_id = $1 ORDER BY name COLLATE \"C\"",
        publisher.as_str()
    )
}

/// Returns the size of a blob that is part of a repository.
///
/// # Errors
/// The database cannot be read.
pub async fn find_blob(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
) -> Result<Option<i64>, StoreError> {
    let row = fetch_opt!(
        tx,
        (i64,),
        "SELECT size FROM repository_blobs WHERE repository_id = $1 AND digest = $2",
        repository.as_str(),
        digest
    )?;
    Ok(row.map(|(size,)| size))
}

/// Keeps a manifest in a repository, together with what it names there: `references` are the
/// digests of its blobs, or of an index's manifests. What is there under its digest keeps its
/// type and gets the bytes anew, which mends what was damaged.
///
/// Gives what the publisher's staging repositories take, where the manifest is new among them:
/// the caller undoes the transaction if that is more than they may.
///
/// # Errors
/// The database refused.
pub async fn put_manifest(
    tx: &mut Tx,
    repository: &RepositoryId,
    manifest: &ManifestRow,
    references: &[String],
    at: DateTime<Utc>,
) -> Result<Option<Usage>, StoreError> {
    collection::enter(tx).await?;
    execute!(
        tx,
        "INSERT INTO manifests (repository_id, digest, media_type, content, subject, artifact_type, annotations, pushed_at, references_known) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE) ON CONFLICT (repository_id, digest) DO UPDATE SET content = excluded.content, pushed_at = excluded.pushed_at, unreachable_since = NULL",
        repository.as_str(),
        &manifest.digest,
        &manifest.media_type,
        &manifest.content,
        &manifest.subject,
        &manifest.artifact_type,
        &manifest.annotations,
        at,
    )?;
    let (digest, size) = (&manifest.digest, manifest.content.len());
    collection::put_references(tx, repository.as_str(), digest, references).await?;
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    quotas::count_in(tx, repository, digest, size).await
}

/// Returns a manifest by digest.
///
/// # Errors
/// The database cannot be read.
pub async fn find_manifest(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
) -> Result<Option<ManifestRow>, StoreError> {
    fetch_opt!(
        tx,
        ManifestRow,
        "SELECT digest, media_type, content, subject, artifact_type, annotations FROM manifests WHERE repository_id = $1 AND digest = $2",
        repository.as_str(),
        digest
    )
}

/// Returns the media type that a manifest is kept with.
///
/// # Errors
/// The database cannot be read.
pub async fn manifest_type(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
) -> Result<Option<String>, StoreError> {
    let row = fetch_opt!(
        tx,
        (String,),
        "SELECT media_type FROM manifests WHERE repository_id = $1 AND digest = $2",
        repository.as_str(),
        digest
    )?;
    Ok(row.map(|(kind,)| kind))
}

/// Returns a manifest by tag.
///
/// # Errors
/// The database cannot be read.
pub async fn find_manifest_by_tag(
    tx: &mut Tx,
    repository: &RepositoryId,
    tag: &str,
) -> Result<Option<ManifestRow>, StoreError> {
    fetch_opt!(
        tx,
        ManifestRow,
        "SELECT m.digest, m.media_type, m.content, m.subject, m.artifact_type, m.annotations FROM tags t JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest WHERE t.repository_id = $1 AND t.name = $2",
        repository.as_str(),
        tag
    )
}

/// Returns whether a repository has a manifest.
///
/// # Errors
/// The database cannot be read.
pub async fn has_manifest(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
) -> Result<bool, StoreError> {
    let row = fetch_opt!(
        tx,
        (String,),
        "SELECT digest FROM manifests WHERE repository_id = $1 AND digest = $2",
        repository.as_str(),
        digest
    )?;
    Ok(row.is_some())
}

/// Returns the digest that a tag names.
///
/// # Errors
/// The database cannot be read.
pub async fn tagged_digest(
    tx: &mut Tx,
    repository: &RepositoryId,
    tag: &str,
) -> Result<Option<String>, StoreError> {
    let row = fetch_opt!(
        tx,
        (String,),
        "SELECT digest FROM tags WHERE repository_id = $1 AND name = $2",
        repository.as_str(),
        tag
    )?;
    Ok(row.map(|(digest,)| digest))
}

/// What a pull needs to know of a manifest and its place, found with one look.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Located {
    /// The product whose releases the repository holds; none in staging.
    pub product_id: Option<String>,
    /// The state of that product.
    pub product_state: Option<String>,
    /// The manifest's digest; none of these where the repository has no such manifest.
    pub digest: Option<String>,
    /// Its type.
    pub media_type: Option<String>,
    /// Its bytes.
    pub content: Option<Vec<u8>>,
}

/// Looks for a manifest by digest in the repository called `name`; gives nothing where there
/// is no such repository.
///
/// # Errors
/// The database cannot be read.
pub async fn locate_by_digest(
    tx: &mut Tx,
    name: &str,
    digest: &str,
) -> Result<Option<Located>, StoreError> {
    fetch_opt!(
        tx,
        Located,
        "SELECT r.product_id, p.state AS product_state, m.digest, m.media_type, m.content FROM repositories r LEFT JOIN products p ON p.id = r.product_id LEFT JOIN manifests m ON m.repository_id = r.id AND m.digest = $2 WHERE r.name = $1",
        name,
        digest
    )
}

/// Looks for a manifest by tag in the repository called `name`; gives nothing where there is
/// no such repository.
///
/// # Errors
/// The database cannot be read.
pub async fn locate_by_tag(
    tx: &mut Tx,
    name: &str,
    tag: &str,
) -> Result<Option<Located>, StoreError> {
    fetch_opt!(
        tx,
        Located,
        "SELECT r.product_id, p.state AS product_state, m.digest, m.media_type, m.content FROM repositories r LEFT JOIN products p ON p.id = r.product_id LEFT JOIN tags t ON t.repository_id = r.id AND t.name = $2 LEFT JOIN manifests m ON m.repository_id = r.id AND m.digest = t.digest WHERE r.name = $1",
        name,
        tag
    )
}

/// Looks for a blob in the repository called `name`: nothing where there is no such
/// repository, no size where it has no such blob.
///
/// # Errors
/// The database cannot be read.
pub async fn locate_blob(
    tx: &mut Tx,
    name: &str,
    digest: &str,
) -> Result<Option<Option<i64>>, StoreError> {
    let row = fetch_opt!(
        tx,
        (Option<i64>,),
        "SELECT b.size FROM repositories r LEFT JOIN repository_blobs b ON b.repository_id = r.id AND b.digest = $2 WHERE r.name = $1",
        name,
        digest
    )?;
    Ok(row.map(|(size,)| size))
}

/// Takes a manifest and every tag on it out of a repository; gives whether it was there.
///
/// # Errors
/// The database refused.
pub async fn delete_manifest(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
) -> Result<bool, StoreError> {
    collection::decide(tx).await?;
    execute!(
        tx,
        "DELETE FROM tags WHERE repository_id = $1 AND digest = $2",
        repository.as_str(),
        digest
    )?;
    collection::let_go(tx, repository.as_str(), digest).await?;
    collection::delete_manifest(tx, repository.as_str(), digest).await
}

/// Points a tag at a manifest.
///
/// # Errors
/// The database refused.
pub async fn set_tag(
    tx: &mut Tx,
    repository: &RepositoryId,
    tag: &str,
    digest: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO tags (repository_id, name, digest, updated_at) VALUES ($1, $2, $3, $4) ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at",
        repository.as_str(),
        tag,
        digest,
        at
    )?;
    Ok(())
}

/// Removes a tag; gives whether it was there.
///
/// # Errors
/// The database refused.
pub async fn delete_tag(
    tx: &mut Tx,
    repository: &RepositoryId,
    tag: &str,
) -> Result<bool, StoreError> {
    let gone = execute!(
        tx,
        "DELETE FROM tags WHERE repository_id = $1 AND name = $2",
        repository.as_str(),
        tag
    )?;
    Ok(gone > 0)
}

/// Returns up to `limit` tags after `last`, in byte order.
///
/// # Errors
/// The database cannot be read.
pub async fn tags(
    tx: &mut Tx,
    repository: &RepositoryId,
    last: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    // PostgreSQL's own collation may ignore punctuation; the specification wants byte order.
    // A row a tag would cost ten times what the tags do, and no tag has a comma.
    let joined = fetch_scalar!(
        tx,
        Option<String>,
        "SELECT string_agg(page.name, ',') FROM (SELECT name FROM tags WHERE repository_id = $1 AND name COLLATE \"C\" > $2 ORDER BY name COLLATE \"C\" LIMIT $3) page",
        repository.as_str(),
        last,
        limit
    )?;
    let mut tags: Vec<_> = joined
        .iter()
        .flat_map(|joined| joined.split(',').map(str::to_owned))
        .collect();
    // As they are joined, which no database promises.
    tags.sort_unstable();
    Ok(tags)
}

/// Returns how many bytes of blobs a repository refers to.
///
/// # Errors
/// The database cannot be read.
pub async fn blob_bytes(tx: &mut Tx, repository: &RepositoryId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM repository_blobs WHERE repository_id = $1",
        repository.as_str()
    )
}

/// Returns up to `limit` repositories named after `last`, in byte order.
///
/// # Errors
/// The database cannot be read.
pub async fn names(
    tx: &mut Tx,
    whose: Asker<'_>,
    last: &str,
    limit: i64,
) -> Result<Vec<Repository>, StoreError> {
    let (everything, account) = whose.parts();
    fetch_all!(
        tx,
        Repository,
        "SELECT r.* FROM repositories r WHERE r.name COLLATE \"C\" > $1 AND ($2 OR r.publisher_id IN (SELECT publisher_id FROM members WHERE account_id = $3) OR r.name IN (SELECT 'preview/' || u.slug || '/' || p.slug FROM previewers w JOIN products p ON p.id = w.product_id JOIN publishers u ON u.id = p.publisher_id WHERE w.account_id = COALESCE((SELECT robot_account_id FROM accounts WHERE id = $3), $3)) OR EXISTS (SELECT 1 FROM products p WHERE p.id = r.product_id AND p.state IN ('listed', 'on-hold'))) ORDER BY r.name COLLATE \"C\" LIMIT $4",
        last,
        everything,
        account,
        limit
    )
}
