//! Earlier results in the user's cache folder: layers under their digest, whole images under
//! that of their manifest, both with the parsers' version. Nothing is lost with them, so what
//! cannot be read or written, is damaged or is another's is passed over.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use inventory::{DiffId, Inventory, LayerReport, PARSER_VERSION};
use oci::Digest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::config::environment::Environment;

/// Bytes that are kept; the oldest go first.
const MOST: u64 = 1 << 30;
/// Bytes of one result, unpacked.
const MOST_OF_ONE: u64 = 2 << 30;
/// Fast, and small enough.
const LEVEL: i32 = 1;

/// Where results are kept, if anywhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Cache(Option<PathBuf>);

impl Cache {
    /// Returns the user's cache, or one that keeps nothing.
    pub(super) fn new(environment: &Environment, wanted: bool) -> Self {
        Self(environment.user_cache().filter(|_| wanted))
    }

    /// Returns a layer's report.
    pub(super) fn layer(&self, digest: &Digest) -> Option<LayerReport> {
        read(&self.path("layers", digest, "")?)
    }

    /// Keeps a layer's report.
    pub(super) fn keep_layer(&self, digest: &Digest, report: &LayerReport) {
        if let Some(path) = self.path("layers", digest, "") {
            write(&path, report);
        }
    }

    /// Returns what an image holds.
    pub(super) fn image(&self, manifest: &Digest, diff_id: DiffId) -> Option<Inventory> {
        read(&self.path("images", manifest, word(diff_id))?)
    }

    /// Keeps what an image holds, and lets go of what is oldest.
    pub(super) fn keep_image(&self, manifest: &Digest, diff_id: DiffId, inventory: &Inventory) {
        if let Some(path) = self.path("images", manifest, word(diff_id)) {
            write(&path, inventory);
            self.prune();
        }
    }

    fn path(&self, folder: &str, digest: &Digest, word: &str) -> Option<PathBuf> {
        let name = format!(
            "{}-{}{word}.{PARSER_VERSION}.json.zst",
            digest.algorithm().as_str(),
            digest.hex()
        );
        Some(self.0.as_ref()?.join(folder).join(name))
    }

    fn prune(&self) {
        let folders = ["layers", "images"].map(|name| self.0.as_ref().map(|dir| dir.join(name)));
        let mut files: Vec<_> = folders.iter().flatten().flat_map(|dir| list(dir)).collect();
        files.sort();
        let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, bytes, path) in files {
            if size <= MOST {
                break;
            }
            size -= bytes;
            drop(fs::remove_file(path));
        }
    }
}

/// An image whose `diff_id`s were compared is worth more than one where they were not.
fn word(diff_id: DiffId) -> &'static str {
    match diff_id {
        DiffId::Compute => "-verified",
        DiffId::Skip => "",
    }
}

/// A result, with what it is of: digest and version as in the name of its file, which somebody
/// may have changed.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    of: String,
    result: T,
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let mut bytes = Vec::new();
    let decoder = zstd::Decoder::new(fs::File::open(path).ok()?).ok()?;
    decoder.take(MOST_OF_ONE).read_to_end(&mut bytes).ok()?;
    let kept: Kept<T> = serde_json::from_slice(&bytes).ok()?;
    (kept.of == name(path)).then_some(kept.result)
}

fn write(path: &Path, value: &impl Serialize) {
    drop(try_write(path, value));
}

/// Others may read at the same time, so a file is there whole or not at all.
fn try_write(path: &Path, result: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    let mut encoder = zstd::Encoder::new(io::BufWriter::new(&file), LEVEL)?;
    encoder.include_checksum(true)?;
    let of = name(path);
    serde_json::to_writer(&mut encoder, &Kept { of, result })?;
    io::Write::flush(&mut encoder.finish()?)?;
    file.persist(path)?;
    Ok(())
}

fn list(folder: &Path) -> Vec<(SystemTime, u64, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let file = |entry: fs::DirEntry| {
        let about = entry.metadata().ok()?;
        Some((about.modified().ok()?, about.len(), entry.path()))
    };
    entries.filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_and_gives_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().display().to_string();
        let environment = Environment::of(&[("XDG_CACHE_HOME", &home)]);
        let digest = Digest::of(b"manifest");
        let inventory = inventory::merge(&[]);
        let cache = Cache::new(&environment, true);
        assert_eq!(cache.image(&digest, DiffId::Skip), None);
        cache.keep_image(&digest, DiffId::Skip, &inventory);
        assert_eq!(cache.image(&digest, DiffId::Skip), Some(inventory.clone()));
        assert_eq!(cache.image(&digest, DiffId::Compute), None);
        let off = Cache::new(&environment, false);
        assert_eq!(off.image(&digest, DiffId::Skip), None);
        let files = list(&folder.path().join("plimsoll/images"));
        let kept = fs::read(&files[0].2).expect("a file");
        let other = Digest::of(b"other");
        let place = cache.path("images", &other, "").expect("a place");
        fs::write(&place, &kept).expect("a file");
        assert_eq!(cache.image(&other, DiffId::Skip), None, "of another image");
        for at in 0..kept.len() {
            let mut kept = kept.clone();
            kept[at] ^= 1;
            fs::write(&files[0].2, kept).expect("a file");
            let read = cache.image(&digest, DiffId::Skip);
            assert!(read.is_none_or(|read| read == inventory), "byte {at}");
        }
    }
}
