//! Undoes zstd (RFC 8878), frame after frame, as zstd:chunked and parallel compressors write
//! many. Of frames with a wide window only one is open in the whole process at a time, so that
//! memory does not grow with the number of layers that are read at once.

use std::{
    io::{self, BufRead, Read},
    sync::{Mutex, MutexGuard, PoisonError},
};

use zstd::stream::raw::{DParameter, Decoder, Operation as _};

/// A window up to this is each stream's own: what builders take at their best level. Wider ones
/// are rare, and while one waits for its turn its connection is idle.
const NARROW: u64 = 32 << 20;
/// Frame headers are no longer than this.
const HEADER: usize = 18;

/// Whoever has a wider window.
static WIDE: Mutex<()> = Mutex::new(());

/// A frame asks for more memory than anybody may have.
#[derive(Debug, thiserror::Error)]
#[error("a zstd frame has a window of {window} bytes, {most} are accepted")]
pub(crate) struct TooWide {
    window: u64,
    most: u64,
}

/// Reads what zstd compressed.
pub(crate) struct Unzstd<R> {
    inner: R,
    decoder: Decoder<'static>,
    most: u64,
    wide: Option<MutexGuard<'static, ()>>,
    /// The current frame's header, which the decoder wants, too.
    header: Vec<u8>,
    within: bool,
}

impl<R: BufRead> Unzstd<R> {
    /// Starts at a frame's first byte; windows are `most` bytes at most.
    pub(crate) fn new(inner: R, most: u64) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        let log = most.next_power_of_two().ilog2().clamp(10, 31);
        decoder.set_parameter(DParameter::WindowLogMax(log))?;
        Ok(Self {
            inner,
            decoder,
            most,
            wide: None,
            header: Vec::with_capacity(HEADER),
            within: false,
        })
    }

    /// Reads the next frame's header, passing over frames that may be skipped; nothing at the
    /// end of the stream.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.inner.fill_buf()?.is_empty() {
                return Ok(false);
            }
            self.header.clear();
            self.take(4)?;
            match self.header[..] {
                [0x28, 0xb5, 0x2f, 0xfd] => break,
                [0x50..=0x5f, 0x2a, 0x4d, 0x18] => self.skip()?,
                _ => return Err(damaged("what follows is no zstd")),
            }
        }
        self.take(1)?;
        let shape = self.header[4];
        let single = shape & 0x20 != 0;
        let window = usize::from(!single);
        let dictionary = [0, 1, 2, 4][usize::from(shape & 3)];
        let content = [usize::from(single), 2, 4, 8][usize::from(shape >> 6)];
        self.take(window + dictionary + content)?;
        let size = match single {
            false => window_size(self.header[5]),
            true => {
                let mut bytes = [0; 8];
                bytes[..content].copy_from_slice(&self.header[5 + dictionary..]);
                u64::from_le_bytes(bytes) + if content == 2 { 256 } else { 0 }
            }
        };
        self.admit(size)?;
        self.within = true;
        Ok(true)
    }

    /// Waits until a window of this size may be had.
    fn admit(&mut self, window: u64) -> io::Result<()> {
        if window > self.most {
            let most = self.most;
            return Err(io::Error::other(TooWide { window, most }));
        }
        // The decoder keeps its window for the next frame, so the place is kept as well.
        if window > NARROW && self.wide.is_none() {
            self.wide = Some(WIDE.lock().unwrap_or_else(PoisonError::into_inner));
        }
        Ok(())
    }

    /// Appends so many bytes to the header.
    fn take(&mut self, count: usize) -> io::Result<()> {
        let start = self.header.len();
        self.header.resize(start + count, 0);
        self.inner.read_exact(&mut self.header[start..])
    }

    fn skip(&mut self) -> io::Result<()> {
        self.take(4)?;
        let size = u32::from_le_bytes([
            self.header[4],
            self.header[5],
            self.header[6],
            self.header[7],
        ]);
        let size = u64::from(size);
        let passed = io::copy(&mut (&mut self.inner).take(size), &mut io::sink())?;
        match passed == size {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Returns what a window descriptor says: an exponent and eighths (RFC 8878, 3.1.1.1.2).
fn window_size(descriptor: u8) -> u64 {
    let base = 1_u64 << (10 + (descriptor >> 3));
    base + base / 8 * u64::from(descriptor & 7)
}

impl<R: BufRead> Read for Unzstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            let from_header = !self.header.is_empty();
            let bytes = match from_header {
                true => &self.header[..],
                false => self.inner.fill_buf()?,
            };
            let at_end = bytes.is_empty();
            let status = self.decoder.run_on_buffers(bytes, out)?;
            match from_header {
                true => drop(self.header.drain(..status.bytes_read)),
                false => self.inner.consume(status.bytes_read),
            }
            if status.remaining == 0 {
                self.within = false;
                self.decoder.reinit()?;
            } else if status.bytes_written == 0 && at_end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
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
    use proptest::prelude::*;

    use super::*;

    const MOST: u64 = 128 << 20;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        // Small pieces, so that everything lies across their ends.
        let mut out = Vec::new();
        let reader = io::BufReader::with_capacity(7, bytes);
        Unzstd::new(reader, MOST)?.read_to_end(&mut out)?;
        Ok(out)
    }

    /// A frame of this window descriptor that holds `count` times a byte, in blocks that repeat.
    fn frame(descriptor: u8, count: u32) -> Vec<u8> {
        let header = (count << 3 | 1 << 1 | 1).to_le_bytes();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, descriptor], &header[..3], b"x"].concat()
    }

    #[test]
    fn reads_frames_and_finds_damage() {
        let text = b"some text, some text, some text".repeat(50);
        let pack = |bytes: &[u8], level| zstd::encode_all(bytes, level).expect("memory");
        let skip = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let whole = [
            &skip[..],
            &pack(&text, 3),
            &pack(b"", 1),
            &skip,
            &pack(b"x", 19),
        ]
        .concat();
        assert_eq!(read(&whole).expect("whole"), [&text[..], b"x"].concat());
        let kind = |bytes: &[u8]| read(bytes).expect_err("damaged").kind();
        let short = &whole[..whole.len() - 1];
        assert_eq!(kind(short), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&skip[..9]), io::ErrorKind::UnexpectedEof);
        let more = [&whole[..], b"trailing"].concat();
        assert_eq!(kind(&more), io::ErrorKind::InvalidData);
    }

    #[test]
    fn windows_have_a_bound() {
        assert_eq!(window_size(17 << 3), MOST);
        assert_eq!(window_size(13 << 3 | 2), 10 << 20);
        assert_eq!(read(&frame(17 << 3, 3)).expect("as wide as may be"), b"xxx");
        for descriptor in [17 << 3 | 1, 21 << 3, 0xff] {
            let error = read(&frame(descriptor, 3)).expect_err("too wide");
            assert!(
                error.get_ref().is_some_and(|it| it.is::<TooWide>()),
                "{error}"
            );
        }
        // A frame of one segment is its own window.
        let single = [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 0];
        let error = read(&single).expect_err("too wide").to_string();
        assert!(error.contains("1073741824"), "{error}");
    }

    proptest! {
        #[test]
        fn gives_back_what_was_compressed(
            parts in proptest::collection::vec(proptest::collection::vec(0_u8..9, 0..900), 1..4),
            level in 1_i32..20,
        ) {
            let pack = |part: &Vec<u8>| zstd::encode_all(&part[..], level).expect("memory");
            let whole: Vec<u8> = parts.iter().flat_map(pack).collect();
            prop_assert_eq!(read(&whole).expect("whole"), parts.concat());
        }

        #[test]
        fn never_panics(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            changes in proptest::collection::vec((0..400_usize, proptest::num::u8::ANY), 0..5),
        ) {
            drop(read(&bytes));
            drop(read(&[&[0x28, 0xb5, 0x2f, 0xfd], &bytes[..]].concat()));
            let mut nearly = zstd::encode_all(&bytes[..], 3).expect("memory");
            for (at, byte) in changes {
                let length = nearly.len();
                nearly[at % length] = byte;
            }
            drop(read(&nearly));
        }
    }
}
