//! Key files: ours, OpenSSL's and cosign's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_trust::{
    KeyError, PublicKey, SigningKey,
    key::{MAX_KEY_FILE_BYTES, make_passphrase},
};
use proptest::prelude::*;

use crate::{COSIGN_KEY, cosign_pub, key};

#[test]
fn every_form_reads_back() {
    let one = key(1);
    for text in [
        one.to_pem(),
        one.to_encrypted_pem("word").expect("random bytes"),
        one.to_cosign_pem("word").expect("random bytes"),
    ] {
        let back = SigningKey::from_pem(&text, Some("word")).expect("our own file");
        assert_eq!(back.public(), one.public(), "{text}");
    }
    let public = PublicKey::from_pem(&one.public().to_pem()).expect("our own file");
    assert_eq!(public, one.public());
}

/// A passphrase made here costs little to try, and is read back as any other.
#[test]
fn made_passphrases_open_what_they_closed() {
    let one = key(1);
    let words = make_passphrase().expect("random bytes");
    assert_ne!(words, make_passphrase().expect("random bytes"));
    let sealed = one.to_encrypted_pem(&words).expect("random bytes");
    let back = SigningKey::from_pem(&sealed, Some(&words)).expect("our own file");
    assert_eq!(back.public(), one.public());
    let other = make_passphrase().expect("random bytes");
    assert_eq!(
        SigningKey::from_pem(&sealed, Some(&other)).expect_err("refused"),
        KeyError::Decrypt
    );
}

#[test]
fn keys_are_derived_alike_from_the_same_salt_only() {
    let root = SigningKey::from_scalar(&[7; 32]).expect("a key");
    let name = |key: SigningKey| key.public().key_id();
    assert_eq!(name(root.derive(b"a")), name(root.derive(b"a")));
    assert_ne!(name(root.derive(b"a")), name(root.derive(b"b")));
    assert_ne!(name(root.derive(b"a")), name(root.clone()));
    let other = SigningKey::from_scalar(&[8; 32]).expect("a key");
    assert_ne!(name(root.derive(b"a")), name(other.derive(b"a")));
}

#[test]
fn reads_the_files_of_cosign_and_openssl() {
    let cosign = SigningKey::from_pem(COSIGN_KEY, Some("pp")).expect("cosign's key");
    assert_eq!(cosign.public(), cosign_pub());
    let openssl = SigningKey::from_pem(include_str!("../fixtures/openssl.pem"), Some("pp"))
        .expect("OpenSSL's key");
    let public = PublicKey::from_pem(include_str!("../fixtures/openssl.pub")).expect("its half");
    assert_eq!(openssl.public(), public);
}

#[test]
fn says_why_a_file_is_refused() {
    let read = |text: &str, word| SigningKey::from_pem(text, word).expect_err("refused");
    assert_eq!(read(COSIGN_KEY, None), KeyError::PassphraseNeeded);
    assert_eq!(read(COSIGN_KEY, Some("wrong")), KeyError::Decrypt);
    let encrypted = include_str!("../fixtures/openssl.pem");
    assert_eq!(read(encrypted, None), KeyError::PassphraseNeeded);
    assert_eq!(read("hello", None), KeyError::NotPem);
    assert_eq!(
        read(&"-".repeat(MAX_KEY_FILE_BYTES + 1), None),
        KeyError::NotPem
    );
    let public = key(1).public().to_pem();
    insta::assert_snapshot!(read(&public, None), @"the file holds a `PUBLIC KEY`; expected `PRIVATE KEY`, `EC PRIVATE KEY`, `ENCRYPTED PRIVATE KEY` or `ENCRYPTED SIGSTORE PRIVATE KEY`");
    insta::assert_snapshot!(PublicKey::from_pem(&key(1).to_pem()).expect_err("private"), @"the file holds a `PRIVATE KEY`; expected `PUBLIC KEY`");
    let rsa = "-----BEGIN PUBLIC KEY-----\nMDwwDQYJKoZIhvcNAQEBBQADKwAwKAIhAMxx\n-----END PUBLIC KEY-----\n";
    insta::assert_snapshot!(PublicKey::from_pem(rsa).expect_err("no EC key"), @"the public key is not an ECDSA P-256 key, the only kind used here");
}

#[test]
fn refuses_a_costly_derivation() {
    let huge = r#"{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1},"salt":""},"cipher":{"name":"nacl/secretbox","nonce":""},"ciphertext":""}"#;
    insta::assert_snapshot!(SigningKey::from_pem(&cosign_file(huge), Some("x")).expect_err("refused"), @"the key file asks for a key derivation or cipher that is not supported: scrypt N=1073741824 r=8 p=1");
}

#[test]
fn refuses_a_derivation_without_cost() {
    let der = "MIHjME4GCSqGSIb3DQEFDTBBMCAGCSsGAQQB2kcECzATBAh5vVUHGy/exQIBAAIB\n\
         CAIBATAdBglghkgBZQMEASoEED3xfJu3Ejn+tEN+gntMzeoEgZAVz0EgLXUXLOpG\n\
         IEaa10EfmlUftuZMi+6ObIQK2+qKST4178Qq8ySov6j9FNSyk85P1hBjSxua37BI\n\
         m1/5DJEDE5BfAj+x607oNALSIEajgMSRNsypB/+6kCIFb4lAwo2pc8H+hAXgVEEa\n\
         IkxY5NWuyn072q7jE7aTXNwRrCv6G/pXJkRr6LugqNUjakptkyw=";
    let label = "ENCRYPTED PRIVATE KEY";
    let file = format!("-----BEGIN {label}-----\n{der}\n-----END {label}-----\n");
    let error = SigningKey::from_pem(&file, Some("word")).expect_err("refused");
    assert!(matches!(error, KeyError::Parameters(_)), "{error:?}");
}

#[test]
fn an_altered_cosign_file_is_refused() {
    let lines: Vec<_> = COSIGN_KEY.lines().collect();
    let body = STANDARD
        .decode(lines[1..lines.len() - 1].concat())
        .expect("base64");
    let text = String::from_utf8(body).expect("JSON");
    // The ciphertext is the last field: change one letter of it.
    let at = text.rfind("ciphertext").expect("the field") + 40;
    let other = if &text[at..=at] == "A" { "B" } else { "A" };
    let altered = format!("{}{other}{}", &text[..at], &text[at + 1..]);
    let file = cosign_file(&altered);
    assert_eq!(
        SigningKey::from_pem(&file, Some("pp")).expect_err("altered"),
        KeyError::Decrypt
    );
}

/// Puts `json` in cosign's envelope.
fn cosign_file(json: &str) -> String {
    let label = "ENCRYPTED SIGSTORE PRIVATE KEY";
    let body = STANDARD.encode(json);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn debug_shows_no_secret() {
    let one = key(1);
    let shown = format!("{one:?} {:?}", one.public());
    assert!(shown.contains(&one.public().key_id()));
    assert!(!shown.contains("01010101"), "{shown}");
}

#[test]
fn generated_keys_differ() {
    let make = || {
        SigningKey::generate()
            .expect("random bytes")
            .public()
            .key_id()
    };
    assert_ne!(make(), make());
}

#[test]
fn a_signature_holds_for_its_message_only() {
    let (one, two) = (key(1), key(2));
    let der = one.sign_der(b"text");
    assert!(one.public().verify_der(b"text", &der));
    assert!(!one.public().verify_der(b"Text", &der));
    assert!(!two.public().verify_der(b"text", &der));
    assert!(one.public().verify_raw(b"text", &one.sign_raw(b"text")));
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC{0,200}", body in "[A-Za-z0-9+/]{0,80}={0,2}", label in 0..4usize) {
        let label = ["PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "ENCRYPTED PRIVATE KEY"][label];
        let block = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        for text in [&text, &block] {
            let _private = SigningKey::from_pem(text, Some("x"));
            let _public = PublicKey::from_pem(text);
        }
    }

    #[test]
    fn verifying_never_panics(signature in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(!key(1).public().verify_der(b"text", &signature));
        prop_assert!(!key(1).public().verify_raw(b"text", &signature));
    }
}
