//! What unit tests share.

use std::path::{Path, PathBuf};

/// Returns a folder of real data, or says that the test is left out.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find their data through the environment, and say so where there is none"
)]
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let given = std::env::var("PLIMSOLL_TEST_DATA").ok().map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = given.unwrap_or_else(beside).join(name);
    if !folder.is_dir() {
        eprintln!("left out: no test data in {}", folder.display());
        return None;
    }
    Some(folder)
}
