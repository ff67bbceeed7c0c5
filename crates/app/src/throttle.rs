//! Slows down guessing of passwords.
//!
//! Failures are counted for a name from one address, for the name from anywhere, and for
//! the address with any name. After the failures that are free, each further one doubles
//! the wait. So a guesser is soon stopped where they are, many guessers together are
//! slowed down, and neither keeps somebody out who signed in from their own address before.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// What failures are counted for; the address is that of a network with IPv6.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, Option<IpAddr>),
    Name(String),
    Address(IpAddr),
}

impl Key {
    /// Returns how many failures are free, and the longest wait in seconds.
    fn limits(&self) -> (u32, i64) {
        match self {
            Self::Pair(..) => (5, 300),
            Self::Name(_) => (50, 30),
            Self::Address(_) => (100, 60),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    failures: u32,
    /// The last failure or success.
    last: DateTime<Utc>,
    /// Whether the name was signed in to from the address.
    known: bool,
}

/// Failures are forgotten after so long without another.
const MEMORY: TimeDelta = TimeDelta::hours(1);
/// How long an address stays known for a name.
const KNOWN: TimeDelta = TimeDelta::days(30);
/// So that made-up names cannot fill the memory.
const MOST_ENTRIES: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Entry>>);

impl Throttle {
    /// Returns how long this name must wait at this address, if it must.
    pub(crate) fn wait(
        &self,
        name: &str,
        from: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Option<Duration> {
        let map = self.map();
        let pair = Key::Pair(name.to_owned(), from.map(network));
        let known = map
            .get(&pair)
            .is_some_and(|entry| entry.known && now - entry.last < KNOWN);
        let mut keys = vec![pair];
        if !known {
            keys.push(Key::Name(name.to_owned()));
            keys.extend(from.map(|from| Key::Address(network(from))));
        }
        keys.iter()
            .filter_map(|key| wait(key, map.get(key)?, now))
            .max()
    }

    pub(crate) fn failed(&self, name: &str, from: Option<IpAddr>, now: DateTime<Utc>) {
        let mut map = self.map();
        let address = from.map(|from| Key::Address(network(from)));
        let pair = Key::Pair(name.to_owned(), from.map(network));
        for key in [pair, Key::Name(name.to_owned())]
            .into_iter()
            .chain(address)
        {
            make_room(&mut map, now);
            let entry = map.entry(key).or_insert(Entry {
                failures: 0,
                last: now,
                known: false,
            });
            if now - entry.last > MEMORY {
                entry.failures = 0;
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.last = now;
        }
    }

    pub(crate) fn succeeded(&self, name: &str, from: Option<IpAddr>, now: DateTime<Utc>) {
        let mut map = self.map();
        make_room(&mut map, now);
        let entry = Entry {
            failures: 0,
            last: now,
            known: true,
        };
        map.insert(Key::Pair(name.to_owned(), from.map(network)), entry);
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Entry>> {
        self.0
            .lock()
            .expect("nobody panics while holding the throttle")
    }
}

fn wait(key: &Key, entry: &Entry, now: DateTime<Utc>) -> Option<Duration> {
    let (free, longest) = key.limits();
    if entry.failures < free || now - entry.last > MEMORY {
        return None;
    }
    let seconds = 2_i64.pow((entry.failures - free).min(9)).min(longest);
    (entry.last + TimeDelta::seconds(seconds) - now)
        .to_std()
        .ok()
        .filter(|wait| !wait.is_zero())
}

/// Forgets what is over, and where that is not enough, what is oldest.
fn make_room(map: &mut HashMap<Key, Entry>, now: DateTime<Utc>) {
    if map.len() < MOST_ENTRIES {
        return;
    }
    map.retain(|_, entry| now - entry.last < if entry.known { KNOWN } else { MEMORY });
    if map.len() < MOST_ENTRIES {
        return;
    }
    let mut times: Vec<_> = map.values().map(|entry| entry.last).collect();
    let half = times.len() / 2;
    let (_, middle, _) = times.select_nth_unstable(half);
    let middle = *middle;
    map.retain(|_, entry| entry.last > middle);
}

/// Whoever has one IPv6 address has at least 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn the_sixth_guess_waits_and_success_forgives() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            assert_eq!(throttle.wait("ann", None, now()), None);
            throttle.failed("ann", None, now());
        }
        assert_eq!(
            throttle.wait("ann", None, now()),
            Some(Duration::from_secs(1))
        );
        assert_eq!(throttle.wait("bob", None, now()), None);
        assert_eq!(
            throttle.wait("ann", None, now() + TimeDelta::seconds(2)),
            None
        );
        throttle.succeeded("ann", None, now());
        assert_eq!(throttle.wait("ann", None, now()), None);
    }

    #[test]
    fn a_guesser_delays_nobody_elsewhere() {
        let throttle = Throttle::default();
        let (theirs, own) = (at("203.0.113.9"), at("198.51.100.1"));
        for _ in 0..30 {
            throttle.failed("ann", theirs, now());
        }
        assert_eq!(
            throttle.wait("ann", theirs, now()),
            Some(Duration::from_secs(300))
        );
        assert_eq!(throttle.wait("ann", own, now()), None);
    }

    #[test]
    fn many_guessers_are_slowed_down_but_not_whoever_is_known() {
        let throttle = Throttle::default();
        let (own, new) = (at("198.51.100.1"), at("198.51.100.2"));
        throttle.succeeded("ann", own, now());
        for number in 0..80 {
            throttle.failed("ann", at(&format!("203.0.113.{number}")), now());
        }
        assert_eq!(
            throttle.wait("ann", new, now()),
            Some(Duration::from_secs(30))
        );
        assert_eq!(throttle.wait("ann", own, now()), None);
        assert_eq!(throttle.wait("ann", new, now() + TimeDelta::hours(2)), None);
    }

    #[test]
    fn one_address_does_not_try_every_name() {
        let throttle = Throttle::default();
        for number in 0..101 {
            throttle.failed(&format!("name{number}"), at("2001:db8::1"), now());
        }
        // Another address of the same network.
        assert!(throttle.wait("fresh", at("2001:db8::2"), now()).is_some());
        assert_eq!(throttle.wait("fresh", at("2001:db8:0:1::1"), now()), None);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for number in 0..60_000_u32 {
            let at = now() + TimeDelta::milliseconds(i64::from(number));
            throttle.failed(&format!("n{number}"), Some(number.to_be_bytes().into()), at);
        }
        assert!(throttle.map().len() <= MOST_ENTRIES);
        let soon = now() + TimeDelta::seconds(61);
        for _ in 0..5 {
            throttle.failed("ann", None, soon);
        }
        assert!(throttle.wait("ann", None, soon).is_some());
    }
}
