//! Files of keys: read, written so that there is never half of one, and held against other
//! commands.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use trust::{KeyError, SigningKey};

use super::passphrase::Passphrase;
use crate::{
    config::Config,
    failure::{Failure, OrFail},
};

/// Lists a folder's files with one of these endings; none where there is no folder.
pub(super) fn files(dir: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(dir)?.map(|entry| Ok(entry?.path()));
        entries.collect()
    };
    let mut paths = match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.or_fail(format!("cannot read the folder `{}`", dir.display()))?,
    };
    paths.retain(|path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| endings.contains(&ending))
    });
    paths.sort();
    Ok(paths)
}

/// Tells whether a key's file gives it away to nobody who has the file alone.
pub(crate) fn is_encrypted(text: &str) -> bool {
    text.contains("BEGIN ENCRYPTED")
}

/// Keeps other commands from replacing keys for as long as the result lives.
///
/// # Errors
/// Another one does.
pub(crate) fn hold(config: &Config) -> Result<File, Failure> {
    let path = config.data_dir().join("keys/.lock");
    let what = format!("cannot lock `{}`", path.display());
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .or_fail(&what)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::failed(
            "another command is replacing keys in this folder: wait for its end",
        )),
        Err(TryLockError::Error(error)) => Err(Failure::failed(what).because(&error)),
    }
}

/// Opens a key's file, and says where the passphrase is looked for if it does not fit.
pub(super) fn open(
    path: &Path,
    text: &str,
    passphrase: &Passphrase,
) -> Result<SigningKey, Failure> {
    SigningKey::from_pem(text, passphrase.text.as_deref()).map_err(|error| {
        let failure = Failure::failed(format!("cannot use the key `{}`", path.display()));
        let failure = failure.because(&error);
        let place = passphrase.shown();
        match error {
            KeyError::PassphraseNeeded => failure.hint(format!(
                "put the file with its passphrase back, {place}, or set `keys.passphrase_file` to where it is"
            )),
            KeyError::Decrypt => failure.hint(format!(
                "the passphrase {place} is of other keys, or of another time: put the right one there, or set `keys.passphrase_file` to the file with it"
            )),
            _ => failure,
        }
    })
}

/// Makes a key; `head` stands before it in the file.
pub(super) fn make(
    path: &Path,
    passphrase: &Passphrase,
    head: &str,
) -> Result<SigningKey, Failure> {
    let key = SigningKey::generate().or_fail("cannot make a key")?;
    let text = sealed(&key, passphrase)?;
    write(path, &format!("{head}{text}"), 0o600)
        .or_fail(format!("cannot write the key `{}`", path.display()))?;
    Ok(key)
}

/// Writes a key as its file has it: in clear only in folders from before keys were encrypted.
pub(super) fn sealed(key: &SigningKey, passphrase: &Passphrase) -> Result<String, Failure> {
    match &passphrase.text {
        Some(text) => key.to_encrypted_pem(text).or_fail("cannot encrypt a key"),
        None => Ok(key.to_pem()),
    }
}

/// Puts another text in the place of a file, which stays its owner's.
///
/// # Errors
/// It cannot be written.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = beside(folder, 0o600)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    give(file.path(), path)?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Returns the folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

fn beside(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let permissions = Permissions::from_mode(mode);
    tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(folder)
}

/// Writes a file beside its place and gives it its name, so that there is never half a key, nor
/// one in the place of that of a process that was faster.
///
/// # Errors
/// It is there, or cannot be written.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = beside(folder, mode)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(folder)?.sync_all()
}

/// Gives a file to the owner of another one.
pub(super) fn give(path: &Path, like: &Path) -> io::Result<()> {
    let owner = |path| fs::metadata(path).map(|about| (about.uid(), about.gid()));
    let (user, group) = owner(like)?;
    match owner(path)? == (user, group) {
        true => Ok(()),
        false => chown(path, Some(user), Some(group)),
    }
}

pub(super) fn write_beside(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
