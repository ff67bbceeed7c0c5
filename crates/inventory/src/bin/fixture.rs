//! Programs for tests, made by hand: a header, and the sections that a test gives.

/// Returns a 64-bit little-endian ELF file with these sections after its header, and one
/// writable segment over all of them at address 0x1000.
pub(super) fn elf(parts: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut out = vec![0; 64 + 56];
    let (mut names, mut headers) = (vec![0], vec![0; 64]);
    let mut all = parts.to_vec();
    let strings: Vec<u8> = parts
        .iter()
        .flat_map(|(name, ..)| [name.as_bytes(), b"\0"].concat())
        .collect();
    let strings = [b"\0", &*strings, b".shstrtab\0"].concat();
    all.push((".shstrtab", 3, &strings));
    for (name, kind, bytes) in &all {
        while !out.len().is_multiple_of(16) {
            out.push(0);
        }
        let mut header = Vec::new();
        header.extend((names.len() as u32).to_le_bytes());
        header.extend(kind.to_le_bytes());
        header.extend(3_u64.to_le_bytes());
        header.extend((0x1000 + out.len() as u64).to_le_bytes());
        header.extend((out.len() as u64).to_le_bytes());
        header.extend((bytes.len() as u64).to_le_bytes());
        // Tables of symbols and libraries refer to the section after them.
        header.extend((headers.len() as u32 / 64 + 1).to_le_bytes());
        header.resize(64, 0);
        headers.extend(header);
        names.extend(name.bytes().chain([0]));
        out.extend(*bytes);
    }
    let end = out.len() as u64;
    out[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    let put = |out: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(&mut out, 32, &64_u64.to_le_bytes());
    put(&mut out, 40, &end.to_le_bytes());
    let count = all.len() as u16 + 1;
    for (at, value) in [(54, 56), (56, 1), (58, 64), (60, count), (62, count - 1)] {
        put(&mut out, at, &value.to_le_bytes());
    }
    put(&mut out, 64, &[1, 0, 0, 0, 6]);
    put(&mut out, 64 + 16, &0x1000_u64.to_le_bytes());
    put(&mut out, 64 + 32, &end.to_le_bytes());
    out.extend(headers);
    out
}

/// Removes the table of sections, as some strippers do.
pub(super) fn without_sections(mut elf: Vec<u8>) -> Vec<u8> {
    elf[40..48].fill(0);
    elf[60..64].fill(0);
    elf
}

/// Returns a 64-bit PE file with one section.
pub(super) fn pe(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 0x200];
    out[..2].copy_from_slice(b"MZ");
    out[0x3c] = 0x80;
    out[0x80..0x84].copy_from_slice(b"PE\0\0");
    out[0x86] = 1;
    out[0x94] = 0x70;
    out[0x98..0x9a].copy_from_slice(&0x20b_u16.to_le_bytes());
    let section = 0x80 + 24 + 0x70;
    out[section..section + name.len()].copy_from_slice(name.as_bytes());
    out[section + 13] = 0x10;
    out[section + 16..section + 20].copy_from_slice(&(content.len() as u32).to_le_bytes());
    out[section + 20..section + 24].copy_from_slice(&0x200_u32.to_le_bytes());
    out[section + 39] = 0xc0;
    out.extend(content);
    out
}

/// Returns a 64-bit Mach-O file with one section in one segment.
pub(super) fn mach_o(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 0x200];
    out[..4].copy_from_slice(&[0xcf, 0xfa, 0xed, 0xfe]);
    out[16] = 1;
    out[20] = 152;
    let command = 32;
    out[command] = 0x19;
    out[command + 4] = 152;
    out[command + 8..command + 14].copy_from_slice(b"__DATA");
    out[command + 24..command + 32].copy_from_slice(&0x1000_u64.to_le_bytes());
    out[command + 40..command + 48].copy_from_slice(&0x200_u64.to_le_bytes());
    let size = (content.len() as u64).to_le_bytes();
    out[command + 48..command + 56].copy_from_slice(&size);
    out[command + 60] = 3;
    out[command + 64] = 1;
    let section = command + 72;
    out[section..section + name.len()].copy_from_slice(name.as_bytes());
    out[section + 32..section + 40].copy_from_slice(&0x1000_u64.to_le_bytes());
    out[section + 40..section + 48].copy_from_slice(&size);
    out[section + 48..section + 52].copy_from_slice(&0x200_u32.to_le_bytes());
    out.extend(content);
    out
}
