//! The passphrase of the operator's keys: in a file that a setting names, or beside the data
//! folder, so that a copy of the folder alone opens nothing.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
use trust::key::make_passphrase;

use super::key_files::{folder_of, give, write};
use crate::{
    config::Config,
    failure::{Failure, OrFail},
};

/// What the file's name adds to that of the data folder.
const ENDING: &str = ".passphrase";
/// How to have a passphrase of one's own.
const BY_HAND: &str = "write one yourself, `(umask 077; head -c 32 /dev/urandom | base64 > FILE)`, and set `keys.passphrase_file` to that file";

/// What encrypts the keys' files, if anything does.
pub(crate) struct Passphrase {
    /// The words.
    pub(crate) text: Option<String>,
    /// The file they are in, or would be looked for in.
    pub(crate) place: Option<PathBuf>,
}

impl Passphrase {
    /// Takes the first line of a file that somebody named.
    ///
    /// # Errors
    /// The file cannot be read, or its first line is empty.
    pub(crate) fn in_file(path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            text: Some(first_line(path, "passphrase")?),
            place: Some(path.to_owned()),
        })
    }

    /// Reads the one of a key that is kept by itself: from the file that was named, else from the
    /// one beside the key's folder, as `keys make` leaves it.
    ///
    /// # Errors
    /// The file cannot be read, or others can read the one that was not named as well.
    pub(crate) fn of_key(key: &Path, named: Option<&Path>) -> Result<Self, Failure> {
        if let Some(named) = named {
            return Self::in_file(named);
        }
        Self::beside_of(folder_of(key))
    }

    /// Reads the one beside a folder, where there is one.
    fn beside_of(dir: &Path) -> Result<Self, Failure> {
        let place = beside(dir)?;
        let text = match place.try_exists() {
            Ok(false) => None,
            _ => {
                must_be_ours(&place, dir)?;
                Some(first_line(&place, "passphrase")?)
            }
        };
        Ok(Self {
            text,
            place: Some(place),
        })
    }

    /// Reads the one of a marketplace, where it has one.
    ///
    /// # Errors
    /// A file that is there or is named cannot be read, or others can read it as well.
    pub(crate) fn find(config: &Config) -> Result<Self, Failure> {
        if let Some(text) = config.text("keys.passphrase") {
            return Ok(Self {
                text: Some(text.to_owned()),
                place: None,
            });
        }
        if let Some(path) = config.path("keys.passphrase_file") {
            return Self::in_file(&path);
        }
        Self::beside_of(&config.data_dir())
    }

    /// Makes one beside the data folder, where there is none yet.
    ///
    /// # Errors
    /// The file cannot be written, or would be lost with a container.
    pub(crate) fn make(config: &Config) -> Result<Self, Failure> {
        let dir = config.data_dir();
        let shown = dir.display();
        if is_mount(&dir)? {
            return Err(Failure::failed(format!(
                "`{shown}` is a mount of its own, as in a container: a passphrase beside it would go when the container goes, and the keys with it"
            ))
            .hint(format!("{BY_HAND}; mount it from outside, and not from what `{shown}` is on")));
        }
        Self::make_beside(&dir)?;
        // Another process may have been faster: what stands there is what counts.
        Self::find(config)
    }

    /// Makes one beside any folder, where there is none yet.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn make_beside(dir: &Path) -> Result<Self, Failure> {
        let place = beside(dir)?;
        let text = make_passphrase().or_fail("cannot make a passphrase")?;
        match write(&place, &format!("{text}\n"), 0o600) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                let what = format!(
                    "cannot write the keys' passphrase, as `{}`",
                    place.display()
                );
                return Err(Failure::failed(what).because(&error).hint(BY_HAND));
            }
            Ok(()) if dir.exists() => {
                give(&place, dir).or_fail(format!("cannot give `{}` away", place.display()))?;
            }
            _ => {}
        }
        Self::in_file(&place)
    }

    /// Returns the file that it is in, if it is in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.text.as_ref().and(self.place.as_deref())
    }

    /// Says where it is.
    pub(crate) fn shown(&self) -> String {
        match &self.place {
            Some(place) => format!("in `{}`", place.display()),
            None => "`keys.passphrase`".to_owned(),
        }
    }
}

/// Returns the passphrase's place beside a folder.
fn beside(dir: &Path) -> Result<PathBuf, Failure> {
    let what = || format!("cannot find the data folder `{}`", dir.display());
    let dir = match dir.exists() {
        true => dir.canonicalize().or_fail(what())?,
        false => std::path::absolute(dir).or_fail(what())?,
    };
    let Some(name) = dir.file_name() else {
        return Err(
            Failure::usage("the data folder is the root of the file system")
                .hint("name another one with --data, or set `keys.passphrase_file`"),
        );
    };
    let mut name = OsString::from(name);
    name.push(ENDING);
    Ok(dir.with_file_name(name))
}

/// Tells whether something is mounted at a folder.
fn is_mount(dir: &Path) -> Result<bool, Failure> {
    let about = statx(CWD, dir, AtFlags::empty(), StatxFlags::empty())
        .or_fail(format!("cannot look at `{}`", dir.display()))?;
    Ok(about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Refuses a passphrase that others can read or may have chosen: in a folder for all, such as
/// /tmp, whoever was there first would know it.
fn must_be_ours(path: &Path, dir: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let about = fs::metadata(path).or_fail(format!("cannot look at `{shown}`"))?;
    // Where the folder is gone, only root's file is believed.
    let owner = fs::metadata(dir).map_or(0, |about| about.uid());
    if about.mode() & 0o077 != 0 {
        return Err(Failure::failed(format!(
            "the keys' passphrase in `{shown}` can be read by others"
        ))
        .hint(format!("`chmod 600 {shown}`, if nobody has")));
    }
    if ![0, owner].contains(&about.uid()) {
        return Err(Failure::failed(format!(
            "the keys' passphrase in `{shown}` is somebody else's file"
        ))
        .hint(format!(
            "it must belong to the owner of `{}`",
            dir.display()
        )));
    }
    Ok(())
}

/// Reads a passphrase or PIN: a file's first line.
///
/// # Errors
/// The file cannot be read, or its first line is empty.
pub(crate) fn first_line(path: &Path, what: &str) -> Result<String, Failure> {
    let place = path.display();
    let text = fs::read_to_string(path).or_fail(format!("cannot read the {what} in `{place}`"))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Failure::usage(format!(
            "the first line of `{place}` is empty: write the {what} there"
        ))),
    }
}
