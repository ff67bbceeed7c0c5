//! Identifiers: one type each, so that none is taken for another.
//! Written `prefix_` and 26 characters of time and chance (the ULID's layout), so that
//! they sort by when they were made.

use std::fmt;

use chrono::{DateTime, Utc};

/// Sixteen bytes in Crockford's base 32.
fn ulid(at: DateTime<Utc>, random: [u8; 10]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let millis = u128::try_from(at.timestamp_millis().max(0)).unwrap_or(0);
    let chance = random
        .iter()
        .fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let value = (millis << 80) | chance;
    (0..26)
        .rev()
        .map(|place| char::from(ALPHABET[((value >> (place * 5)) & 31) as usize]))
        .collect()
}

/// An identifier that is malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no identifier of this kind: expected `{1}_` and 26 characters")]
pub struct IdError(String, &'static str);

macro_rules! id_type {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Makes a new one from the time and ten random bytes.
            pub fn new(at: DateTime<Utc>, random: [u8; 10]) -> Self {
                Self(format!(concat!($prefix, "_{}"), ulid(at, random)))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let legal = text.strip_prefix(concat!($prefix, "_"))
                    .is_some_and(|rest| rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
                if legal { Ok(Self(text.to_owned())) } else {
                    Err(IdError(text.chars().take(80).collect(), $prefix))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> { text.parse() }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

id_type! {
    /// A person or machine that signs in.
    AccountId = "acc";
    /// A personal access token.
    TokenId = "tok";
    /// Something that happened once; all that is told of it names it.
    EventId = "evt";
    /// An organisation that publishes.
    PublisherId = "pub";
    /// A publisher's registered signing key.
    KeyId = "key";
    /// A product.
    ProductId = "prd";
    /// A submission: an immutable snapshot for review.
    SubmissionId = "sub";
    /// A remark in a review thread.
    CommentId = "cmt";
    /// A finding on a submission.
    FindingId = "fnd";
    /// A statement about a vulnerability in a product.
    VexId = "vex";
    /// A classification by hand.
    ClassificationId = "cls";
    /// A vulnerability that was added by hand.
    OwnAdvisoryId = "adv";
    /// A waiver of a certification check.
    WaiverId = "wvr";
    /// A template of a decision.
    TemplateId = "tpl";
    /// A release.
    ReleaseId = "rel";
    /// A subscription to a plan.
    SubscriptionId = "sbn";
    /// A repository of the registry.
    RepositoryId = "rep";
    /// An open upload.
    UploadId = "upl";
    /// A job in the queue.
    JobId = "job";
    /// A record of the audit log.
    AuditId = "aud";
    /// A pull of a released image.
    PullId = "pul";
    /// A notice to somebody.
    NoticeId = "ntc";
    /// A letter to an address that needs no account.
    LetterId = "ltr";
    /// A run of work on the store itself, such as a collection.
    RunId = "run";
    /// An import of an image from another registry.
    ImportId = "imp";
    /// A webhook.
    WebhookId = "whk";
    /// An event on its way to a webhook; its receiver knows it by this.
    DeliveryId = "msg";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_by_time_and_keeps_its_kind() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let early = ProductId::new(at(1_000), [255; 10]);
        let late = ProductId::new(at(2_000), [0; 10]);
        assert!(early < late);
        assert_eq!(early.as_str().parse(), Ok(early.clone()));
        assert!(early.as_str().parse::<AccountId>().is_err());
    }
}
