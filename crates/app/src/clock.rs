//! The one clock. Tests move it; forty days of waiting run in a second.

use std::sync::{Mutex, MutexGuard};

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

/// A clock that stands still until it is moved, or moves on whenever it is read.
#[derive(Debug)]
pub struct ManualClock(Mutex<(DateTime<Utc>, TimeDelta)>);

impl ManualClock {
    /// Starts at `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(Mutex::new((at, TimeDelta::zero())))
    }

    /// Moves on by `time`.
    pub fn advance(&self, time: TimeDelta) {
        self.hands().0 += time;
    }

    /// Moves on by `each` whenever it is read, from now on.
    pub fn tick(&self, each: TimeDelta) {
        self.hands().1 = each;
    }

    fn hands(&self) -> MutexGuard<'_, (DateTime<Utc>, TimeDelta)> {
        let hands = self.0.lock();
        hands.expect("nobody panics while holding the clock")
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        let mut hands = self.hands();
        let (now, each) = *hands;
        hands.0 += each;
        now
    }
}
