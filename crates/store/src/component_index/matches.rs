//! What the advisories say, and said, about packages.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all},
};

/// What the advisories say about a package.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct PackageMatch {
    /// The package.
    pub package_id: i64,
    /// The CVE, or the advisory's own id.
    pub vulnerability: String,
    /// What makes two details the same.
    pub fingerprint: String,
    /// Everything else, as matching wrote it.
    pub detail: Json<serde_json::Value>,
    /// The version of the advisories that said so first.
    pub database: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the advisories stopped saying so.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why they did.
    pub ended_because: Option<String>,
}

/// What is said about a package, without saying it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Said {
    /// The package.
    pub package_id: i64,
    /// The vulnerability.
    pub vulnerability: String,
    /// What makes two details the same.
    pub fingerprint: String,
}

/// Returns what is said about packages, by package.
///
/// # Errors
/// The database cannot be read.
pub async fn said(tx: &mut Tx, packages: &[i64]) -> Result<Vec<Said>, StoreError> {
    fetch_all!(
        tx,
        Said,
        [
            "SELECT package_id, vulnerability, fingerprint FROM package_matches WHERE ended_at IS NULL AND package_id IN (SELECT value FROM json_each($1))",
            "SELECT package_id, vulnerability, fingerprint FROM package_matches WHERE ended_at IS NULL AND package_id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1) t (value))"
        ],
        Json(packages)
    )
}

/// Returns what is and what was said about packages.
///
/// # Errors
/// The database cannot be read.
pub async fn matches(tx: &mut Tx, packages: &[i64]) -> Result<Vec<PackageMatch>, StoreError> {
    fetch_all!(
        tx,
        PackageMatch,
        [
            "SELECT * FROM package_matches WHERE package_id IN (SELECT value FROM json_each($1))",
            "SELECT * FROM package_matches WHERE package_id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text($1) t (value))"
        ],
        Json(packages)
    )
}

/// Keeps what is said about a package.
///
/// # Errors
/// The database refused.
pub async fn put_match(tx: &mut Tx, said: &PackageMatch) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO package_matches (package_id, vulnerability, fingerprint, detail, database, since) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (package_id, vulnerability) DO UPDATE SET fingerprint = excluded.fingerprint, detail = excluded.detail, database = excluded.database, since = CASE WHEN package_matches.ended_at IS NULL THEN package_matches.since ELSE excluded.since END, ended_at = NULL, ended_because = NULL",
        said.package_id,
        &said.vulnerability,
        &said.fingerprint,
        &said.detail,
        &said.database,
        said.since
    )?;
    Ok(())
}

/// Notes that something is no longer said about a package, and why.
///
/// # Errors
/// The database refused.
pub async fn end_match(
    tx: &mut Tx,
    package: i64,
    vulnerability: &str,
    at: DateTime<Utc>,
    because: &str,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE package_matches SET ended_at = $3, ended_because = $4 WHERE package_id = $1 AND vulnerability = $2",
        package,
        vulnerability,
        at,
        because
    )?;
    Ok(())
}
