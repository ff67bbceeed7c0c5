//! What several targets share: archives whose headers are whole, so that what lies behind a
//! checksum is reached.

const BLOCK: usize = 512;

/// Writes the right checksum into every block that may be a header (POSIX ustar).
pub fn mend_headers(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(BLOCK) {
        if block[257..262] == *b"ustar" {
            mend_header(block);
        }
    }
}

fn mend_header(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
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
        let at = all.windows(BETWEEN.len()).position(|bytes| bytes == BETWEEN);
        rest = at.map(|at| &all[at + BETWEEN.len()..]);
        Some(&all[..at.unwrap_or(all.len())])
    })
}

fn write(archive: &mut Vec<u8>, entry: &[u8]) {
    let line = entry.iter().position(|byte| *byte == b'\n');
    let (line, content) = entry.split_at(line.unwrap_or(entry.len()));
    let content = content.get(1..).unwrap_or_default();
    let word = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (word, names) = line.split_at(word);
    let names = names.get(1..).unwrap_or_default();
    let arrow = names.windows(3).position(|bytes| bytes == b" > ");
    let (path, target) = names.split_at(arrow.unwrap_or(names.len()));
    let target = target.get(3..).unwrap_or_default();
    let (kind, mode) = match word {
        b"file" => (b'0', b"0000644"),
        b"exec" => (b'0', b"0004755"),
        b"hard" => (b'1', b"0000644"),
        b"link" => (b'2', b"0000777"),
        b"dir" => (b'5', b"0000755"),
        _ => return,
    };
    long(archive, b'L', path);
    long(archive, b'K', target);
    let content = if kind == b'0' { content } else { &[] };
    block(archive, kind, mode, path, target, content);
}

/// Writes GNU's entry for a name that a header has no room for.
fn long(archive: &mut Vec<u8>, kind: u8, name: &[u8]) {
    if name.len() > 100 {
        block(archive, kind, b"0000000", b"././@LongLink", b"", name);
    }
}

fn block(
    archive: &mut Vec<u8>,
    kind: u8,
    mode: &[u8; 7],
    path: &[u8],
    target: &[u8],
    content: &[u8],
) {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &path[..path.len().min(100)]);
    put(100, mode);
    put(108, b"0000000\x000000000\0");
    put(124, format!("{:011o}\0{:011o}\0", content.len(), 0).as_bytes());
    put(156, &[kind]);
    put(157, &target[..target.len().min(100)]);
    put(257, b"ustar  \0");
    mend_header(&mut header);
    archive.extend_from_slice(&header);
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}
