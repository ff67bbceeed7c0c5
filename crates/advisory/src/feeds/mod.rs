//! Readers of advisory feeds: found files in, [`Advisory`] records out, one at a time.
//!
//! Every reader streams, keeps going past what it cannot read, and counts it. A file is
//! recognised by its content; gzip and zstd are taken off first.

mod alpine_secdb;
mod collect;
mod debian_tracker;
mod input;
mod osv;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::record::Advisory;

use collect::Collector;
use input::BoundedReader;

/// How many bytes [`detect`] wants to see.
pub const DETECTION_WINDOW: usize = 1024;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// OSV: one record, one a line, or an array.
    Osv,
    /// A zip archive of OSV records, such as `all.zip`.
    OsvZip,
    /// The Debian security tracker's `data/json`.
    DebianTracker,
    /// Alpine's security database, JSON form.
    AlpineSecdb,
}

/// Bounds that protect against hostile or broken files.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file after decompression.
    pub input: u64,
    /// Bytes of one record; of one package in the Debian tracker; of a whole Alpine file.
    pub record: u64,
    /// Records of one file.
    pub records: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input: 16 << 30,
            record: 128 << 20,
            records: 5_000_000,
        }
    }
}

/// What came of reading one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Records handed on.
    pub records: u64,
    /// Records left out because they could not be understood.
    pub malformed: u64,
    /// The first twenty of those, with the reason.
    pub problems: Vec<Problem>,
    /// Why reading ended before the end of the file, if it did; what came before counts.
    pub broken: Option<String>,
    /// The newest `modified` among the records, as written.
    pub newest: Option<String>,
}

/// Something in a feed that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which record: its id, its package, or its number from 1.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is none of the known formats.
    #[error(
        "{path} is no advisory feed that Plimsoll knows: expected OSV (JSON, JSON lines or zip), \
         the Debian security tracker's JSON or Alpine's secdb JSON, plain or as .gz or .zst"
    )]
    UnknownFormat {
        /// Which file.
        path: PathBuf,
    },
    /// The receiver of the records failed.
    #[error("cannot store the records of {path}")]
    Sink {
        /// Which file was being read.
        path: PathBuf,
        /// What the receiver said.
        source: io::Error,
    },
}

/// Receives the records of a feed.
pub type Sink<'a> = dyn FnMut(Advisory) -> io::Result<()> + 'a;

/// Recognises a feed by the beginning of its (uncompressed) content.
pub fn detect(beginning: &[u8]) -> Option<Format> {
    if beginning.starts_with(b"PK\x03\x04") {
        return Some(Format::OsvZip);
    }
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let text = String::from_utf8_lossy(beginning);
    let text = text.trim_start();
    if let Some(first) = text.strip_prefix('[') {
        return first
            .trim_start()
            .starts_with(['{', ']'])
            .then_some(Format::Osv);
    }
    let (key, value) = first_entry(text)?;
    if ALPINE_KEYS.contains(&key) {
        return Some(Format::AlpineSecdb);
    }
    if OSV_KEYS.contains(&key) {
        return Some(Format::Osv);
    }
    let (inner, _) = first_entry(value)?;
    (inner.starts_with("CVE-") || inner.starts_with("TEMP-")).then_some(Format::DebianTracker)
}

const ALPINE_KEYS: [&str; 7] = [
    "distroversion",
    "reponame",
    "apkurl",
    "urlprefix",
    "archs",
    "packages",
    "source",
];
const OSV_KEYS: [&str; 14] = [
    "schema_version",
    "id",
    "modified",
    "published",
    "withdrawn",
    "aliases",
    "related",
    "upstream",
    "summary",
    "details",
    "severity",
    "affected",
    "references",
    "database_specific",
];

/// Returns the first key of a JSON object and what follows its colon.
fn first_entry(text: &str) -> Option<(&str, &str)> {
    let text = text
        .trim_start()
        .strip_prefix('{')?
        .trim_start()
        .strip_prefix('"')?;
    let (key, rest) = text.split_once('"')?;
    Some((key, rest.trim_start().strip_prefix(':')?))
}

/// Reads one feed file, whatever its format, and hands every record to `sink`.
pub fn read_file(
    path: &Path,
    source: &str,
    limits: Limits,
    sink: &mut Sink<'_>,
) -> Result<Summary, FeedError> {
    let error = |source| FeedError::Read {
        path: path.to_owned(),
        source,
    };
    read(File::open(path).map_err(error)?, path, source, limits, sink)
}

/// Reads a feed from memory or from an open file; `path` only names it in errors.
pub fn read<R: Read + Seek>(
    mut input: R,
    path: &Path,
    source: &str,
    limits: Limits,
    sink: &mut Sink<'_>,
) -> Result<Summary, FeedError> {
    let error = |source| FeedError::Read {
        path: path.to_owned(),
        source,
    };
    let mut beginning = Vec::new();
    (&mut input)
        .take(4)
        .read_to_end(&mut beginning)
        .map_err(error)?;
    input.seek(SeekFrom::Start(0)).map_err(error)?;
    let mut collector = Collector::new(source, limits, sink);
    if beginning.starts_with(b"PK\x03\x04") {
        osv::read_zip(input, &mut collector);
    } else {
        let plain: Box<dyn Read + '_> = match beginning.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(input)),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                Box::new(zstd::stream::read::Decoder::new(input).map_err(error)?)
            }
            _ => Box::new(input),
        };
        let mut reader =
            BufReader::with_capacity(1 << 16, BoundedReader::new(plain, collector.budget()));
        let format = detect(peek(&mut reader).map_err(error)?);
        match format {
            Some(Format::Osv) => osv::read(&mut reader, &mut collector),
            Some(Format::DebianTracker) => debian_tracker::read(&mut reader, &mut collector),
            Some(Format::AlpineSecdb) => alpine_secdb::read(&mut reader, &mut collector),
            Some(Format::OsvZip) | None => {
                return Err(FeedError::UnknownFormat {
                    path: path.to_owned(),
                });
            }
        }
    }
    collector.finish().map_err(|source| FeedError::Sink {
        path: path.to_owned(),
        source,
    })
}

/// Looks at what is buffered without consuming it; one read of a decoder yields enough.
fn peek<R: Read>(reader: &mut BufReader<R>) -> io::Result<&[u8]> {
    let buffered = reader.fill_buf()?;
    Ok(&buffered[..buffered.len().min(DETECTION_WINDOW)])
}
