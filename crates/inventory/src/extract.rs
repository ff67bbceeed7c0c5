//! The extractors, one per file. To add one: write its file with a static
//! `EXTRACTOR`, add a line here, and raise `PARSER_VERSION`.

use crate::{Found, Problem, accounts, apk, copyright, dpkg, os_release, secrets};

/// Reads one sort of file.
pub(crate) struct Extractor {
    /// Its name, for limits and problems.
    pub name: &'static str,
    /// Where in the final tree its files count, links followed; a trailing slash
    /// means the files directly within. Empty: the merge knows how to look.
    pub locations: &'static [&'static str],
    /// Whether to read a file, by its path in the layer. Wider than `locations`,
    /// as a lower layer's link may lead from there to here.
    pub wanted: fn(&str) -> bool,
    /// Files above so many bytes are none of this sort; `None`: they breach a limit.
    pub skip_above: Option<u64>,
    /// Reads path and content; never panics.
    pub extract: ExtractFn,
}

/// Path and content in, what they say out, and what was not understood.
pub(crate) type ExtractFn = fn(&str, &[u8]) -> (Option<Found>, Vec<Problem>);

/// All of them.
pub(crate) static EXTRACTORS: &[&Extractor] = &[
    &apk::EXTRACTOR,
    &dpkg::EXTRACTOR,
    &os_release::EXTRACTOR,
    &accounts::EXTRACTOR,
    &copyright::EXTRACTOR,
    &secrets::EXTRACTOR,
];

/// A set of extractors, by their place in [`EXTRACTORS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted(u32);

impl Wanted {
    /// Nobody.
    pub(crate) const NONE: Self = Self(0);

    /// Returns the extractors that want a file.
    pub(crate) fn by(path: &str, size: u64) -> Self {
        let mut mask = 0;
        for (index, extractor) in EXTRACTORS.iter().enumerate() {
            let fits = extractor.skip_above.is_none_or(|most| size <= most);
            if fits && (extractor.wanted)(path) {
                mask |= 1 << index;
            }
        }
        Self(mask)
    }

    /// Returns whether nobody wants it.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the extractors.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static Extractor> {
        let wanted = move |index: &usize| self.0 & (1 << index) != 0;
        (0..EXTRACTORS.len())
            .filter(wanted)
            .map(|index| EXTRACTORS[index])
    }
}
