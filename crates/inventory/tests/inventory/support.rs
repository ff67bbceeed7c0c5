//! Builds layers.

use std::io::Write as _;

use oci::Digest;
use plimsoll_inventory::{DiffId, Inventory, LayerReport, Limits, merge, scan_layer};
use tar::{Builder, EntryType, Header};

/// A layer in the making.
pub(crate) struct Layer(Builder<Vec<u8>>);

impl Layer {
    pub(crate) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.mode(path, 0o644, content)
    }

    pub(crate) fn mode(mut self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let mut header = header(EntryType::Regular, mode);
        header.set_size(content.len() as u64);
        self.0
            .append_data(&mut header, path, content)
            .expect("a file");
        self
    }

    pub(crate) fn dir(mut self, path: &str) -> Self {
        let mut header = header(EntryType::Directory, 0o755);
        self.0
            .append_data(&mut header, path, &b""[..])
            .expect("a directory");
        self
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    pub(crate) fn hardlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Link, path, target)
    }

    fn link(mut self, kind: EntryType, path: &str, target: &str) -> Self {
        self.0
            .append_link(&mut header(kind, 0o777), path, target)
            .expect("a link");
        self
    }

    pub(crate) fn whiteout(self, path: &str) -> Self {
        let name = match path.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/.wh.{name}"),
            None => format!(".wh.{path}"),
        };
        self.file(&name, "")
    }

    pub(crate) fn opaque(self, folder: &str) -> Self {
        self.file(&format!("{folder}/.wh..wh..opq"), "")
    }

    pub(crate) fn tar(self) -> Vec<u8> {
        self.0.into_inner().expect("an archive")
    }

    pub(crate) fn scan(self) -> LayerReport {
        let tar = self.tar();
        let report = scan(&tar);
        assert_eq!(report.diff_id, Some(Digest::of(&tar)));
        report
    }
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

pub(crate) fn scan(bytes: &[u8]) -> LayerReport {
    scan_layer(&mut &*bytes, "test", &Limits::default(), DiffId::Compute).expect("a layer")
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Merges layers whose digests are made up from their place.
pub(crate) fn merged(layers: impl IntoIterator<Item = Layer>) -> Inventory {
    let layers: Vec<_> = layers
        .into_iter()
        .enumerate()
        .map(|(index, layer)| (digest(index), layer.scan()))
        .collect();
    merge(&layers)
}

pub(crate) fn digest(index: usize) -> Digest {
    Digest::of(index.to_string().as_bytes())
}

/// A dpkg status of packages at version 1.
pub(crate) fn status(names: &[&str]) -> String {
    let stanza = |name: &&str| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n")
    };
    names.iter().map(stanza).collect()
}

pub(crate) fn names(inventory: &Inventory) -> Vec<(&str, usize)> {
    inventory
        .components
        .iter()
        .map(|c| (c.name.as_str(), c.layer_index))
        .collect()
}
