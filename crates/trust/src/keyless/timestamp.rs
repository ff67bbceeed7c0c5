//! Countersignatures of time (RFC 3161): an authority of the trust root saw a signature, and says
//! when. The answer of the authority is read as it came, a token of CMS (RFC 5652) in it.

use chrono::{DateTime, NaiveDateTime, Utc};
use cms::{
    cert::CertificateChoices,
    content_info::ContentInfo,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::{
    der::{
        Any, Decode as _, Encode as _, Tag, Tagged as _,
        asn1::{ObjectIdentifier, OctetString},
    },
    ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    spki::AlgorithmIdentifierOwned,
};

use super::{KeylessError, TrustRoot};
use crate::notation::Certificate;

/// No answer is larger, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// More certificates in a token are not looked at.
const MAX_CERTIFICATES: usize = 8;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
/// What a token is about: a `TSTInfo`.
const INFO: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
/// Which certificate signed, by a hash that is not SHA-1's (RFC 5816).
const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");
const TIME_STAMPING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.8");
/// RSA without a hash, which CMS says apart.
const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");

/// An authority's word, not yet believed.
struct Token {
    signer: SignerInfo,
    /// What is signed: when, and what was seen.
    info: Vec<u8>,
    at: DateTime<Utc>,
    certificates: Vec<Certificate>,
}

/// Checks that an authority of the trust root saw `signature`; gives when.
///
/// # Errors
/// [`KeylessError::Timestamp`] says what is wrong with the answer.
pub fn verify_timestamp(
    answer: &[u8],
    signature: &[u8],
    root: &TrustRoot,
) -> Result<DateTime<Utc>, KeylessError> {
    let token = Token::read(answer, signature).map_err(KeylessError::Timestamp)?;
    let mut problem = "is by no authority that the market's trust root believes at its time";
    for (pinned, above) in root.stampers(token.at) {
        let offered = pinned.map_or(token.certificates.as_slice(), std::slice::from_ref);
        for certificate in offered.iter().filter(|found| token.names(found)) {
            let checked = token.is_by(certificate);
            match checked.and_then(|()| may_stamp(certificate, above, token.at)) {
                Ok(()) => return Ok(token.at),
                Err(found) => problem = found,
            }
        }
    }
    Err(KeylessError::Timestamp(problem))
}

impl Token {
    fn read(answer: &[u8], signature: &[u8]) -> Result<Self, &'static str> {
        if answer.len() > MAX_ANSWER_BYTES {
            return Err("has more than 64 KiB");
        }
        let data = signed_data(answer).ok_or("is no answer with a token of RFC 3161")?;
        let [signer] = data.signer_infos.0.as_slice() else {
            return Err("has not one signer");
        };
        let content = data.encap_content_info.econtent.as_ref();
        let info = content.and_then(|content| content.decode_as::<OctetString>().ok());
        let info = info.ok_or("is about nothing")?.into_bytes();
        let (at, seen) = read_info(&info).ok_or("does not say what was seen, and when")?;
        if !seen.is_of(signature) {
            return Err("is about another signature");
        }
        let choices = data.certificates.iter().flat_map(|found| found.0.iter());
        let certificates = choices.filter_map(|choice| match choice {
            CertificateChoices::Certificate(found) => found.to_der().ok(),
            CertificateChoices::Other(_) => None,
        });
        Ok(Self {
            signer: signer.clone(),
            at,
            certificates: certificates
                .take(MAX_CERTIFICATES)
                .filter_map(|der| Certificate::from_der(&der).ok())
                .collect(),
            info: info.into_vec(),
        })
    }

    /// Tells whether the token says that this certificate signed it.
    fn names(&self, certificate: &Certificate) -> bool {
        let about = certificate.parsed().tbs_certificate();
        match &self.signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(named) => {
                named.issuer == *about.issuer() && named.serial_number == *about.serial_number()
            }
            SignerIdentifier::SubjectKeyIdentifier(named) => {
                let found = about.get_extension::<SubjectKeyIdentifier>().ok().flatten();
                found.is_some_and(|(_, found)| found == *named)
            }
        }
    }

    /// Checks that the certificate's key signed it (RFC 5652, section 5.6; RFC 3161, 2.4.2).
    fn is_by(&self, certificate: &Certificate) -> Result<(), &'static str> {
        let hash = &self.signer.digest_alg.oid;
        let digest = digest(hash, &self.info).ok_or("is hashed with an algorithm that is weak")?;
        let named = self.attribute(SIGNING_CERTIFICATE);
        let fits = self.attribute(CONTENT_TYPE) == Any::encode_from(&INFO).ok().as_ref()
            && self.attribute(MESSAGE_DIGEST).and_then(octets) == Some(digest)
            && named.and_then(|named| certified(named, certificate.der())) == Some(true);
        if !fits {
            return Err("was altered, or does not say with which certificate it was signed");
        }
        let attributes = self.signer.signed_attrs.as_ref();
        let message = attributes.and_then(|found| found.to_der().ok());
        let algorithm = match self.signer.signature_algorithm.oid {
            RSA => rsa_with(hash),
            other => Some(other),
        };
        let signature = self.signer.signature.as_bytes();
        let signed = message.zip(algorithm).and_then(|(message, algorithm)| {
            certificate.verify_with(algorithm, &message, signature)
        });
        match signed {
            Some(true) => Ok(()),
            Some(false) => Err("is not signed by its authority"),
            None => Err("is signed with an algorithm that is weak or not known here"),
        }
    }

    /// Returns the one value of a signed attribute that is there once.
    fn attribute(&self, oid: ObjectIdentifier) -> Option<&Any> {
        let all = self.signer.signed_attrs.as_ref()?.iter();
        let mut found = all.filter(|attribute| attribute.oid == oid);
        let (Some(attribute), None) = (found.next(), found.next()) else {
            return None;
        };
        match attribute.values.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }
}

/// Reads an answer: granted, and with a token (`TimeStampResp`).
fn signed_data(answer: &[u8]) -> Option<SignedData> {
    let parts = Vec::<Any>::from_der(answer).ok()?;
    let [status, token] = parts.as_slice() else {
        return None;
    };
    let status: Vec<Any> = status.decode_as().ok()?;
    // Granted, also with changes.
    let granted = status.first()?.decode_as::<u8>().ok()? <= 1;
    let token: ContentInfo = token.decode_as().ok()?;
    let data: SignedData = token.content.decode_as().ok()?;
    let is_token = granted && token.content_type == SIGNED_DATA;
    (is_token && data.encap_content_info.econtent_type == INFO).then_some(data)
}

/// The hash of what an authority saw.
struct Seen {
    hash: ObjectIdentifier,
    digest: Vec<u8>,
}

impl Seen {
    fn is_of(&self, bytes: &[u8]) -> bool {
        digest(&self.hash, bytes).is_some_and(|found| found == self.digest)
    }
}

/// Reads when something was seen, and what (`TSTInfo`).
fn read_info(der: &[u8]) -> Option<(DateTime<Utc>, Seen)> {
    let parts = Vec::<Any>::from_der(der).ok()?;
    let [version, _policy, imprint, _serial, time, rest @ ..] = parts.as_slice() else {
        return None;
    };
    // Extensions may change what is meant.
    let plain = !rest.iter().any(
        |part| matches!(part.tag(), Tag::ContextSpecific { number, .. } if number.value() == 1),
    );
    let imprint: Vec<Any> = imprint.decode_as().ok()?;
    let [hash, seen] = imprint.as_slice() else {
        return None;
    };
    let seen = Seen {
        hash: hash.decode_as::<AlgorithmIdentifierOwned>().ok()?.oid,
        digest: octets(seen)?,
    };
    // Fractions of a second are allowed, which DER's own times have not.
    let text = std::str::from_utf8(time.value()).ok()?;
    let at = NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S%.fZ").ok()?;
    let is_time = plain
        && time.tag() == Tag::GeneralizedTime
        && version.decode_as::<u8>().is_ok_and(|version| version == 1);
    is_time.then_some((at.and_utc(), seen))
}

fn octets(value: &Any) -> Option<Vec<u8>> {
    let found: OctetString = value.decode_as().ok()?;
    Some(found.as_bytes().to_vec())
}

/// Tells whether an attribute names the certificate first (`SigningCertificateV2`).
fn certified(attribute: &Any, certificate: &[u8]) -> Option<bool> {
    let parts: Vec<Any> = attribute.decode_as().ok()?;
    let all: Vec<Any> = parts.first()?.decode_as().ok()?;
    let named: Vec<Any> = all.first()?.decode_as().ok()?;
    let found = match named.as_slice() {
        [hash, rest @ ..] if hash.tag() == Tag::Sequence => {
            let hash: AlgorithmIdentifierOwned = hash.decode_as().ok()?;
            octets(rest.first()?)? == digest(&hash.oid, certificate)?
        }
        // SHA-256 is what is meant where nothing is said.
        [found, ..] => octets(found)? == Sha256::digest(certificate).as_slice(),
        [] => return None,
    };
    Some(found)
}

/// Checks that a certificate is for time alone (RFC 3161, section 2.3), and that those above it
/// vouched for it at a time.
fn may_stamp(
    certificate: &Certificate,
    above: &[Certificate],
    at: DateTime<Utc>,
) -> Result<(), &'static str> {
    let about = certificate.parsed().tbs_certificate();
    let (Ok(purposes), Ok(usage)) = (
        about.get_extension::<ExtendedKeyUsage>(),
        about.get_extension::<KeyUsage>(),
    ) else {
        return Err("is by a certificate with extensions that cannot be read");
    };
    let is_for_time =
        purposes.is_some_and(|(critical, found)| critical && found.0 == [TIME_STAMPING]);
    let signs = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
    if !is_for_time || usage.is_some_and(|(_, usage)| (usage.0 & signs).is_empty()) {
        return Err("is by a certificate that is not for stamping alone");
    }
    let (begins, ends) = certificate.validity();
    let vouched = Certificate::chain_vouches(certificate, above, at);
    match vouched && begins <= at && at <= ends {
        true => Ok(()),
        false => Err("is by a certificate that nobody vouched for at its time"),
    }
}

fn digest(hash: &ObjectIdentifier, bytes: &[u8]) -> Option<Vec<u8>> {
    match hash.to_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => Some(Sha256::digest(bytes).to_vec()),
        "2.16.840.1.101.3.4.2.2" => Some(Sha384::digest(bytes).to_vec()),
        "2.16.840.1.101.3.4.2.3" => Some(Sha512::digest(bytes).to_vec()),
        _ => None,
    }
}

/// Returns RSA with a hash, as one algorithm (RFC 8017, PKCS #1 v1.5).
fn rsa_with(hash: &ObjectIdentifier) -> Option<ObjectIdentifier> {
    match hash.to_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => Some(oid("1.2.840.113549.1.1.11")),
        "2.16.840.1.101.3.4.2.2" => Some(oid("1.2.840.113549.1.1.12")),
        "2.16.840.1.101.3.4.2.3" => Some(oid("1.2.840.113549.1.1.13")),
        _ => None,
    }
}
