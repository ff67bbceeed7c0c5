//! Logos and screenshots that publishers uploaded, and which of them are named anywhere; their
//! bytes are blobs.
//!
//! Pictures are named in JSON and in Markdown, so a collection reads all that can name one.
//! Whoever writes such a text keeps what it names with [`keep_named`], and so what is named
//! while a collection reads is never deleted by it.

use chrono::{DateTime, Utc};
use market::{PublisherId, RunId};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    blobs::BlobStore,
    collection, condemned,
    db::{execute, fetch_all, fetch_opt, fetch_scalar},
};

/// Characters of a SHA-256 in hexadecimal.
const HEX: usize = 64;

/// A decoded and checked picture.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Asset {
    /// Of its bytes.
    pub digest: String,
    /// Who uploaded it first.
    #[sqlx(try_from = "String")]
    pub publisher_id: PublisherId,
    /// `image/png`.
    pub media_type: String,
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// Bytes.
    pub size: i64,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Since when nothing is known to name it.
    pub unreachable_since: Option<DateTime<Utc>>,
}

/// What can name pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Publishers' profiles.
    Profiles,
    /// Drafts, and products as they are listed.
    Products,
    /// Versions of drafts.
    Versions,
    /// Submissions.
    Submissions,
    /// Remarks on submissions.
    Remarks,
    /// Texts for decisions.
    Templates,
    /// The publisher agreement and that on partnership, every version.
    Agreements,
}

impl Naming {
    /// All of them, in the order to read them in: what one of them names goes into another that
    /// stands further down, so it is met there if it is gone from the first.
    pub const ALL: [Self; 7] = [
        Self::Profiles,
        Self::Products,
        Self::Versions,
        Self::Submissions,
        Self::Templates,
        Self::Remarks,
        Self::Agreements,
    ];
}

/// Adds a picture whose bytes were put before; one that is there already stays, and has its
/// whole grace again.
///
/// # Errors
/// [`StoreError::BeingCollected`]: put the bytes again in a moment. The database refused.
pub async fn create(tx: &mut Tx, blobs: &dyn BlobStore, asset: &Asset) -> Result<(), StoreError> {
    collection::enter(tx).await?;
    condemned::require_bytes(tx, blobs, &asset.digest).await?;
    execute!(
        tx,
        "INSERT INTO assets (digest, publisher_id, media_type, width, height, size, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO UPDATE SET unreachable_since = NULL",
        &asset.digest,
        asset.publisher_id.as_str(),
        &asset.media_type,
        asset.width,
        asset.height,
        asset.size,
        asset.created_at,
    )?;
    Ok(())
}

/// Returns the picture with this digest.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, digest: &str) -> Result<Option<Asset>, StoreError> {
    fetch_opt!(tx, Asset, "SELECT * FROM assets WHERE digest = $1", digest)
}

/// Keeps the pictures that a text names, before it is written.
///
/// # Errors
/// The database refused.
pub async fn keep_named(tx: &mut Tx, text: &str) -> Result<(), StoreError> {
    let named = named_in(text);
    if named.is_empty() {
        return Ok(());
    }
    collection::enter(tx).await?;
    fetch_all!(
        tx,
        (String,),
        [
            "UPDATE assets SET unreachable_since = NULL WHERE unreachable_since IS NOT NULL AND digest IN (SELECT value FROM json_each($1)) RETURNING digest",
            "UPDATE assets SET unreachable_since = NULL WHERE unreachable_since IS NOT NULL AND digest IN (SELECT jsonb_array_elements_text($1)) RETURNING digest"
        ],
        Json(&named)
    )?;
    Ok(())
}

/// Returns up to `limit` texts that can name pictures, each with its place among those of its
/// kind, behind `after`.
///
/// # Errors
/// The database cannot be read.
pub async fn texts(
    tx: &mut Tx,
    naming: Naming,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, String)>, StoreError> {
    type Text = (String, String);
    match naming {
        Naming::Profiles => fetch_all!(
            tx,
            Text,
            "SELECT id, COALESCE(logo, '') FROM publishers WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            limit
        ),
        Naming::Products => fetch_all!(
            tx,
            Text,
            "SELECT id, CAST(draft AS TEXT) || COALESCE(CAST(listed AS TEXT), '') FROM products WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            limit
        ),
        Naming::Versions => {
            let (product, number) = after.split_once(' ').unwrap_or((after, "0"));
            fetch_all!(
                tx,
                Text,
                "SELECT product_id || ' ' || CAST(number AS TEXT), CAST(manifest AS TEXT) FROM draft_versions WHERE (product_id, number) > ($1, $2) ORDER BY product_id, number LIMIT $3",
                product,
                number.parse().unwrap_or(0_i64),
                limit
            )
        }
        Naming::Submissions => fetch_all!(
            tx,
            Text,
            "SELECT id, CAST(manifest AS TEXT) FROM submissions WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            limit
        ),
        Naming::Templates => fetch_all!(
            tx,
            Text,
            "SELECT id, body FROM decision_templates WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            limit
        ),
        Naming::Remarks => fetch_all!(
            tx,
            Text,
            "SELECT id, body FROM comments WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            limit
        ),
        // Few, so they need no index.
        Naming::Agreements => fetch_all!(
            tx,
            Text,
            "SELECT place, text FROM (SELECT 'publisher ' || CAST(version AS TEXT) AS place, text FROM agreements UNION ALL SELECT 'partnership ' || CAST(version AS TEXT) AS place, text FROM partnership_agreements) a WHERE place COLLATE \"C\" > $1 ORDER BY place COLLATE \"C\" LIMIT $2",
            after,
            limit
        ),
    }
}

/// Notes that a collection found what these texts name, after [`collection::decide`].
///
/// # Errors
/// The database refused.
pub async fn note_named(
    tx: &mut Tx,
    run: &RunId,
    texts: &[(String, String)],
) -> Result<(), StoreError> {
    let mut named: Vec<_> = texts.iter().flat_map(|(_, text)| named_in(text)).collect();
    named.sort_unstable();
    named.dedup();
    fetch_all!(
        tx,
        (String,),
        [
            "UPDATE assets SET named_in = $1, unreachable_since = NULL WHERE digest IN (SELECT value FROM json_each($2)) RETURNING digest",
            "UPDATE assets SET named_in = $1, unreachable_since = NULL WHERE digest IN (SELECT jsonb_array_elements_text($2)) RETURNING digest"
        ],
        run.as_str(),
        Json(&named)
    )?;
    Ok(())
}

/// Returns how many pictures a collection that has read everything found to be named nowhere,
/// that are not marked so yet.
///
/// # Errors
/// The database cannot be read.
pub async fn count_unnamed(tx: &mut Tx, run: &RunId) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM assets WHERE unreachable_since IS NULL AND (named_in IS NULL OR named_in <> $1)",
        run.as_str()
    )
}

/// Marks up to `limit` of those pictures; gives how many.
///
/// # Errors
/// The database refused.
pub async fn mark_unnamed(
    tx: &mut Tx,
    run: &RunId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    execute!(
        tx,
        "UPDATE assets SET unreachable_since = $2 WHERE digest IN (SELECT digest FROM assets WHERE unreachable_since IS NULL AND (named_in IS NULL OR named_in <> $1) LIMIT $3)",
        run.as_str(),
        now,
        limit
    )
}

/// Returns how many pictures nothing names: since `cutoff` or before, and since later.
///
/// # Errors
/// The database cannot be read.
pub async fn marked(tx: &mut Tx, cutoff: DateTime<Utc>) -> Result<(i64, i64), StoreError> {
    let counts = fetch_opt!(
        tx,
        (i64, i64),
        "SELECT CAST(COALESCE(SUM(CASE WHEN unreachable_since <= $1 THEN 1 ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN unreachable_since <= $1 THEN 0 ELSE 1 END), 0) AS BIGINT) FROM assets WHERE unreachable_since IS NOT NULL",
        cutoff
    )?;
    Ok(counts.unwrap_or_default())
}

/// Deletes up to `limit` pictures that nothing names since `cutoff` or before, after
/// [`collection::decide`]; gives how many. Their bytes lie where they are.
///
/// # Errors
/// The database refused.
pub async fn delete_overdue(
    tx: &mut Tx,
    cutoff: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    execute!(
        tx,
        "DELETE FROM assets WHERE digest IN (SELECT digest FROM assets WHERE unreachable_since <= $1 LIMIT $2)",
        cutoff,
        limit
    )
}

/// Returns every digest that a text may name, however it writes it.
fn named_in(text: &str) -> Vec<String> {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let runs = text.as_bytes().split(|byte| !is_hex(byte));
    let digests = runs.filter(|run| run.len() == HEX);
    digests
        .map(|run| format!("sha256:{}", String::from_utf8_lossy(run)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_in_any_text() {
        let (one, two) = ("01".repeat(32), "ab".repeat(32));
        let found = [format!("sha256:{one}"), format!("sha256:{two}")];
        for text in [
            format!(r#"{{"logo":"sha256:{one}","screenshots":["sha256:{two}"]}}"#),
            format!("![a](/pictures/sha256:{one}) [b](/pictures/sha256%3A{two})"),
            format!("é sha256:{one}{{}}sha256:{two}"),
        ] {
            assert_eq!(named_in(&text), found, "{text}");
        }
        assert!(named_in(&format!("sha512:{one}{two} sha256:{}", &one[1..])).is_empty());
    }
}
