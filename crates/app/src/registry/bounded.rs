//! A map that never holds more than so many bytes: what does not fit any more empties it.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

/// Most that is kept, in bytes of answers and keys.
const MOST_BYTES: usize = 16 << 20;
/// What keeping something takes besides its own bytes, about.
const OVERHEAD: usize = 200;

#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    found: HashMap<K, V>,
    bytes: usize,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self {
            found: HashMap::new(),
            bytes: 0,
        }
    }
}

impl<K: Hash + Eq, V> Bounded<K, V> {
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.found.get(key)
    }

    /// Keeps what takes `bytes`, its key among them.
    pub(super) fn keep(&mut self, key: K, found: V, bytes: usize) {
        let bytes = OVERHEAD + bytes;
        if self.bytes + bytes > MOST_BYTES {
            *self = Self::default();
        }
        if self.found.insert(key, found).is_none() {
            self.bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_bounded() {
        let mut kept = Bounded::default();
        for number in 0..1_000_u32 {
            kept.keep(number, number, 64 << 10);
            assert_eq!(kept.get(&number), Some(&number));
            assert!(kept.bytes <= MOST_BYTES);
        }
    }

    #[test]
    fn what_is_kept_twice_counts_once() {
        let mut kept = Bounded::default();
        kept.keep(1, (), 1);
        kept.keep(1, (), 1);
        assert_eq!(kept.bytes, OVERHEAD + 1);
    }
}
