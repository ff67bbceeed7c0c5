//! Scans an unpacked root file system, as if it were one layer.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use oci::Digest;

use crate::{
    EntryKind, FileEntry, Inventory, LayerReport, Limits, Problem, ScanError,
    body::Body,
    layer::{LayerBuilder, MAGIC},
    limits, merge, names,
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
/// systems mounted within are left out. What cannot be read within is a problem of the report.
///
/// # Errors
/// [`ScanError::Directory`] if `root` cannot be read, [`ScanError::Limit`] for what is too much.
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
        folders: vec![Place::default()],
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
    folders: Vec<Place>,
    bytes: u64,
}

/// A path below the root: as it is, and as text.
#[derive(Default)]
struct Place {
    real: PathBuf,
    text: String,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Place) -> Result<(), ScanError> {
        let path = self.root.join(&folder.real);
        let names = match sorted(&path) {
            Ok(names) => names,
            Err(error) if folder.text.is_empty() => return Err(at(&path, error)),
            Err(error) => {
                self.not_read(&folder.text, &error);
                return Ok(());
            }
        };
        for name in names {
            let real = folder.real.join(&name);
            let text = names::text(real.as_os_str().as_bytes());
            let length = real.as_os_str().len() as u64;
            limits::check("path_bytes", self.limits.path_bytes, length, &text)?;
            self.entry(Place { real, text })?;
        }
        Ok(())
    }

    /// Notes what cannot be read; all else is read nevertheless.
    fn not_read(&mut self, path: &str, error: &io::Error) {
        let text = format!("not read: {error}");
        self.builder.problem(Problem::of(path, text));
    }

    fn entry(&mut self, place: Place) -> Result<(), ScanError> {
        let real = self.root.join(&place.real);
        let seen = fs::symlink_metadata(&real).and_then(|about| {
            let link = about.is_symlink().then(|| fs::read_link(&real)).transpose();
            Ok((about, link?))
        });
        let (about, link) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                self.not_read(&place.text, &error);
                return Ok(());
            }
        };
        let Some(kind) = kind(&about) else {
            return Ok(());
        };
        let is_file = kind == EntryKind::File;
        let size = if is_file { about.len() } else { 0 };
        self.bytes = self.bytes.saturating_add(size);
        let file = FileEntry {
            path: place.text.clone(),
            kind,
            size,
            mode: about.mode() & 0o7777,
            uid: about.uid(),
            gid: about.gid(),
            link: link.map(|link| names::text(link.as_os_str().as_bytes())),
        };
        if kind == EntryKind::Directory {
            self.builder.add_real(file, &[])?;
            if about.dev() == self.device {
                self.folders.push(place);
            } else {
                let text = "another file system; it is left out";
                self.builder.problem(Problem::of(&place.text, text));
            }
            return Ok(());
        }
        if !is_file || size == 0 {
            self.builder.add_real(file, &[])?;
            return Ok(());
        }
        let mut magic = [0; MAGIC];
        let opened = open(&real, &about).and_then(|opened| {
            let length = opened.read_at(&mut magic, 0)?;
            Ok((opened, length))
        });
        let length = opened.as_ref().map_or(0, |(_, length)| *length);
        let wanted = self.builder.add_real(file, &magic[..length])?;
        let opened = match opened {
            Ok((opened, _)) => opened,
            Err(error) if wanted.is_some() => {
                self.not_read(&place.text, &error);
                return Ok(());
            }
            // Whether anybody would want it, its first bytes say.
            Err(error) => {
                let text = format!("not read: {error}");
                self.builder.entry_problem(Problem::of(&place.text, text));
                return Ok(());
            }
        };
        let wanted = wanted.map(|wanted| self.builder.reserve(&place.text, wanted, size));
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
            return Ok(());
        };
        match Body::of_file(opened, size) {
            Ok(mut body) => self.builder.analyse(&place.text, wanted, &mut body)?,
            Err(error) => self.not_read(&place.text, &error),
        }
        Ok(())
    }
}

/// Returns what a folder holds, in the order of bytes.
fn sorted(folder: &Path) -> io::Result<Vec<OsString>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let mut names: Vec<_> = names.collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
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
