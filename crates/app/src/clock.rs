//! The one clock. Tests move it; forty days of waiting run in a second.

use std::sync::Mutex;

use chrono::{
    DateTime, DurationRound, TimeDelta, Utc,
    format::{DelayedFormat, StrftimeItems},
};

/// A time as people read it in sentences.
pub(crate) fn to_the_minute(at: DateTime<Utc>) -> DelayedFormat<StrftimeItems<'static>> {
    at.format("%Y-%m-%d %H:%M UTC")
}

/// Says what time it is, to the microsecond (PostgreSQL's precision).
pub trait Clock: Send + Sync + 'static {
    /// Returns the present time.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else must use"
    )]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.duration_trunc(TimeDelta::microseconds(1))
            .unwrap_or(now)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// Starts at `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves on by `time`.
    pub fn advance(&self, time: TimeDelta) {
        *self
            .0
            .lock()
            .expect("nobody panics while holding the clock") += time;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self
            .0
            .lock()
            .expect("nobody panics while holding the clock")
    }
}
