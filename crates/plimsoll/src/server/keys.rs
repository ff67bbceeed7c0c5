//! The operator's keys, in files that only their owner can read; the one for releases may be
//! in a token.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use app::Keys;
use trust::{PublicKey, Signer, SigningKey};

pub(crate) use super::key_files::{hold, is_encrypted, replace, write};
use super::{
    key_files::{files, give, make, open, sealed, write_beside},
    passphrase::{Passphrase, first_line},
    token::{self, Place, Token},
};
use crate::{
    config::Config,
    failure::{Failure, OrFail},
};

/// What is to take the place of `trust.key`, while it does.
const NEXT_TRUST: &str = "trust-next.key";
/// The first line of a `trust.key` that took the place of another one.
const REPLACEMENT: &str = "This key opens the secret in the database, and is not that secret.\n";

/// The operator's keys: what each file is called, and what it is for.
pub(crate) const NAMES: [(&str, &str); 4] = [
    (
        "root",
        "signs whom consumers of a released name believe; may be kept elsewhere",
    ),
    ("release", "signs releases"),
    (
        "trust",
        "signs for publishers that nothing is newer, and the log's heads",
    ),
    ("tokens", "signs registry tokens"),
];

/// Reads the keys, or makes those that are missing. The keys of a new marketplace are encrypted
/// with a passphrase that is made for it, unless the configuration has one.
///
/// # Errors
/// A file cannot be read or written, the passphrase does not fit, or a key is gone that was there.
pub(crate) fn load_or_make(config: &Config) -> Result<Keys, Failure> {
    let dir = config.data_dir().join("keys");
    let passphrase = match Passphrase::find(config)? {
        found if found.text.is_none() && is_empty(&dir)? => Passphrase::make(config)?,
        found => found,
    };
    let passphrase = &passphrase;
    // Without the passphrase that the others have, one that is missing would be made in clear.
    if passphrase.text.is_none() {
        for file in files(&dir, &["key"])? {
            if fs::read_to_string(&file).is_ok_and(|text| text.contains("ENCRYPTED")) {
                key(&file, passphrase)?;
            }
        }
    }
    Ok(Keys {
        release: release(&dir, config, passphrase)?,
        // Whoever must have another one takes this file away: it has no public half beside it.
        tokens: key(&dir.join("tokens.key"), passphrase)?,
        trust: kept(&dir, "trust", passphrase)?,
        is_trust_replaced: fs::read_to_string(dir.join("trust.key"))
            .is_ok_and(|text| text.starts_with(REPLACEMENT)),
        root: match is_elsewhere(&dir, "root") {
            true => None,
            false => Some(with_public(&dir, "root", passphrase)?),
        },
        root_public: public(&dir.join("root.pub"))?
            .ok_or_else(|| Failure::failed("`root.pub` went while the keys were read"))?,
    })
}

/// Tells whether a folder has no keys, nor halves of any: then nobody knows any.
fn is_empty(dir: &Path) -> Result<bool, Failure> {
    Ok(files(dir, &["key", "pub"])?.is_empty())
}

/// Returns the keys that are here in clear.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn in_clear(config: &Config) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = files(&config.data_dir().join("keys"), &["key"])?;
    let mut failed = None;
    paths.retain(|path| match fs::read_to_string(path) {
        Ok(text) => !is_encrypted(&text),
        Err(error) => {
            let what = format!("cannot read the key `{}`", path.display());
            failed.get_or_insert(Failure::failed(what).because(&error));
            false
        }
    });
    failed.map_or(Ok(paths), Err)
}

fn release(
    dir: &Path,
    config: &Config,
    passphrase: &Passphrase,
) -> Result<Arc<dyn Signer>, Failure> {
    let Some(place) = token_place(config)? else {
        return Ok(Arc::new(kept(dir, "release", passphrase)?));
    };
    let (key, path) = (dir.join("release.key"), dir.join("release.pub"));
    if key.exists() {
        let key = key.display();
        return Err(Failure::failed(format!(
            "the key for releases is in token `{}`, and another one in `{key}`",
            place.token
        ))
        .hint("take the file away, with `release.pub`, to sign with the token from now on; or the settings `keys.token.*`"));
    }
    // The token is asked when it is needed: most of the market goes on without it.
    let public = match public(&path)? {
        Some(public) => public,
        None => in_token(&place, &mut false, &path)?,
    };
    Ok(Arc::new(Token::new(place, public)))
}

/// Makes the key in the token where it is not there, and writes its public half.
fn in_token(place: &Place, made: &mut bool, path: &Path) -> Result<PublicKey, Failure> {
    let public = token::find_or_make(place, made);
    let public = public.or_fail("cannot use the key for releases")?;
    write(path, &public.to_pem(), 0o644).or_fail(format!("cannot write `{}`", path.display()))?;
    Ok(public)
}

/// Returns where the key for releases is, if it is in a token.
///
/// # Errors
/// A setting is missing, or the PIN cannot be read.
pub(crate) fn token_place(config: &Config) -> Result<Option<Place>, Failure> {
    let Some(module) = config.path("keys.token.module") else {
        return Ok(None);
    };
    config.check()?;
    let text = |key| config.text(key).unwrap_or_default().to_owned();
    let pin = config.path("keys.token.pin_file").unwrap_or_default();
    Ok(Some(Place {
        module,
        token: text("keys.token.name"),
        key: text("keys.token.key"),
        pin: first_line(&pin, "PIN")?.into(),
    }))
}

/// Tells whether a key was here, and is kept elsewhere or lost: its public half alone is here.
pub(crate) fn is_elsewhere(dir: &Path, name: &str) -> bool {
    let is_there = |ending| dir.join(name).with_extension(ending).exists();
    is_there("pub") && !is_there("key")
}

/// Reads a key that must stay the same for as long as there is a marketplace: one that was here
/// and is gone is not replaced by another, which nobody believes.
fn kept(dir: &Path, name: &str, passphrase: &Passphrase) -> Result<SigningKey, Failure> {
    if is_elsewhere(dir, name) {
        let place = dir.display();
        return Err(Failure::failed(format!(
            "the key `{place}/{name}.key` is gone, of which `{name}.pub` is the public half"
        ))
        .hint(format!(
            "put your copy back. If there is none, remove `{name}.pub`: another key is made, which nobody who knows the old one believes"
        )));
    }
    with_public(dir, name, passphrase)
}

/// Reads or makes a key that has its public half beside it.
fn with_public(dir: &Path, name: &str, passphrase: &Passphrase) -> Result<SigningKey, Failure> {
    let key = key(&dir.join(name).with_extension("key"), passphrase)?;
    let path = dir.join(name).with_extension("pub");
    match public(&path)? {
        None => write(&path, &key.public().to_pem(), 0o644)
            .or_fail(format!("cannot write `{}`", path.display()))?,
        Some(public) if public == key.public() => {}
        Some(_) => {
            return Err(Failure::failed(format!(
                "the key `{name}.key` is not the one of `{}`",
                path.display()
            ))
            .hint("one of them is of another marketplace or time: put back the two that belong together"));
        }
    }
    Ok(key)
}

/// Reads the public half of a key, where it is there.
///
/// # Errors
/// The file cannot be read, or is no public key.
pub(crate) fn public(path: &Path) -> Result<Option<PublicKey>, Failure> {
    let what = format!("cannot read the key `{}`", path.display());
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::failed(what).because(&error)),
    };
    PublicKey::from_pem(&text).map(Some).or_fail(what)
}

/// Makes the keys of a marketplace that is yet to start: the root in one folder, what servers
/// need in another. Both must not be there.
///
/// # Errors
/// A folder is there, or cannot be written.
pub(crate) fn make_apart(
    (offline, online): (&Path, &Path),
    (root, rest): (&Passphrase, &Passphrase),
    token: Option<&Place>,
) -> Result<(), Failure> {
    let made = make_root(offline, root)?;
    let what = format!("cannot make the folder `{}`", online.display());
    DirBuilder::new().mode(0o700).create(online).or_fail(what)?;
    let public = online.join("root.pub");
    write(&public, &made.to_pem(), 0o644)
        .or_fail(format!("cannot write `{}`", public.display()))?;
    match token {
        None => drop(with_public(online, "release", rest)?),
        Some(place) => {
            let mut made = false;
            in_token(place, &mut made, &online.join("release.pub"))?;
            if !made {
                return Err(Failure::failed(format!(
                    "token `{}` has a key `{}` already",
                    place.token, place.key
                ))
                .hint(
                    "give another label as `keys.token.key`: keys are never written over others",
                ));
            }
        }
    }
    with_public(online, "trust", rest)?;
    key(&online.join("tokens.key"), rest).map(drop)
}

/// A key that is to take the place of the one that secrets are sealed under.
pub(crate) struct NextTrust {
    dir: PathBuf,
    /// The key.
    pub(crate) key: SigningKey,
    /// Whether secrets are sealed under it already: its public half is in place.
    pub(crate) is_sealed: bool,
}

impl NextTrust {
    /// Reads the key of an attempt that was interrupted, where there is one.
    ///
    /// # Errors
    /// A file cannot be read, or the passphrase does not fit.
    pub(crate) fn find(config: &Config) -> Result<Option<Self>, Failure> {
        let dir = config.data_dir().join("keys");
        let path = dir.join(NEXT_TRUST);
        if !path.exists() {
            return Ok(None);
        }
        let key = existing(&path, config)?;
        let is_sealed = public(&dir.join("trust.pub"))?.is_some_and(|found| found == key.public());
        Ok(Some(Self {
            dir,
            key,
            is_sealed,
        }))
    }

    /// Makes the key.
    ///
    /// # Errors
    /// The file cannot be written, or the passphrase cannot be read.
    pub(crate) fn make(config: &Config) -> Result<Self, Failure> {
        let dir = config.data_dir().join("keys");
        let passphrase = Passphrase::find(config)?;
        let key = make(&dir.join(NEXT_TRUST), &passphrase, REPLACEMENT)?;
        Ok(Self {
            dir,
            key,
            is_sealed: false,
        })
    }

    /// Puts it in place, the public half first: where that is the new one, secrets are sealed
    /// under the new key. The files are whose the old key is, whoever runs this.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn put_in_place(&self) -> Result<(), Failure> {
        let path = |name: &str| self.dir.join(name);
        let put = || {
            write_beside(&path("trust.new"), &self.key.public().to_pem(), 0o644)?;
            for new in ["trust.new", NEXT_TRUST] {
                give(&path(new), &path("trust.key"))?;
            }
            fs::rename(path("trust.new"), path("trust.pub"))?;
            File::open(&self.dir)?.sync_all()?;
            fs::rename(path(NEXT_TRUST), path("trust.key"))?;
            File::open(&self.dir)?.sync_all()
        };
        put().or_fail(format!("cannot write in `{}`", self.dir.display()))
    }
}

/// Makes sure that no replacement of a key was interrupted.
///
/// # Errors
/// One was.
pub(crate) fn must_be_whole(config: &Config) -> Result<(), Failure> {
    let next = config.data_dir().join("keys").join(NEXT_TRUST);
    match next.exists() {
        false => Ok(()),
        true => Err(Failure::failed(format!(
            "`{}` is there: the replacement of `trust.key` was interrupted",
            next.display()
        ))
        .hint("run `plimsoll keys rotate-trust` again, which goes on where it was")),
    }
}

/// Reads a key that is there.
///
/// # Errors
/// The file cannot be read, or the passphrase does not fit.
pub(crate) fn existing(path: &Path, config: &Config) -> Result<SigningKey, Failure> {
    opened(path, &Passphrase::find(config)?)
}

/// Reads a key that is there, with a passphrase of its own.
///
/// # Errors
/// The file cannot be read, or the passphrase does not fit.
pub(crate) fn opened(path: &Path, passphrase: &Passphrase) -> Result<SigningKey, Failure> {
    let text = fs::read_to_string(path);
    let text = text.or_fail(format!("cannot read the key `{}`", path.display()))?;
    open(path, &text, passphrase)
}

/// Refuses a folder for keys that is there, before anything is written for it.
///
/// # Errors
/// It is there, or cannot be looked for.
pub(crate) fn must_be_new(dir: &Path) -> Result<(), Failure> {
    let place = dir.display();
    match fs::symlink_metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::failed(format!("cannot look for `{place}`")).because(&error)),
        Ok(_) => Err(
            Failure::failed(format!("cannot make the folder `{place}`: it is there"))
                .hint("name a folder that is not there: keys are never written over others"),
        ),
    }
}

/// Makes a root key in a folder that is not there.
///
/// # Errors
/// The folder is there, or cannot be written.
pub(crate) fn make_root(dir: &Path, passphrase: &Passphrase) -> Result<PublicKey, Failure> {
    let what = format!("cannot make the folder `{}`", dir.display());
    DirBuilder::new().mode(0o700).create(dir).or_fail(what)?;
    Ok(with_public(dir, "root", passphrase)?.public())
}

/// Encrypts the keys that are in clear, and those that have the `old` passphrase, with the
/// market's. Every key is opened before any file is written, and each file is replaced as a
/// whole: whenever it is interrupted, all keys are there, and it can be done again. Returns what
/// was encrypted.
///
/// # Errors
/// A file cannot be read or written, or no passphrase fits.
pub(crate) fn encrypt(
    config: &Config,
    old: Option<&Passphrase>,
) -> Result<(Vec<PathBuf>, Passphrase), Failure> {
    let _held = hold(config)?;
    must_be_whole(config)?;
    let found = Passphrase::find(config)?;
    let mut clear = Vec::new();
    for path in files(&config.data_dir().join("keys"), &["key"])? {
        let text = fs::read_to_string(&path);
        let text = text.or_fail(format!("cannot read the key `{}`", path.display()))?;
        let opened = open(&path, &text, &found);
        let opened = match (opened, old) {
            (Ok(_), _) if is_encrypted(&text) => continue,
            (Err(failure), Some(old)) => open(&path, &text, old).map_err(|_| failure),
            (opened, _) => opened,
        };
        let head = text.split("-----BEGIN").next().unwrap_or_default();
        clear.push((path, head.to_owned(), opened?));
    }
    let passphrase = match found.text {
        None if !clear.is_empty() => Passphrase::make(config)?,
        _ => found,
    };
    for (path, head, key) in &clear {
        let text = format!("{head}{}", sealed(key, &passphrase)?);
        replace(path, &text).or_fail(format!("cannot write the key `{}`", path.display()))?;
    }
    let paths = clear.into_iter().map(|(path, ..)| path).collect();
    Ok((paths, passphrase))
}

fn key(path: &Path, passphrase: &Passphrase) -> Result<SigningKey, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => open(path, &text, passphrase),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, passphrase, ""),
        Err(error) => {
            let place = path.display();
            Err(Failure::failed(format!("cannot read the key `{place}`")).because(&error))
        }
    }
}
