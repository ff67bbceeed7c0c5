//! Undoes gzip (RFC 1952), member after member, as eStargz and parallel compressors write
//! many. The checksum is computed apart from the inflating, by the library that is fastest.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const HEADER_CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// Reads what gzip compressed.
pub(crate) struct Gunzip<R> {
    inner: R,
    inflate: Decompress,
    checksum: crc32fast::Hasher,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first member begins here.
    Start,
    /// Another member may begin here.
    Between,
    Within,
}

impl<R: BufRead> Gunzip<R> {
    /// Starts at a member's first byte.
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            inflate: Decompress::new(false),
            checksum: crc32fast::Hasher::new(),
            state: State::Start,
        }
    }

    /// Returns whether nothing follows but the zeros with which tapes are filled up, which
    /// gzip(1) passes over as well.
    fn is_at_end(&mut self) -> io::Result<bool> {
        loop {
            let bytes = self.inner.fill_buf()?;
            if bytes.is_empty() {
                return Ok(true);
            }
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let more = zeros < bytes.len();
            self.inner.consume(zeros);
            if more {
                return Ok(false);
            }
        }
    }

    fn header(&mut self) -> io::Result<()> {
        let mut header = [0; 10];
        self.inner.read_exact(&mut header)?;
        if header[..2] != MAGIC || header[2] != DEFLATE {
            return Err(damaged("what follows is no gzip"));
        }
        let flags = header[3];
        if flags & EXTRA != 0 {
            let mut length = [0; 2];
            self.inner.read_exact(&mut length)?;
            self.pass(usize::from(u16::from_le_bytes(length)))?;
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 {
                self.pass_text()?;
            }
        }
        if flags & HEADER_CHECKSUM != 0 {
            self.pass(2)?;
        }
        Ok(())
    }

    /// Passes over so many bytes.
    fn pass(&mut self, mut count: usize) -> io::Result<()> {
        while count > 0 {
            let have = self.inner.fill_buf()?.len().min(count);
            if have == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.inner.consume(have);
            count -= have;
        }
        Ok(())
    }

    /// Passes over bytes up to a zero.
    fn pass_text(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.inner.fill_buf()?;
            let length = bytes.len();
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(end) = memchr::memchr(0, bytes) {
                self.inner.consume(end + 1);
                return Ok(());
            }
            self.inner.consume(length);
        }
    }

    /// Compares what a member says of itself, and gets ready for the next.
    fn end(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.inner.read_exact(&mut trailer)?;
        let word = |at: usize| {
            u32::from_le_bytes([
                trailer[at],
                trailer[at + 1],
                trailer[at + 2],
                trailer[at + 3],
            ])
        };
        // The size is kept modulo 2^32.
        let size = self.inflate.total_out() & u64::from(u32::MAX);
        let checksum = std::mem::take(&mut self.checksum).finalize();
        if checksum != word(0) || size != u64::from(word(4)) {
            return Err(damaged("its checksum is wrong"));
        }
        self.inflate.reset(false);
        Ok(())
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            if self.state != State::Within {
                if self.state == State::Between && self.is_at_end()? {
                    return Ok(0);
                }
                self.header()?;
                self.state = State::Within;
            }
            let bytes = self.inner.fill_buf()?;
            let at_end = bytes.is_empty();
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(bytes, out, FlushDecompress::None);
            let status = status.map_err(|_| damaged("what it compressed is no DEFLATE stream"))?;
            // Both are lengths of slices in memory.
            let taken = (self.inflate.total_in() - before_in) as usize;
            let made = (self.inflate.total_out() - before_out) as usize;
            self.inner.consume(taken);
            self.checksum.update(&out[..made]);
            if status == Status::StreamEnd {
                self.end()?;
                self.state = State::Between;
            } else if made == 0 && at_end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;

    use super::*;

    fn member(bytes: &[u8], level: u32) -> Vec<u8> {
        let builder = GzBuilder::new()
            .filename("a name")
            .comment("a comment")
            .extra(vec![1, 2, 3]);
        let mut encoder = builder.write(Vec::new(), Compression::new(level));
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        // Small pieces, so that everything lies across their ends.
        let mut out = Vec::new();
        let reader = io::BufReader::with_capacity(7, bytes);
        Gunzip::new(reader).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn reads_members_and_finds_damage() {
        let text = b"some text, some text, some text".repeat(50);
        let whole = [member(&text, 6), member(b"", 6), member(b"more", 0)].concat();
        let expected = [&text[..], b"more"].concat();
        assert_eq!(read(&whole).expect("whole"), expected);
        let padded = [&whole[..], &[0; 700]].concat();
        assert_eq!(read(&padded).expect("padded"), expected);
        let kind = |bytes: &[u8]| read(bytes).expect_err("damaged").kind();
        assert_eq!(kind(b""), io::ErrorKind::UnexpectedEof);
        assert_eq!(
            kind(&whole[..whole.len() - 1]),
            io::ErrorKind::UnexpectedEof
        );
        assert_eq!(
            kind(&[&whole[..], b"x"].concat()),
            io::ErrorKind::UnexpectedEof
        );
        assert_eq!(
            kind(&[&whole[..], b"trailing things"].concat()),
            io::ErrorKind::InvalidData
        );
        let mut wrong = whole.clone();
        let at = wrong.len() - 6;
        wrong[at] ^= 1;
        assert_eq!(kind(&wrong), io::ErrorKind::InvalidData);
        wrong.clone_from(&whole);
        wrong[2] = 7;
        assert_eq!(kind(&wrong), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn gives_back_what_was_compressed(
            parts in proptest::collection::vec(proptest::collection::vec(0_u8..9, 0..900), 1..4),
            level in 0_u32..10,
        ) {
            let whole: Vec<u8> = parts.iter().flat_map(|part| member(part, level)).collect();
            prop_assert_eq!(read(&whole).expect("whole"), parts.concat());
        }

        #[test]
        fn never_panics(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            changes in proptest::collection::vec((0..400_usize, proptest::num::u8::ANY), 0..5),
        ) {
            drop(read(&bytes));
            let mut nearly = member(&bytes, 6);
            for (at, byte) in changes {
                let length = nearly.len();
                nearly[at % length] = byte;
            }
            drop(read(&nearly));
        }
    }
}
