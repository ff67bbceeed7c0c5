//! A package header as rpm stores it (rpm.org, "RPM v4 Header format"): the number of index
//! entries, the length of the data, the entries, the data; all numbers big-endian.

use crate::analyser::PathLists;

pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const VENDOR: u32 = 1011;
pub(super) const LICENSE: u32 = 1014;
pub(super) const PACKAGER: u32 = 1015;
pub(super) const ARCH: u32 = 1022;
pub(super) const SOURCERPM: u32 = 1044;
pub(super) const MODULARITYLABEL: u32 = 5096;
const OLDFILENAMES: u32 = 1027;
const DIRINDEXES: u32 = 1116;
const BASENAMES: u32 = 1117;
const DIRNAMES: u32 = 1118;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// rpm's own bound.
const MAX_ENTRIES: usize = 0xffff;
/// Bytes of an index entry.
const ENTRY: usize = 16;

/// A header whose index is within its bounds.
#[derive(Debug)]
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

struct Entry<'a> {
    form: u32,
    count: usize,
    /// From the entry's first byte to the end of all data.
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Returns the header, or nothing if the lengths are wrong.
    pub(super) fn parse(blob: &'a [u8]) -> Option<Self> {
        let entries = usize::try_from(number(blob.get(..4)?)).ok()?;
        let length = usize::try_from(number(blob.get(4..8)?)).ok()?;
        if entries == 0 || entries > MAX_ENTRIES {
            return None;
        }
        let rest = &blob[8..];
        let (index, data) = rest.split_at_checked(entries * ENTRY)?;
        Some(Self {
            index,
            data: data.get(..length)?,
        })
    }

    /// Returns a tag's first string.
    pub(super) fn text(&self, tag: u32) -> Option<String> {
        let entry = self.entry(tag)?;
        if !matches!(entry.form, STRING | STRING_ARRAY | I18N_STRING) {
            return None;
        }
        let text = String::from_utf8_lossy(entry.data.split(|byte| *byte == 0).next()?);
        Some(text.trim().to_owned()).filter(|text| text != "(none)")
    }

    /// Returns a tag's first number.
    pub(super) fn number(&self, tag: u32) -> Option<u32> {
        let entry = self.entry(tag).filter(|entry| entry.form == INT32)?;
        Some(number(entry.data.get(..4)?))
    }

    /// Returns the paths of its files without leading slash, each followed by a line feed.
    pub(super) fn paths(&self, lists: &mut PathLists) -> String {
        let mut paths = String::new();
        for name in self.strings(OLDFILENAMES) {
            lists.add(&mut paths, b"", name.strip_prefix(b"/").unwrap_or(name));
        }
        let folders: Vec<_> = self.strings(DIRNAMES).collect();
        let Some(indexes) = self.entry(DIRINDEXES).filter(|entry| entry.form == INT32) else {
            return paths;
        };
        let indexes = indexes.data.chunks_exact(4).take(indexes.count).map(number);
        for (name, index) in self.strings(BASENAMES).zip(indexes) {
            let folder = usize::try_from(index).ok().and_then(|at| folders.get(at));
            if let Some(folder) = folder {
                lists.add(&mut paths, folder, name);
            }
        }
        paths
    }

    fn strings(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> {
        let entry = self.entry(tag).filter(|entry| entry.form == STRING_ARRAY);
        let (data, count) = entry.map_or((&[][..], 0), |entry| (entry.data, entry.count));
        data.split(|byte| *byte == 0).take(count)
    }

    fn entry(&self, tag: u32) -> Option<Entry<'a>> {
        let mut entries = self.index.chunks_exact(ENTRY);
        let entry = entries.find(|entry| number(&entry[..4]) == tag)?;
        let offset = usize::try_from(number(&entry[8..12])).ok()?;
        Some(Entry {
            form: number(&entry[4..8]),
            count: usize::try_from(number(&entry[12..16])).ok()?,
            data: self.data.get(offset..)?,
        })
    }
}

/// Reads four bytes; the caller has seen to it that there are as many.
fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}
