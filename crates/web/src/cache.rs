//! How long answers may be kept, by name.

use axum::http::{HeaderValue, header};

/// Who may keep an answer, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Nobody: it holds a secret that is shown once.
    Never,
    /// The one browser it was made for, and it asks again each time.
    Page,
    /// Everybody, for a moment: it says what is newest.
    Head,
    /// Everybody, for as long as a badge may be wrong.
    Badge,
    /// Everybody, until the next version of the program is likely.
    File,
    /// Everybody, for good: the address is the content's digest.
    Immutable,
}

impl Cache {
    /// Returns the header.
    pub(crate) fn header(self) -> (header::HeaderName, HeaderValue) {
        let policy = match self {
            Self::Never => "no-store",
            Self::Page => "private, no-cache",
            Self::Head => "public, max-age=5",
            Self::Badge => "public, max-age=300",
            Self::File => "public, max-age=3600",
            Self::Immutable => "public, max-age=31536000, immutable",
        };
        (header::CACHE_CONTROL, HeaderValue::from_static(policy))
    }
}
