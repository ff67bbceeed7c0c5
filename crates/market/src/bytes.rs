//! Numbers of bytes, as people write and read them.

const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("", 1),
];

/// Reads a number of bytes: `500`, `20GiB`, `5 MB`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (unit, times) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    number.checked_mul(*times)
}

/// Returns `512 B`, `1.5 MiB`, rounded down; for a number that is kept signed, 0 for less.
pub fn show_bytes(bytes: i64) -> String {
    let bytes = u64::try_from(bytes).unwrap_or(0);
    let unit = UNITS[..4].iter().rfind(|(_, size)| bytes >= *size);
    let Some((unit, size)) = unit else {
        return format!("{bytes} B");
    };
    let tenths = u128::from(bytes) * 10 / u128::from(*size);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_read_with_units() {
        assert_eq!(parse_bytes("10GiB"), Some(10 << 30));
        assert_eq!(parse_bytes("5 MB"), Some(5_000_000));
        assert_eq!(parse_bytes("7"), Some(7));
        assert_eq!(parse_bytes("99999999TiB"), None);
        assert_eq!(parse_bytes("GiB"), None);
    }

    #[test]
    fn are_shown_with_one_decimal() {
        assert_eq!(show_bytes(0), "0 B");
        assert_eq!(show_bytes(1023), "1023 B");
        assert_eq!(show_bytes(1536), "1.5 KiB");
        assert_eq!(show_bytes((1 << 30) - 1), "1023.9 MiB");
        assert_eq!(show_bytes(i64::MAX), "8388607.9 TiB");
    }
}
