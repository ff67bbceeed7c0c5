//! Writing a database: feeds in, one file out, put in place only when it is whole.
//!
//! Memory does not grow with the feeds: records are written as they come, and what the tables
//! need is sorted in files. What there is in memory: one block of records, the record at hand,
//! the sorters' buffers ([`MEMORY`] together), read-ahead while merging, and the directories.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::feeds::{self, Limits, Problem, Summary};
use crate::record::Advisory;

use super::format::{self, FORMAT_VERSION, HEADER_LENGTH, Header, Place};
use super::sorter::{Sorted, Sorter};
use super::table::TableWriter;
use super::{BuildError, Database, Meta, Source, package_key};

/// Plain bytes after which a block is closed; small enough to unpack for one record.
const BLOCK_SIZE: usize = 16 << 10;
const COMPRESSION_LEVEL: i32 = 6;
/// Bytes that the sorters keep in memory together, unless [`Builder::with_memory`] says otherwise.
pub const MEMORY: usize = 96 << 20;

/// Builds a database at a path; nothing is visible there before [`Builder::finish`].
pub struct Builder {
    path: PathBuf,
    limits: Limits,
    writer: Writer,
    sources: Vec<Source>,
}

impl Builder {
    /// Begins a database beside `path`, in a temporary file of the same folder.
    ///
    /// # Errors
    /// No file can be made there.
    pub fn new(path: &Path) -> Result<Self, BuildError> {
        let error = |source| BuildError::Write {
            path: path.to_owned(),
            source,
        };
        let folder = folder_of(path);
        let file = NamedTempFile::new_in(folder).map_err(error)?;
        let writer = Writer::new(file, folder).map_err(error)?;
        Ok(Self {
            path: path.to_owned(),
            limits: Limits::default(),
            writer,
            sources: Vec::new(),
        })
    }

    /// Replaces the limits of the feeds read from here on.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the bytes that the sorters keep in memory; before anything is added.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.writer.tables = Tables::new(folder_of(&self.path), bytes);
        self
    }

    /// Adds a feed file of any known format; several files may bear one source name.
    ///
    /// Malformed records and a damaged end are counted, not fatal. On an error nothing of the
    /// file may be relied on, but the builder stays usable.
    pub fn add_source(&mut self, name: &str, path: &Path) -> Result<Summary, BuildError> {
        let writer = &mut self.writer;
        let summary = feeds::read_file(path, name, self.limits, &mut |record| writer.add(&record))?;
        Ok(self.note(name, &path.display().to_string(), summary))
    }

    /// Adds a feed held in memory; `label` names it in problems.
    pub fn add_bytes(
        &mut self,
        name: &str,
        label: &str,
        bytes: &[u8],
    ) -> Result<Summary, BuildError> {
        let writer = &mut self.writer;
        let sink = &mut |record: Advisory| writer.add(&record);
        let summary = feeds::read(
            Cursor::new(bytes),
            Path::new(label),
            name,
            self.limits,
            sink,
        )?;
        Ok(self.note(name, label, summary))
    }

    /// Takes over what another database has of a source, as it is.
    ///
    /// # Errors
    /// The database cannot be read, or this one not be written.
    pub fn keep_source(&mut self, name: &str, of: &Database) -> Result<(), BuildError> {
        let writer = &mut self.writer;
        of.each_record(&mut |record, _| match record.source == name {
            true => writer.add(record),
            false => Ok(()),
        })
        .map_err(BuildError::Kept)?;
        let known = of.meta().sources.iter().find(|source| source.name == name);
        self.sources.extend(known.cloned());
        Ok(())
    }

    /// Adds one record of a source that [`Builder::finish_as`] names.
    pub(super) fn add_record(&mut self, record: &Advisory) -> Result<(), BuildError> {
        let path = &self.path;
        self.writer.add(record).map_err(|source| BuildError::Write {
            path: path.clone(),
            source,
        })
    }

    /// Returns the version that a database of what was added has.
    pub(super) fn version(&self) -> String {
        let [low, high] = self.writer.sum;
        format!("{high:032x}{low:032x}")
    }

    /// Adds the starter set that is compiled in.
    pub fn add_starter(&mut self) -> Result<(), BuildError> {
        for (label, text) in crate::starter() {
            self.add_bytes(crate::STARTER_SOURCE, label, text.as_bytes())?;
        }
        Ok(())
    }

    /// Writes tables and meta, syncs, and puts the database in place atomically.
    ///
    /// # Errors
    /// The file cannot be written; what was at the path before is untouched.
    pub fn finish(mut self, created_at: &str) -> Result<Meta, BuildError> {
        let sources = std::mem::take(&mut self.sources);
        self.finish_as(sources, created_at)
    }

    /// Finishes with these sources.
    pub(super) fn finish_as(
        self,
        sources: Vec<Source>,
        created_at: &str,
    ) -> Result<Meta, BuildError> {
        let (version, path, mut writer) = (self.version(), self.path, self.writer);
        let error = |source| BuildError::Write {
            path: path.clone(),
            source,
        };
        writer.close_block().map_err(error)?;
        let tables = std::mem::replace(&mut writer.tables, Tables::new(folder_of(&path), 0));
        let written = tables.write(&mut writer.file).map_err(error)?;
        let meta = Meta {
            version,
            created_at: created_at.to_owned(),
            sources,
            records: writer.records,
            packages: written.packages,
            ecosystems: written.ecosystems.into_iter().collect(),
        };
        let tail_offset = writer.offset + written.length;
        let mut tail = written.directories;
        let meta_offset = tail_offset + tail.len() as u64;
        tail.extend(serde_json::to_vec(&meta).map_err(|e| error(e.into()))?);
        let header = Header {
            format: FORMAT_VERSION,
            checksum: format::checksum(&tail),
            tail_offset,
            meta_offset,
            length: tail_offset + tail.len() as u64,
        };
        writer.seal(&tail, header, &path).map_err(error)?;
        Ok(meta)
    }

    fn note(&mut self, name: &str, label: &str, summary: Summary) -> Summary {
        let at = match self.sources.iter().position(|source| source.name == name) {
            Some(at) => at,
            None => {
                let known = feeds::source(name);
                self.sources.push(Source {
                    name: name.to_owned(),
                    licence: known.map(|source| source.licence.to_owned()),
                    attribution: known.map(|source| source.attribution.to_owned()),
                    ..Source::default()
                });
                self.sources.len() - 1
            }
        };
        let source = &mut self.sources[at];
        source.files += 1;
        source.records += summary.records;
        source.malformed += summary.malformed;
        let room = 20_usize.saturating_sub(source.problems.len());
        source
            .problems
            .extend(summary.problems.iter().take(room).cloned());
        if let Some(reason) = &summary.broken {
            source.broken.push(Problem {
                place: label.to_owned(),
                reason: reason.clone(),
            });
        }
        source.newest = source.newest.take().max(summary.newest.clone());
        summary
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Packs records into blocks as they come.
struct Writer {
    file: BufWriter<NamedTempFile>,
    offset: u64,
    block: Vec<u8>,
    records: u64,
    /// The sum of the records' hashes, so that their order does not matter: low and high half.
    sum: [u128; 2],
    tables: Tables,
}

impl Writer {
    fn new(file: NamedTempFile, folder: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(file);
        file.write_all(&[0; HEADER_LENGTH])?;
        Ok(Self {
            file,
            offset: HEADER_LENGTH as u64,
            block: Vec::with_capacity(2 * BLOCK_SIZE),
            records: 0,
            sum: [0; 2],
            tables: Tables::new(folder, MEMORY),
        })
    }

    fn add(&mut self, record: &Advisory) -> io::Result<()> {
        if self.block.len() >= BLOCK_SIZE {
            self.close_block()?;
        }
        let start = self.block.len();
        self.block.extend([0; 4]);
        serde_json::to_writer(&mut self.block, record)?;
        let text = &self.block[start + 4..];
        let digest = Sha256::digest(text);
        for (sum, half) in self.sum.iter_mut().zip(digest.chunks_exact(16)) {
            *sum = sum.wrapping_add(half.try_into().map_or(0, u128::from_le_bytes));
        }
        let length = u32::try_from(text.len()).map_err(too_large)?;
        self.block[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.records += 1;
        let place = Place {
            block: self.offset,
            start: u32::try_from(start).map_err(too_large)?,
        };
        self.tables.add(record, place)
    }

    fn close_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut compressor = zstd::bulk::Compressor::new(COMPRESSION_LEVEL)?;
        compressor.include_checksum(true)?;
        let packed = compressor.compress(&self.block)?;
        let plain_length = u32::try_from(self.block.len()).map_err(too_large)?;
        let length = u32::try_from(packed.len()).map_err(too_large)?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&plain_length.to_le_bytes())?;
        self.file.write_all(&packed)?;
        self.offset += 8 + u64::from(length);
        self.block.clear();
        Ok(())
    }

    fn seal(mut self, tail: &[u8], header: Header, path: &Path) -> io::Result<()> {
        self.file.write_all(tail)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header.to_bytes())?;
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        // The rename is durable once its folder is.
        File::open(folder_of(path))?.sync_all()
    }
}

fn too_large(_: std::num::TryFromIntError) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a record is too large")
}

/// What the tables are made of, being sorted.
struct Tables {
    folder: PathBuf,
    memory: usize,
    /// Package key to place and hash of a record.
    packages: Sorter,
    /// Name to place and hash of a record.
    names: Sorter,
    /// Vulnerability to the key of a package it is about.
    links: Sorter,
}

struct Written {
    directories: Vec<u8>,
    length: u64,
    packages: u64,
    ecosystems: BTreeSet<String>,
}

impl Tables {
    fn new(folder: &Path, memory: usize) -> Self {
        let sorter = || Sorter::new(folder, memory / 3);
        Self {
            folder: folder.to_owned(),
            memory,
            packages: sorter(),
            names: sorter(),
            links: sorter(),
        }
    }

    fn add(&mut self, record: &Advisory, place: Place) -> io::Result<()> {
        let value = posting(place, content_hash(record)?);
        let affected = record.affected.iter();
        let keys: BTreeSet<Vec<u8>> = affected
            .map(|affected| package_key(&affected.ecosystem, &affected.package))
            .collect();
        for key in &keys {
            self.packages.add(key, &value)?;
        }
        let named = std::iter::once(&record.id)
            .chain(&record.aliases)
            .chain(&record.upstream);
        for name in named.collect::<BTreeSet<_>>() {
            self.names.add(name.as_bytes(), &value)?;
        }
        for vulnerability in record.vulnerabilities() {
            for key in &keys {
                self.links.add(vulnerability.as_bytes(), key)?;
            }
        }
        Ok(())
    }

    /// Writes both tables. The hash of a package covers every record about it and every record
    /// that names one of its vulnerabilities: another source's rating changes a finding as well.
    fn write(self, file: &mut impl Write) -> io::Result<Written> {
        let mut links = self.links.sorted()?;
        let mut names = self.names.sorted()?;
        let mut through = Sorter::new(&self.folder, self.memory / 3);
        let mut table = TableWriter::new();
        while let Some(group) = next_group(&mut names)? {
            table.add(&group.key, group.hash, &group.places, file)?;
            let link = truncated(&[&group.key, &group.hash.to_le_bytes()]).to_le_bytes();
            let mut last = Vec::new();
            links.next_of(&group.key, |package| {
                if last == package {
                    return Ok(());
                }
                last = package.to_vec();
                through.add(package, &link)
            })?;
        }
        let mut directories = table.finish(file)?;
        let mut length = table.length;
        let (mut packages, mut through) = (self.packages.sorted()?, through.sorted()?);
        let mut table = TableWriter::new();
        let mut ecosystems = BTreeSet::new();
        while let Some(group) = next_group(&mut packages)? {
            let mut sum = 0_u128;
            through.next_of(&group.key, |link| {
                let link = link.try_into().map_or(0, u128::from_le_bytes);
                sum = sum.wrapping_add(link);
                Ok(())
            })?;
            let hash = truncated(&[&group.hash.to_le_bytes(), &sum.to_le_bytes()]);
            table.add(&group.key, hash, &group.places, file)?;
            let ecosystem = group
                .key
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default();
            let ecosystem = String::from_utf8_lossy(ecosystem);
            if !ecosystems.contains(&*ecosystem) {
                ecosystems.insert(ecosystem.into_owned());
            }
        }
        directories.extend(table.finish(file)?);
        length += table.length;
        Ok(Written {
            directories,
            length,
            packages: table.keys,
            ecosystems,
        })
    }
}

/// Big-endian, so that postings of one key sort in the order of the file.
fn posting(place: Place, hash: u128) -> [u8; 28] {
    let mut value = [0; 28];
    value[..8].copy_from_slice(&place.block.to_be_bytes());
    value[8..12].copy_from_slice(&place.start.to_be_bytes());
    value[12..].copy_from_slice(&hash.to_le_bytes());
    value
}

struct Group {
    key: Vec<u8>,
    hash: u128,
    places: Vec<Place>,
}

/// Takes all postings of the next key; its hash is the sum of the records' and does not depend on
/// their order.
fn next_group(sorted: &mut Sorted) -> io::Result<Option<Group>> {
    let Some((key, _)) = sorted.peek().cloned() else {
        return Ok(None);
    };
    let (mut hash, mut places) = (0_u128, Vec::new());
    sorted.next_of(&key, |value| {
        let part = |range: std::ops::Range<usize>| value.get(range).unwrap_or_default();
        places.push(Place {
            block: part(0..8).try_into().map_or(0, u64::from_be_bytes),
            start: part(8..12).try_into().map_or(0, u32::from_be_bytes),
        });
        hash = hash.wrapping_add(part(12..28).try_into().map_or(0, u128::from_le_bytes));
        Ok(())
    })?;
    Ok(Some(Group { key, hash, places }))
}

/// Returns a hash of what a record says. Left out is what changes every day without changing any
/// finding: the date of modification, and EPSS, which is looked up where it is shown.
fn content_hash(record: &Advisory) -> io::Result<u128> {
    let lasting = Advisory {
        modified: None,
        epss: None,
        ..record.clone()
    };
    Ok(truncated(&[&serde_json::to_vec(&lasting)?]))
}

/// Returns a hash by which a record's text is known again.
pub(super) fn text_hash(text: &[u8]) -> u128 {
    truncated(&[text])
}

fn truncated(parts: &[&[u8]]) -> u128 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let digest = digest.finalize();
    digest[..16].try_into().map_or(0, u128::from_le_bytes)
}
