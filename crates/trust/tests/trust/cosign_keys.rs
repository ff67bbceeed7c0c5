//! Keys of every kind that cosign signs with: what cosign 2.5 and 3.0 made with them over a text,
//! and what is no key that counts, as OpenSSL makes it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::DateTime;
use plimsoll_trust::{
    KeyError, PublicKey, bundle,
    cosign::{self, Verifier as _},
    credential::{Credential, CredentialError, ProofError},
    tuf,
};
use proptest::prelude::*;

use crate::{
    COSIGN_KEY, key,
    weak::{folder, openssl, read},
};

/// Its name in JWS, its file, cosign 2's signature and cosign 3's bundle.
const RECORDED: [(&str, &str, &str, &str); 4] = [
    (
        "ES384",
        include_str!("../fixtures/cosign-keys/p384.pub"),
        include_str!("../fixtures/cosign-keys/p384.sig"),
        include_str!("../fixtures/cosign-keys/p384.json"),
    ),
    (
        "ES512",
        include_str!("../fixtures/cosign-keys/p521.pub"),
        include_str!("../fixtures/cosign-keys/p521.sig"),
        include_str!("../fixtures/cosign-keys/p521.json"),
    ),
    (
        "RS256",
        include_str!("../fixtures/cosign-keys/rsa.pub"),
        include_str!("../fixtures/cosign-keys/rsa.sig"),
        include_str!("../fixtures/cosign-keys/rsa.json"),
    ),
    (
        "EdDSA",
        include_str!("../fixtures/cosign-keys/ed25519.pub"),
        include_str!("../fixtures/cosign-keys/ed25519.sig"),
        include_str!("../fixtures/cosign-keys/ed25519.json"),
    ),
];

fn proven(credential: &Credential, text: &str, proof: &str) -> Result<(), ProofError> {
    credential.check_proof(text, proof, (None, DateTime::UNIX_EPOCH))
}

#[test]
fn what_cosign_signs_with_any_key_counts() {
    for (algorithm, pem, signature, bundle) in RECORDED {
        let credential = Credential::parse(pem).expect(algorithm);
        assert_eq!(credential.algorithm(), algorithm);
        let again = cosign::Key::from_pem(pem).expect(algorithm).to_pem();
        assert_eq!(again, pem);
        for proof in [signature, bundle] {
            assert_eq!(proven(&credential, "text", proof), Ok(()), "{algorithm}");
            let other = proven(&credential, "texts", proof);
            assert_eq!(other, Err(ProofError::Signature), "{algorithm}");
        }
        for (other, pem, ..) in RECORDED.iter().filter(|(other, ..)| *other != algorithm) {
            let other_key = Credential::parse(pem).expect(other);
            let refused = proven(&other_key, "text", signature);
            assert_eq!(
                refused,
                Err(ProofError::Signature),
                "{algorithm} by {other}"
            );
        }
    }
}

/// Around a statement, cosign 3 hashes before an Ed25519 key signs.
#[test]
fn what_cosign_3_signs_of_an_image_with_ed25519_counts() {
    let bundle = include_bytes!("../fixtures/cosign-keys/ed25519-image.json");
    let digest = "sha256:5aa3d2e7d57e6d1d5ecb9f06e20c2a98c498a4cb7cacb7ca616cffa054ce61eb";
    let digest = digest.parse().expect("a digest");
    let keys = RECORDED.map(|(_, pem, ..)| cosign::Key::from_pem(pem).expect("a key"));
    let verified = bundle::verify(bundle, &digest, &keys).expect("it holds");
    assert_eq!(verified.key_id, keys[3].key_id());
    bundle::verify(bundle, &digest, &keys[..3]).expect_err("the others did not sign");
    let other = oci::Digest::of(b"other");
    bundle::verify(bundle, &other, &keys).expect_err("another image");
}

/// What was registered as a key of the market's own kind has the name that it had.
#[test]
fn a_key_has_one_name() {
    let own = key(7).public();
    let any = cosign::Key::from_pem(&own.to_pem()).expect("a key");
    assert_eq!(any, own.clone().into());
    assert_eq!(
        (any.key_id(), any.fingerprint()),
        (own.key_id(), own.key_id())
    );
    assert_eq!(any.to_pem(), own.to_pem());
    assert!(any.verify(b"text", &key(7).sign_der(b"text")));
    assert!(!any.verify(b"text", &key(8).sign_der(b"text")));
    assert!(matches!(
        cosign::Key::from_pem(COSIGN_KEY),
        Err(KeyError::Label { .. })
    ));
    assert_eq!(cosign::Key::from_pem("no key"), Err(KeyError::NotPem));
}

/// Trust metadata names keys in its own way; a registered one is known there.
#[test]
fn trust_metadata_knows_the_registered_key() {
    for (algorithm, pem, ..) in RECORDED {
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let spki = STANDARD.decode(lines.collect::<String>()).expect("base64");
        let (kind, public) = match algorithm {
            "RS256" => ("rsa", spki),
            "EdDSA" => ("ed25519", spki[spki.len() - 32..].to_vec()),
            _ => ("ecdsa", spki),
        };
        let named = tuf::Key::new(kind, public).fingerprint();
        let registered = Credential::parse(pem).expect(algorithm).key_fingerprint();
        match algorithm {
            "ES512" => assert_eq!(named, None, "no client signs metadata with it"),
            _ => assert_eq!(named, registered, "{algorithm}"),
        }
    }
}

#[test]
fn weak_and_strange_keys_are_refused() {
    let Some(dir) = folder() else { return };
    let at = dir.path();
    let parse = |arguments: &str| {
        openssl(at, &format!("genpkey -out any.key -algorithm {arguments}"));
        openssl(at, "pkey -in any.key -pubout -out any.pub");
        Credential::parse(&String::from_utf8(read(at, "any.pub")).expect("text"))
    };
    for bits in [1024, 2040, 8200] {
        let weak = parse(&format!("RSA -pkeyopt rsa_keygen_bits:{bits}"));
        assert_eq!(weak, Err(CredentialError::Key(KeyError::Short(bits))));
        let said = KeyError::Short(bits).to_string();
        assert!(said.contains("make one of 2048 or more"), "{said}");
    }
    for strange in [
        "EC -pkeyopt ec_paramgen_curve:secp256k1",
        "EC -pkeyopt ec_paramgen_curve:P-224",
        "EC -pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:explicit",
        "RSA-PSS -pkeyopt rsa_keygen_bits:2048",
        "ED448",
        "X25519",
    ] {
        let refused = parse(strange);
        assert_eq!(
            refused,
            Err(CredentialError::Key(KeyError::Kind)),
            "{strange}"
        );
    }
    // Signatures by the first three hold for every message; the last is the first, written otherwise.
    let ones = |first: u8, last: u8| [&[first][..], &[0xff; 30], &[last]].concat();
    let (identity, zero) = ([&[1_u8][..], &[0; 31]].concat(), vec![0; 32]);
    for point in [identity, zero, ones(0xec, 0x7f), ones(0xee, 0x7f)] {
        let spki = [
            &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..],
            &point,
        ]
        .concat();
        let pem = STANDARD.encode(spki);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
        let refused = Credential::parse(&pem);
        assert_eq!(
            refused,
            Err(CredentialError::Key(KeyError::Kind)),
            "{point:?}"
        );
        assert_eq!(tuf::Key::new("ed25519", point).fingerprint(), None);
    }
    // Another way to write the key down would be another name for it.
    openssl(
        at,
        "genpkey -out any.key -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    );
    openssl(
        at,
        "ec -in any.key -pubout -conv_form compressed -out any.pub",
    );
    let other = Credential::parse(&String::from_utf8(read(at, "any.pub")).expect("text"));
    assert_eq!(other, Err(CredentialError::Key(KeyError::Kind)));
    for bits in ["2048", "3072", "4096"] {
        parse(&format!("RSA -pkeyopt rsa_keygen_bits:{bits}")).expect("strong enough");
    }
}

/// Hashes that cosign makes with no key of this kind, and the padding of Notation.
#[test]
fn other_hashes_and_paddings_do_not_count() {
    let Some(dir) = folder() else { return };
    let at = dir.path();
    std::fs::write(at.join("text"), "text").expect("a file");
    for (kind, ways) in [
        (
            "EC -pkeyopt ec_paramgen_curve:P-384",
            [("-sha1", false), ("-sha512", false), ("-sha384", true)],
        ),
        (
            "EC -pkeyopt ec_paramgen_curve:P-521",
            [("-sha1", false), ("-sha384", false), ("-sha256", true)],
        ),
        (
            "RSA -pkeyopt rsa_keygen_bits:2048",
            [
                ("-sha1", false),
                ("-sha256 -sigopt rsa_padding_mode:pss", false),
                ("-sha256", true),
            ],
        ),
    ] {
        openssl(at, &format!("genpkey -out any.key -algorithm {kind}"));
        openssl(at, "pkey -in any.key -pubout -out any.pub");
        let pem = String::from_utf8(read(at, "any.pub")).expect("text");
        let key = cosign::Key::from_pem(&pem).expect("a key");
        for (how, good) in ways {
            openssl(at, &format!("dgst {how} -sign any.key -out signature text"));
            let signature = read(at, "signature");
            assert_eq!(key.verify(b"text", &signature), good, "{kind} {how}");
        }
    }
}

proptest! {
    #[test]
    fn altered_signatures_and_keys_do_not_count(
        which in 0..RECORDED.len(), place in 0_usize..600, bit in 0_u8..8
    ) {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let (_, pem, signature, _) = RECORDED[which];
        let flip = |bytes: &mut Vec<u8>| {
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
        };
        let mut signature = STANDARD.decode(signature.trim()).expect("base64");
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let mut spki = STANDARD.decode(lines.collect::<String>()).expect("base64");
        flip(&mut spki);
        let body = STANDARD.encode(spki);
        let altered = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        if let Ok(altered) = cosign::Key::from_pem(&altered) {
            prop_assert!(!altered.verify(b"text", &signature));
        }
        prop_assert!(PublicKey::from_pem(pem).is_err());
        flip(&mut signature);
        let key = cosign::Key::from_pem(pem).expect("a key");
        prop_assert!(!key.verify(b"text", &signature));
    }
}
