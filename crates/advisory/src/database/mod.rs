//! The compiled advisory database: one file, opened in milliseconds, read by position.
//!
//! [`Builder`] writes it from feeds; [`Database`] answers from it. The layout is in
//! the private module `format`; a file that is cut off, damaged or of another version is refused.

mod build;
mod format;
mod index;
pub(crate) mod merge;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::feeds::{FeedError, Problem};
use crate::record::Advisory;

use format::{HEADER_LENGTH, Header};
use index::Index;

pub use build::Builder;
pub use format::FORMAT_VERSION;
pub use merge::{Statement, Vulnerability};

/// Decompressed blocks kept for the next question; neighbours are often asked for together.
const BLOCKS_KEPT: usize = 32;

/// What a database is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Digest of the content, in hex; equal content has equal versions whenever it was built.
    pub version: String,
    /// When it was built, as its builder wrote it (RFC 3339).
    pub created_at: String,
    /// The feeds in it, in the order added.
    pub sources: Vec<Source>,
    /// Advisories in it.
    pub records: u64,
    /// Distinct pairs of ecosystem and package.
    pub packages: u64,
    /// The ecosystems it knows packages of, sorted.
    pub ecosystems: Vec<String>,
}

/// One feed in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// How many files it came from.
    pub files: u64,
    /// Advisories taken.
    pub records: u64,
    /// Advisories left out because they could not be understood.
    pub malformed: u64,
    /// The first of those, with the reason.
    pub problems: Vec<Problem>,
    /// Files whose end could not be read.
    pub broken: Vec<Problem>,
    /// The newest modification date in it, as the feed wrote it.
    pub newest: Option<String>,
}

/// Why a database cannot be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The system refused.
    #[error("cannot read the advisory database {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not an advisory database.
    #[error("{path} is not a Plimsoll advisory database")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// It was written by another version of Plimsoll.
    #[error(
        "{path} has format {found}, this Plimsoll reads format {FORMAT_VERSION}; \
         build it again with `plimsoll advisories import`"
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// The format found in it.
        found: u32,
    },
    /// Its parts do not fit together.
    #[error("{path} is damaged ({what}); build it again with `plimsoll advisories import`")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Which part.
        what: String,
    },
}

/// Why a database cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The file could not be written.
    #[error("cannot write the advisory database {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A feed could not be read at all.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// More than the format's 32-bit numbers can count.
    #[error("the advisories do not fit one database: {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
    },
}

/// An open advisory database; cheap to share between threads.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    file: File,
    meta: Meta,
    index: Index,
    cache: Mutex<VecDeque<(u32, Arc<Vec<u8>>)>>,
}

impl Database {
    /// Opens a database and checks that it is whole.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let read_error = |source| DatabaseError::Read {
            path: path.to_owned(),
            source,
        };
        let corrupt = |what: &str| DatabaseError::Corrupt {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let file = File::open(path).map_err(read_error)?;
        let length = file.metadata().map_err(read_error)?.len();
        let header = read_header(&file, length, path)?;
        let tail_length = header.tail_length(length).ok_or_else(|| {
            corrupt(&format!(
                "{length} bytes long, its header says {}",
                header.length
            ))
        })?;
        let mut tail = vec![0; tail_length];
        file.read_exact_at(&mut tail, header.index_offset)
            .map_err(read_error)?;
        if format::checksum(&tail) != header.checksum {
            return Err(corrupt("the checksum of the index does not match"));
        }
        let meta = tail.split_off(header.index_length());
        let meta = serde_json::from_slice(&meta).map_err(|error| corrupt(&error.to_string()))?;
        let index = Index::parse(tail).ok_or_else(|| corrupt("the index has no valid layout"))?;
        let cache = Mutex::new(VecDeque::with_capacity(BLOCKS_KEPT));
        Ok(Self {
            path: path.to_owned(),
            file,
            meta,
            index,
            cache,
        })
    }

    /// Returns what it is made of.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Returns every advisory about a package of an ecosystem such as `Debian:11`, in the order
    /// in which the feeds were added.
    pub fn lookup(&self, ecosystem: &str, package: &str) -> Result<Vec<Advisory>, DatabaseError> {
        self.records(&self.index.package(ecosystem, package))
    }

    /// Returns every advisory that names a vulnerability as its id, as an alias or as upstream.
    pub fn naming(&self, vulnerability: &str) -> Result<Vec<Advisory>, DatabaseError> {
        self.records(&self.index.alias(vulnerability))
    }

    /// Returns all that is known of a vulnerability, merged over its aliases.
    pub fn vulnerability(&self, id: &str) -> Result<Option<Vulnerability>, DatabaseError> {
        merge::vulnerability(self, id)
    }

    fn records(&self, numbers: &[u32]) -> Result<Vec<Advisory>, DatabaseError> {
        numbers.iter().map(|number| self.record(*number)).collect()
    }

    fn record(&self, number: u32) -> Result<Advisory, DatabaseError> {
        let corrupt = |what: String| DatabaseError::Corrupt {
            path: self.path.clone(),
            what,
        };
        let place = self
            .index
            .record(number)
            .ok_or_else(|| corrupt(format!("record {number} has no place")))?;
        let block = self.block(place.block)?;
        let end = place.start.saturating_add(place.length);
        let text = block
            .get(place.start..end)
            .ok_or_else(|| corrupt(format!("record {number} lies outside its block")))?;
        serde_json::from_slice(text).map_err(|error| corrupt(format!("record {number}: {error}")))
    }

    fn block(&self, number: u32) -> Result<Arc<Vec<u8>>, DatabaseError> {
        let cached = {
            let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache
                .iter()
                .find(|(kept, _)| *kept == number)
                .map(|(_, block)| Arc::clone(block))
        };
        if let Some(block) = cached {
            return Ok(block);
        }
        let block = Arc::new(self.read_block(number)?);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.truncate(BLOCKS_KEPT - 1);
        cache.push_front((number, Arc::clone(&block)));
        Ok(block)
    }

    fn read_block(&self, number: u32) -> Result<Vec<u8>, DatabaseError> {
        let corrupt = |what: &str| DatabaseError::Corrupt {
            path: self.path.clone(),
            what: format!("block {number}: {what}"),
        };
        let place = self
            .index
            .block(number)
            .ok_or_else(|| corrupt("it has no place"))?;
        if place.length > format::MAX_BLOCK || place.plain_length > format::MAX_BLOCK {
            return Err(corrupt("its length is impossible"));
        }
        let mut packed = vec![0; place.length];
        let read_error = |source| DatabaseError::Read {
            path: self.path.clone(),
            source,
        };
        self.file
            .read_exact_at(&mut packed, place.offset)
            .map_err(read_error)?;
        zstd::bulk::decompress(&packed, place.plain_length)
            .map_err(|error| corrupt(&error.to_string()))
    }
}

fn read_header(file: &File, length: u64, path: &Path) -> Result<Header, DatabaseError> {
    let path = path.to_owned();
    let mut head = [0; HEADER_LENGTH];
    if length < HEADER_LENGTH as u64 {
        return Err(DatabaseError::Foreign { path });
    }
    if let Err(source) = file.read_exact_at(&mut head, 0) {
        return Err(DatabaseError::Read { path, source });
    }
    match Header::parse(&head) {
        None => Err(DatabaseError::Foreign { path }),
        Some(header) if header.format != FORMAT_VERSION => Err(DatabaseError::Version {
            path,
            found: header.format,
        }),
        Some(header) => Ok(header),
    }
}
