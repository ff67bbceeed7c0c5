//! Whether what was read of a feed may take the place of what there is of it.

use super::{Format, Summary};

/// Of ten records this many may name no package; some of every feed do not.
const MOST_SILENT_OF_TEN: u64 = 8;
/// What is left of a feed must be this part of what it had, one in so many.
const LEAST_PART: u64 = 2;

/// Why a file must not replace an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Its end cannot be read.
    #[error("it ends early ({reason}); fetch it again")]
    EndsEarly {
        /// What is wrong there.
        reason: String,
    },
    /// There is nothing in it.
    #[error("it holds no advisory that can be read")]
    Empty,
    /// Most of it cannot be understood.
    #[error(
        "more of its records are malformed ({malformed}) than not ({records}): its schema may have changed"
    )]
    Malformed {
        /// Records that could not be understood.
        malformed: u64,
        /// Those that could.
        records: u64,
    },
    /// Its records look right and say nothing.
    #[error("{silent} of its {records} records name no package: its schema may have changed")]
    Silent {
        /// Records that name no package.
        silent: u64,
        /// All that could be read.
        records: u64,
    },
    /// Much of what there was is gone.
    #[error("it has {records} records, where the last good one had {before}")]
    Shrunk {
        /// What there is now.
        records: u64,
        /// What there was.
        before: u64,
    },
}

impl Summary {
    /// Tells whether what was read may be used; `before` is how many records the same feed had.
    ///
    /// # Errors
    /// The file is broken, empty, in a schema that is not the known one, or far smaller than
    /// before.
    pub fn fit(&self, before: Option<u64>) -> Result<(), Unfit> {
        let (records, malformed, silent) = (self.records, self.malformed, self.silent);
        if let Some(reason) = self.broken.clone() {
            return Err(Unfit::EndsEarly { reason });
        }
        if malformed > records {
            return Err(Unfit::Malformed { malformed, records });
        }
        if records == 0 {
            return Err(Unfit::Empty);
        }
        if silent > records / 10 * MOST_SILENT_OF_TEN + records % 10 {
            return Err(Unfit::Silent { silent, records });
        }
        match before.filter(|before| records < before / LEAST_PART) {
            Some(before) => Err(Unfit::Shrunk { records, before }),
            None => Ok(()),
        }
    }
}

impl Format {
    /// Whether its records are about packages; the others rate what others found.
    pub(super) fn names_packages(self) -> bool {
        !matches!(
            self,
            Self::Nvd | Self::NvdItems | Self::Cve | Self::Vulnrichment | Self::Kev | Self::Epss
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(records: u64, malformed: u64, silent: u64) -> Summary {
        Summary {
            records,
            malformed,
            silent,
            ..Summary::default()
        }
    }

    #[test]
    fn what_is_worse_than_before_does_not_replace_it() {
        assert_eq!(read(10, 10, 0).fit(None), Ok(()));
        assert_eq!(read(1, 0, 1).fit(Some(1)), Ok(()));
        assert_eq!(read(50, 0, 0).fit(Some(100)), Ok(()));
        assert_eq!(read(0, 0, 0).fit(None), Err(Unfit::Empty));
        let malformed = Unfit::Malformed {
            malformed: 11,
            records: 10,
        };
        assert_eq!(read(10, 11, 0).fit(None), Err(malformed));
        let silent = Unfit::Silent {
            silent: 81,
            records: 100,
        };
        assert_eq!(read(100, 0, 81).fit(None), Err(silent));
        let shrunk = Unfit::Shrunk {
            records: 49,
            before: 100,
        };
        assert_eq!(read(49, 0, 0).fit(Some(100)), Err(shrunk));
        let half = Summary {
            broken: Some("it stops".to_owned()),
            ..read(50, 0, 0)
        };
        assert!(matches!(half.fit(None), Err(Unfit::EndsEarly { .. })));
    }
}
