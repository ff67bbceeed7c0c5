//! Certificates around keys (RFC 5280): what Notary's root keys and many delegation keys are.
//!
//! Their signatures are not looked at. A root is trusted because its own key signed it and
//! clients pin it; the certificate carries the name of the one repository it is for, and when
//! it ends.

use chrono::{DateTime, TimeDelta, Utc};
use x509_cert::{
    Certificate as X509,
    der::{Encode as _, oid::ObjectIdentifier},
    ext::pkix::BasicConstraints,
};

/// A bundle is a certificate and those that vouch for it.
const MOST_IN_BUNDLE: usize = 8;
/// Clocks may be apart: a certificate may begin a day from now, as in the reference.
const LEEWAY: TimeDelta = TimeDelta::days(1);
/// Signatures over SHA-1 (RFC 3279): RSA, DSA, ECDSA.
const SHA1: [&str; 3] = [
    "1.2.840.113549.1.1.5",
    "1.2.840.10040.4.3",
    "1.2.840.10045.4.1",
];

/// What is read of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Whom it is for: a GUN, or the beginning of several with `*` at its end.
    pub(super) common_name: String,
    /// The key, as SPKI DER.
    pub(super) spki: Vec<u8>,
    begins: DateTime<Utc>,
    ends: DateTime<Utc>,
    is_ca: bool,
    sha1: bool,
}

impl Certificate {
    /// Returns whether it is for `gun`.
    pub(super) fn is_for(&self, gun: &str) -> bool {
        match self.common_name.strip_suffix('*') {
            Some(prefix) => gun.starts_with(prefix),
            None => self.common_name == gun,
        }
    }

    /// Returns whether it may be used at all, whatever the time.
    pub(super) fn is_sound(&self) -> bool {
        self.begins <= self.ends && !self.sha1
    }

    /// Returns whether `now` is within its time.
    pub(super) fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        self.begins <= now + LEEWAY && now <= self.ends
    }
}

/// Reads the PEM blocks of `pem` and returns the first certificate, and whether it alone is
/// no authority's, as it must be for a root key.
pub(super) fn first(pem: &[u8]) -> Option<(Certificate, bool)> {
    let blocks = pem
        .windows(11)
        .filter(|part| part == b"-----BEGIN ")
        .count();
    if blocks == 0 || blocks > MOST_IN_BUNDLE {
        return None;
    }
    let chain = X509::load_pem_chain(pem).ok()?;
    let mut chain = chain.iter().map(read);
    let first = chain.next()??;
    let others_vouch = chain.all(|other| other.is_some_and(|other| other.is_ca));
    let is_leaf = !first.is_ca && others_vouch;
    Some((first, is_leaf))
}

fn read(certificate: &X509) -> Option<Certificate> {
    let about = certificate.tbs_certificate();
    let constraints = about.get_extension::<BasicConstraints>().ok()?;
    let time = |time: x509_cert::time::Time| {
        let seconds = time.to_unix_duration().as_secs();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
    };
    let name = about.subject().common_name().ok()?;
    let algorithm = certificate.signature_algorithm().oid;
    Some(Certificate {
        common_name: name
            .map(|name| name.value().into_owned())
            .unwrap_or_default(),
        spki: about.subject_public_key_info().to_der().ok()?,
        begins: time(about.validity().not_before)?,
        ends: time(about.validity().not_after)?,
        is_ca: constraints.is_some_and(|(_, constraints)| constraints.ca),
        sha1: SHA1
            .iter()
            .any(|oid| ObjectIdentifier::new_unwrap(oid) == algorithm),
    })
}
