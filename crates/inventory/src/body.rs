//! A file's bytes for analysers: the first in memory, what is beyond in a temporary file.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
};

/// Bytes of a body that are held in memory; the rest goes to a temporary file.
pub(crate) const IN_MEMORY: u64 = 16 << 20;
/// Bytes read from a temporary file at a time.
const PAGE: usize = 64 << 10;

/// The bytes of one file, readable at any offset.
#[derive(Debug, Default)]
pub(crate) struct Body {
    head: Vec<u8>,
    size: u64,
    /// Has what does not fit into `head`; a temporary one is kept for the next body, as new pages
    /// and taking them away cost more than writing to those that are there.
    file: Option<File>,
    /// Where in the body the file begins.
    file_at: u64,
}

impl Body {
    /// Makes a body of bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self {
            size: bytes.len() as u64,
            head: bytes,
            ..Self::default()
        }
    }

    /// Makes a body of an opened file without copying it.
    pub(crate) fn of_file(file: File, size: u64) -> io::Result<Self> {
        let mut head = Vec::new();
        (&file).take(size.min(IN_MEMORY)).read_to_end(&mut head)?;
        Ok(Self {
            head,
            size,
            file: Some(file),
            file_at: 0,
        })
    }

    /// Reads all of `source`, which has at most `most` bytes; `None` if it has more.
    /// For what analysers unpack themselves, such as archives within archives.
    pub(crate) fn read(source: &mut dyn Read, most: u64) -> io::Result<Option<Self>> {
        let mut body = Self::default();
        let mut source = source.take(most.saturating_add(1));
        (&mut source).take(IN_MEMORY).read_to_end(&mut body.head)?;
        body.size = body.head.len() as u64;
        if body.size == IN_MEMORY {
            let mut file = tempfile::tempfile()?;
            body.size += io::copy(&mut source, &mut file)?;
            (body.file, body.file_at) = (Some(file), IN_MEMORY);
        }
        Ok((body.size <= most).then_some(body))
    }

    /// Empties it and keeps its memory for the next one.
    pub(crate) fn clear(&mut self) {
        self.head.clear();
        self.size = 0;
    }

    /// Appends bytes as they come from the archive.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let most = usize::try_from(IN_MEMORY).unwrap_or(usize::MAX);
        // At once, as growing copies; what no file needs is never touched, and so takes no memory.
        self.head.reserve_exact(most - self.head.len());
        let room = most - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        self.size += first.len() as u64;
        if rest.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(tempfile::tempfile()?),
        };
        self.file_at = IN_MEMORY;
        file.write_all_at(rest, self.size - IN_MEMORY)?;
        self.size += rest.len() as u64;
        Ok(())
    }

    /// Appends zeros; those in the file take no room there.
    pub(crate) fn push_zeros(&mut self, count: u64) -> io::Result<()> {
        let room = IN_MEMORY - self.head.len() as u64;
        let first = count.min(room);
        let length = self.head.len() + usize::try_from(first).unwrap_or(usize::MAX);
        self.head.resize(length, 0);
        self.size += first;
        if count == first {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(tempfile::tempfile()?),
        };
        self.file_at = IN_MEMORY;
        // What an earlier body left there goes first.
        file.set_len(self.size - IN_MEMORY)?;
        self.size += count - first;
        file.set_len(self.size - IN_MEMORY)
    }

    /// Returns how many bytes there are.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the first bytes, at least 64 KiB of them if there are as many.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns all bytes, if they are in memory.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        (self.head.len() as u64 == self.size).then_some(&self.head)
    }

    /// Returns up to `length` bytes from `offset` on; fewer only at the end.
    /// Callers bound `length`; what a hostile header says is no bound.
    pub(crate) fn range(&self, offset: u64, length: usize) -> io::Result<Cow<'_, [u8]>> {
        let left = self.size.saturating_sub(offset);
        let length = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(length);
        if let Some(bytes) = self.head.get(start..end) {
            return Ok(Cow::Borrowed(bytes));
        }
        if length == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let mut bytes = vec![0; length];
        let known = self.head.get(start..).unwrap_or_default();
        bytes[..known.len()].copy_from_slice(known);
        let at = offset + known.len() as u64;
        let read = match &self.file {
            Some(file) => read_at(file, at - self.file_at, &mut bytes[known.len()..])?,
            None => 0,
        };
        bytes.truncate(known.len() + read);
        Ok(Cow::Owned(bytes))
    }

    /// Returns a reader over all of it that can seek.
    pub(crate) fn reader(&self) -> BodyReader<'_> {
        BodyReader {
            body: self,
            at: 0,
            page: Vec::new(),
            page_at: 0,
        }
    }
}

fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < out.len() {
        match file.read_at(&mut out[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Reads a [`Body`]; made for the readers of archives.
#[derive(Debug)]
pub(crate) struct BodyReader<'a> {
    body: &'a Body,
    at: u64,
    page: Vec<u8>,
    page_at: u64,
}

impl BodyReader<'_> {
    /// Returns the bytes at hand from where it stands.
    fn rest(&mut self) -> io::Result<&[u8]> {
        if let Some(bytes) = self.body.bytes() {
            let start = usize::try_from(self.at).unwrap_or(usize::MAX);
            return Ok(bytes.get(start..).unwrap_or(&[]));
        }
        let within = |reader: &Self| {
            let start = reader.at.checked_sub(reader.page_at)?;
            let start = usize::try_from(start).ok()?;
            (start < reader.page.len()).then_some(start)
        };
        let start = match within(self) {
            Some(start) => start,
            None => {
                self.page = self.body.range(self.at, PAGE)?.into_owned();
                self.page_at = self.at;
                0
            }
        };
        Ok(&self.page[start..])
    }
}

impl Read for BodyReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = self.rest()?;
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

impl BufRead for BodyReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.rest()
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount as u64;
    }
}

impl Seek for BodyReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.body.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ones_go_to_a_file_and_read_the_same() {
        let content: Vec<u8> = (0..IN_MEMORY + 100_000).map(|n| (n % 251) as u8).collect();
        let mut pushed = Body::default();
        for chunk in content.chunks(1 << 20) {
            pushed.push(chunk).expect("room");
        }
        let read = Body::read(&mut &*content, u64::MAX)
            .expect("room")
            .expect("no limit");
        for body in [pushed, read] {
            assert_eq!(body.size(), content.len() as u64);
            assert!(body.bytes().is_none());
            for start in [IN_MEMORY as usize - 5, IN_MEMORY as usize] {
                assert_eq!(
                    *body.range(start as u64, 50).expect("bytes"),
                    content[start..start + 50]
                );
            }
            let mut reader = body.reader();
            reader.seek(SeekFrom::End(-10)).expect("a place");
            let mut end = Vec::new();
            reader.read_to_end(&mut end).expect("bytes");
            assert_eq!(end, content[content.len() - 10..]);
            reader.seek(SeekFrom::Start(3)).expect("a place");
            let mut all = Vec::new();
            reader.read_to_end(&mut all).expect("bytes");
            assert!(all == content[3..]);
        }
    }

    #[test]
    fn the_next_one_has_nothing_of_the_last() {
        let mut body = Body::default();
        let large = vec![b'x'; IN_MEMORY as usize + 100];
        body.push(&large).expect("room");
        body.clear();
        body.push(b"0123456789").expect("room");
        assert_eq!(body.bytes(), Some(&b"0123456789"[..]));
        assert_eq!(*body.range(8, 100).expect("bytes"), *b"89");
        assert_eq!(*body.range(20, 4).expect("no bytes"), *b"");
        body.clear();
        body.push(&large[..large.len() - 50]).expect("room");
        assert_eq!(body.range(IN_MEMORY, 100).expect("bytes").len(), 50);
        body.push(b"y").expect("room");
        assert_eq!(*body.range(IN_MEMORY + 49, 9).expect("bytes"), *b"xy");
    }

    #[test]
    fn zeros_are_zeros_whatever_was_there_before() {
        let mut body = Body::default();
        let large = vec![b'x'; IN_MEMORY as usize + 100];
        body.push(&large).expect("room");
        body.clear();
        body.push(b"begin").expect("room");
        body.push_zeros(IN_MEMORY).expect("room");
        body.push(b"end").expect("room");
        body.push_zeros(3).expect("room");
        assert_eq!(body.size(), IN_MEMORY + 11);
        assert_eq!(*body.range(3, 4).expect("bytes"), *b"in\0\0");
        let end = body.range(IN_MEMORY - 1, 99).expect("bytes");
        assert_eq!(*end, *b"\0\0\0\0\0\0end\0\0\0");
    }

    #[test]
    fn bounds() {
        let body = Body::of(b"0123456789".to_vec());
        assert_eq!(*body.range(8, usize::MAX).expect("bytes"), *b"89");
        assert_eq!(*body.range(u64::MAX, 4).expect("bytes"), *b"");
        assert!(Body::read(&mut &b"0123"[..], 3).expect("memory").is_none());
        assert!(Body::read(&mut &b"0123"[..], 4).expect("memory").is_some());
    }
}
