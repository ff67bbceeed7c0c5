//! The certificate that an identity signed with: whose it is, and that it stands in a log of
//! certificates (RFC 6962, sections 3.2 and 3.3).

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    der::{
        Any, Decode as _, Encode as _,
        asn1::{ObjectIdentifier, OctetString},
    },
    ext::{
        Extensions,
        pkix::{
            BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
            name::GeneralName,
        },
    },
};

use super::{Identity, KeylessError, TrustRoot};
use crate::notation::Certificate;

/// Where the log's promises stand.
const PROMISES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
/// Who vouched for the identity, as DER text, and as it was written at first (Fulcio's `oid-info`).
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const ISSUER_AT_FIRST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
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

    /// Checks that it is for signing, was given by an authority of the root that was believed at
    /// each of these times, and stands in a log, where the root names any.
    pub(super) fn check(
        &self,
        root: &TrustRoot,
        times: &[DateTime<Utc>],
    ) -> Result<(), KeylessError> {
        let refuse = |problem| Err(KeylessError::Certificate(problem));
        if !self.is_for_signing() {
            return refuse("is not for signing code");
        }
        let (begins, ends) = self.0.validity();
        for at in times {
            if *at < begins || *at > ends {
                return refuse("was not in force when the signature was made");
            }
            let Some(issuer) = root.issuer(self, *at) else {
                return refuse("was given by no authority of the market's trust root");
            };
            if root.names_logs() && self.is_promised(root, issuer) != Some(true) {
                return refuse("stands in no log of certificates of the market's trust root");
            }
        }
        Ok(())
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
        let is_code = |(_, found): (bool, ExtendedKeyUsage)| found.0.contains(&CODE_SIGNING);
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

    fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let mut all = self.0.parsed().tbs_certificate().extensions()?.iter();
        let found = all.find(|extension| extension.extn_id == oid)?;
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
        let about = self.0.parsed().tbs_certificate().to_der().ok()?;
        let mut parts = Vec::<Any>::from_der(&about).ok()?;
        // Extensions come last.
        let last = parts.last_mut()?;
        let mut extensions = Extensions::from_der(last.value()).ok()?;
        extensions.retain(|extension| extension.extn_id != PROMISES);
        *last = Any::new(last.header().tag(), extensions.to_der().ok()?).ok()?;
        parts.to_der().ok()
    }
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
