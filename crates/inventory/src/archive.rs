//! Walks a tar stream: ustar, pax, GNU long names, base-256 numbers, sparse
//! files. Bodies are passed over unless asked for.

use crate::{
    EntryKind, FileEntry, Limits, ScanError,
    body::Body,
    header::{BLOCK, Header, Type},
    limits,
    pax::Overrides,
    stream::LayerStream,
};

/// Go's archive/tar has the same bound.
const MAX_PAX_BYTES: u64 = 1 << 20;

/// One entry, and whether its body is the file's content.
pub(crate) struct Entry {
    /// What it says; the path is as written, not yet normalised.
    pub file: FileEntry,
    /// Bytes of the body in the archive.
    pub body: u64,
    /// The body has holes cut out, so it is not the content.
    pub sparse: bool,
}

/// The walk.
pub(crate) struct Archive<'s, 'a> {
    stream: &'s mut LayerStream<'a>,
    limits: &'s Limits,
    media_type: &'s str,
    body: u64,
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
        let most = most.min(usize::try_from(self.body).unwrap_or(usize::MAX));
        self.stream.peek(most)
    }

    /// Reads the current entry's body into `out`, which it clears before.
    pub(crate) fn read_body(&mut self, out: &mut Body) -> Result<(), ScanError> {
        out.clear();
        let size = std::mem::take(&mut self.body);
        let read = self
            .stream
            .copy(size, &mut |bytes| out.push(bytes).map_err(ScanError::Spool))?;
        if read < size {
            return Err(self.damaged("it ends within a file"));
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
        if old_sparse && header.sparse_continues() {
            self.skip_sparse_map()?;
        }
        let body = self.set_body(body)?;
        file.size = if kind == EntryKind::File {
            real.unwrap_or(body)
        } else {
            0
        };
        Ok(Entry {
            file,
            body,
            sparse: old_sparse || real.is_some(),
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

    fn skip_sparse_map(&mut self) -> Result<(), ScanError> {
        loop {
            let Some(block) = self.block()? else {
                return Err(self.damaged("a sparse map breaks off"));
            };
            if block[504] == 0 {
                return Ok(());
            }
        }
    }

    fn path(&mut self, bytes: &[u8]) -> Result<String, ScanError> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let length = bytes.len() as u64;
        limits::check("path_bytes", self.limits.path_bytes, length, &text)?;
        self.all_path_bytes += length;
        limits::check(
            "all_path_bytes",
            self.limits.all_path_bytes,
            self.all_path_bytes,
            &text,
        )?;
        Ok(text)
    }

    fn set_body(&mut self, size: Option<u64>) -> Result<u64, ScanError> {
        // Near 2^64 the padding below would overflow.
        let size = size.filter(|size| *size <= i64::MAX.cast_unsigned());
        self.body = size.ok_or_else(|| self.damaged("the size of a file is no number"))?;
        Ok(self.body)
    }

    fn skip_body(&mut self) -> Result<(), ScanError> {
        let size = std::mem::take(&mut self.body);
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
        ScanError::Damaged {
            offset: self.stream.offset(),
            what,
        }
    }
}
