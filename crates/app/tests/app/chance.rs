//! Histories that are made up, each again from its seed.

/// Chance that is the same for the same seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// Returns a number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("small")
    }

    /// Returns one of these, if there is any.
    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let place = self.below(of.len().max(1));
        of.get(place).cloned()
    }
}
