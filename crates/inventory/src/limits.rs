//! How much of a layer is read before it is refused.

use crate::ScanError;

/// Bounds on one layer; a breach is [`ScanError::Limit`], which names the bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the uncompressed stream (default 64 GiB).
    pub uncompressed_bytes: u64,
    /// Bytes of the window that a zstd frame may ask for (default 128 MiB, zstd's own); of wide
    /// ones only one is open at a time.
    pub zstd_window: u64,
    /// Entries of the archive (default 1,000,000).
    pub entries: u64,
    /// Bytes of one path or link target (default 4096, Linux' `PATH_MAX`).
    pub path_bytes: u64,
    /// Bytes of all paths and link targets together, and likewise of all texts that analysers
    /// find, paths of package databases among them (default 256 MiB).
    pub all_path_bytes: u64,
    /// Bytes of one file that is read at all; larger ones are reported as not read
    /// (default 2 GiB). What is read whole has smaller bounds, one for each analyser.
    pub file_bytes: u64,
    /// Bytes of all files that are read; those beyond are reported as not read (default 32 GiB).
    pub all_file_bytes: u64,
    /// Packages recorded in the layer's databases (default 200,000).
    pub packages: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            uncompressed_bytes: 64 << 30,
            zstd_window: 128 << 20,
            entries: 1_000_000,
            path_bytes: 4096,
            all_path_bytes: 256 << 20,
            file_bytes: 2 << 30,
            all_file_bytes: 32 << 30,
            packages: 200_000,
        }
    }
}

/// Returns an error naming the limit when `value` is above `limit`.
pub(crate) fn check(
    name: &'static str,
    limit: u64,
    value: u64,
    place: &str,
) -> Result<(), ScanError> {
    if value <= limit {
        return Ok(());
    }
    Err(ScanError::Limit {
        name,
        limit,
        place: place.chars().take(200).collect(),
    })
}
