//! One tar header block: POSIX ustar, GNU, and the old form without magic.

use crate::EntryKind;

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;

/// What a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// A path of the file system.
    Entry(EntryKind),
    /// A pax header for the next entry.
    Pax,
    /// A GNU long path for the next entry.
    LongPath,
    /// A GNU long link target for the next entry.
    LongLink,
    /// An old GNU sparse file.
    GnuSparse,
    /// Volume labels, global pax headers and the like.
    Other,
}

/// A header block whose checksum is right.
pub(crate) struct Header<'a>(&'a [u8; BLOCK]);

impl<'a> Header<'a> {
    /// Returns the header, or nothing if the checksum is wrong.
    pub(crate) fn parse(block: &'a [u8; BLOCK]) -> Option<Self> {
        let stored = number(&block[148..156])?;
        let outside = block[..148].iter().chain(&block[156..]);
        let unsigned: u64 = outside.clone().map(|b| u64::from(*b)).sum::<u64>() + 8 * 32;
        // Some old programs summed signed characters.
        let signed: i64 = outside.map(|b| i64::from(b.cast_signed())).sum::<i64>() + 8 * 32;
        (stored == unsigned || i64::try_from(stored) == Ok(signed)).then_some(Self(block))
    }

    /// Returns the path as the block itself has it.
    pub(crate) fn path(&self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        let prefix: &[u8] = if &self.0[257..263] == b"ustar\0" {
            text(&self.0[345..500])
        } else {
            b""
        };
        if prefix.is_empty() {
            name.to_vec()
        } else {
            [prefix, b"/", name].concat()
        }
    }

    /// Returns the link target as the block itself has it.
    pub(crate) fn link(&self) -> Vec<u8> {
        text(&self.0[157..257]).to_vec()
    }

    /// Returns what it announces.
    pub(crate) fn kind(&self) -> Type {
        use EntryKind as E;
        match self.0[156] {
            b'0' | b'7' | 0 => Type::Entry(E::File),
            b'1' => Type::Entry(E::Hardlink),
            b'2' => Type::Entry(E::Symlink),
            b'3' => Type::Entry(E::CharDevice),
            b'4' => Type::Entry(E::BlockDevice),
            b'5' => Type::Entry(E::Directory),
            b'6' => Type::Entry(E::Fifo),
            b'x' | b'X' => Type::Pax,
            b'L' => Type::LongPath,
            b'K' => Type::LongLink,
            b'S' => Type::GnuSparse,
            _ => Type::Other,
        }
    }

    /// Returns whether a path with a slash at its end makes it a directory, as before POSIX. The
    /// whole path: the block may have no more of a longer one than up to a slash.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.0[156], 0 | b'0')
    }

    /// Returns the bytes of content, unless the field is nonsense.
    pub(crate) fn size(&self) -> Option<u64> {
        number(&self.0[124..136])
    }

    /// Returns permissions, owner and group; 0 for nonsense.
    pub(crate) fn owner(&self) -> (u32, u32, u32) {
        let field = |bytes| {
            number(bytes)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0)
        };
        let mode = field(&self.0[100..108]) & 0o7777;
        (mode, field(&self.0[108..116]), field(&self.0[116..124]))
    }

    /// Returns the real size of an old GNU sparse file.
    pub(crate) fn sparse_size(&self) -> Option<u64> {
        number(&self.0[483..495])
    }

    /// Returns the numbers of the sparse map of an old GNU sparse file.
    pub(crate) fn sparse_map(&self) -> &[u8] {
        &self.0[386..482]
    }

    /// Returns whether blocks with more of the sparse map follow.
    pub(crate) fn sparse_continues(&self) -> bool {
        self.0[482] != 0
    }
}

/// Returns the bytes before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// Reads octal digits between blanks, or GNU's base 256; `None` for anything else.
pub(crate) fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        // Bit 6 is the sign.
        if first & 0x40 != 0 {
            return None;
        }
        return rest
            .iter()
            .try_fold(u64::from(first & 0x3f), |value, byte| {
                value.checked_mul(256)?.checked_add(u64::from(*byte))
            });
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_both_notations() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   17 \0\0"), Some(0o17));
        assert_eq!(number(b"\0\0\0"), Some(0));
        assert_eq!(number(b"8"), None);
        let mut big = [0_u8; 12];
        big[0] = 0x80;
        big[7] = 2;
        assert_eq!(number(&big), Some(2 << 32));
        assert_eq!(number(&[0xff; 12]), None);
        assert_eq!(number(b"777777777777"), Some(0o777_777_777_777));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, BLOCK)) {
            number(&bytes[..12]);
            let block: [u8; BLOCK] = bytes.try_into().expect("as long as asked");
            let header = Header(&block);
            header.path();
            header.kind();
            header.size();
            header.owner();
        }
    }
}
