//! Notation's signatures: recorded ones of its own client, ours, and altered ones.

use chrono::{DateTime, TimeDelta, Utc};
use oci::{Descriptor, Digest, media_type};
use plimsoll_trust::{
    PublicKey, certificate_pem,
    notation::{
        COSE, Certificate, Certified, JWS, MAX_ENVELOPE_BYTES, NotationError, SIGNATURE, Trusted,
        Verified, certify, verify as verify_by,
    },
};
use proptest::prelude::*;

use crate::key;

/// What is done to a chain of certificates.
type Change = dyn Fn(&mut Vec<serde_json::Value>);

macro_rules! fixture {
    ($($part:literal),+) => {
        include_bytes!(concat!("../fixtures/notation/", $($part),+)).as_slice()
    };
}

/// Name, certificate, JWS, COSE.
type Recorded = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

macro_rules! recorded {
    ($name:literal, $algorithm:literal) => {
        (
            $algorithm,
            fixture!($name, ".pem"),
            fixture!($name, ".jws"),
            fixture!($name, ".cose"),
        )
    };
}

const RECORDED: [Recorded; 7] = [
    recorded!("es256", "ES256"),
    recorded!("es384", "ES384"),
    recorded!("es512", "ES512"),
    recorded!("ps256", "PS256"),
    recorded!("ps384", "PS384"),
    recorded!("ps512", "PS512"),
    recorded!("chain", "ES256"),
];

fn certificate(pem: &[u8]) -> Certificate {
    Certificate::from_pem(str::from_utf8(pem).expect("text")).expect("a certificate")
}

fn image() -> Descriptor {
    let manifest = fixture!("image.json");
    Descriptor::new(
        media_type::OCI_MANIFEST,
        Digest::of(manifest),
        manifest.len() as u64,
    )
}

/// Verifies by certificates.
fn verify(
    envelope: (&str, &[u8]),
    image: &Descriptor,
    trusted: &[Certificate],
    now: DateTime<Utc>,
) -> Result<Verified, NotationError> {
    verify_by(envelope, image, Trusted::Certificates(trusted), now)
}

/// The evening of the day on which the recordings were made.
fn now() -> DateTime<Utc> {
    "2026-11-27T20:00:00Z".parse().expect("a time")
}

#[test]
fn recorded_signatures_hold() {
    for (algorithm, pem, jws, cose) in RECORDED {
        let trusted = [certificate(pem)];
        for envelope in [(JWS, jws), (COSE, cose)] {
            let verified = verify(envelope, &image(), &trusted, now());
            let verified = verified.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
            assert_eq!(verified.algorithm, algorithm);
            assert_eq!(verified.thumbprint, trusted[0].thumbprint());
            assert_eq!(verified.signed_at.date_naive(), now().date_naive());
            assert_eq!(verified.expires_at, None);
        }
    }
}

#[test]
fn any_certificate_of_the_chain_may_be_the_trusted_one() {
    let (_, _, jws, cose) = RECORDED[6];
    for pem in [fixture!("root.pem"), fixture!("intermediate.pem")] {
        let trusted = [certificate(pem)];
        for envelope in [(JWS, jws), (COSE, cose)] {
            let verified = verify(envelope, &image(), &trusted, now()).expect("it holds");
            assert_eq!(verified.thumbprint, trusted[0].thumbprint());
            assert_eq!(verified.subject, "CN=Acme Signing,O=Acme,ST=London,C=GB");
        }
    }
    let strangers = [certificate(fixture!("es256.pem"))];
    for envelope in [(JWS, jws), (COSE, cose)] {
        let error = verify(envelope, &image(), &strangers, now());
        assert!(
            matches!(error, Err(NotationError::Untrusted(_))),
            "{error:?}"
        );
    }
}

#[test]
fn time_ends_signatures() {
    let trusted = [certificate(fixture!("es256.pem"))];
    let expiring = [
        (JWS, fixture!("es256-expiry.jws")),
        (COSE, fixture!("es256-expiry.cose")),
    ];
    for envelope in expiring {
        let verified = verify(envelope, &image(), &trusted, now()).expect("it holds");
        let expiry = verified.expires_at.expect("it ends");
        let at = |time| verify(envelope, &image(), &trusted, time);
        assert!(at(expiry - TimeDelta::seconds(1)).is_ok());
        assert!(matches!(at(expiry), Err(NotationError::Time(_))));
        // Before it was made, and before the certificate began.
        let early = at(verified.signed_at - TimeDelta::minutes(20));
        assert!(
            matches!(early, Err(NotationError::Certificate { .. })),
            "{early:?}"
        );
    }
    let (_, ends) = trusted[0].validity();
    let (_, _, jws, cose) = RECORDED[0];
    for envelope in [(JWS, jws), (COSE, cose)] {
        let late = verify(envelope, &image(), &trusted, ends + TimeDelta::seconds(1));
        assert!(
            matches!(late, Err(NotationError::Certificate { .. })),
            "{late:?}"
        );
    }
}

#[test]
fn a_signature_is_for_one_image_in_one_form() {
    let trusted = [certificate(fixture!("es256.pem"))];
    let (_, _, jws, cose) = RECORDED[0];
    let others = [
        Descriptor::new(media_type::OCI_MANIFEST, Digest::of(b"other"), image().size),
        Descriptor { size: 1, ..image() },
        Descriptor {
            media_type: media_type::OCI_INDEX.to_owned(),
            ..image()
        },
    ];
    for other in others {
        for envelope in [(JWS, jws), (COSE, cose)] {
            let error = verify(envelope, &other, &trusted, now());
            assert!(
                matches!(error, Err(NotationError::OtherDigest { .. })),
                "{error:?}"
            );
        }
    }
    for envelope in [(COSE, jws), (JWS, cose)] {
        let error = verify(envelope, &image(), &trusted, now());
        assert!(
            matches!(error, Err(NotationError::Malformed(_))),
            "{error:?}"
        );
    }
    let error = verify(("text/plain", jws), &image(), &trusted, now());
    assert!(matches!(error, Err(NotationError::Kind(_))), "{error:?}");
    let large = vec![b' '; MAX_ENVELOPE_BYTES + 1];
    let error = verify((JWS, &large), &image(), &trusted, now());
    assert_eq!(error, Err(NotationError::TooLarge));
}

/// Alters the protected attributes of a recorded envelope, which breaks its signature; what is
/// wrong with the attributes is said first.
fn altered(change: impl Fn(&mut serde_json::Value)) -> NotationError {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut envelope: serde_json::Value =
        serde_json::from_slice(fixture!("es256-expiry.jws")).expect("JSON");
    let protected = envelope["protected"].as_str().expect("text");
    let protected = URL_SAFE_NO_PAD.decode(protected).expect("base64url");
    let mut protected = serde_json::from_slice(&protected).expect("JSON");
    change(&mut protected);
    envelope["protected"] = URL_SAFE_NO_PAD.encode(protected.to_string()).into();
    let bytes = envelope.to_string().into_bytes();
    let trusted = [certificate(fixture!("es256.pem"))];
    verify((JWS, &bytes), &image(), &trusted, now()).expect_err("it was altered")
}

#[test]
fn attributes_are_looked_at_strictly() {
    use serde_json::json;
    const TIME: &str = "io.cncf.notary.signingTime";
    const AUTHENTIC: &str = "io.cncf.notary.authenticSigningTime";
    const SCHEME: &str = "io.cncf.notary.signingScheme";
    const EXPIRY: &str = "io.cncf.notary.expiry";
    let attributes = [
        altered(|found| found["crit"] = json!([SCHEME])),
        altered(|found| found["crit"] = json!([EXPIRY])),
        altered(|found| found["crit"] = json!([SCHEME, EXPIRY, AUTHENTIC])),
        altered(|found| found["cty"] = json!("text/plain")),
        altered(|found| found[SCHEME] = json!("notary.x510")),
        altered(|found| found[SCHEME] = json!("notary.x509.signingAuthority")),
        altered(|found| found[AUTHENTIC] = found[TIME].clone()),
        altered(|found| found[TIME] = json!(null)),
    ];
    for error in attributes {
        assert!(matches!(error, NotationError::Attributes(_)), "{error:?}");
    }
    for algorithm in ["none", "HS256", "RS256", "ES256K", "EdDSA", "es256"] {
        let error = altered(|found| found["alg"] = json!(algorithm));
        assert_eq!(error, NotationError::Algorithm(algorithm.to_owned()));
    }
    let other = altered(|found| found["alg"] = json!("ES384"));
    assert!(
        matches!(other, NotationError::Certificate { .. }),
        "{other:?}"
    );
    let plugin = "io.cncf.notary.verificationPlugin";
    let error = altered(|found| {
        found[plugin] = json!("com.example.plugin");
        found["crit"] = json!([SCHEME, EXPIRY, plugin]);
    });
    assert_eq!(error, NotationError::Critical(plugin.to_owned()));
    let error = altered(|found| found[TIME] = json!("2026-11-27T13:00:00Z"));
    assert!(matches!(error, NotationError::Signature(_)), "{error:?}");
}

#[test]
fn chains_are_looked_at_strictly() {
    let (_, _, jws, _) = RECORDED[6];
    let trusted = [certificate(fixture!("root.pem"))];
    let with_chain = |change: &dyn Fn(&mut Vec<serde_json::Value>)| {
        let mut envelope: serde_json::Value = serde_json::from_slice(jws).expect("JSON");
        let chain = envelope["header"]["x5c"].as_array_mut().expect("a list");
        change(chain);
        let bytes = envelope.to_string().into_bytes();
        verify((JWS, &bytes), &image(), &trusted, now()).expect_err("it was altered")
    };
    let changes: [&Change; 5] = [
        &|chain| chain.truncate(2),
        &|chain| chain.truncate(1),
        &|chain| chain.swap(1, 2),
        &|chain| chain.rotate_left(1),
        &|chain| chain.push(chain[2].clone()),
    ];
    for change in changes {
        let error = with_chain(change);
        assert!(
            matches!(error, NotationError::Certificate { .. }),
            "{error:?}"
        );
    }
    let counts: [&Change; 2] = [&|chain| chain.clear(), &|chain| {
        *chain = vec![chain[0].clone(); 17];
    }];
    for change in counts {
        let error = with_chain(change);
        assert!(matches!(error, NotationError::Malformed(_)), "{error:?}");
    }
}

#[test]
fn what_we_sign_holds_and_is_the_same_each_time() {
    let (key7, again) = (key(7), key(7));
    let certificate = certify(&key7, "market.example").expect("a name");
    assert_eq!(Ok(&certificate), certify(&again, "market.example").as_ref());
    let (signer, again) = (
        Certified::new(&key7, &certificate),
        Certified::new(&again, &certificate),
    );
    let envelope = signer.sign(&image(), now()).expect("signed");
    assert_eq!(Ok(&envelope), again.sign(&image(), now()).as_ref());
    let trusted = [Certificate::from_pem(&certificate_pem(&certificate)).expect("a certificate")];
    let verified = verify((JWS, &envelope), &image(), &trusted, now()).expect("it holds");
    assert_eq!(verified.subject, "CN=market.example");
    let by_key = |key: &PublicKey| verify_by((JWS, &envelope), &image(), Trusted::Key(key), now());
    assert_eq!(by_key(&key(7).public()), Ok(verified));
    assert!(matches!(
        by_key(&key(8).public()),
        Err(NotationError::Untrusted(_))
    ));
    let manifest = signer.manifest(&envelope, image(), now());
    let carrier = manifest.image().expect("an image");
    assert_eq!(carrier.artifact_type.as_deref(), Some(SIGNATURE));
    assert_eq!(carrier.layers[0].digest, Digest::of(&envelope));
}

/// Who makes a certificate and signs at once may have a clock that is behind that of the authority.
#[test]
fn a_certificate_may_begin_a_few_minutes_from_now() {
    let key = key(7);
    let certificate = certify(&key, "market.example").expect("a name");
    let (begins, _) = Certificate::from_der(&certificate)
        .expect("it is one")
        .validity();
    let at = |minutes| {
        let time = begins - TimeDelta::minutes(minutes);
        let signer = Certified::new(&key, &certificate);
        let envelope = signer.sign(&image(), time).expect("signed");
        verify_by(
            (JWS, &envelope),
            &image(),
            Trusted::Key(&key.public()),
            time,
        )
    };
    assert!(at(4).is_ok(), "{:?}", at(4));
    let early = at(6).expect_err("it is not in force").to_string();
    assert!(early.contains("is in force from"), "{early}");
}

#[test]
fn certificates_come_alone() {
    let one = str::from_utf8(fixture!("es256.pem")).expect("text");
    assert!(Certificate::from_pem(&one.repeat(2)).is_err());
    assert!(Certificate::from_pem(include_str!("../fixtures/cosign.pub")).is_err());
    assert!(Certificate::from_pem("").is_err());
}

proptest! {
    #[test]
    fn whatever_is_altered_is_refused(index in 0..14_usize, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let (_, pem, jws, cose) = RECORDED[index % 7];
        let (kind, original) = if index < 7 { (JWS, jws) } else { (COSE, cose) };
        let mut bytes = original.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let trusted = [certificate(pem)];
        if let Ok(verified) = verify((kind, &bytes), &image(), &trusted, now()) {
            // Only what is not signed may differ: the name of the program that signed.
            let held = verify((kind, original), &image(), &trusted, now()).expect("it holds");
            prop_assert_eq!(verified, held);
        }
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), is_json in any::<bool>()) {
        let kind = if is_json { JWS } else { COSE };
        prop_assert!(verify((kind, &bytes), &image(), &[], now()).is_err());
    }
}
