//! Walks a tar stream: ustar, pax, GNU long names, base-256 numbers, sparse
//! files. Bodies are passed over unless asked for.

use crate::{
    EntryKind, FileEntry, Limits, ScanError,
    body::Body,
    header::{BLOCK, Header, Type},
    limits, names,
    pax::Overrides,
    sparse::{Lines, Map, Numbers},
    stream::LayerStream,
};

/// Go's archive/tar has the same bound.
const MAX_PAX_BYTES: u64 = 1 << 20;

/// One entry, and whether its content can be had.
pub(crate) struct Entry {
    /// What it says; the path is as written, not yet normalised.
    pub file: FileEntry,
    /// It is a sparse file, and what says where its pieces belong makes no sense.
    pub is_broken: bool,
}

/// The walk.
pub(crate) struct Archive<'s, 'a> {
    stream: &'s mut LayerStream<'a>,
    limits: &'s Limits,
    media_type: &'s str,
    /// Bytes that the archive has of the current entry and that are not yet read.
    body: u64,
    /// Where they belong, if the file is sparse.
    map: Option<Map>,
    headers: u64,
    all_path_bytes: u64,
}

impl<'s, 'a> Archive<'s, 'a> {
    /// Starts at the stream's beginning.
    pub(crate) fn new(
        stream: &'s mut LayerStream<'a>,
        limits: &'s Limits,
        media_type: &'s str,
    ) -> Self {
        Self {
            stream,
            limits,
            media_type,
            body: 0,
            map: None,
            headers: 0,
            all_path_bytes: 0,
        }
    }

    /// Returns the next entry; nothing at the archive's end.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, ScanError> {
        let mut overrides = Overrides::default();
        loop {
            self.skip_body()?;
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            let Some(header) = Header::parse(&block) else {
                return Err(self.no_header());
            };
            self.headers += 1;
            limits::check(
                "entries",
                self.limits.entries,
                self.headers,
                "the whole layer",
            )?;
            let kind = header.kind();
            let entry = match kind {
                Type::Entry(kind) => kind,
                Type::GnuSparse => EntryKind::File,
                Type::Pax | Type::LongPath | Type::LongLink => {
                    self.extension(kind, &header, &mut overrides)?;
                    continue;
                }
                Type::Other => {
                    self.set_body(header.size())?;
                    continue;
                }
            };
            return self.entry(&header, entry, overrides).map(Some);
        }
    }

    /// Returns the first bytes of the current entry's body, `most` of them or fewer.
    pub(crate) fn peek(&mut self, most: usize) -> Result<&[u8], ScanError> {
        let there = self.map.as_ref().map_or(self.body, Map::common);
        let most = most.min(usize::try_from(there).unwrap_or(usize::MAX));
        self.stream.peek(most)
    }

    /// Reads the current entry's body into `out`, which it clears before.
    pub(crate) fn read_body(&mut self, out: &mut Body) -> Result<(), ScanError> {
        out.clear();
        let size = std::mem::take(&mut self.body);
        let mut copy = |size: u64, out: &mut Body| {
            let push = &mut |bytes: &[u8]| out.push(bytes).map_err(ScanError::Spool);
            if self.stream.copy(size, push)? < size {
                return Err(damaged(self.stream, "it ends within a file"));
            }
            Ok(())
        };
        match self.map.take() {
            None => copy(size, out)?,
            Some(map) => map.expand(out, &mut copy)?,
        }
        self.pad(size)
    }

    /// Returns a header's body, which the caller has bounded.
    fn small_body(&mut self) -> Result<Vec<u8>, ScanError> {
        let size = std::mem::take(&mut self.body);
        let mut out = Vec::new();
        self.stream.read_into(size, &mut out)?;
        if (out.len() as u64) < size {
            return Err(self.damaged("it ends within a file"));
        }
        self.pad(size)?;
        Ok(out)
    }

    fn entry(
        &mut self,
        header: &Header<'_>,
        kind: EntryKind,
        overrides: Overrides,
    ) -> Result<Entry, ScanError> {
        let old_sparse = header.kind() == Type::GnuSparse;
        let path = overrides.path.unwrap_or_else(|| header.path());
        let kind = if header.is_plain() && path.ends_with(b"/") {
            EntryKind::Directory
        } else {
            kind
        };
        let is_link = matches!(kind, EntryKind::Symlink | EntryKind::Hardlink);
        let link = is_link.then(|| overrides.link.unwrap_or_else(|| header.link()));
        let body = match kind {
            EntryKind::File => overrides.size.or_else(|| header.size()),
            _ => Some(0),
        };
        let real = if old_sparse {
            header.sparse_size()
        } else {
            overrides.sparse_size
        };
        let (mode, uid, gid) = header.owner();
        let mut file = FileEntry {
            path: self.path(&path)?,
            kind,
            size: 0,
            mode,
            uid: overrides.uid.unwrap_or(uid),
            gid: overrides.gid.unwrap_or(gid),
            link: link.map(|link| self.path(&link)).transpose()?,
        };
        let mut numbers = overrides.sparse_map;
        if old_sparse {
            numbers.push_fields(header.sparse_map());
            if header.sparse_continues() {
                self.sparse_blocks(&mut numbers)?;
            }
        }
        let body = self.set_body(body)?;
        if kind != EntryKind::File {
            return Ok(Entry {
                file,
                is_broken: false,
            });
        }
        file.size = self.sound_size(Some(real.unwrap_or(body)))?;
        if old_sparse || real.is_some() {
            if overrides.sparse_in_body {
                numbers = self.sparse_lines()?;
            }
            self.map = numbers.map(file.size, self.body);
            return Ok(Entry {
                file,
                is_broken: self.map.is_none(),
            });
        }
        Ok(Entry {
            file,
            is_broken: false,
        })
    }

    fn extension(
        &mut self,
        kind: Type,
        header: &Header<'_>,
        overrides: &mut Overrides,
    ) -> Result<(), ScanError> {
        let size = self.set_body(header.size())?;
        if kind == Type::Pax && size > MAX_PAX_BYTES {
            return Err(self.damaged("a pax header is larger than 1 MiB"));
        }
        if kind != Type::Pax {
            // The terminating NUL counts too.
            limits::check(
                "path_bytes",
                self.limits.path_bytes,
                size.saturating_sub(1),
                "",
            )?;
        }
        let mut body = self.small_body()?;
        if kind == Type::Pax {
            let read = overrides.read(&body);
            return read.ok_or_else(|| self.damaged("a pax header is malformed"));
        }
        body.truncate(memchr::memchr(0, &body).unwrap_or(body.len()));
        let field = if kind == Type::LongPath {
            &mut overrides.path
        } else {
            &mut overrides.link
        };
        *field = Some(body);
        Ok(())
    }

    /// Reads a block; nothing at the end, marked by zeros or not.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, ScanError> {
        let (mut block, mut filled) = ([0; BLOCK], 0);
        self.stream.copy(BLOCK as u64, &mut |bytes| {
            block[filled..][..bytes.len()].copy_from_slice(bytes);
            filled += bytes.len();
            Ok(())
        })?;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        match filled {
            BLOCK => Ok(Some(block)),
            _ => Err(self.no_header()),
        }
    }

    /// Reads the map in front of the content.
    fn sparse_lines(&mut self) -> Result<Numbers, ScanError> {
        let mut lines = Lines::default();
        while let Some(left) = self.body.checked_sub(BLOCK as u64) {
            let Some(block) = self.block()? else {
                return Err(self.damaged("a sparse map breaks off"));
            };
            self.body = left;
            if !lines.push(&block) {
                break;
            }
        }
        Ok(lines.into_numbers())
    }

    /// Reads the blocks behind an old GNU header.
    fn sparse_blocks(&mut self, numbers: &mut Numbers) -> Result<(), ScanError> {
        loop {
            let Some(block) = self.block()? else {
                return Err(self.damaged("a sparse map breaks off"));
            };
            numbers.push_fields(&block[..504]);
            if block[504] == 0 {
                return Ok(());
            }
        }
    }

    fn path(&mut self, bytes: &[u8]) -> Result<String, ScanError> {
        let length = bytes.len() as u64;
        let text = names::text(bytes);
        limits::check("path_bytes", self.limits.path_bytes, length, &text)?;
        self.all_path_bytes += text.len() as u64;
        limits::check(
            "all_path_bytes",
            self.limits.all_path_bytes,
            self.all_path_bytes,
            &text,
        )?;
        Ok(text)
    }

    fn set_body(&mut self, size: Option<u64>) -> Result<u64, ScanError> {
        self.body = self.sound_size(size)?;
        Ok(self.body)
    }

    /// Returns a size that a file may have, on any system; sums of it do not overflow soon.
    fn sound_size(&self, size: Option<u64>) -> Result<u64, ScanError> {
        let size = size.filter(|size| *size <= i64::MAX.cast_unsigned());
        size.ok_or_else(|| self.damaged("the size of a file is no number"))
    }

    fn skip_body(&mut self) -> Result<(), ScanError> {
        let size = std::mem::take(&mut self.body);
        self.map = None;
        if self.stream.skip(size)? < size {
            return Err(self.damaged("it ends within a file"));
        }
        self.pad(size)
    }

    /// Passes over the rest of the last block; some writers leave it off at the very end.
    fn pad(&mut self, size: u64) -> Result<(), ScanError> {
        self.stream
            .skip(size.next_multiple_of(BLOCK as u64) - size)?;
        Ok(())
    }

    fn no_header(&self) -> ScanError {
        if self.headers == 0 {
            return ScanError::NotATar {
                media_type: self.media_type.to_owned(),
            };
        }
        self.damaged("the header's checksum is wrong")
    }

    fn damaged(&self, what: &'static str) -> ScanError {
        damaged(self.stream, what)
    }
}

fn damaged(stream: &LayerStream<'_>, what: &'static str) -> ScanError {
    ScanError::Damaged {
        offset: stream.offset(),
        what,
    }
}
