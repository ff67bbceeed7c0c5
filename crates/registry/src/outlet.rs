//! Files on their way out without being read: the system copies them from its page cache to
//! the socket (`sendfile`), which halves the work of a large answer.
//!
//! HTTP is spoken above the socket, in buffers. So a piece of a file is announced to the
//! connection's [`Outlet`], and a buffer of the same length, which is never looked at, goes
//! through the layers in its place. Where the connection is about to write that buffer it
//! sends the announced piece instead. This holds while every layer passes buffers on as they
//! are, as HTTP/1 without TLS does; elsewhere there is no outlet and files are read.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::{Bytes, HttpBody};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use rustix::{
    fs::sendfile,
    io::{Errno, ReadWriteFlags, preadv2},
};
use tokio::task::JoinHandle;

/// The most that stands for a file at a time, in bytes.
const PIECE: usize = 1 << 20;
/// Whether the system has a piece in memory is asked once in so many bytes, which is what it
/// reads ahead.
const PROBE: usize = 128 << 10;

/// What is shorter than this is read: it then leaves with the head of the answer, and a
/// client wakes up once.
const SHORT: u64 = 64 << 10;

/// Never written to and never read, so that the system keeps no memory for it.
static STAND_IN: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; PIECE]));

/// The pieces of files that a connection is to send, in the order of its answers.
#[derive(Debug, Clone, Default)]
pub struct Outlet(Arc<Mutex<VecDeque<Piece>>>);

#[derive(Debug, Clone)]
struct Piece {
    file: Arc<File>,
    offset: u64,
    length: usize,
}

impl Outlet {
    /// Returns whether `buffer` only stands for a piece of a file.
    pub fn stands_in(buffer: &[u8]) -> bool {
        STAND_IN.as_ptr_range().contains(&buffer.as_ptr())
    }

    /// Sends as much as the socket takes of what the next `most` bytes stand for; gives how much.
    ///
    /// # Errors
    /// The socket would block or is broken, or the file ends too early.
    pub fn send(&self, socket: impl std::os::fd::AsFd, most: usize) -> io::Result<usize> {
        let Some(mut piece) = self.pieces().front().cloned() else {
            return Err(io::Error::other("nothing was announced to be sent"));
        };
        let sent = sendfile(
            socket,
            &*piece.file,
            Some(&mut piece.offset),
            piece.length.min(most),
        )?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.length -= sent;
        let mut pieces = self.pieces();
        pieces.pop_front();
        if piece.length > 0 {
            pieces.push_front(piece);
        }
        Ok(sent)
    }

    fn announce(&self, piece: Piece) -> Bytes {
        let stand_in = STAND_IN.slice(..piece.length);
        self.pieces().push_back(piece);
        stand_in
    }

    fn pieces(&self) -> MutexGuard<'_, VecDeque<Piece>> {
        // No panic can leave the queue half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a body of `length` bytes of `file` from `offset` on.
    pub(crate) fn body(
        self,
        file: File,
        offset: u64,
        length: u64,
    ) -> UnsyncBoxBody<Bytes, io::Error> {
        if length <= SHORT
            && let Some(bytes) = at_once(&file, offset, length)
        {
            return Full::new(bytes)
                .map_err(|never| match never {})
                .boxed_unsync();
        }
        FileBody {
            outlet: self,
            file: Arc::new(file),
            offset,
            left: length,
            warming: None,
        }
        .boxed_unsync()
    }
}

/// Reads what the system has in memory; nothing where it would wait for the disk.
fn at_once(file: &File, offset: u64, length: u64) -> Option<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    let buffer = &mut [io::IoSliceMut::new(&mut bytes)];
    let read = preadv2(file, buffer, offset, ReadWriteFlags::NOWAIT).ok()?;
    (read == bytes.len()).then(|| bytes.into())
}

/// A part of a file as a body of pieces that are sent, not read.
struct FileBody {
    outlet: Outlet,
    file: Arc<File>,
    offset: u64,
    left: u64,
    warming: Option<JoinHandle<io::Result<()>>>,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let piece = Piece {
            file: Arc::clone(&self.file),
            offset: self.offset,
            length,
        };
        if self.warming.is_none() && !piece.is_in_memory() {
            // Sending would wait for the disk, on a thread that others need.
            let piece = piece.clone();
            self.warming = Some(tokio::task::spawn_blocking(move || piece.warm()));
        }
        if let Some(warming) = &mut self.warming {
            let warmed = ready!(Pin::new(warming).poll(context));
            self.warming = None;
            if let Err(error) = warmed.map_err(io::Error::other).flatten() {
                return Poll::Ready(Some(Err(error)));
            }
        }
        self.offset += length as u64;
        self.left -= length as u64;
        let frame = http_body::Frame::data(self.outlet.announce(piece));
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.left)
    }
}

impl Piece {
    /// Returns whether it can be sent without waiting for the disk, as far as that can be told.
    fn is_in_memory(&self) -> bool {
        let length = self.length as u64;
        let mut byte = [0];
        (0..length).step_by(PROBE).chain([length - 1]).all(|place| {
            let buffer = &mut [io::IoSliceMut::new(&mut byte)];
            let at = self.offset + place;
            // File systems that cannot tell are taken at their best.
            !matches!(
                preadv2(&*self.file, buffer, at, ReadWriteFlags::NOWAIT),
                Err(Errno::AGAIN)
            )
        })
    }

    /// Has the system read it. Blocks.
    fn warm(&self) -> io::Result<()> {
        use std::os::unix::fs::FileExt as _;
        let mut buffer = vec![0; 128 << 10];
        let (mut at, end) = (self.offset, self.offset + self.length as u64);
        while at < end {
            match self.file.read_at(&mut buffer, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => at += read as u64,
            }
        }
        Ok(())
    }
}
