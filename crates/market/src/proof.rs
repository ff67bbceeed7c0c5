//! How a publisher proves that its company e-mail and its website are its own.
//!
//! The e-mail by a link that is sent there. The domain by a text that only its keeper can put
//! there: into a TXT record or into a file of the website (publish guide, "Verified Publisher
//! profile", asks for both of a company).

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::text::text_enum;

/// How long a link by which an e-mail address is proven holds.
pub const EMAIL_PROOF_LIFE: TimeDelta = TimeDelta::days(3);

/// How long an invitation into a publisher holds.
pub const INVITATION_LIFE: TimeDelta = TimeDelta::days(7);

/// Invitations of one publisher that may wait, or be sent in a day.
pub const MOST_INVITATIONS: usize = 20;

/// The label below a domain whose TXT record proves it.
pub const DOMAIN_RECORD: &str = "_plimsoll-challenge";

/// The file of a website that proves its domain.
pub const DOMAIN_FILE: &str = "/.well-known/plimsoll/domain.txt";

/// Times a domain is looked at, after it was asked for, before that is given up.
pub const DOMAIN_LOOKS: i64 = 8;

/// Least time between two links to the same address.
const EMAIL_PAUSE: TimeDelta = TimeDelta::minutes(2);
/// Most links to the same address in a day.
const EMAILS_A_DAY: usize = 5;
/// Least time between two requests to look at a domain.
const DOMAIN_PAUSE: TimeDelta = TimeDelta::seconds(20);

text_enum! {
    /// Where the text was found that proves a domain.
    DomainProof {
        /// In a TXT record.
        Record = "dns-record",
        /// In a file of the website.
        File = "file",
    }
}

impl DomainProof {
    /// Returns it as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Record => "a TXT record",
            Self::File => "a file of the website",
        }
    }
}

/// Checks that another link may be sent to an address, where `sent` is when earlier ones were.
///
/// # Errors
/// Gives when the next may be.
pub fn may_mail_again(sent: &[DateTime<Utc>], now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
    let day_ago = now - TimeDelta::days(1);
    let mut today: Vec<_> = sent.iter().copied().filter(|at| *at > day_ago).collect();
    today.sort_unstable();
    let Some(last) = today.last() else {
        return Ok(());
    };
    let mut next = *last + EMAIL_PAUSE;
    if let Some(place) = today.len().checked_sub(EMAILS_A_DAY) {
        next = next.max(today[place] + TimeDelta::days(1));
    }
    if next > now { Err(next) } else { Ok(()) }
}

/// Returns whether a domain may be looked at again that was last looked at so long ago.
pub fn may_look_again(looked: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    looked.is_none_or(|at| now - at >= DOMAIN_PAUSE)
}

/// Returns the domain that a website proves to belong to whoever says so: its host without
/// `www.`; none where the host is an address or no name of the public DNS.
pub fn website_domain(website: &str) -> Option<String> {
    let (_, rest) = website.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host.split(':').next()?.to_ascii_lowercase();
    domain(host.strip_prefix("www.").unwrap_or(&host))
}

/// Returns the domain of an e-mail address; none where it is no name of the public DNS.
pub fn email_domain(email: &str) -> Option<String> {
    let (_, host) = email.rsplit_once('@')?;
    domain(&host.to_ascii_lowercase())
}

/// Returns whether two domains are the same, or one is below the other.
pub fn domains_agree(one: &str, other: &str) -> bool {
    let below = |long: &str, short: &str| {
        let rest = long.strip_suffix(short);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    below(one, other) || below(other, one)
}

/// Returns the text that proves a domain.
pub fn domain_text(secret: &str) -> String {
    format!("plimsoll-verification={secret}")
}

/// Returns whether `found` has a line that is the expected text.
pub fn has_domain_text(found: &str, expected: &str) -> bool {
    found.lines().any(|line| line.trim() == expected)
}

fn domain(host: &str) -> Option<String> {
    let legal = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_name = host.len() <= 200
        && host.contains('.')
        && host.split('.').all(legal)
        && host.parse::<IpAddr>().is_err()
        // No top level is a number, and some resolvers read numbers as addresses.
        && !host.ends_with(|last: char| last.is_ascii_digit());
    is_name.then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_websites_domain_is_its_host_without_www() {
        let check = |website: &str, expected: Option<&str>| {
            assert_eq!(website_domain(website).as_deref(), expected, "{website}");
        };
        check("https://acme.example", Some("acme.example"));
        check("https://WWW.Acme.Example:8443/en?x#y", Some("acme.example"));
        check("https://shop.acme.example/", Some("shop.acme.example"));
        check("https://you@acme.example/", Some("acme.example"));
        check("https://xn--hfen-5qa.example", Some("xn--hfen-5qa.example"));
        for none in [
            "https://häfen.example",
            "https://localhost",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://0x7f.1",
            "https://-a.example",
            "https://a..example",
            "https://a_b.example",
            "acme.example",
            "https://",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn an_addresses_domain_is_compared_with_the_websites() {
        let domain = |email: &str| email_domain(email);
        assert_eq!(
            domain("sales@Acme.example").as_deref(),
            Some("acme.example")
        );
        assert_eq!(
            domain("\"a@b\"@acme.example").as_deref(),
            Some("acme.example")
        );
        assert_eq!(domain("sales@localhost"), None);
        assert!(domains_agree("acme.example", "acme.example"));
        assert!(domains_agree("mail.acme.example", "acme.example"));
        assert!(domains_agree("acme.example", "shop.acme.example"));
        assert!(!domains_agree("badacme.example", "acme.example"));
        assert!(!domains_agree("acme.example", "other.example"));
    }

    #[test]
    fn the_text_stands_on_a_line_of_its_own() {
        let expected = domain_text("abc");
        assert!(has_domain_text(
            "x\r\n  plimsoll-verification=abc \r\n",
            &expected
        ));
        assert!(!has_domain_text("plimsoll-verification=abcd", &expected));
        assert!(!has_domain_text(
            "<p>plimsoll-verification=abc</p>",
            &expected
        ));
    }

    #[test]
    fn links_are_sent_with_pauses() {
        let at = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        assert_eq!(may_mail_again(&[], at(0)), Ok(()));
        assert_eq!(may_mail_again(&[at(0)], at(1)), Err(at(2)));
        assert_eq!(may_mail_again(&[at(0)], at(2)), Ok(()));
        let five = [at(0), at(10), at(20), at(30), at(40)];
        assert_eq!(may_mail_again(&five, at(60)), Err(at(24 * 60)));
        assert_eq!(may_mail_again(&five, at(24 * 60)), Ok(()));
    }

    proptest! {
        #[test]
        fn no_more_links_than_five_a_day(waits in prop::collection::vec(0_i64..400, 0..60)) {
            let (mut sent, mut now) = (Vec::new(), DateTime::UNIX_EPOCH);
            for wait in waits {
                now += TimeDelta::minutes(wait);
                match may_mail_again(&sent, now) {
                    Ok(()) => sent.push(now),
                    Err(next) => prop_assert!(next > now && may_mail_again(&sent, next).is_ok()),
                }
            }
            for window in sent.windows(6) {
                prop_assert!(window[5] - window[0] >= TimeDelta::days(1));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,80}") {
            drop((website_domain(&text), email_domain(&text)));
        }

        #[test]
        fn a_domain_is_a_name_of_the_dns(host in "[a-z0-9.:@/-]{0,40}") {
            if let Some(domain) = website_domain(&format!("https://{host}")) {
                prop_assert!(domain.split('.').count() >= 2);
                prop_assert!(domain.split('.').all(|label| !label.is_empty()));
            }
        }
    }
}
