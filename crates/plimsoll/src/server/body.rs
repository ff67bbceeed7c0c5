//! Bodies on their way in and out: counted, and those on their way in not waited for for ever.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::limits::Limits;

/// Why a body on its way in was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// Nothing came for too long.
    #[error("nothing of the body came for {0} seconds")]
    Idle(u64),
    /// Too little came over a long time.
    #[error("the body came more slowly than {0} bytes a second")]
    Slow(u64),
    /// The server stops.
    #[error("the server is stopping")]
    Stopped,
}

/// What became of a body on its way in.
#[derive(Debug)]
pub(super) struct Intake {
    bytes: AtomicU64,
    broken: AtomicU8,
    idle: Duration,
    rate: u64,
}

impl Intake {
    /// Returns how many bytes came.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns why it was broken off, where it was.
    pub(super) fn broken(&self) -> Option<Broken> {
        match self.broken.load(Ordering::Relaxed) {
            1 => Some(Broken::Idle(self.idle.as_secs())),
            2 => Some(Broken::Slow(self.rate)),
            3 => Some(Broken::Stopped),
            _ => None,
        }
    }

    fn break_off(&self, broken: Broken) -> axum::Error {
        let number = match broken {
            Broken::Idle(_) => 1,
            Broken::Slow(_) => 2,
            Broken::Stopped => 3,
        };
        self.broken.store(number, Ordering::Relaxed);
        axum::Error::new(broken)
    }
}

/// A request's body. Only time spent waiting for the client counts against it.
pub(super) struct Received {
    body: Incoming,
    intake: Arc<Intake>,
    limits: Limits,
    waited: Duration,
    wait: Option<Wait>,
    cut: CancellationToken,
}

/// The client owes the next bytes.
struct Wait {
    since: Instant,
    late: Pin<Box<Sleep>>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Received {
    /// Watches over `body`, which `cut` breaks off.
    pub(super) fn new(body: Incoming, limits: &Limits, cut: CancellationToken) -> Self {
        let intake = Intake {
            bytes: AtomicU64::new(0),
            broken: AtomicU8::new(0),
            idle: limits.idle_time,
            rate: limits.body_rate,
        };
        Self {
            body,
            intake: Arc::new(intake),
            limits: limits.clone(),
            waited: Duration::ZERO,
            wait: None,
            cut,
        }
    }

    /// Returns where it is told what becomes of it.
    pub(super) fn intake(&self) -> Arc<Intake> {
        Arc::clone(&self.intake)
    }

    /// Returns how much longer the client is waited for now.
    fn patience(&self) -> Duration {
        let allowed = self.limits.patience(self.intake.bytes());
        self.limits
            .idle_time
            .min(allowed.saturating_sub(self.waited))
    }

    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<Broken> {
        let patience = self.patience();
        let wait = self.wait.get_or_insert_with(|| {
            let since = Instant::now();
            Wait {
                since,
                late: Box::pin(sleep_until(since + patience)),
                cut: Box::pin(self.cut.clone().cancelled_owned()),
            }
        });
        if wait.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Broken::Stopped);
        }
        ready!(wait.late.as_mut().poll(context));
        Poll::Ready(if wait.since.elapsed() >= self.limits.idle_time {
            Broken::Idle(self.limits.idle_time.as_secs())
        } else {
            Broken::Slow(self.limits.body_rate)
        })
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            let broken = ready!(this.poll_wait(context));
            return Poll::Ready(Some(Err(this.intake.break_off(broken))));
        };
        if let Some(wait) = this.wait.take() {
            this.waited += wait.since.elapsed();
        }
        let frame = frame.map(|frame| frame.map_err(axum::Error::new));
        if let Some(Ok(data)) = frame
            .as_ref()
            .map(|frame| frame.as_ref().map(Frame::data_ref))
        {
            let bytes = data.map_or(0, Bytes::len) as u64;
            this.intake.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body; `record` is dropped when the last of it is on its way.
pub(super) struct Sent<R> {
    body: axum::body::Body,
    record: R,
}

/// Is told what is sent.
pub(super) trait Record: Unpin {
    /// So many more bytes are on their way.
    fn sent(&mut self, bytes: usize);
    /// Everything is.
    fn complete(&mut self);
}

impl<R: Record> Sent<R> {
    /// Tells `record` what becomes of `body`.
    pub(super) fn new(body: axum::body::Body, mut record: R) -> Self {
        if body.is_end_stream() {
            record.complete();
        }
        Self { body, record }
    }
}

impl<R: Record> HttpBody for Sent<R> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.record.sent(bytes);
                if self.body.is_end_stream() {
                    self.record.complete();
                }
            }
            Some(Err(_)) => {}
            None => self.record.complete(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
