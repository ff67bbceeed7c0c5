//! Imports of images from other registries.

use crate::text::text_enum;

text_enum! {
    /// How an import fares.
    ImportState {
        /// Waits for its turn.
        Waiting = "waiting",
        /// Is under way.
        Running = "running",
        /// The image is in the publisher's staging.
        Done = "done",
        /// It cannot be done; says why.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
}

impl ImportState {
    /// Returns whether nothing comes of it any more.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// Most imports of one publisher that wait or are under way.
pub const MOST_IMPORTS: i64 = 10;
/// Most characters of a registry's host and port.
pub const MOST_IMPORT_REGISTRY: usize = 255;
/// Most characters of a repository below a publisher's staging: with what stands before it a
/// repository's name still fits the 255 characters that clients take.
pub const MOST_IMPORT_NAME: usize = 200;
/// Most characters of a user's name or a password for another registry. Tokens are long.
pub const MOST_IMPORT_SECRET: usize = 4_096;
