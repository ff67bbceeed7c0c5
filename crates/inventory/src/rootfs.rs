//! Scans an unpacked root file system, as if it were one layer.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use oci::Digest;

use crate::{
    EntryKind, FileEntry, Inventory, LayerReport, Limits, Problem, ScanError,
    body::Body,
    layer::{LayerBuilder, MAGIC},
    limits, merge,
};

/// Returns what the root file system in `root` holds.
///
/// # Errors
/// As [`scan_rootfs_layer`].
pub fn scan_rootfs(root: &Path, limits: &Limits) -> Result<Inventory, ScanError> {
    let report = scan_rootfs_layer(root, limits)?;
    let digest = report.diff_id.clone();
    let digest = digest.expect("a directory's report has the digest of its listing");
    Ok(merge(&[(digest, report)]))
}

/// Returns the root file system in `root` as a layer's report; its `diff_id` is
/// a digest of the listing. Links are noted and never followed, other file
/// systems mounted within are left out.
///
/// # Errors
/// [`ScanError::Directory`] for what cannot be read, [`ScanError::Limit`] for what is too much.
pub fn scan_rootfs_layer(root: &Path, limits: &Limits) -> Result<LayerReport, ScanError> {
    let about = fs::metadata(root).map_err(|source| at(root, source))?;
    if !about.is_dir() {
        return Err(at(root, io::ErrorKind::NotADirectory.into()));
    }
    let mut walk = Walk {
        root,
        device: about.dev(),
        limits,
        builder: LayerBuilder::new(limits),
        folders: vec![String::new()],
        bytes: 0,
    };
    while let Some(folder) = walk.folders.pop() {
        walk.folder(&folder)?;
    }
    let listing = serde_json::to_vec(walk.builder.files()).expect("a list of plain values");
    Ok(walk
        .builder
        .finish(Some(Digest::of(&listing)), walk.bytes, walk.bytes))
}

struct Walk<'a> {
    root: &'a Path,
    device: u64,
    limits: &'a Limits,
    builder: LayerBuilder<'a>,
    folders: Vec<String>,
    bytes: u64,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str) -> Result<(), ScanError> {
        let path = self.root.join(folder);
        let read = |source| at(&path, source);
        let names: Result<Vec<_>, _> = fs::read_dir(&path)
            .map_err(read)?
            .map(|e| e.map(|e| e.file_name()))
            .collect();
        let mut names = names.map_err(read)?;
        names.sort();
        for name in names {
            let Some(name) = name.to_str() else {
                let text = "a name that is not UTF-8; it is left out";
                self.builder
                    .problem(Problem::of(&format!("{folder}/{}", name.display()), text));
                continue;
            };
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            limits::check(
                "path_bytes",
                self.limits.path_bytes,
                path.len() as u64,
                &path,
            )?;
            self.entry(path)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: String) -> Result<(), ScanError> {
        let real = self.root.join(&path);
        let about = fs::symlink_metadata(&real).map_err(|source| at(&real, source))?;
        let Some(kind) = kind(&about) else {
            return Ok(());
        };
        let link = (kind == EntryKind::Symlink)
            .then(|| fs::read_link(&real).map_err(|source| at(&real, source)))
            .transpose()?;
        let is_file = kind == EntryKind::File;
        let size = if is_file { about.len() } else { 0 };
        self.bytes = self.bytes.saturating_add(size);
        let file = FileEntry {
            path: path.clone(),
            kind,
            size,
            mode: about.mode() & 0o7777,
            uid: about.uid(),
            gid: about.gid(),
            link: link.map(|link| link.to_string_lossy().into_owned()),
        };
        if kind == EntryKind::Directory {
            self.builder.add_real(file, &[])?;
            if about.dev() == self.device {
                self.folders.push(path);
            } else {
                self.builder
                    .problem(Problem::of(&path, "another file system; it is left out"));
            }
            return Ok(());
        }
        if !is_file || size == 0 {
            self.builder.add_real(file, &[])?;
            return Ok(());
        }
        let opened = open(&real, &about).map_err(|source| at(&real, source))?;
        let mut magic = [0; MAGIC];
        let length = opened.read_at(&mut magic, 0);
        let length = length.map_err(|source| at(&real, source))?;
        let Some(wanted) = self.builder.add_real(file, &magic[..length])? else {
            return Ok(());
        };
        let wanted = self.builder.reserve(&path, wanted, size);
        if wanted.is_empty() {
            return Ok(());
        }
        let mut body = Body::of_file(opened, size).map_err(|source| at(&real, source))?;
        self.builder.analyse(&path, wanted, &mut body)
    }
}

/// Opens a file, unless it is no longer the one `about` was asked of.
fn open(path: &Path, about: &Metadata) -> io::Result<File> {
    // Never waits, even if a pipe took the file's place in between.
    const O_NONBLOCK: i32 = 0o4000;
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path)?;
    let opened = file.metadata()?;
    if (opened.dev(), opened.ino()) != (about.dev(), about.ino()) {
        return Err(io::Error::other("it was replaced while it was read"));
    }
    Ok(file)
}

fn kind(about: &Metadata) -> Option<EntryKind> {
    let kind = about.file_type();
    Some(match kind {
        _ if kind.is_file() => EntryKind::File,
        _ if kind.is_dir() => EntryKind::Directory,
        _ if kind.is_symlink() => EntryKind::Symlink,
        _ if kind.is_char_device() => EntryKind::CharDevice,
        _ if kind.is_block_device() => EntryKind::BlockDevice,
        _ if kind.is_fifo() => EntryKind::Fifo,
        _ => return None,
    })
}

fn at(path: &Path, source: io::Error) -> ScanError {
    ScanError::Directory {
        path: PathBuf::from(path),
        source,
    }
}
