//! The certificate that an identity signed with: whose it is, and that it stands in a log of
//! certificates (RFC 6962, sections 3.2 and 3.3).

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    der::{Decode as _, asn1::OctetString},
    ext::pkix::{
        BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName,
    },
};

use super::{Identity, KeylessError, TrustRoot};
use crate::notation::Certificate;

/// Where the log's promises stand.
const PROMISES: &str = "1.3.6.1.4.1.11129.2.4.2";
/// The same, in DER.
const PROMISES_DER: [u8; 12] = [6, 10, 0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
/// Who vouched for the identity, as DER text, and as it was written at first (Fulcio's `oid-info`).
const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";
const ISSUER_AT_FIRST: &str = "1.3.6.1.4.1.57264.1.1";
const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
/// More promises of one certificate are not looked at.
const MAX_PROMISES: usize = 16;

/// A signer's certificate.
pub(super) struct Leaf(Certificate);

/// A log's promise that a certificate will stand in it.
struct Promise<'a> {
    log: &'a [u8],
    /// In milliseconds since 1970, big endian.
    time: &'a [u8; 8],
    extensions: &'a [u8],
    signature: &'a [u8],
}

impl Leaf {
    pub(super) fn read(der: &[u8]) -> Result<Self, KeylessError> {
        let read = Certificate::from_der(der).map(Self);
        read.map_err(|_| KeylessError::Certificate("cannot be read"))
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.0
    }

    /// Checks that it is for signing, was given by an authority of the root, and stands in a log.
    pub(super) fn check(&self, root: &TrustRoot, at: DateTime<Utc>) -> Result<(), KeylessError> {
        let refuse = |problem| Err(KeylessError::Certificate(problem));
        if !self.is_for_signing() {
            return refuse("is not for signing code");
        }
        let (begins, ends) = self.0.validity();
        if at < begins || at > ends {
            return refuse("was not in force when the log took the signature");
        }
        let Some(issuer) = root.issuer(self, at) else {
            return refuse("was given by no authority of the market's trust root");
        };
        match self.is_promised(root, issuer) {
            Some(true) => Ok(()),
            _ => refuse("stands in no log of certificates of the market's trust root"),
        }
    }

    fn is_for_signing(&self) -> bool {
        let about = self.0.parsed().tbs_certificate();
        let is_authority = match about.get_extension::<BasicConstraints>() {
            Ok(found) => found.is_some_and(|(_, constraints)| constraints.ca),
            Err(_) => true,
        };
        let usage = about.get_extension::<KeyUsage>().ok().flatten();
        let signs = usage.is_some_and(|(_, usage)| usage.0.contains(KeyUsages::DigitalSignature));
        let purposes = about.get_extension::<ExtendedKeyUsage>().ok().flatten();
        let is_code = |(_, found): (bool, ExtendedKeyUsage)| {
            found.0.iter().any(|oid| oid.to_string() == CODE_SIGNING)
        };
        !is_authority && signs && purposes.is_some_and(is_code)
    }

    /// Returns whose it is: the one alternative name, and who vouched for it.
    pub(super) fn identity(&self) -> Option<Identity> {
        let about = self.0.parsed().tbs_certificate();
        let (_, names) = about.get_extension::<SubjectAltName>().ok()??;
        let [name] = names.0.as_slice() else {
            return None;
        };
        let subject = match name {
            GeneralName::UniformResourceIdentifier(name) => name.as_str(),
            GeneralName::Rfc822Name(name) => name.as_str(),
            _ => return None,
        };
        let issuer = match self.extension(ISSUER) {
            Some(der) => String::from_der(der).ok()?,
            None => String::from_utf8(self.extension(ISSUER_AT_FIRST)?.to_vec()).ok()?,
        };
        Identity::new(&issuer, subject).ok()
    }

    fn extension(&self, oid: &str) -> Option<&[u8]> {
        let mut all = self.0.parsed().tbs_certificate().extensions()?.iter();
        let found = all.find(|extension| extension.extn_id.to_string() == oid)?;
        Some(found.extn_value.as_bytes())
    }

    /// Tells whether one of the logs promised to take it.
    fn is_promised(&self, root: &TrustRoot, issuer: &Certificate) -> Option<bool> {
        let list = OctetString::from_der(self.extension(PROMISES)?).ok()?;
        let without = self.without_promises()?;
        let issuer = Sha256::digest(issuer.spki()?);
        let mut promises = promises(list.as_bytes())?.into_iter();
        Some(promises.any(|promise| {
            let milliseconds = i64::try_from(u64::from_be_bytes(*promise.time)).ok();
            let at = milliseconds.and_then(DateTime::from_timestamp_millis);
            let (Some(at), Some(log)) = (at, root.certificate_log(promise.log)) else {
                return false;
            };
            // Version 1, of a certificate's time; an entry without the promises.
            let head = [&[0, 0][..], promise.time, &[0, 1], &issuer];
            let sizes = [without.len(), promise.extensions.len()].map(|size| size.to_be_bytes());
            let message = [
                &head.concat(),
                &sizes[0][5..],
                &without,
                &sizes[1][6..],
                promise.extensions,
            ];
            log.signed(&message.concat(), promise.signature, at)
        }))
    }

    /// Returns what was to be signed of it before the promises were added.
    fn without_promises(&self) -> Option<Vec<u8>> {
        let certificate = Element::first(self.0.der())?;
        let about = Element::first(certificate.content)?;
        let mut kept = Vec::new();
        let mut rest = about.content;
        while !rest.is_empty() {
            let part = Element::first(rest)?;
            rest = &rest[part.whole.len()..];
            match part.tag {
                // `extensions [3] EXPLICIT`
                0xa3 => kept.extend(wrap(0xa3, &wrap(0x30, &others(part.content)?))),
                _ => kept.extend(part.whole),
            }
        }
        Some(wrap(0x30, &kept))
    }
}

/// Returns the extensions that are no promises, one after the other.
fn others(extensions: &[u8]) -> Option<Vec<u8>> {
    let mut rest = Element::first(extensions)?.content;
    let mut kept = Vec::new();
    while !rest.is_empty() {
        let extension = Element::first(rest)?;
        rest = &rest[extension.whole.len()..];
        if !extension.content.starts_with(&PROMISES_DER) {
            kept.extend(extension.whole);
        }
    }
    Some(kept)
}

/// One element of DER: a tag, a length, and what is in it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Element<'a> {
    fn first(der: &'a [u8]) -> Option<Self> {
        let (&tag, &length) = (der.first()?, der.get(1)?);
        let (head, size) = match length {
            0..=0x7f => (2, usize::from(length)),
            0x81..=0x83 => {
                let head = 2 + usize::from(length & 0x7f);
                let digits = der.get(2..head)?.iter();
                let size = digits.fold(0, |size, digit| size << 8 | usize::from(*digit));
                (head, size)
            }
            _ => return None,
        };
        Some(Self {
            tag,
            content: der.get(head..head + size)?,
            whole: &der[..head + size],
        })
    }
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let size = content.len().to_be_bytes();
    let zeros = size.iter().take_while(|digit| **digit == 0).count();
    let mut element = vec![tag];
    match content.len() {
        0..=0x7f => element.push(size[7]),
        _ => {
            let digits = &size[zeros..];
            element.extend(u8::try_from(digits.len()).map(|count| 0x80 | count));
            element.extend(digits);
        }
    }
    element.extend(content);
    element
}

/// Reads a list of promises (`SignedCertificateTimestampList`).
fn promises(list: &[u8]) -> Option<Vec<Promise<'_>>> {
    let (mut rest, _) = counted(list)?;
    let mut found = Vec::new();
    while !rest.is_empty() && found.len() < MAX_PROMISES {
        let (promise, after) = counted(rest)?;
        rest = after;
        let (version, promise) = promise.split_first()?;
        let (log, promise) = promise.split_at_checked(32)?;
        let (time, promise) = promise.split_first_chunk::<8>()?;
        let (extensions, promise) = counted(promise)?;
        // ECDSA over SHA-256 is the only kind here.
        let signature = promise.strip_prefix(&[4, 3]);
        if let (0, Some(signature)) = (version, signature) {
            found.push(Promise {
                log,
                time,
                extensions,
                signature: counted(signature)?.0,
            });
        }
    }
    Some(found)
}

/// Splits off what a length of two bytes counts.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))
}
