//! What programs are told of over HTTP, who may hear what, and how long it is tried.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{AccountId, IdError, PublisherId, text::text_enum};

text_enum! {
    /// What an event is about. On the wire `plimsoll.` stands before it.
    EventKind {
        /// A release is on the market.
        Released = "listing.released",
        /// A listing was put on hold.
        OnHold = "listing.on-hold",
        /// A hold was lifted.
        Reinstated = "listing.reinstated",
        /// A listing was revoked.
        Revoked = "listing.revoked",
        /// A product was taken off the market by its publisher.
        Withdrawn = "listing.withdrawn",
        /// A publisher no longer offers a tag.
        TagWithdrawn = "listing.tag-withdrawn",
        /// A submission was inspected, or could not be.
        Inspected = "submission.inspected",
        /// A submission was approved, sent back or rejected.
        Decided = "submission.decided",
        /// Somebody wrote in a review thread.
        Remark = "submission.remark",
        /// A promise to fix begins.
        PromiseBegun = "promise.begun",
        /// A promise to fix ends soon.
        FixDue = "promise.ends-soon",
        /// A publisher was verified, turned down or suspended.
        Publisher = "publisher.decided",
    }
}

impl EventKind {
    /// Returns what it is about, as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Released => "A new release",
            Self::OnHold => "A listing was put on hold",
            Self::Reinstated => "A hold was lifted",
            Self::Revoked => "A listing was revoked",
            Self::Withdrawn => "A product was withdrawn",
            Self::TagWithdrawn => "A tag was withdrawn",
            Self::Inspected => "A submission was inspected",
            Self::Decided => "A submission was decided on",
            Self::Remark => "A remark in a review",
            Self::PromiseBegun => "A promise to fix begins",
            Self::FixDue => "A promise to fix ends soon",
            Self::Publisher => "A decision on a publisher",
        }
    }

    /// Returns whether subscribers may hear of it: what becomes of a listing, which everybody
    /// can see. The rest is between publisher and operator.
    pub fn is_public(self) -> bool {
        matches!(
            self,
            Self::Released
                | Self::OnHold
                | Self::Reinstated
                | Self::Revoked
                | Self::Withdrawn
                | Self::TagWithdrawn
        )
    }
}

text_enum! {
    /// How the delivery of an event fares.
    DeliveryState {
        /// It is to be sent.
        Waiting = "waiting",
        /// The receiver took it.
        Delivered = "delivered",
        /// It was given up.
        Failed = "failed",
    }
}

/// Whose a webhook is, which decides what it hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookOwner {
    /// A person: of the products they are subscribed to.
    Account(AccountId),
    /// A publisher: of its products, submissions and promises.
    Publisher(PublisherId),
    /// The operator: of everything.
    Market,
}

/// The word for the operator where identifiers stand.
const MARKET: &str = "market";

impl WebhookOwner {
    /// Returns the identifier, or `market`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Account(id) => id.as_str(),
            Self::Publisher(id) => id.as_str(),
            Self::Market => MARKET,
        }
    }
}

impl fmt::Display for WebhookOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WebhookOwner {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == MARKET {
            return Ok(Self::Market);
        }
        match text.parse() {
            Ok(id) => Ok(Self::Publisher(id)),
            Err(_) => Ok(Self::Account(text.parse()?)),
        }
    }
}

impl TryFrom<String> for WebhookOwner {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

/// Times an event is sent before it is given up: once, and eight times again, with the pauses
/// that mail has ([`crate::mail_back_off`]); a little more than four hours.
pub const WEBHOOK_ATTEMPTS: i64 = 9;

/// Returns whether a webhook that has taken nothing since `failing_since` is to be disabled.
pub fn is_hopeless(failing_since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - failing_since >= TimeDelta::days(5)
}

/// Longest address of a webhook, in bytes.
pub const MAX_WEBHOOK_URL: usize = 1_000;

/// Checks where events are to be sent; plain HTTP only where the operator permits it.
///
/// # Errors
/// What is wrong with it, for whoever wrote it.
pub fn check_webhook_url(url: &str, over_http: bool) -> Result<(), &'static str> {
    let rest = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => rest,
        (_, Some(rest)) if over_http => rest,
        (_, Some(_)) => return Err("use https://: the operator permits nothing else"),
        _ => return Err("use an address that starts with https://"),
    };
    if url.len() > MAX_WEBHOOK_URL {
        return Err("the address has more than 1000 bytes");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("write spaces and letters beyond ASCII as %XX");
    }
    if url.contains('#') {
        return Err("leave out `#` and what follows: it is never sent");
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("leave out user and password: the signature says who sends");
    }
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    if host.is_empty() {
        return Err("the address names no host");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_https_unless_the_operator_permits_less() {
        for good in [
            "https://hooks.example/a?b=c",
            "https://hooks.example:8443",
            "https://[2606:4700::1]/",
        ] {
            assert_eq!(check_webhook_url(good, false), Ok(()), "{good}");
        }
        assert!(check_webhook_url("http://hooks.example/", false).is_err());
        assert_eq!(check_webhook_url("http://127.0.0.1:9/", true), Ok(()));
        for bad in [
            "",
            "hooks.example",
            "ftp://hooks.example",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://:443/",
            "https://ann:secret@hooks.example/",
            "https://hooks.example/a b",
            "https://hooks.example/ä",
            "https://hooks.example/#part",
            "https://hooks.example/\r\nX: y",
        ] {
            assert!(check_webhook_url(bad, true).is_err(), "{bad:?}");
        }
        let long = format!("https://hooks.example/{}", "a".repeat(MAX_WEBHOOK_URL));
        assert!(check_webhook_url(&long, true).is_err());
    }

    #[test]
    fn owners_are_read_as_they_are_written() {
        let at = DateTime::UNIX_EPOCH;
        for owner in [
            WebhookOwner::Market,
            WebhookOwner::Account(AccountId::new(at, [1; 10])),
            WebhookOwner::Publisher(PublisherId::new(at, [2; 10])),
        ] {
            assert_eq!(owner.to_string().parse(), Ok(owner));
        }
        assert!("somebody".parse::<WebhookOwner>().is_err());
    }

    proptest! {
        #[test]
        fn no_address_has_room_for_a_header(url in "https?://[ -~\\r\\n\\t\u{e4}]{0,40}") {
            if check_webhook_url(&url, true).is_ok() {
                prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
