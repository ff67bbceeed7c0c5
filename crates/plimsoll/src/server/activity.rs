//! How much is under way, so that the server can end when nothing is.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{self, Instant};

/// Between two requests of one upload clients need so long at most.
const BETWEEN_REQUESTS: Duration = Duration::from_secs(1);
/// How often what is under way is looked at while the server stops.
const LOOK: Duration = Duration::from_millis(20);

/// Counts requests while they are under way.
#[derive(Debug, Default)]
pub(super) struct Activity {
    under_way: AtomicUsize,
    /// When the last request of an upload ended.
    upload: Mutex<Option<Instant>>,
}

impl Activity {
    /// A request begins.
    pub(super) fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    /// A request ends, one of an upload or another.
    pub(super) fn end(&self, upload: bool) {
        if upload {
            *self.upload.lock().expect("nobody panics while noting") = Some(Instant::now());
        }
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns how many requests are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Returns when nothing is under way and no upload waits for its next request.
    pub(super) async fn at_rest(&self) {
        while self.under_way() > 0 || self.within_upload() {
            time::sleep(LOOK).await;
        }
    }

    fn within_upload(&self) -> bool {
        let last = *self.upload.lock().expect("nobody panics while noting");
        last.is_some_and(|last| last.elapsed() < BETWEEN_REQUESTS)
    }
}
