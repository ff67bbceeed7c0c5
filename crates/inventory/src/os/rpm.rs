//! Red Hat's and SUSE's record of installed packages, in each of the forms it has had:
//! a Berkeley DB hash, SUSE's own `ndb`, and SQLite. The records are the same in all:
//! package headers. Images without a database may have a list of them (`container-manifest-2`).

mod berkeley;
mod header;
mod log;
mod manifest;
mod ndb;
mod sqlite;

use std::io;

pub(crate) use self::log::Pair;
use crate::{
    Found, Kind, OwnedFiles, Package,
    analyser::{Analyser, Counts, Findings, PathLists, Problems, Reading, Want},
    body::Body,
    licenses,
};

/// Reads the databases.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "rpm",
    wants: &[
        Want::Tail("rpm/Packages"),
        Want::Tail("rpm/Packages.db"),
        Want::Tail("rpm/rpmdb.sqlite"),
    ],
    // Later systems keep the older places as links.
    counts: Counts::At(&[
        "usr/lib/sysimage/rpm/rpmdb.sqlite",
        "usr/lib/sysimage/rpm/Packages.db",
        "usr/lib/sysimage/rpm/Packages",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/Packages.db",
        "var/lib/rpm/Packages",
        "usr/share/rpm/rpmdb.sqlite",
        "usr/share/rpm/Packages.db",
        "usr/share/rpm/Packages",
    ]),
    read: Reading::Parts { read },
    ..Analyser::BASE
};

/// Reads the list that stands in for a database.
pub(crate) static MANIFEST: Analyser = Analyser {
    name: "rpm-manifest",
    wants: &[Want::Tail("rpmmanifest/container-manifest-2")],
    counts: Counts::At(&["var/lib/rpmmanifest/container-manifest-2"]),
    read: Reading::Whole {
        most: 16 << 20,
        read: |_, bytes| manifest::read(bytes),
    },
    ..Analyser::BASE
};

/// Says that what SQLite has not yet moved into the database is not read; [`Pair`] takes it
/// back where log and database lie in one layer.
pub(crate) static LOG: Analyser = Analyser {
    name: "rpm-log",
    wants: &[Want::Tail("rpm/rpmdb.sqlite-wal")],
    counts: Counts::Asked,
    read: Reading::Parts { read: log_alone },
    ..Analyser::BASE
};

fn log_alone(_: &str, body: &Body) -> Findings {
    // A log of no frames has a header of 32 bytes at most.
    if body.size() <= 32 {
        return Findings::default();
    }
    Findings::unread(
        "a write-ahead log without its database, so that packages may be missing: run `rpm --rebuilddb` in the build",
    )
}

/// A header larger than this is no honest package's.
const MAX_HEADER: usize = 64 << 20;
/// More packages than any image holds; a database may lie about their number.
const MAX_RECORDS: usize = 100_000;

/// Why a database cannot be read on.
#[derive(Debug, thiserror::Error)]
enum DatabaseError {
    /// Its structure makes no sense.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
    /// A byte that should be there is not.
    #[error("the database is truncated")]
    Truncated,
    /// More than is accepted.
    #[error("the database has more than {MAX_RECORDS} records")]
    TooMany,
    /// The temporary file failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Takes the records of a database as they come.
struct Records {
    packages: Vec<Package>,
    owned: Vec<OwnedFiles>,
    problems: Problems,
    paths: PathLists,
    count: usize,
    /// Bytes that records may still have: no two share any.
    left: u64,
}

fn read(_: &str, body: &Body) -> Findings {
    read_with(body, None)
}

/// Reads a database, and its log if it has one.
fn read_with(body: &Body, log: Option<&log::Log<'_>>) -> Findings {
    let mut records = Records {
        packages: Vec::new(),
        owned: Vec::new(),
        problems: Problems::default(),
        paths: PathLists::default(),
        count: 0,
        left: body.size().saturating_add(log.map_or(0, log::Log::bytes)),
    };
    let done = if sqlite::is_one(body.head()) {
        sqlite::read(body, log, &mut records)
    } else if ndb::is_one(body.head()) {
        ndb::read(body, &mut records)
    } else if berkeley::is_one(body.head()) {
        berkeley::read(body, &mut records)
    } else {
        Err(DatabaseError::Damaged("it is of no known form"))
    };
    if records.paths.is_full() {
        let text = "more files than are kept; who owns the rest is not known";
        records.problems.at(0, text);
    }
    if let Err(error) = done {
        records
            .problems
            .at(0, format!("not read to its end: {error}"));
    }
    Findings {
        found: vec![
            Found::Packages(records.packages),
            Found::Owned(records.owned),
        ],
        problems: records.problems.into_vec(),
    }
}

impl Records {
    /// Checks the announced length of a record before it is read.
    fn reserve(&mut self, length: usize) -> Result<(), DatabaseError> {
        let left = self.left.checked_sub(length as u64);
        if length > MAX_HEADER {
            return Err(DatabaseError::Damaged("a package's length makes no sense"));
        }
        self.left = left.ok_or(DatabaseError::Damaged("its records share bytes"))?;
        Ok(())
    }

    /// Takes one package's header.
    fn take(&mut self, blob: &[u8]) -> Result<(), DatabaseError> {
        self.count += 1;
        if self.count > MAX_RECORDS {
            return Err(DatabaseError::TooMany);
        }
        match header::Header::parse(blob) {
            Some(header) => self.package(&header),
            None => {
                let text = format!("record {} is no package header", self.count);
                self.problems.at(0, text);
            }
        }
        Ok(())
    }

    fn package(&mut self, header: &header::Header<'_>) {
        let text = |tag| header.text(tag).unwrap_or_default();
        let (name, version) = (text(header::NAME), text(header::VERSION));
        // A key that packages are verified with, and no software.
        if name == "gpg-pubkey" {
            return;
        }
        if name.is_empty() || version.is_empty() {
            let text = format!("record {} has no name or version", self.count);
            self.problems.at(0, text);
            return;
        }
        let paths = header.paths(&mut self.paths);
        if !paths.is_empty() {
            self.owned.push(OwnedFiles {
                package: name.clone(),
                paths,
            });
        }
        let version = full_version(
            header.number(header::EPOCH),
            &version,
            &text(header::RELEASE),
        );
        let (source_name, source_version) = source(&text(header::SOURCERPM));
        let optional = |tag| Some(text(tag)).filter(|text| !text.is_empty());
        let module = optional(header::MODULARITYLABEL);
        self.packages.push(Package {
            architecture: text(header::ARCH),
            source_name,
            source_version,
            qualifiers: module
                .map(|label| ("rpmmod".to_owned(), label))
                .into_iter()
                .collect(),
            licenses: optional(header::LICENSE)
                .and_then(|text| licenses::normalise(&text))
                .into_iter()
                .collect(),
            maintainer: optional(header::PACKAGER),
            vendor: optional(header::VENDOR),
            ..Package::new(Kind::Rpm, name, version)
        });
    }
}

/// `EPOCH:VERSION-RELEASE`; no epoch is the same as 0.
fn full_version(epoch: Option<u32>, version: &str, release: &str) -> String {
    let mut full = match epoch {
        Some(epoch) if epoch > 0 => format!("{epoch}:{version}"),
        _ => version.to_owned(),
    };
    if !release.is_empty() {
        full.push('-');
        full.push_str(release);
    }
    full
}

/// Takes `NAME-VERSION-RELEASE.src.rpm` apart. The source's epoch is not recorded.
pub(crate) fn source(file: &str) -> (String, String) {
    let stem = file.strip_suffix(".rpm").and_then(|stem| {
        stem.strip_suffix(".src")
            .or_else(|| stem.strip_suffix(".nosrc"))
    });
    let parts = stem.and_then(|stem| {
        let (rest, release) = stem.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        Some((name.to_owned(), format!("{version}-{release}")))
    });
    parts.unwrap_or_default()
}

/// Returns `length` bytes, all of them there.
fn exactly(
    body: &Body,
    offset: u64,
    length: usize,
) -> Result<std::borrow::Cow<'_, [u8]>, DatabaseError> {
    let bytes = body.range(offset, length)?;
    if bytes.len() < length {
        return Err(DatabaseError::Truncated);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
