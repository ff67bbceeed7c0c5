//! The operator's keys, in files that only their owner can read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use app::Keys;
use trust::{KeyError, SigningKey};

use crate::{
    config::Config,
    failure::{Failure, OrFail},
};

/// Reads the keys, or makes those that are missing.
///
/// # Errors
/// A file cannot be read or written, or the passphrase does not fit.
pub(crate) fn load_or_make(config: &Config) -> Result<Keys, Failure> {
    let dir = config.data_dir().join("keys");
    let passphrase = passphrase(config)?;
    let passphrase = passphrase.as_deref();
    let release = key(&dir.join("release.key"), passphrase)?;
    let tokens = key(&dir.join("tokens.key"), passphrase)?;
    let trust = key(&dir.join("trust.key"), passphrase)?;
    let root = root_key(&dir, passphrase)?;
    write_public(&dir.join("release.pub"), &release)?;
    Ok(Keys {
        release,
        tokens,
        trust,
        root,
    })
}

/// Reads the root key, which may be kept elsewhere: once its public half is here, no other one
/// is made in its place.
fn root_key(dir: &Path, passphrase: Option<&str>) -> Result<Option<SigningKey>, Failure> {
    let (private, public) = (dir.join("root.key"), dir.join("root.pub"));
    if public.exists() && !private.exists() {
        return Ok(None);
    }
    let root = key(&private, passphrase)?;
    write_public(&public, &root)?;
    Ok(Some(root))
}

fn write_public(path: &Path, key: &SigningKey) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    write(path, &key.public().to_pem(), 0o644).or_fail(format!("cannot write `{}`", path.display()))
}

/// Reads a key that is there.
///
/// # Errors
/// The file cannot be read, or the passphrase does not fit.
pub(crate) fn existing(path: &Path, config: &Config) -> Result<SigningKey, Failure> {
    key(path, passphrase(config)?.as_deref())
}

fn passphrase(config: &Config) -> Result<Option<String>, Failure> {
    if let Some(text) = config.text("keys.passphrase") {
        return Ok(Some(text.to_owned()));
    }
    let Some(path) = config.path("keys.passphrase_file") else {
        return Ok(None);
    };
    let place = path.display();
    let text = fs::read_to_string(&path)
        .or_fail(format!("cannot read `keys.passphrase_file` (`{place}`)"))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Some(line.to_owned())),
        _ => Err(Failure::usage(format!(
            "the first line of `keys.passphrase_file` (`{place}`) is empty"
        ))),
    }
}

fn key(path: &Path, passphrase: Option<&str>) -> Result<SigningKey, Failure> {
    let place = path.display();
    match fs::read_to_string(path) {
        Ok(text) => SigningKey::from_pem(&text, passphrase).map_err(|error| {
            let failure = Failure::failed(format!("cannot use the key `{place}`")).because(&error);
            match error {
                KeyError::PassphraseNeeded | KeyError::Decrypt => {
                    failure.hint("set `keys.passphrase_file` to the file with its passphrase")
                }
                _ => failure,
            }
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, passphrase),
        Err(error) => {
            Err(Failure::failed(format!("cannot read the key `{place}`")).because(&error))
        }
    }
}

fn make(path: &Path, passphrase: Option<&str>) -> Result<SigningKey, Failure> {
    let key = SigningKey::generate().or_fail("cannot make a key")?;
    let text = match passphrase {
        Some(passphrase) => key
            .to_encrypted_pem(passphrase)
            .or_fail("cannot encrypt a key")?,
        None => key.to_pem(),
    };
    write(path, &text, 0o600).or_fail(format!("cannot write the key `{}`", path.display()))?;
    Ok(key)
}

/// Writes a file beside its place and renames it, so that there is never half a key.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Linking fails where another process was faster; renaming would replace its key.
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    linked?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
