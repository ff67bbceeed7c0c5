//! Witnesses of the log: what each cosigned last, and when it is asked again.

use chrono::{DateTime, Utc};

use crate::{
    StoreError, Tx,
    db::{execute, fetch_all, fetch_opt},
};

/// A witness, as far as it is known here.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LogWitness {
    /// Its name and key.
    pub witness: String,
    /// How many entries it knows of.
    pub known_size: i64,
    /// How many the head had that it cosigned last.
    pub size: Option<i64>,
    /// Its cosignature of that.
    pub line: Option<String>,
    /// When it made it, by its own clock.
    pub cosigned_at: Option<DateTime<Utc>>,
    /// When it is to be asked again.
    pub ask_at: DateTime<Utc>,
    /// Until when somebody is asking it.
    pub taken_until: Option<DateTime<Utc>>,
    /// How often it was asked in vain since.
    pub failures: i64,
    /// What came of it last, where that was nothing.
    pub problem: Option<String>,
}

/// Returns all witnesses that were ever asked.
///
/// # Errors
/// The database cannot be read.
pub async fn list(tx: &mut Tx) -> Result<Vec<LogWitness>, StoreError> {
    fetch_all!(
        tx,
        LogWitness,
        "SELECT * FROM log_witnesses ORDER BY witness"
    )
}

/// Adds a witness that is to be asked, unless it is there.
///
/// # Errors
/// The database refused.
pub async fn add(tx: &mut Tx, witness: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO log_witnesses (witness, known_size, ask_at, failures) VALUES ($1, 0, $2, 0) ON CONFLICT (witness) DO NOTHING",
        witness,
        at
    )?;
    Ok(())
}

/// Takes a witness that is to be asked, because it is time or the log has grown to `size`
/// entries, until a time; none where it is not, or somebody else asks it.
///
/// # Errors
/// The database refused.
pub async fn take(
    tx: &mut Tx,
    witness: &str,
    size: i64,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<LogWitness>, StoreError> {
    fetch_opt!(
        tx,
        LogWitness,
        "UPDATE log_witnesses SET taken_until = $4
         WHERE witness = $1 AND (taken_until IS NULL OR taken_until <= $3)
           AND (ask_at <= $3 OR (failures = 0 AND size < $2))
         RETURNING *",
        witness,
        size,
        now,
        until
    )
}

/// Keeps a witness's cosignature of a head, unless it has cosigned a larger one.
///
/// # Errors
/// The database refused.
pub async fn cosigned(
    tx: &mut Tx,
    (witness, size): (&str, i64),
    (line, cosigned_at): (&str, DateTime<Utc>),
    ask_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE log_witnesses SET known_size = $2, size = $2, line = $3, cosigned_at = $4, ask_at = $5,
             taken_until = NULL, failures = 0, problem = NULL
         WHERE witness = $1 AND (size IS NULL OR size <= $2)",
        witness,
        size,
        line,
        cosigned_at,
        ask_at
    )?;
    Ok(())
}

/// Notes how many entries a witness knows of.
///
/// # Errors
/// The database refused.
pub async fn knows(tx: &mut Tx, witness: &str, size: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE log_witnesses SET known_size = $2 WHERE witness = $1",
        witness,
        size
    )?;
    Ok(())
}

/// Notes that a witness was asked in vain.
///
/// # Errors
/// The database refused.
pub async fn failed(
    tx: &mut Tx,
    witness: &str,
    problem: &str,
    ask_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE log_witnesses SET failures = failures + 1, problem = $2, ask_at = $3, taken_until = NULL WHERE witness = $1",
        witness,
        problem,
        ask_at
    )?;
    Ok(())
}
