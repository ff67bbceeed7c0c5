//! Pax extended headers (POSIX pax, "pax Extended Header"): records
//! `LENGTH KEY=VALUE\n` that override fields of the next header.

use crate::sparse::Numbers;

/// What of them matters here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// The whole path.
    pub path: Option<Vec<u8>>,
    /// The whole link target.
    pub link: Option<Vec<u8>>,
    /// Bytes of content in the archive.
    pub size: Option<u64>,
    /// Bytes of the file, where it is sparse.
    pub sparse_size: Option<u64>,
    /// The map of a sparse file, where it is not in front of its content.
    pub sparse_map: Numbers,
    /// Whether it is in front of the content.
    pub sparse_in_body: bool,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

impl Overrides {
    /// Takes over the records of `body`; `None` if they are malformed.
    pub(crate) fn read(&mut self, body: &[u8]) -> Option<()> {
        let mut rest = body;
        // Some writers pad with NUL.
        while let Some(first) = rest.first().filter(|first| **first != 0) {
            if !first.is_ascii_digit() {
                return None;
            }
            let space = memchr::memchr(b' ', rest)?;
            let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
            let record = rest.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = memchr::memchr(b'=', record)?;
            self.set(&record[..equals], &record[equals + 1..])?;
            rest = &rest[length..];
        }
        Some(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let number = |value| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok();
        let decimal = || number(value);
        let id = || decimal().and_then(|id| u32::try_from(id).ok());
        match key {
            // GNU's real name of a sparse file is not overruled by `path`.
            b"GNU.sparse.name" => self.path = Some(value.to_vec()),
            b"path" if self.sparse_size.is_none() || self.path.is_none() => {
                self.path = Some(value.to_vec());
            }
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = Some(decimal()?),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse_size = Some(decimal()?),
            b"GNU.sparse.major" => self.sparse_in_body = decimal() == Some(1),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.sparse_map.push(decimal()),
            b"GNU.sparse.map" if !value.is_empty() => value
                .split(|byte| *byte == b',')
                .for_each(|value| self.sparse_map.push(number(value))),
            b"uid" => self.uid = id(),
            b"gid" => self.gid = id(),
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_records() {
        let mut overrides = Overrides::default();
        overrides
            .read(b"12 path=a/b\n15 size=123456\n9 uid=42\n\0\0")
            .expect("well-formed");
        assert_eq!(overrides.path.as_deref(), Some(&b"a/b"[..]));
        assert_eq!(overrides.size, Some(123_456));
        assert_eq!(overrides.uid, Some(42));
        for bad in [
            &b"99 path=a\n"[..],
            b"x",
            b"5",
            b"0 a=b\n",
            b"6 a=bc",
            b"9 size=x\n",
        ] {
            assert_eq!(Overrides::default().read(bad), None, "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "([0-9]{0,3} (path|size)?=?[ -~]{0,6}\n?){0,4}") {
            Overrides::default().read(text.as_bytes());
        }
    }
}
