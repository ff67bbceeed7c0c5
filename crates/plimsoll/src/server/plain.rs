//! A socket without TLS that sends pieces of files where their stand-ins are to be written.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use registry::Outlet;
use rustix::net::{SendFlags, send};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// A socket and what it is to send of files.
#[derive(Debug)]
pub(super) struct Plain {
    stream: TcpStream,
    outlet: Outlet,
}

impl Plain {
    /// Wraps `stream`; what is announced to the outlet goes out on it.
    pub(super) fn new(stream: TcpStream, outlet: Outlet) -> Self {
        Self { stream, outlet }
    }

    /// Writes what goes before a piece of a file, telling the system that more comes, so that
    /// both leave together and the client wakes up once.
    fn poll_begin(&self, context: &mut Context<'_>, head: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_io(context, || Ok(send(&self.stream, head, SendFlags::MORE)?))
    }

    fn poll_send(&self, context: &mut Context<'_>, most: usize) -> Poll<io::Result<usize>> {
        self.poll_io(context, || self.outlet.send(&self.stream, most))
    }

    fn poll_io(
        &self,
        context: &mut Context<'_>,
        mut write: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            match self.stream.try_io(Interest::WRITABLE, &mut write) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if Outlet::stands_in(buffer) {
            return self.poll_send(context, buffer.len());
        }
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = buffers.iter().position(|buffer| !buffer.is_empty());
        let buffers = &buffers[first.unwrap_or_default()..];
        let ours = buffers
            .iter()
            .position(|buffer| !buffer.is_empty() && Outlet::stands_in(buffer));
        match ours {
            Some(0) => self.poll_send(context, buffers[0].len()),
            Some(1) => self.poll_begin(context, &buffers[0]),
            Some(before) => {
                Pin::new(&mut self.stream).poll_write_vectored(context, &buffers[..before])
            }
            None => Pin::new(&mut self.stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
