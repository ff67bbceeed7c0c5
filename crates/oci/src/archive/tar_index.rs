//! Where each member of a tar file lies (POSIX pax, ustar and GNU formats).
//!
//! ```text
//! archive := (block-header content padding)* zero-block zero-block
//! "L", "K" := content is the next member's long name, long link target (GNU)
//! "x"      := content is records `length key=value\n` about the next member (pax)
//! ```
//! Long names and records are read within limits; contents are never read here.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom, Take},
    path::{Path, PathBuf},
};

use tar::{EntryType, Header, PaxExtensions};

use crate::{MAX_MANIFEST_BYTES, SourceError};

const BLOCK: u64 = 512;
const MAX_MEMBERS: usize = 100_000;
/// Of long names and pax records, each.
const MAX_EXTENSION: u64 = 1 << 20;
const MAX_LINKS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    File { offset: u64, size: u64 },
    Link(String),
}

/// A tar file's members by name; the later of two with the same name counts.
#[derive(Debug)]
pub(super) struct TarIndex {
    path: PathBuf,
    members: HashMap<String, Member>,
}

impl TarIndex {
    /// Reads all headers of the file.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(SourceError::io("open", path))?;
        let meta = file.metadata().map_err(SourceError::io("read", path))?;
        if !meta.is_file() {
            return Err(form(
                path,
                "no regular file; an archive is read from a file",
            ));
        }
        let mut scan = Scan {
            path,
            reader: BufReader::with_capacity(4 << 10, file),
            length: meta.len(),
            offset: 0,
            members: HashMap::new(),
        };
        scan.run()?;
        Ok(Self {
            path: path.to_owned(),
            members: scan.members,
        })
    }

    /// Returns the file's name, for messages.
    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Returns whether there is a member of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Follows links and returns where the content lies: offset and size.
    pub(super) fn span(&self, name: &str) -> Result<(u64, u64), SourceError> {
        let mut at = normalise(name);
        for _ in 0..=MAX_LINKS {
            match self.members.get(&at) {
                Some(Member::File { offset, size }) => return Ok((*offset, *size)),
                Some(Member::Link(target)) => at.clone_from(target),
                None => {
                    return Err(SourceError::Missing {
                        place: self.place(),
                        name: at,
                    });
                }
            }
        }
        Err(SourceError::Limit {
            place: format!("{}, {at}", self.place()),
            what: "links to follow",
            limit: MAX_LINKS as u64,
        })
    }

    /// Opens a member's content, with a file handle of its own.
    pub(super) fn open_entry(&self, name: &str) -> Result<Take<File>, SourceError> {
        self.open_span(self.span(name)?)
    }

    /// Opens the content at `(offset, size)`.
    pub(super) fn open_span(&self, (offset, size): (u64, u64)) -> Result<Take<File>, SourceError> {
        let mut file = File::open(&self.path).map_err(SourceError::io("open", &self.path))?;
        file.seek(SeekFrom::Start(offset))
            .map_err(SourceError::io("seek in", &self.path))?;
        Ok(file.take(size))
    }

    /// Reads a member of at most the size of a manifest.
    pub(super) fn read_small(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        let (offset, size) = self.span(name)?;
        if size > MAX_MANIFEST_BYTES as u64 {
            return Err(SourceError::Limit {
                place: format!("{}, {name}", self.place()),
                what: "bytes",
                limit: MAX_MANIFEST_BYTES as u64,
            });
        }
        let mut bytes = Vec::new();
        self.open_span((offset, size))?
            .read_to_end(&mut bytes)
            .map_err(SourceError::io("read", &self.path))?;
        Ok(bytes)
    }
}

/// What an extension said about the member that follows it.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

struct Scan<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    length: u64,
    offset: u64,
    members: HashMap<String, Member>,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), SourceError> {
        let mut extension = Extension::default();
        let mut headers = 0;
        while let Some(header) = self.header()? {
            headers += 1;
            if headers > MAX_MEMBERS {
                return Err(SourceError::Limit {
                    place: self.path.display().to_string(),
                    what: "members in the tar file",
                    limit: MAX_MEMBERS as u64,
                });
            }
            let size = match extension.size {
                _ if has_no_content(header.entry_type()) => 0,
                Some(size) if !is_extension(header.entry_type()) => size,
                _ => header.entry_size().map_err(|e| self.damaged(&e))?,
            };
            self.fits(size, &header)?;
            match header.entry_type() {
                EntryType::GNULongName => extension.name = Some(self.long(size)?),
                EntryType::GNULongLink => extension.link = Some(self.long(size)?),
                EntryType::XHeader => {
                    let records = self.extension_bytes(size)?;
                    read_pax(&records, &mut extension);
                }
                EntryType::XGlobalHeader => {}
                _ => self.member(&header, std::mem::take(&mut extension), size),
            }
            self.skip(size)?;
        }
        Ok(())
    }

    /// Returns the next header, nothing at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>, SourceError> {
        if self.offset == self.length && self.offset > 0 {
            return Ok(None); // Some writers leave the closing zeros out.
        }
        let mut block = [0; BLOCK as usize];
        if self.length - self.offset < BLOCK {
            return Err(self.truncated(BLOCK));
        }
        self.reader
            .read_exact(&mut block)
            .map_err(SourceError::io("read", self.path))?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if self.offset == 0
            && (block.starts_with(&[0x1f, 0x8b]) || block.starts_with(b"\x28\xb5\x2f\xfd"))
        {
            return Err(form(self.path, "a compressed file; decompress it first"));
        }
        let sum: u32 = block[..148]
            .iter()
            .chain(&block[156..])
            .map(|byte| u32::from(*byte))
            .sum::<u32>()
            + 8 * u32::from(b' ');
        let header = Header::from_byte_slice(&block).clone();
        if !header.cksum().is_ok_and(|stored| stored == sum) {
            return Err(self.damaged(&"a header has a wrong checksum"));
        }
        self.offset += BLOCK;
        Ok(Some(header))
    }

    fn member(&mut self, header: &Header, extension: Extension, size: u64) {
        let name = extension
            .name
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let name = normalise(&String::from_utf8_lossy(&name));
        let link = || {
            let link = extension
                .link
                .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
                .unwrap_or_default();
            String::from_utf8_lossy(&link).into_owned()
        };
        let member = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous => Member::File {
                offset: self.offset,
                size,
            },
            // From the root of the archive.
            EntryType::Link => Member::Link(normalise(&link())),
            // From the directory that the link is in.
            EntryType::Symlink => {
                let dir = name.rsplit_once('/').map_or("", |(dir, _)| dir);
                Member::Link(normalise(&format!("{dir}/{}", link())))
            }
            _ => return,
        };
        self.members.insert(name, member);
    }

    fn extension_bytes(&mut self, size: u64) -> Result<Vec<u8>, SourceError> {
        if size > MAX_EXTENSION {
            return Err(SourceError::Limit {
                place: self.path.display().to_string(),
                what: "bytes in an extended header",
                limit: MAX_EXTENSION,
            });
        }
        let mut bytes = vec![0; size as usize];
        self.reader
            .read_exact(&mut bytes)
            .and_then(|()| self.reader.seek_relative(-(size as i64)))
            .map_err(SourceError::io("read", self.path))?;
        Ok(bytes)
    }

    fn long(&mut self, size: u64) -> Result<Vec<u8>, SourceError> {
        let mut bytes = self.extension_bytes(size)?;
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        Ok(bytes)
    }

    /// Fails where the content would end behind the file's end.
    fn fits(&self, size: u64, header: &Header) -> Result<(), SourceError> {
        if size <= self.length - self.offset {
            return Ok(());
        }
        let name: String = String::from_utf8_lossy(&header.path_bytes())
            .chars()
            .take(120)
            .collect();
        Err(form(
            self.path,
            &format!(
                "the file is truncated: `{name}` needs {size} bytes, {} are left; copy it again",
                self.length - self.offset
            ),
        ))
    }

    fn skip(&mut self, size: u64) -> Result<(), SourceError> {
        // The last padding may be missing.
        let next = size
            .checked_next_multiple_of(BLOCK)
            .and_then(|padded| self.offset.checked_add(padded))
            .map_or(self.length, |next| next.min(self.length));
        let by = i64::try_from(next - self.offset)
            .map_err(|_| self.damaged(&"a member is larger than any file"))?;
        self.reader
            .seek_relative(by)
            .map_err(SourceError::io("seek in", self.path))?;
        self.offset = next;
        Ok(())
    }

    fn truncated(&self, needed: u64) -> SourceError {
        let left = self.length - self.offset;
        form(
            self.path,
            &format!(
                "no tar file, or a truncated one: {left} bytes are left where {needed} are needed; copy it again"
            ),
        )
    }

    fn damaged(&self, why: &dyn std::fmt::Display) -> SourceError {
        form(
            self.path,
            &format!("no tar file, or a damaged one: {why}; copy it again"),
        )
    }
}

/// A size that stands in such a header counts nothing in the archive.
fn has_no_content(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    )
}

fn is_extension(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::GNULongName
            | EntryType::GNULongLink
            | EntryType::XHeader
            | EntryType::XGlobalHeader
    )
}

fn read_pax(records: &[u8], extension: &mut Extension) {
    for record in PaxExtensions::new(records).flatten() {
        let value = record.value_bytes();
        match record.key_bytes() {
            b"path" => extension.name = Some(value.to_vec()),
            b"linkpath" => extension.link = Some(value.to_vec()),
            b"size" => {
                extension.size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
            }
            _ => {}
        }
    }
}

/// Resolves `.`, `..` and doubled slashes; nothing leads above the root.
fn normalise(name: &str) -> String {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn form(path: &Path, why: &str) -> SourceError {
    SourceError::Form {
        place: path.display().to_string(),
        why: why.to_owned(),
    }
}
