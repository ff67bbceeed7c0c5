//! What was read, kept for the next question: images share packages, packages share records,
//! and neighbours in a feed are asked for together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps values until they weigh more than `most` bytes; then the half that nobody asked for
/// goes.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    most: usize,
    kept: Mutex<Kept<K, V>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    values: HashMap<K, Value<V>>,
    bytes: usize,
    questions: u64,
}

#[derive(Debug)]
struct Value<V> {
    value: Arc<V>,
    bytes: usize,
    /// When it was asked for last.
    last: u64,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    pub(super) fn new(most: usize) -> Self {
        let kept = Kept {
            values: HashMap::new(),
            bytes: 0,
            questions: 0,
        };
        Self {
            most,
            kept: Mutex::new(kept),
        }
    }

    pub(super) fn find(&self, key: &K) -> Option<Arc<V>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.questions += 1;
        let now = kept.questions;
        let found = kept.values.get_mut(key)?;
        found.last = now;
        Some(Arc::clone(&found.value))
    }

    pub(super) fn keep(&self, key: K, value: &Arc<V>, bytes: usize) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + bytes > self.most {
            kept.forget_older_half();
        }
        let value = Value {
            value: Arc::clone(value),
            bytes,
            last: kept.questions,
        };
        kept.bytes += bytes;
        let before = kept.values.insert(key, value);
        kept.bytes -= before.map_or(0, |before| before.bytes);
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    fn forget_older_half(&mut self) {
        let mut times: Vec<u64> = self.values.values().map(|value| value.last).collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or(u64::MAX);
        self.values.retain(|_, value| value.last > middle);
        self.bytes = self.values.values().map(|value| value.bytes).sum();
    }
}
