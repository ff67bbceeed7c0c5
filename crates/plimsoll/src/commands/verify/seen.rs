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

    /// Remembers a head, whole or not at all. Gives false where it is not remembered: others saw
    /// another head since `before` was recalled, and that this one goes on from theirs is not
    /// proven.
    ///
    /// # Errors
    /// The folder cannot be written, or another log of the same length was seen meanwhile.
    pub(super) fn remember(&self, opened: &Opened, before: Option<&Seen>) -> Result<bool, Failure> {
        let Some(path) = self.path(&opened.log) else {
            return Ok(true);
        };
        let what = format!("cannot remember what was seen in `{}`", path.display());
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).or_fail(&what)?;
        // Others may be looking at other images of the same market.
        let others = File::create(folder.with_extension("lock")).or_fail(&what)?;
        others.lock().or_fail(&what)?;
        let seen = Seen::of(opened);
        match self.recall(&opened.log)? {
            Some(there) if there == seen => return Ok(true),
            Some(there) if there.size == seen.size || there.log_key != seen.log_key => {
                return Err(Failure::new(
                    Exit::NotVerified,
                    format!(
                        "the log {} is not the one that was seen a moment ago",
                        seen.log
                    ),
                )
                .hint("tell others, and keep what both said (--save-proof FILE)"));
            }
            there if there.as_ref() != before => return Ok(false),
            _ => {}
        }
        let mut file = tempfile::NamedTempFile::new_in(folder).or_fail(&what)?;
        let text = serde_json::to_vec(&seen).or_fail(&what)?;
        file.write_all(&text).or_fail(&what)?;
        file.persist(&path).or_fail(&what)?;
        Ok(true)
    }

    fn path(&self, log: &str) -> Option<PathBuf> {
        let name = Digest::of(log.as_bytes());
        Some(self.0.as_ref()?.join(format!("{}.json", &name.hex()[..32])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64, root: u8) -> Opened {
        Opened {
            log: "market.example/log".to_owned(),
            log_key: "key".to_owned(),
            size,
            root: [root; 32],
            at: chrono::DateTime::UNIX_EPOCH,
            entries: Vec::new(),
        }
    }

    #[test]
    fn what_others_saw_is_not_forgotten() {
        let dir = tempfile::tempdir().expect("a folder");
        let memory = Memory(Some(dir.path().join("logs")));
        let now = || memory.recall("market.example/log").expect("read");
        let remember = |head: &Opened, before: Option<&Seen>| memory.remember(head, before);
        // Both begin at nothing, then at the same head.
        assert!(remember(&head(1, 1), None).expect("kept"));
        assert!(remember(&head(1, 1), None).expect("the same"));
        assert!(!remember(&head(2, 2), None).expect("not proven"));
        let first = now();
        assert!(remember(&head(2, 2), first.as_ref()).expect("kept"));
        let second = now();
        for late in [head(3, 3), head(1, 1)] {
            assert!(!remember(&late, first.as_ref()).expect("not proven"));
            assert_eq!(now(), second);
        }
        let fork = remember(&head(2, 3), first.as_ref()).expect_err("a fork");
        assert_eq!(fork.exit, Exit::NotVerified);
        assert!(remember(&head(3, 3), second.as_ref()).expect("kept"));
    }
}
