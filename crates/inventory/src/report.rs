//! What one layer says, independent of every other layer.

use std::io;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeTuple};

use oci::Digest;

use crate::{Accounts, Distribution, Package};

/// Changes whenever a scan would report something else for the same layer.
pub const PARSER_VERSION: u32 = 9;

/// One layer, taken apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// [`PARSER_VERSION`] of the scan.
    pub parser_version: u32,
    /// Digest of the uncompressed stream, where it was asked for.
    pub diff_id: Option<Digest>,
    /// Bytes of the blob as stored.
    pub size: u64,
    /// Bytes of the uncompressed stream.
    pub uncompressed_size: u64,
    /// Entries of the archive, whiteouts included.
    pub entry_count: u64,
    /// What it adds or replaces, in the archive's order.
    pub files: Vec<FileEntry>,
    /// Paths it removes from lower layers.
    pub whiteouts: Vec<String>,
    /// Directories whose lower content it hides.
    pub opaque_dirs: Vec<String>,
    /// What the analysers understood.
    pub extracts: Vec<Extract>,
    /// What they did not.
    pub problems: Vec<Problem>,
}

impl LayerReport {
    /// Returns whether a scan of today would give the same report.
    pub fn is_current(&self) -> bool {
        self.parser_version == PARSER_VERSION
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    #[serde(rename = "f")]
    File,
    /// A directory.
    #[serde(rename = "d")]
    Directory,
    /// A symbolic link.
    #[serde(rename = "l")]
    Symlink,
    /// Another name of a file.
    #[serde(rename = "h")]
    Hardlink,
    /// A character device.
    #[serde(rename = "c")]
    CharDevice,
    /// A block device.
    #[serde(rename = "b")]
    BlockDevice,
    /// A named pipe.
    #[serde(rename = "p")]
    Fifo,
}

impl EntryKind {
    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Hardlink => "hardlink",
            Self::CharDevice => "char-device",
            Self::BlockDevice => "block-device",
            Self::Fifo => "fifo",
        }
    }
}

/// One path of a layer; as JSON an array of seven in this order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FileEntry {
    /// Without leading slash, `.` and `..` resolved.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of content (0 but for files).
    pub size: u64,
    /// Permission bits, setuid, setgid, sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Where a link points to, as written.
    pub link: Option<String>,
}

impl FileEntry {
    /// Returns kind and rights as `ls -l` writes them: `-rwsr-xr-x`.
    pub fn rights(&self) -> String {
        let kind = match self.kind {
            EntryKind::File => '-',
            EntryKind::Directory => 'd',
            EntryKind::Symlink => 'l',
            EntryKind::Hardlink => 'h',
            EntryKind::CharDevice => 'c',
            EntryKind::BlockDevice => 'b',
            EntryKind::Fifo => 'p',
        };
        let mut rights = String::from(kind);
        for (shift, special, sign) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
            let bits = self.mode >> shift;
            rights.push(if bits & 4 == 0 { '-' } else { 'r' });
            rights.push(if bits & 2 == 0 { '-' } else { 'w' });
            rights.push(match (self.mode & special != 0, bits & 1 != 0) {
                (true, true) => sign,
                (true, false) => sign.to_ascii_uppercase(),
                (false, true) => 'x',
                (false, false) => '-',
            });
        }
        rights
    }

    /// Makes a regular file of ordinary rights.
    #[cfg(test)]
    pub(crate) fn file(path: &str, size: u64) -> Self {
        Self {
            path: path.to_owned(),
            kind: EntryKind::File,
            size,
            mode: 0o644,
            uid: 0,
            gid: 0,
            link: None,
        }
    }
}

impl Serialize for FileEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_tuple(7)?;
        row.serialize_element(&self.path)?;
        row.serialize_element(&self.kind)?;
        row.serialize_element(&self.size)?;
        row.serialize_element(&self.mode)?;
        row.serialize_element(&self.uid)?;
        row.serialize_element(&self.gid)?;
        row.serialize_element(&self.link)?;
        row.end()
    }
}

/// What one analyser found in one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extract {
    /// The file, as [`FileEntry::path`].
    pub path: String,
    /// The analyser's name.
    pub analyser: String,
    /// What it says.
    pub found: Found,
}

/// What a file turned out to hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Packages.
    Packages(Vec<Package>),
    /// Files of distribution packages.
    Owned(Vec<OwnedFiles>),
    /// A distribution's name and version.
    Distribution(Distribution),
    /// Addresses or names of the repositories of packages.
    Repositories(Vec<String>),
    /// Users or groups.
    Accounts(Accounts),
    /// Licence names of a Debian copyright file.
    Licenses(Vec<String>),
    /// Secrets; where, never what.
    Secrets(Vec<SecretMatch>),
    /// What a program needs to run.
    Linkage(Linkage),
}

impl Found {
    /// Returns the bytes of all its texts, and some more. They are counted as they are written,
    /// so that no field is forgotten.
    pub(crate) fn bytes(&self) -> u64 {
        if let Self::Owned(lists) = self {
            // By far the longest, and quick to count.
            let bytes = |list: &OwnedFiles| (list.package.len() + list.paths.len()) as u64;
            return lists.iter().map(bytes).sum();
        }
        let mut counter = Counter(0);
        serde_json::to_writer(&mut counter, self).map_or(u64::MAX, |()| counter.0)
    }
}

/// Counts what is written to it.
struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The files that a distribution package brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedFiles {
    /// The package's name.
    pub package: String,
    /// Their paths without leading slash, each followed by a line feed.
    pub paths: String,
}

/// The shared libraries that a program or library is linked with (ELF).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linkage {
    /// Names of the libraries it needs, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<String>,
    /// The loader's path; empty for libraries and static programs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interpreter: String,
    /// A library's own name; empty for programs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub soname: String,
    /// Folders that are searched before the system's; `$ORIGIN` is the file's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
}

impl Linkage {
    /// Returns whether it runs without any shared library.
    pub fn is_static(&self) -> bool {
        self.needed.is_empty() && self.interpreter.is_empty()
    }
}

/// A secret's rule and line; the secret itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretMatch {
    /// [`crate::Rule::id`].
    pub rule: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// Something that was not understood; everything else was still read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file it is about, or empty.
    pub path: String,
    /// The line, counted from 1, or 0.
    pub line: u32,
    /// What is wrong.
    pub text: String,
}

/// How the text begins that says of a layer that it was read in part.
const CUT_OFF: &str = "not read any further: ";

impl Problem {
    /// A layer that exceeds a bound.
    pub(crate) fn cut_off(layer: &Digest, breach: &dyn std::fmt::Display) -> Self {
        Self::of("", format!("{CUT_OFF}{breach} ({layer})"))
    }

    /// Returns whether a layer was not read to its end, so that what it holds is not known.
    pub fn is_cut_off(&self) -> bool {
        self.path.is_empty() && self.text.starts_with(CUT_OFF)
    }

    /// Makes a problem of a line; the caller's caller fills in the path.
    pub(crate) fn at(line: usize, text: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            text: text.into(),
        }
    }

    /// Makes a problem of a whole file.
    pub(crate) fn of(path: &str, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: 0,
            text: text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_written_as_people_know_them() {
        let rights = |kind, mode| {
            let file = FileEntry::file("x", 0);
            FileEntry { kind, mode, ..file }.rights()
        };
        assert_eq!(rights(EntryKind::File, 0o4755), "-rwsr-xr-x");
        assert_eq!(rights(EntryKind::Directory, 0o1777), "drwxrwxrwt");
        assert_eq!(rights(EntryKind::Symlink, 0o777), "lrwxrwxrwx");
        assert_eq!(rights(EntryKind::File, 0o7640), "-rwSr-S--T");
    }
}
