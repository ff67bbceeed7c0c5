//! What several tests need: real data where it is, and databases out of text.

use std::path::PathBuf;

use plimsoll_advisory::database::{Builder, Database};
use plimsoll_advisory::matching::{Kind, Package};

/// A database in a folder that goes away with it.
pub(crate) struct Built {
    pub(crate) database: Database,
    pub(crate) folder: tempfile::TempDir,
}

/// Builds a database of named feeds.
pub(crate) fn database(feeds: &[(&str, &str)]) -> Built {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("advisories.plim");
    let mut builder = Builder::new(&path).expect("a builder");
    for (name, text) in feeds {
        builder
            .add_bytes(name, name, text.as_bytes())
            .expect("a readable feed");
    }
    builder.finish("2026-11-21T00:00:00Z").expect("a database");
    Built {
        database: Database::open(&path).expect("opens"),
        folder,
    }
}

/// Returns a file or folder of the shared test data, or `None`, saying so, where it is absent.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests find their data through the environment, and say when they skip"
)]
pub(crate) fn shared(relative: &str) -> Option<PathBuf> {
    let root = std::env::var("PLIMSOLL_TEST_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// An installed Debian 11 package whose source bears its name.
pub(crate) fn deb(name: &str, version: &str) -> Package {
    Package {
        kind: Kind::Deb,
        distribution: "debian".into(),
        version_id: "11".into(),
        name: name.into(),
        version: version.into(),
        source_name: name.into(),
        source_version: version.into(),
        architecture: "amd64".into(),
        ..Package::default()
    }
}

/// An installed Alpine 3.18 package whose origin bears its name.
pub(crate) fn apk(name: &str, version: &str) -> Package {
    Package {
        kind: Kind::Apk,
        distribution: "alpine".into(),
        version_id: "3.18.9".into(),
        architecture: "x86_64".into(),
        ..deb(name, version)
    }
}
