//! What leads from one database to the next: the records that went and those that came.
//!
//! ```text
//! magic      8 bytes
//! zstd       lines of JSON: the head, then the digests of the records that went, then the
//!            records that came, in the order of the newer database's sources
//! ```
//!
//! Writing one takes some fifty bytes of memory for each record of the databases, applying one
//! as much for each record that went; all else streams.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::record::Advisory;

use super::build::{Builder, text_hash};
use super::{BuildError, Database, DatabaseError, Meta, Source};

const MAGIC: [u8; 8] = *b"PLIMDEL\n";
const FORMAT: u32 = 1;
const COMPRESSION_LEVEL: i32 = 12;
/// No line is longer: the bound of a record in a feed, and its words for JSON.
const MAX_LINE: u64 = 256 << 20;
/// The window that a reader keeps is at most this power of two of bytes.
const WINDOW_LOG: u32 = 24;

/// What a delta is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    format: u32,
    /// Version of the database it goes from.
    pub from: String,
    /// Version of the database it leads to.
    pub to: String,
    /// When that was built (RFC 3339).
    pub created_at: String,
    /// The feeds of that.
    sources: Vec<Source>,
    /// Records that went.
    pub went: u64,
    /// Records that came.
    pub came: u64,
}

/// Why a delta cannot be written or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// A database cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The new database cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The delta cannot be read or written.
    #[error("cannot read or write the delta {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no delta.
    #[error("{path} is no delta of advisory databases that this Plimsoll reads: {why}")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It is for another database.
    #[error(
        "the delta goes from the version {from} to {to}, and the database here has the version \
         {here}; export a delta since that one, or the whole database"
    )]
    OtherBase {
        /// Where it begins.
        from: String,
        /// Where it leads.
        to: String,
        /// What there is.
        here: String,
    },
    /// What came out is not what it says.
    #[error(
        "with the delta the database would have the version {made} instead of {to}; it is damaged"
    )]
    OtherResult {
        /// What came out.
        made: String,
        /// What it says.
        to: String,
    },
}

/// How often each record is there, by the hash of its text.
type Counted = HashMap<u128, i64>;

fn count(database: &Database, by: i64, counted: &mut Counted) -> Result<(), DatabaseError> {
    database.each_record(&mut |_, text| {
        *counted.entry(text_hash(text)).or_default() += by;
        Ok(())
    })
}

/// Writes what leads from `old` to `new` into a file at `path`, which is replaced.
///
/// # Errors
/// A database cannot be read, or the file not written.
pub fn write(old: &Database, new: &Database, path: &Path) -> Result<Head, DeltaError> {
    let file_error = |source| DeltaError::File {
        path: path.to_owned(),
        source,
    };
    let mut counted = Counted::new();
    count(new, 1, &mut counted)?;
    count(old, -1, &mut counted)?;
    counted.retain(|_, count| *count != 0);
    let sum = |sign: i64| -> u64 {
        let counts = counted.values().map(|count| count * sign);
        counts.filter_map(|count| u64::try_from(count).ok()).sum()
    };
    let meta = new.meta();
    let head = Head {
        format: FORMAT,
        from: old.meta().version.clone(),
        to: meta.version.clone(),
        created_at: meta.created_at.clone(),
        sources: meta.sources.clone(),
        went: sum(-1),
        came: sum(1),
    };
    let mut file = File::create(path).map_err(file_error)?;
    file.write_all(&MAGIC).map_err(file_error)?;
    let mut out = zstd::Encoder::new(file, COMPRESSION_LEVEL).map_err(file_error)?;
    out.window_log(WINDOW_LOG).map_err(file_error)?;
    line(&mut out, &head).map_err(file_error)?;
    for (hash, count) in counted.iter().filter(|(_, count)| **count < 0) {
        for _ in *count..0 {
            line(&mut out, &format!("{hash:032x}")).map_err(file_error)?;
        }
    }
    new.each_record(&mut |_, text| {
        match counted.get_mut(&text_hash(text)) {
            Some(count) if *count > 0 => *count -= 1,
            _ => return Ok(()),
        }
        out.write_all(text)?;
        out.write_all(b"\n")
    })?;
    let file = out.finish().map_err(file_error)?;
    file.sync_all().map_err(file_error)?;
    Ok(head)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Returns whether a file begins as a delta does.
pub fn is_delta(path: &Path) -> bool {
    super::begins_with(path, MAGIC)
}

/// Builds at `output` the database to which the delta leads from `base`, which may lie there.
/// Nothing changes where the base is that database already.
///
/// # Errors
/// The delta is for another base, damaged, or the database cannot be written; what was at
/// `output` stays.
pub fn apply(base: &Database, path: &Path, output: &Path) -> Result<Meta, DeltaError> {
    let mut lines = Lines::open(path)?;
    let head: Head = lines
        .next_as()?
        .ok_or_else(|| lines.foreign("it is empty"))?;
    if head.format != FORMAT {
        return Err(lines.foreign(&format!("its format is {}", head.format)));
    }
    let here = base.meta();
    if here.version == head.to {
        return Ok(here.clone());
    }
    if here.version != head.from {
        return Err(DeltaError::OtherBase {
            from: head.from,
            to: head.to,
            here: here.version.clone(),
        });
    }
    if head.went > here.records {
        return Err(lines.foreign("more records went than there were"));
    }
    let mut went = Counted::new();
    for _ in 0..head.went {
        let hash: String = lines
            .next_as()?
            .ok_or_else(|| lines.foreign("it ends early"))?;
        let hash = u128::from_str_radix(&hash, 16);
        let hash = hash.map_err(|_| lines.foreign("a digest is none"))?;
        *went.entry(hash).or_default() += 1;
    }
    let mut merge = Merge {
        builder: Builder::new(output)?,
        coming: Coming::new(lines, &head)?,
        went,
        head: &head,
    };
    merge.run(base)?;
    let builder = merge.builder;
    let made = builder.version();
    if made != head.to {
        return Err(DeltaError::OtherResult { made, to: head.to });
    }
    Ok(builder.finish_as(head.sources, &head.created_at)?)
}

/// Old and new records on their way into one database.
struct Merge<'a> {
    builder: Builder,
    coming: Coming,
    went: Counted,
    head: &'a Head,
}

impl Merge<'_> {
    /// Keeps the order of the sources, as far as the old database has it.
    fn run(&mut self, base: &Database) -> Result<(), DeltaError> {
        let mut failure = None;
        let read = base.each_record(&mut |record, text| {
            if let Some(count) = self.went.get_mut(&text_hash(text))
                && *count > 0
            {
                *count -= 1;
                return Ok(());
            }
            let added = self
                .add_coming_before(rank(self.head, &record.source))
                .and_then(|()| Ok(self.builder.add_record(record)?));
            added.map_err(|error| {
                failure = Some(error);
                io::Error::other("the new database cannot be built")
            })
        });
        match failure {
            Some(error) => return Err(error),
            None => read?,
        }
        self.add_coming_before(usize::MAX)
    }

    fn add_coming_before(&mut self, before: usize) -> Result<(), DeltaError> {
        while let Some((_, record)) = self.coming.next.take_if(|(rank, _)| *rank < before) {
            self.builder.add_record(&record)?;
            self.coming.advance(self.head)?;
        }
        Ok(())
    }
}

/// The records that come, with the one at hand.
struct Coming {
    lines: Lines,
    left: u64,
    next: Option<(usize, Advisory)>,
}

impl Coming {
    fn new(lines: Lines, head: &Head) -> Result<Self, DeltaError> {
        let mut coming = Self {
            lines,
            left: head.came,
            next: None,
        };
        coming.advance(head)?;
        Ok(coming)
    }

    fn advance(&mut self, head: &Head) -> Result<(), DeltaError> {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        let record: Option<Advisory> = self.lines.next_as()?;
        let record = record.ok_or_else(|| self.lines.foreign("it ends early"))?;
        self.next = Some((rank(head, &record.source), record));
        Ok(())
    }
}

/// Returns the place of a source among those of the newer database.
fn rank(head: &Head, source: &str) -> usize {
    let found = head.sources.iter().position(|known| known.name == source);
    found.unwrap_or(head.sources.len())
}

/// The lines of a delta.
struct Lines {
    path: PathBuf,
    reader: BufReader<zstd::Decoder<'static, BufReader<File>>>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, DeltaError> {
        let error = |source| DeltaError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(error)?;
        let mut head = [0; MAGIC.len()];
        let read = file.read_exact(&mut head);
        if read.is_err() || head != MAGIC {
            return Err(DeltaError::Foreign {
                path: path.to_owned(),
                why: "it does not begin as one".to_owned(),
            });
        }
        let mut decoder = zstd::Decoder::new(file).map_err(error)?;
        decoder.window_log_max(WINDOW_LOG).map_err(error)?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::new(decoder),
        })
    }

    fn foreign(&self, why: &str) -> DeltaError {
        DeltaError::Foreign {
            path: self.path.clone(),
            why: why.to_owned(),
        }
    }

    fn next_as<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, DeltaError> {
        let mut line = Vec::new();
        let read = (&mut self.reader)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line);
        read.map_err(|error| self.foreign(&error.to_string()))?;
        if line.is_empty() {
            return Ok(None);
        }
        let value = serde_json::from_slice(&line);
        value
            .map(Some)
            .map_err(|error| self.foreign(&error.to_string()))
    }
}
