//! E-mail addresses, as the HTML standard has them ("valid email address"): what a browser lets
//! people type. A domain in other letters is written in its ASCII form.

/// Most bytes of an address (RFC 5321 §4.5.3.1.3, without the angle brackets).
const MOST: usize = 254;
/// Most bytes of a label of a domain (RFC 1034 §3.1).
const MOST_LABEL: usize = 63;

/// Returns whether a text is an e-mail address.
pub fn is_email(text: &str) -> bool {
    let in_local = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    let is_label = |label: &str| {
        (1..=MOST_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= MOST
        && !local.is_empty()
        && local.bytes().all(in_local)
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_a_browser_takes() {
        for good in [
            "ann@example.com",
            "a@b",
            "o'neil+x@xn--bcher-kva.example",
            "a..b@c.d",
        ] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "", "ann", "@b", "a@", "a@b.", "a@.b", "a@-b.c", "a@b-", "a@b@c", "a b@c", "ä@b",
            "a@ä.de", "a\u{4}@b", "a@b\n", "<a@b>", "\"a\"@b", &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
