//! What was seen of a log before: whoever shows an older one, or one with another past, is
//! found out by it.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use oci::Digest;
use serde::{Deserialize, Serialize};
use trust::log::{Hash, Opened};

use crate::{
    config::environment::Environment,
    exit::Exit,
    failure::{Failure, OrFail},
};

/// A log's head, as it was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Which log.
    pub(super) log: String,
    /// Its key.
    pub(super) log_key: String,
    /// How many entries it had.
    pub(super) size: u64,
    root: String,
}

impl Seen {
    fn of(opened: &Opened) -> Self {
        Self {
            log: opened.log.clone(),
            log_key: opened.log_key.clone(),
            size: opened.size,
            root: hex::encode(opened.root),
        }
    }

    /// Returns the hash over its entries.
    pub(super) fn root(&self) -> Option<Hash> {
        hex::decode(&self.root).ok()?.try_into().ok()
    }
}

/// Where the heads of all logs are kept.
pub(super) struct Memory(Option<PathBuf>);

impl Memory {
    /// In the user's folder for state (XDG base directories), or nowhere.
    pub(super) fn of_user(environment: &Environment) -> Self {
        Self(environment.user_state().map(|dir| dir.join("logs")))
    }

    /// Returns what was seen of a log.
    ///
    /// # Errors
    /// There is something that cannot be read: to go on would be to forget.
    pub(super) fn recall(&self, log: &str) -> Result<Option<Seen>, Failure> {
        let Some(path) = self.path(log) else {
            return Ok(None);
        };
        let what = format!("cannot read what was seen before, `{}`", path.display());
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::failed(what).because(&error)),
        };
        let seen: Seen = serde_json::from_slice(&bytes).or_fail(&what)?;
        if seen.log != log || seen.root().is_none() {
            return Err(Failure::failed(what).hint("delete the file to begin anew"));
        }
        Ok(Some(seen))
    }

    /// Remembers a head, whole or not at all; not where a longer log was seen meanwhile.
    ///
    /// # Errors
    /// The folder cannot be written, or another log of the same length was seen meanwhile.
    pub(super) fn remember(&self, opened: &Opened) -> Result<(), Failure> {
        let Some(path) = self.path(&opened.log) else {
            return Ok(());
        };
        let what = format!("cannot remember what was seen in `{}`", path.display());
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).or_fail(&what)?;
        // Others may be looking at other images of the same market.
        let others = File::create(folder.with_extension("lock")).or_fail(&what)?;
        others.lock().or_fail(&what)?;
        let seen = Seen::of(opened);
        match self.recall(&opened.log)? {
            Some(before) if before.size > seen.size || before == seen => return Ok(()),
            Some(before) if before.size == seen.size || before.log_key != seen.log_key => {
                return Err(Failure::new(
                    Exit::NotVerified,
                    format!(
                        "the log {} is not the one that was seen a moment ago",
                        seen.log
                    ),
                )
                .hint("tell others, and keep what both said (--save-proof FILE)"));
            }
            _ => {}
        }
        let mut file = tempfile::NamedTempFile::new_in(folder).or_fail(&what)?;
        let text = serde_json::to_vec(&seen).or_fail(&what)?;
        file.write_all(&text).or_fail(&what)?;
        file.persist(&path).or_fail(&what)?;
        Ok(())
    }

    fn path(&self, log: &str) -> Option<PathBuf> {
        let name = Digest::of(log.as_bytes());
        Some(self.0.as_ref()?.join(format!("{}.json", &name.hex()[..32])))
    }
}
