//! How each feed fares: when it was had last, what came, what went wrong.
//!
//! An update writes it beside its downloads, whoever shows it reads it there.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// No file of this kind is larger.
const MAX_BYTES: u64 = 4 << 20;

/// How one feed fares. Times are RFC 3339, by the updating machine's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceHealth {
    /// The feed's name.
    pub name: String,
    /// Where it was asked for last.
    pub place: String,
    /// When it was tried last.
    pub last_attempt: String,
    /// When it was had last, changed or not.
    pub last_success: Option<String>,
    /// Why the last attempt failed; nothing if it did not.
    pub error: Option<String>,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// Records in its last good data.
    pub records: u64,
    /// Records of it that could not be understood.
    pub malformed: u64,
}

/// Returns where the health of the feeds of a database is noted: in the folder of its downloads.
pub fn file_of(database: &Path) -> PathBuf {
    database.with_file_name("sources").join("health.json")
}

/// Returns what was noted last for the feeds of a database; nothing where nothing was, or where
/// it cannot be read.
pub fn load(database: &Path) -> Vec<SourceHealth> {
    let read = || -> io::Result<Vec<SourceHealth>> {
        let mut text = String::new();
        let file = File::open(file_of(database))?;
        file.take(MAX_BYTES).read_to_string(&mut text)?;
        Ok(serde_json::from_str(&text)?)
    };
    read().unwrap_or_default()
}

/// Notes the health of the feeds of a database, as a whole.
///
/// # Errors
/// The file cannot be written; what was noted before stays.
pub fn save(database: &Path, health: &[SourceHealth]) -> io::Result<()> {
    let file = file_of(database);
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut written = NamedTempFile::new_in(folder)?;
    written.write_all(&serde_json::to_vec_pretty(health)?)?;
    written.persist(&file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("advisories.db");
        assert_eq!(load(&database), []);
        let health = [SourceHealth {
            name: "debian".to_owned(),
            failures: 2,
            ..SourceHealth::default()
        }];
        save(&database, &health).expect("written");
        assert_eq!(load(&database), health);
    }
}
