//! Numbers as people read them: sizes in decimal megabytes, as registries give them, and large counts.

/// Returns `bytes` in MB (10⁶ bytes) with one decimal; what is there is never `0.0 MB`.
pub fn megabytes(bytes: u64) -> String {
    let tenths = (u128::from(bytes) + 50_000) / 100_000;
    if tenths == 0 && bytes > 0 {
        return "< 0.1 MB".to_owned();
    }
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// Returns `count` with its thousands apart, for example `318,220`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_one_decimal() {
        assert_eq!(megabytes(0), "0.0 MB");
        assert_eq!(megabytes(32), "< 0.1 MB");
        assert_eq!(megabytes(3_370_706), "3.4 MB");
        assert_eq!(megabytes(999_999), "1.0 MB");
        assert_eq!(megabytes(u64::MAX), "18446744073709.6 MB");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(318_220), "318,220");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }
}
