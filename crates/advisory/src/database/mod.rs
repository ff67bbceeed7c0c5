//! The compiled advisory database: one file, opened in milliseconds, read by position.
//!
//! [`Builder`] writes it from feeds; [`Database`] answers from it; [`UpdateLock`] keeps two
//! updates apart. The layout is in the private module `format`; a file that is cut off, damaged
//! or of another version is refused.

mod build;
mod cache;
mod changes;
pub mod delta;
mod format;
mod lock;
pub(crate) mod merge;
mod search;
mod sorter;
mod table;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ecosystem::package_name;
use crate::feeds::{FeedError, Problem};
use crate::record::{Advisory, Epss, Kev, Ssvc};

use cache::Cache;
use format::{HEADER_LENGTH, Header, Place};
use table::{PageError, Table};

pub use build::{Builder, MEMORY};
pub use changes::Change;
pub use format::FORMAT_VERSION;
pub use lock::{LockError, UpdateLock};
pub use merge::{Statement, Vulnerability};
pub use search::Found;

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
    /// The licence of its content, where the feed is known.
    #[serde(default)]
    pub licence: Option<String>,
    /// Who is to be named where its content is shown.
    #[serde(default)]
    pub attribution: Option<String>,
}

/// What is known of a vulnerability's exploitation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exploitation {
    /// FIRST's estimate.
    pub epss: Option<Epss>,
    /// CISA's entry.
    pub kev: Option<Kev>,
    /// CISA's decision points.
    pub ssvc: Option<Ssvc>,
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
    #[error("cannot write the advisory database {path}; the one there, if any, stays as it was")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database that something is taken over from cannot be read.
    #[error(transparent)]
    Kept(DatabaseError),
    /// A feed could not be read at all.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// An open advisory database; cheap to share between threads.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    file: File,
    /// Where the tables begin, and blocks end at the latest.
    blocks_end: u64,
    meta: Meta,
    names: Table,
    packages: Table,
    blocks: Cache<u64, Vec<u8>>,
    records: Cache<Place, Advisory>,
}

/// Receives records and their text.
type RecordSink<'a> = dyn FnMut(&Advisory, &[u8]) -> io::Result<()> + 'a;

/// Bytes of unpacked blocks kept, about 500 of them.
const BLOCKS_KEPT: usize = 8 << 20;
/// Bytes of records' text whose decoded form is kept; that takes about three times as much.
const RECORDS_KEPT: usize = 24 << 20;

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
        file.read_exact_at(&mut tail, header.tail_offset)
            .map_err(read_error)?;
        if format::checksum(&tail) != header.checksum {
            return Err(corrupt("the checksum of the directories does not match"));
        }
        let meta = tail.split_off(header.directory_length());
        let meta = serde_json::from_slice(&meta).map_err(|error| corrupt(&error.to_string()))?;
        let (names, packages, blocks_end) =
            tables(&tail, header).ok_or_else(|| corrupt("the directories have no valid layout"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            blocks_end,
            meta,
            names,
            packages,
            blocks: Cache::new(BLOCKS_KEPT),
            records: Cache::new(RECORDS_KEPT),
        })
    }

    /// Returns what it is made of.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Returns every advisory about a package of an ecosystem such as `Debian:11`, in the order
    /// in which the feeds were added. Names are compared as the ecosystem does, see
    /// [`package_name`].
    pub fn lookup(
        &self,
        ecosystem: &str,
        package: &str,
    ) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        self.under(&self.packages, &package_key(ecosystem, package))
    }

    /// Returns every advisory that names a vulnerability as its id, as an alias or as upstream.
    pub fn naming(&self, vulnerability: &str) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        self.under(&self.names, vulnerability.as_bytes())
    }

    /// Returns all that is known of a vulnerability, merged over its aliases and theirs.
    pub fn vulnerability(&self, id: &str) -> Result<Option<Vulnerability>, DatabaseError> {
        merge::vulnerability(self, id)
    }

    /// Returns what is known of a vulnerability's exploitation.
    pub fn exploitation(&self, id: &str) -> Result<Exploitation, DatabaseError> {
        let records = self.naming(id)?;
        Ok(Exploitation::of(records.iter().map(AsRef::as_ref)))
    }

    /// Hands on every record with its text as it was written, in the order of the file.
    ///
    /// # Errors
    /// The database cannot be read, or the receiver fails.
    fn each_record(&self, sink: &mut RecordSink<'_>) -> Result<(), DatabaseError> {
        let mut offset = HEADER_LENGTH as u64;
        while offset < self.blocks_end {
            let (block, length) = self.read_block(offset)?;
            let mut rest = block.as_slice();
            while !rest.is_empty() {
                let length = format::take_u32(&mut rest).and_then(|it| usize::try_from(it).ok());
                let split = length.and_then(|length| rest.split_at_checked(length));
                let corrupt = |what: &str| self.corrupt(format!("block {offset}: {what}"));
                let (text, after) = split.ok_or_else(|| corrupt("a record lies outside"))?;
                let record = serde_json::from_slice(text).map_err(|it| corrupt(&it.to_string()))?;
                sink(&record, text).map_err(|error| self.read_error(error))?;
                rest = after;
            }
            offset += length;
        }
        Ok(())
    }

    fn under(&self, table: &Table, key: &[u8]) -> Result<Vec<Arc<Advisory>>, DatabaseError> {
        let entry = table.find(key, &self.file);
        let entry = entry.map_err(|error| self.page_error(error))?;
        let places = entry.map(|entry| entry.places).unwrap_or_default();
        places.into_iter().map(|place| self.record(place)).collect()
    }

    fn corrupt(&self, what: String) -> DatabaseError {
        DatabaseError::Corrupt {
            path: self.path.clone(),
            what,
        }
    }

    fn read_error(&self, source: io::Error) -> DatabaseError {
        DatabaseError::Read {
            path: self.path.clone(),
            source,
        }
    }

    fn page_error(&self, error: PageError) -> DatabaseError {
        match error {
            PageError::Read(source) => self.read_error(source),
            PageError::Damaged => self.corrupt("a page of a table has no valid content".to_owned()),
        }
    }

    fn record(&self, place: Place) -> Result<Arc<Advisory>, DatabaseError> {
        if let Some(record) = self.records.find(&place) {
            return Ok(record);
        }
        let block = self.block(place.block)?;
        let text = usize::try_from(place.start).ok().and_then(|start| {
            let mut rest = block.get(start..)?;
            let length = usize::try_from(format::take_u32(&mut rest)?).ok()?;
            rest.get(..length)
        });
        let name = || format!("record {} of block {}", place.start, place.block);
        let text = text.ok_or_else(|| self.corrupt(format!("{} lies outside", name())))?;
        let record = serde_json::from_slice(text)
            .map_err(|error| self.corrupt(format!("{}: {error}", name())))?;
        let record = Arc::new(record);
        self.records.keep(place, &record, text.len());
        Ok(record)
    }

    fn block(&self, offset: u64) -> Result<Arc<Vec<u8>>, DatabaseError> {
        if let Some(block) = self.blocks.find(&offset) {
            return Ok(block);
        }
        let block = Arc::new(self.read_block(offset)?.0);
        self.blocks.keep(offset, &block, block.len());
        Ok(block)
    }

    /// Gives a block's plain bytes, and how many bytes of the file it takes.
    fn read_block(&self, offset: u64) -> Result<(Vec<u8>, u64), DatabaseError> {
        let corrupt = |what: &str| self.corrupt(format!("block {offset}: {what}"));
        let mut head = [0; 8];
        let in_sight = offset
            .checked_add(8)
            .is_some_and(|end| end <= self.blocks_end);
        if !in_sight {
            return Err(corrupt("it has no place"));
        }
        self.file
            .read_exact_at(&mut head, offset)
            .map_err(|error| self.read_error(error))?;
        let mut rest = head.as_slice();
        let mut length = || format::take_u32(&mut rest).and_then(|it| usize::try_from(it).ok());
        let (Some(packed), Some(plain)) = (length(), length()) else {
            return Err(corrupt("it has no length"));
        };
        if packed > format::MAX_BLOCK
            || plain > format::MAX_BLOCK
            || offset + 8 + packed as u64 > self.blocks_end
        {
            return Err(corrupt("its length is impossible"));
        }
        let mut bytes = vec![0; packed];
        self.file
            .read_exact_at(&mut bytes, offset + 8)
            .map_err(|error| self.read_error(error))?;
        let plain = zstd::bulk::decompress(&bytes, plain);
        let plain = plain.map_err(|error| corrupt(&error.to_string()))?;
        Ok((plain, 8 + packed as u64))
    }
}

impl Exploitation {
    /// Gathers what records say; withdrawn ones say nothing. CISA's own entry, which has more
    /// than a date, comes before others' mention of it.
    fn of<'a>(records: impl Iterator<Item = &'a Advisory> + Clone) -> Self {
        let mut live = records.filter(|record| record.withdrawn.is_none());
        let kev = live.clone().filter_map(|record| record.kev.clone());
        let epss = live.clone().filter_map(|record| record.epss.clone());
        Self {
            epss: epss.max_by(|a, b| a.date.cmp(&b.date)),
            kev: kev.max_by_key(|kev| kev.due.is_some()),
            ssvc: live.find_map(|record| record.ssvc.clone()),
        }
    }
}

/// Returns whether a file begins as a compiled database does.
pub fn is_database(path: &Path) -> bool {
    begins_with(path, format::MAGIC)
}

fn begins_with(path: &Path, magic: [u8; 8]) -> bool {
    let mut head = [0; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == magic
}

/// A package's key in the table: no ecosystem has a line feed in its name.
fn package_key(ecosystem: &str, package: &str) -> Vec<u8> {
    let name = package_name(ecosystem, package);
    [ecosystem.as_bytes(), b"\n", name.as_bytes()].concat()
}

/// Splits a package's key.
fn split_key(key: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(key);
    let (ecosystem, package) = text.split_once('\n').unwrap_or((&text, ""));
    (ecosystem.to_owned(), package.to_owned())
}

/// Reads both directories. The pages of the tables end where the directories begin, so their
/// lengths tell where they start.
fn tables(tail: &[u8], header: Header) -> Option<(Table, Table, u64)> {
    let length = |offset| {
        let mut rest = tail;
        let (_, end) = Table::parse(&mut rest, offset, u64::MAX)?;
        Table::parse(&mut rest, end, u64::MAX).map(|(_, end)| end)
    };
    let start = header.tail_offset.checked_sub(length(0)?)?;
    (start >= HEADER_LENGTH as u64).then_some(())?;
    let mut rest = tail;
    let (names, end) = Table::parse(&mut rest, start, header.tail_offset)?;
    let (packages, _) = Table::parse(&mut rest, end, header.tail_offset)?;
    rest.is_empty().then_some((names, packages, start))
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
