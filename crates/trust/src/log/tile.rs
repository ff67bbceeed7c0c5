//! The paths of tiles (C2SP `tlog-tiles`): `tile/<level>/<index>[.p/<width>]` for hashes,
//! `tile/entries/<index>[.p/<width>]` for entries. An index is written in groups of three
//! digits, all but the last with an `x` before them: 1234067 is `x001/x234/067`.

use std::{fmt, str::FromStr};

/// A whole tile has so many hashes, or entries.
pub const TILE_WIDTH: u64 = 256;
/// Levels above have no tile even with `u64::MAX` entries.
const MAX_LEVEL: u32 = 7;

/// What is in a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileKind {
    /// Hashes over `256^level` entries each.
    Hashes(u32),
    /// Entries, each after its length in two bytes, big-endian.
    Entries,
}

/// One tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// What is in it.
    pub kind: TileKind,
    /// Which one of its level, from the left.
    pub index: u64,
    /// How much is in it, from 1 to [`TILE_WIDTH`].
    pub width: u64,
}

/// A text is no tile's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no tile's path")]
pub struct TileError;

impl Tile {
    /// Returns the number of its first hash or entry among those of its level.
    pub fn first(&self) -> u64 {
        self.index * TILE_WIDTH
    }
}

impl FromStr for Tile {
    type Err = TileError;

    /// Reads what stands after `tile/`.
    fn from_str(path: &str) -> Result<Self, TileError> {
        let (kind, rest) = path.split_once('/').ok_or(TileError)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(
                u32::try_from(number(level, MAX_LEVEL.into())?).map_err(|_| TileError)?,
            ),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, number(width, TILE_WIDTH - 1)?),
            None => (rest, TILE_WIDTH),
        };
        if width == 0 {
            return Err(TileError);
        }
        Ok(Self {
            kind,
            index: read_index(index)?,
            width,
        })
    }
}

/// Reads a number without leading zeros, up to `most`.
fn number(text: &str, most: u64) -> Result<u64, TileError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(TileError);
    }
    let number = text.parse().map_err(|_| TileError)?;
    if number > most {
        return Err(TileError);
    }
    Ok(number)
}

fn read_index(text: &str) -> Result<u64, TileError> {
    let mut index: u64 = 0;
    let mut parts = text.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let digits = match (last, part.strip_prefix('x')) {
            (true, None) => part,
            (false, Some(digits)) => digits,
            _ => return Err(TileError),
        };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TileError);
        }
        let group: u64 = digits.parse().map_err(|_| TileError)?;
        index = index
            .checked_mul(1_000)
            .and_then(|index| index.checked_add(group))
            .ok_or(TileError)?;
    }
    // One path each: no groups of zeros in front, nothing beyond what a log can have.
    let plain = index_path(index) == text && index <= i64::MAX as u64 / TILE_WIDTH;
    plain.then_some(index).ok_or(TileError)
}

fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    path
}

impl fmt::Display for Tile {
    /// Writes what stands after `tile/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "{level}/")?,
            TileKind::Entries => f.write_str("entries/")?,
        }
        f.write_str(&index_path(self.index))?;
        match self.width {
            TILE_WIDTH => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}
