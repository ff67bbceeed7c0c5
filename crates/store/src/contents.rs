//! What manifests name, what refers to them, and where blobs are.

use std::collections::BTreeMap;

use market::{PublisherId, RepositoryId};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::fetch_all,
    repositories::{Asker, Repository},
};

/// Returns which of `digests` are no blobs of the repository.
///
/// # Errors
/// The database cannot be read.
pub async fn missing_blobs(
    tx: &mut Tx,
    repository: &RepositoryId,
    digests: &[&str],
) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        [
            "SELECT w.value FROM json_each($2) w WHERE NOT EXISTS (SELECT 1 FROM repository_blobs b WHERE b.repository_id = $1 AND b.digest = w.value)",
            "SELECT w.value FROM jsonb_array_elements_text($2) w (value) WHERE NOT EXISTS (SELECT 1 FROM repository_blobs b WHERE b.repository_id = $1 AND b.digest = w.value)"
        ],
        repository.as_str(),
        Json(digests)
    )?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// Returns which of `digests` are manifests of the repository with one of `media_types`.
///
/// # Errors
/// The database cannot be read.
pub async fn manifests_of_types(
    tx: &mut Tx,
    repository: &RepositoryId,
    digests: &[&str],
    media_types: &[&str],
) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        [
            "SELECT m.digest FROM json_each($2) w JOIN manifests m ON m.repository_id = $1 AND m.digest = w.value WHERE m.media_type IN (SELECT value FROM json_each($3))",
            "SELECT m.digest FROM jsonb_array_elements_text($2) w (value) JOIN manifests m ON m.repository_id = $1 AND m.digest = w.value WHERE m.media_type IN (SELECT value FROM jsonb_array_elements_text($3) t (value))"
        ],
        repository.as_str(),
        Json(digests),
        Json(media_types)
    )?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// Something that refers to a manifest.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Referrer {
    /// Its digest.
    pub digest: String,
    /// Its type.
    pub media_type: String,
    /// How many bytes it has.
    pub size: i64,
    /// What it is listed as.
    pub artifact_type: Option<String>,
    /// Free notes.
    pub annotations: Option<Json<BTreeMap<String, String>>>,
}

/// Which referrers are wanted.
#[derive(Debug, Clone, Copy)]
pub struct ReferrerPage<'a> {
    /// What they refer to.
    pub subject: &'a str,
    /// Only these, where something is given.
    pub artifact_type: Option<&'a str>,
    /// After this digest.
    pub last: &'a str,
    /// At most so many.
    pub limit: i64,
}

/// Returns what refers to a manifest, by digest.
///
/// # Errors
/// The database cannot be read.
pub async fn referrers(
    tx: &mut Tx,
    repository: &RepositoryId,
    page: ReferrerPage<'_>,
) -> Result<Vec<Referrer>, StoreError> {
    fetch_all!(
        tx,
        Referrer,
        "SELECT digest, media_type, CAST(length(content) AS BIGINT) AS size, artifact_type, annotations FROM manifests WHERE repository_id = $1 AND subject = $2 AND digest > $3 AND (CAST($4 AS TEXT) IS NULL OR artifact_type = $4) ORDER BY digest LIMIT $5",
        repository.as_str(),
        page.subject,
        page.last,
        page.artifact_type,
        page.limit
    )
}

/// Returns up to `limit` repositories that have a blob, those of `publisher` first.
///
/// # Errors
/// The database cannot be read.
pub async fn repositories_with_blob(
    tx: &mut Tx,
    digest: &str,
    (whose, publisher): (Asker<'_>, Option<&PublisherId>),
    limit: i64,
) -> Result<Vec<Repository>, StoreError> {
    let (everything, account) = whose.parts();
    fetch_all!(
        tx,
        Repository,
        "SELECT r.* FROM repository_blobs b JOIN repositories r ON r.id = b.repository_id WHERE b.digest = $1 AND ($2 OR r.publisher_id IN (SELECT publisher_id FROM members WHERE account_id = $3) OR r.name IN (SELECT 'preview/' || u.slug || '/' || p.slug FROM previewers w JOIN products p ON p.id = w.product_id JOIN publishers u ON u.id = p.publisher_id WHERE w.account_id = COALESCE((SELECT robot_account_id FROM accounts WHERE id = $3), $3)) OR EXISTS (SELECT 1 FROM products p WHERE p.id = r.product_id AND p.state IN ('listed', 'on-hold'))) ORDER BY CASE WHEN r.publisher_id = $4 THEN 0 ELSE 1 END, r.name COLLATE \"C\" LIMIT $5",
        digest,
        everything,
        account,
        publisher.map(PublisherId::as_str),
        limit
    )
}
