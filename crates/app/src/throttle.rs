//! Slows down guessing of passwords: after five failures for a name, each further one
//! doubles the wait, to five minutes at most.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

const FREE_FAILURES: u32 = 5;
const LONGEST: i64 = 300;
/// So that made-up names cannot fill the memory.
const MOST_NAMES: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<String, (u32, DateTime<Utc>)>>);

impl Throttle {
    /// Returns how long this name must wait, if it must.
    pub(crate) fn wait(&self, name: &str, now: DateTime<Utc>) -> Option<Duration> {
        let map = self
            .0
            .lock()
            .expect("nobody panics while holding the throttle");
        let (failures, last) = map.get(name)?;
        if *failures < FREE_FAILURES {
            return None;
        }
        let seconds = 2_i64.pow((failures - FREE_FAILURES).min(9)).min(LONGEST);
        (*last + TimeDelta::seconds(seconds) - now)
            .to_std()
            .ok()
            .filter(|wait| !wait.is_zero())
    }

    pub(crate) fn failed(&self, name: &str, now: DateTime<Utc>) {
        let mut map = self
            .0
            .lock()
            .expect("nobody panics while holding the throttle");
        if map.len() >= MOST_NAMES {
            map.retain(|_, (_, last)| now - *last < TimeDelta::seconds(LONGEST));
            if map.len() >= MOST_NAMES && !map.contains_key(name) {
                return;
            }
        }
        let entry = map.entry(name.to_owned()).or_insert((0, now));
        *entry = (entry.0.saturating_add(1), now);
    }

    pub(crate) fn succeeded(&self, name: &str) {
        self.0
            .lock()
            .expect("nobody panics while holding the throttle")
            .remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_guess_waits_and_success_forgives() {
        let throttle = Throttle::default();
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        for _ in 0..5 {
            assert_eq!(throttle.wait("ann", now), None);
            throttle.failed("ann", now);
        }
        assert_eq!(throttle.wait("ann", now), Some(Duration::from_secs(1)));
        assert_eq!(throttle.wait("bob", now), None);
        assert_eq!(throttle.wait("ann", now + TimeDelta::seconds(2)), None);
        throttle.succeeded("ann");
        assert_eq!(throttle.wait("ann", now), None);
    }
}
