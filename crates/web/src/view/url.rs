//! Addresses on our own pages.

/// Returns `text` as it is written in a query: `a%20b%26c`.
pub fn urlencoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Returns the address of an uploaded picture.
pub fn picture_url(digest: &str) -> String {
    format!("/pictures/{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_query() {
        assert_eq!(urlencoded("a b&c=d/é#"), "a%20b%26c%3Dd%2F%C3%A9%23");
    }
}
