//! Readers of advisory feeds: found files in, [`Advisory`] records out, one at a time.
//!
//! Every reader streams, keeps going past what it cannot read, and counts it. A file is
//! recognised by its content; gzip, zstd, bzip2, xz, zip and tar are taken off first. [`SOURCES`]
//! lists the feeds that are known by name, with what they are and whose.

mod alma_errata;
mod alpine_secdb;
mod arch;
mod archive;
mod collect;
mod csaf;
mod cve;
mod debian_tracker;
mod detect;
mod epss;
mod fitness;
mod input;
mod json;
mod kev;
mod nvd;
mod openvex;
mod osv;
mod oval;
mod photon;
mod rpm;
mod sources;
mod updateinfo;
mod vulnrichment;
mod xml;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::record::Advisory;

use collect::Collector;
use input::BoundedReader;

pub use detect::{DETECTION_WINDOW, detect};
pub use fitness::Unfit;
pub use sources::{FeedSource, SOURCES, source};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A zip or tar archive of files of any other kind.
    Archive,
    /// OSV: one record, one a line, or an array.
    Osv,
    /// The Debian security tracker's `data/json`.
    DebianTracker,
    /// The security database of Alpine, Wolfi or Chainguard, JSON form.
    AlpineSecdb,
    /// CSAF 2.0 advisories and VEX documents, as Red Hat and SUSE publish them.
    Csaf,
    /// OpenVEX documents about Ubuntu's packages.
    OpenVex,
    /// The National Vulnerability Database, API and feeds 2.0.
    Nvd,
    /// Items of the same, one a file or line.
    NvdItems,
    /// CVE records 5.x, as in CISA's Vulnrichment.
    Cve,
    /// CISA's Vulnrichment in one line per CVE.
    Vulnrichment,
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// FIRST's EPSS scores, CSV.
    Epss,
    /// OVAL definitions of Oracle Linux and Azure Linux.
    Oval,
    /// An rpm repository's `updateinfo.xml`, as of Amazon, Rocky, Alma and Oracle.
    UpdateInfo,
    /// `errata.json` of AlmaLinux.
    AlmaErrata,
    /// `cve_data_photon*.json` of Photon OS.
    Photon,
    /// `all.json` of Arch Linux.
    Arch,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Archive => "an archive",
            Self::Osv => "OSV records",
            Self::DebianTracker => "the Debian security tracker's JSON",
            Self::AlpineSecdb => "a secdb as of Alpine, Wolfi or Chainguard",
            Self::Csaf => "CSAF documents",
            Self::OpenVex => "OpenVEX documents",
            Self::Nvd => "NVD 2.0 JSON",
            Self::NvdItems => "items of NVD 2.0",
            Self::Cve => "CVE records 5",
            Self::Vulnrichment => "Vulnrichment lines",
            Self::Kev => "CISA's KEV catalogue",
            Self::Epss => "EPSS scores",
            Self::Oval => "OVAL definitions",
            Self::UpdateInfo => "an rpm repository's updateinfo.xml",
            Self::AlmaErrata => "AlmaLinux's errata.json",
            Self::Photon => "Photon OS's cve_data JSON",
            Self::Arch => "Arch Linux's all.json",
        })
    }
}

/// Bounds that protect against hostile or broken files.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file after decompression.
    pub input: u64,
    /// Bytes of one record; of one package in the Debian tracker; of a whole Alpine or OVAL
    /// file; of one file of a tar archive.
    pub record: u64,
    /// Records of one file.
    pub records: u64,
    /// Files of one archive.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input: 16 << 30,
            record: 128 << 20,
            records: 5_000_000,
            entries: 2_000_000,
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
    /// Records in force that name no package, though those of their kind do.
    pub silent: u64,
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
        "{path} is no advisory feed that Plimsoll knows: it is {found}; expected OSV, CSAF, \
         OpenVEX, NVD, CVE, KEV, EPSS, OVAL, updateinfo.xml or a distribution's own JSON, plain, \
         as .gz, .zst or .bz2, or in a zip or tar archive"
    )]
    UnknownFormat {
        /// Which file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// The content is not what the source is known for.
    #[error("{path} holds {found}, but this source has {expected}; check its address")]
    WrongKind {
        /// Which file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What the source has.
        expected: Format,
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

/// KiB that unpacking xz may take; what `xz -9` packs needs 65 MiB.
const XZ_MEMORY: u32 = 128 << 10;

/// Reads one feed file, or every file of a folder, whatever its format, and hands every record
/// to `sink`.
///
/// # Errors
/// Nothing of it can be read, or the sink fails.
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
    if path.is_dir() {
        return read_folder(path, source, limits, sink);
    }
    read(File::open(path).map_err(error)?, path, source, limits, sink)
}

/// Reads every file below a folder, in the order of their names.
fn read_folder(
    folder: &Path,
    source: &str,
    limits: Limits,
    sink: &mut Sink<'_>,
) -> Result<Summary, FeedError> {
    let error = |source| FeedError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        let entry = entry.map_err(error)?;
        // Links are not followed, so there is no way round in a circle.
        let kind = entry.file_type().map_err(error)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && (kind.is_dir() || kind.is_file()) {
            names.push(entry.path());
        }
    }
    names.sort();
    let mut whole = Summary::default();
    for path in names {
        match read_file(&path, source, limits, sink) {
            Ok(summary) => whole.add(summary, &path),
            Err(FeedError::Sink { path, source }) => return Err(FeedError::Sink { path, source }),
            Err(error) => whole.note(Problem {
                place: path.display().to_string(),
                reason: error.to_string(),
            }),
        }
    }
    Ok(whole)
}

/// Reads a feed from memory or from an open file; `path` only names it in errors.
///
/// # Errors
/// Nothing of it can be read, or the sink fails.
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
    let file = path.file_name().unwrap_or(path.as_os_str());
    let file = file.to_string_lossy().into_owned();
    let expected = sources::source(source).map(|source| source.format);
    let mut collector = Collector::new(source, file, limits, expected, sink);
    let recognised = if beginning.starts_with(b"PK\x03\x04") {
        archive::read_zip(input, &mut collector)
    } else {
        let plain: Box<dyn Read + '_> = match beginning.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(input)),
            [b'B', b'Z', b'h', _] => Box::new(bzip2::read::MultiBzDecoder::new(input)),
            [0xfd, b'7', b'z', b'X'] => {
                Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY))
            }
            [0x28, 0xb5, 0x2f, 0xfd] => {
                Box::new(zstd::stream::read::Decoder::new(input).map_err(error)?)
            }
            _ => Box::new(input),
        };
        let bounded = BoundedReader::new(plain, collector.budget());
        read_plain(
            &mut BufReader::with_capacity(1 << 16, bounded),
            &mut collector,
        )
    };
    if let Recognised::No(found) = recognised {
        let path = path.to_owned();
        return Err(match expected {
            Some(expected) => FeedError::WrongKind {
                path,
                found,
                expected,
            },
            None => FeedError::UnknownFormat { path, found },
        });
    }
    collector.finish().map_err(|source| FeedError::Sink {
        path: path.to_owned(),
        source,
    })
}

/// Whether there was a reader, else what the content seems to be.
enum Recognised {
    Yes,
    No(String),
}

/// Reads what is not compressed any more.
fn read_plain(reader: &mut dyn BufRead, collector: &mut Collector<'_>) -> Recognised {
    let mut beginning = Vec::new();
    let window = DETECTION_WINDOW as u64;
    if let Err(error) = (&mut *reader).take(window).read_to_end(&mut beginning) {
        // A file whose beginning cannot be unpacked is no file of the right kind either.
        if beginning.is_empty() {
            return Recognised::No(format!("a file that cannot be unpacked ({error})"));
        }
        collector.break_off(&error.to_string());
    }
    let format = match detect(&beginning) {
        None => return Recognised::No(detect::describe(&beginning)),
        Some(Format::Archive) if collector.in_archive() || !detect::is_tar(&beginning) => {
            return Recognised::No("an archive within an archive".to_owned());
        }
        Some(format) => format,
    };
    if let Some(expected) = collector.expected
        && !format.may_stand_for(expected)
    {
        return Recognised::No(format.to_string());
    }
    let is_container = detect::is_container(&beginning);
    let reader: &mut dyn BufRead = &mut Cursor::new(beginning).chain(reader);
    read_as(format, is_container, reader, collector)
}

fn read_as(
    format: Format,
    is_container: bool,
    reader: &mut dyn BufRead,
    collector: &mut Collector<'_>,
) -> Recognised {
    collector.names_packages = format.names_packages();
    let parse = match format {
        Format::Archive => return archive::read_tar(reader, collector),
        Format::DebianTracker => {
            debian_tracker::read(reader, collector);
            return Recognised::Yes;
        }
        Format::AlpineSecdb => {
            alpine_secdb::read(reader, collector);
            return Recognised::Yes;
        }
        Format::Epss => {
            epss::read(reader, collector);
            return Recognised::Yes;
        }
        Format::Oval => {
            oval::read(reader, collector);
            return Recognised::Yes;
        }
        Format::UpdateInfo => {
            updateinfo::read(reader, collector);
            return Recognised::Yes;
        }
        Format::Osv => osv::parse,
        Format::Csaf => csaf::parse,
        Format::OpenVex => openvex::parse,
        Format::Nvd | Format::NvdItems => nvd::parse,
        Format::Cve => cve::parse,
        Format::Vulnrichment => vulnrichment::parse,
        Format::Kev => kev::parse,
        Format::AlmaErrata => alma_errata::parse,
        Format::Photon => photon::parse,
        Format::Arch => arch::parse,
    };
    if is_container && matches!(format, Format::Nvd | Format::Kev) {
        json::member(reader, collector, "vulnerabilities", parse);
    } else {
        json::records(reader, collector, parse);
    }
    Recognised::Yes
}

impl Format {
    /// Whether a source of the expected format may deliver this one.
    fn may_stand_for(self, expected: Self) -> bool {
        let general = |format| match format {
            Self::NvdItems => Self::Nvd,
            Self::Vulnrichment => Self::Cve,
            other => other,
        };
        self == Self::Archive || general(self) == general(expected)
    }
}

impl Summary {
    fn add(&mut self, other: Self, path: &Path) {
        self.records += other.records;
        self.silent += other.silent;
        let listed = other.problems.len() as u64;
        self.malformed += other.malformed.saturating_sub(listed);
        for problem in other.problems {
            let place = format!("{}: {}", path.display(), problem.place);
            self.note(Problem { place, ..problem });
        }
        if let Some(reason) = other.broken {
            let reason = format!("{}: {reason}", path.display());
            self.broken.get_or_insert(reason);
        }
        self.newest = self.newest.take().max(other.newest);
    }

    fn note(&mut self, problem: Problem) {
        self.malformed += 1;
        if self.problems.len() < 20 {
            self.problems.push(problem);
        }
    }
}
