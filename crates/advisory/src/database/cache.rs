//! Unpacked blocks kept for the next question: images share packages, and neighbours in a feed
//! are asked for together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of blocks kept, about 2,000 of them.
const BYTES_KEPT: usize = 32 << 20;

#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Blocks>);

#[derive(Debug, Default)]
struct Blocks {
    /// Block and when it was asked for last, by offset.
    blocks: HashMap<u64, (Arc<Vec<u8>>, u64)>,
    bytes: usize,
    questions: u64,
}

impl Cache {
    pub(super) fn find(&self, offset: u64) -> Option<Arc<Vec<u8>>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.questions += 1;
        let now = cache.questions;
        let (block, last) = cache.blocks.get_mut(&offset)?;
        *last = now;
        Some(Arc::clone(block))
    }

    pub(super) fn keep(&self, offset: u64, block: &Arc<Vec<u8>>) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.bytes + block.len() > BYTES_KEPT {
            cache.forget_older_half();
        }
        let now = cache.questions;
        let kept = cache.blocks.insert(offset, (Arc::clone(block), now));
        cache.bytes += block.len();
        cache.bytes -= kept.map_or(0, |(block, _)| block.len());
    }
}

impl Blocks {
    fn forget_older_half(&mut self) {
        let mut times: Vec<u64> = self.blocks.values().map(|(_, last)| *last).collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or(u64::MAX);
        self.blocks.retain(|_, (_, last)| *last > middle);
        self.bytes = self.blocks.values().map(|(block, _)| block.len()).sum();
    }
}
