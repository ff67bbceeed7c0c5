//! Writing a database: feeds in, one file out, put in place only when it is whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::feeds::{self, Limits, Problem, Summary};
use crate::record::Advisory;

use super::format::{self, FORMAT_VERSION, HEADER_LENGTH, Header};
use super::index::IndexBuilder;
use super::{BuildError, Meta, Source};

/// Plain bytes after which a block is closed; small enough to unpack for one record.
const BLOCK_SIZE: usize = 64 << 10;
const COMPRESSION_LEVEL: i32 = 6;

/// Builds a database at a path; nothing is visible there before [`Builder::finish`].
pub struct Builder {
    path: PathBuf,
    limits: Limits,
    writer: Writer,
    sources: Vec<Source>,
}

impl Builder {
    /// Begins a database beside `path`, in a temporary file of the same folder.
    pub fn new(path: &Path) -> Result<Self, BuildError> {
        let error = |source| BuildError::Write {
            path: path.to_owned(),
            source,
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = NamedTempFile::new_in(folder).map_err(error)?;
        let writer = Writer::new(file).map_err(error)?;
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

    /// Adds the starter set that is compiled in.
    pub fn add_starter(&mut self) -> Result<(), BuildError> {
        for (label, text) in crate::starter() {
            self.add_bytes(crate::STARTER_SOURCE, label, text.as_bytes())?;
        }
        Ok(())
    }

    /// Writes index and meta, syncs, and puts the database in place atomically.
    pub fn finish(self, created_at: &str) -> Result<Meta, BuildError> {
        let path = self.path;
        let error = |source| BuildError::Write {
            path: path.clone(),
            source,
        };
        let mut writer = self.writer;
        writer.close_block().map_err(error)?;
        let meta = Meta {
            version: hex::encode(writer.digest.clone().finalize()),
            created_at: created_at.to_owned(),
            sources: self.sources,
            records: writer.index.record_count(),
            packages: writer.index.package_count(),
            ecosystems: writer.index.ecosystems(),
        };
        let index_offset = writer.offset;
        let index = std::mem::take(&mut writer.index);
        let mut tail = index
            .into_bytes()
            .ok_or(BuildError::TooMuch { what: "names" })?;
        let meta_offset = index_offset + tail.len() as u64;
        tail.extend(serde_json::to_vec(&meta).map_err(|e| error(e.into()))?);
        let header = Header {
            format: FORMAT_VERSION,
            checksum: format::checksum(&tail),
            index_offset,
            meta_offset,
            length: index_offset + tail.len() as u64,
        };
        writer.seal(&tail, header, &path).map_err(error)?;
        Ok(meta)
    }

    fn note(&mut self, name: &str, label: &str, summary: Summary) -> Summary {
        let at = match self.sources.iter().position(|source| source.name == name) {
            Some(at) => at,
            None => {
                self.sources.push(Source {
                    name: name.to_owned(),
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

/// Packs records into blocks as they come.
struct Writer {
    file: BufWriter<NamedTempFile>,
    offset: u64,
    block: Vec<u8>,
    index: IndexBuilder,
    digest: Sha256,
}

impl Writer {
    fn new(file: NamedTempFile) -> io::Result<Self> {
        let mut file = BufWriter::new(file);
        file.write_all(&[0; HEADER_LENGTH])?;
        Ok(Self {
            file,
            offset: HEADER_LENGTH as u64,
            block: Vec::with_capacity(2 * BLOCK_SIZE),
            index: IndexBuilder::default(),
            digest: Sha256::new(),
        })
    }

    fn add(&mut self, record: &Advisory) -> io::Result<()> {
        if self.block.len() >= BLOCK_SIZE {
            self.close_block()?;
        }
        let start = self.block.len();
        serde_json::to_writer(&mut self.block, record)?;
        let text = &self.block[start..];
        self.digest.update(text);
        self.digest.update(b"\n");
        let length = text.len();
        self.add_names(record, start, length).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "more records than one database can hold",
            )
        })
    }

    fn add_names(&mut self, record: &Advisory, start: usize, length: usize) -> Option<()> {
        let number = self.index.add_record(start, length)?;
        for affected in &record.affected {
            self.index
                .add_package(&affected.ecosystem, &affected.package, number)?;
        }
        let named = std::iter::once(&record.id)
            .chain(&record.aliases)
            .chain(&record.upstream);
        for id in named.collect::<BTreeSet<_>>() {
            self.index.add_alias(id, number)?;
        }
        Some(())
    }

    fn close_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut compressor = zstd::bulk::Compressor::new(COMPRESSION_LEVEL)?;
        compressor.include_checksum(true)?;
        let packed = compressor.compress(&self.block)?;
        let too_large = |_| io::Error::new(io::ErrorKind::FileTooLarge, "a record is too large");
        let plain_length = u32::try_from(self.block.len()).map_err(too_large)?;
        let length = u32::try_from(packed.len()).map_err(too_large)?;
        self.file.write_all(&packed)?;
        self.index.add_block(self.offset, length, plain_length);
        self.offset += u64::from(length);
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
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }
}
