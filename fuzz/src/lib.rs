//! What several targets share: archives whose headers are whole, so that what lies behind a
//! checksum is reached.

use tar::{EntryType, Header};

const BLOCK: usize = 512;

/// Writes the right checksum into every block that may be a header (POSIX ustar).
pub fn mend_headers(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(BLOCK) {
        if block[257..262] == *b"ustar" {
            let mut header = Header::from_byte_slice(block).clone();
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
        }
    }
}

/// What stands between two entries of [`Image`].
const BETWEEN: &[u8] = b"\n%%\n";

/// An image in a form that stays one whatever is changed: entries with `%%` between them.
///
/// ```text
/// {"config": …}                     the configuration, first
/// layer                             what follows is in a layer above
/// file etc/os-release               the rest is its content
/// link lib > usr/lib                symbolic
/// hard etc/copy > etc/os-release
/// dir opt
/// exec bin/app                      a file that may be run, by its owner's rights
/// ```
pub struct Image<'a> {
    /// The configuration's bytes.
    pub config: &'a [u8],
    /// Archives, lowest first.
    pub layers: Vec<Vec<u8>>,
}

impl<'a> Image<'a> {
    /// Reads the form; what is not understood is left out.
    pub fn read(data: &'a [u8]) -> Self {
        let mut entries = split(data);
        let config = entries.next().unwrap_or_default();
        let mut layers = vec![Vec::new()];
        for entry in entries {
            if entry == b"layer" {
                layers.push(Vec::new());
            } else if let Some(layer) = layers.last_mut() {
                write(layer, entry);
            }
        }
        Self { config, layers }
    }
}

fn split(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let all = rest?;
        let at = all
            .windows(BETWEEN.len())
            .position(|bytes| bytes == BETWEEN);
        rest = at.map(|at| &all[at + BETWEEN.len()..]);
        Some(&all[..at.unwrap_or(all.len())])
    })
}

fn write(archive: &mut Vec<u8>, entry: &[u8]) {
    let line = entry.iter().position(|byte| *byte == b'\n');
    let (line, content) = entry.split_at(line.unwrap_or(entry.len()));
    let content = content.get(1..).unwrap_or_default();
    let word = line
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(line.len());
    let (word, names) = line.split_at(word);
    let names = names.get(1..).unwrap_or_default();
    let arrow = names.windows(3).position(|bytes| bytes == b" > ");
    let (path, target) = names.split_at(arrow.unwrap_or(names.len()));
    let target = target.get(3..).unwrap_or_default();
    let (kind, mode) = match word {
        b"file" => (EntryType::Regular, 0o644),
        b"exec" => (EntryType::Regular, 0o4755),
        b"hard" => (EntryType::Link, 0o644),
        b"link" => (EntryType::Symlink, 0o777),
        b"dir" => (EntryType::Directory, 0o755),
        _ => return,
    };
    long(archive, EntryType::GNULongName, path);
    long(archive, EntryType::GNULongLink, target);
    let content = if kind.is_file() { content } else { &[] };
    append(archive, (kind, mode), (path, target), content);
}

/// Writes GNU's entry for a name that a header has no room for.
fn long(archive: &mut Vec<u8>, kind: EntryType, name: &[u8]) {
    if name.len() > 100 {
        append(archive, (kind, 0), (b"././@LongLink", b""), name);
    }
}

/// Names are written as they are: the library's own writer refuses `..` and more.
fn append(
    archive: &mut Vec<u8>,
    (kind, mode): (EntryType, u32),
    (path, target): (&[u8], &[u8]),
    content: &[u8],
) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    let fields = header.as_old_mut();
    for (field, name) in [(&mut fields.name, path), (&mut fields.linkname, target)] {
        let length = name.len().min(field.len());
        field[..length].copy_from_slice(&name[..length]);
    }
    header.set_cksum();
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}
