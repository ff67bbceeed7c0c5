//! Signatures of identities: two that GitHub's runners made with sigstore's public instance, and
//! what becomes of them when anything in them is changed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use oci::Digest;
use plimsoll_trust::keyless::{
    self, Identity, KeylessError, TrustRoot, TrustRootError, verify_message, verify_statement,
};
use serde_json::Value;

const ROOT: &[u8] = include_bytes!("../fixtures/keyless/trusted_root.json");
const MESSAGE: &[u8] = include_bytes!("../fixtures/keyless/message.json");
const STATEMENT: &[u8] = include_bytes!("../fixtures/keyless/statement.json");
const TEXT: &[u8] = include_bytes!("../fixtures/keyless/a.txt");

fn root() -> TrustRoot {
    TrustRoot::read(ROOT).expect("sigstore's own")
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a time")
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn message(bundle: &Value) -> Result<keyless::Signed, KeylessError> {
    verify_message(bundle.to_string().as_bytes(), TEXT, (&root(), now()))
}

#[test]
fn what_the_public_instance_signed_holds() {
    let signed = message(&json(MESSAGE)).expect("it holds");
    assert_eq!(
        signed.identity.issuer(),
        "https://token.actions.githubusercontent.com"
    );
    assert!(
        signed
            .identity
            .subject()
            .starts_with("https://github.com/sigstore-conformance/")
    );
    assert!(keyless::is_keyless(MESSAGE));
    let digest = Digest::of(TEXT);
    let found = verify_statement(STATEMENT, &digest, (&root(), now()));
    let (signed, kind) = found.expect("it holds");
    assert_eq!(kind, "https://slsa.dev/provenance/v1");
    assert!(
        signed
            .identity
            .subject()
            .ends_with("/extremely-dangerous-oidc-beacon.yml@refs/heads/main"),
        "{signed:?}"
    );
    let other = verify_statement(STATEMENT, &Digest::of(b"other"), (&root(), now()));
    assert!(
        matches!(other, Err(KeylessError::OtherDigest { .. })),
        "{other:?}"
    );
    let other = verify_message(MESSAGE, b"other", (&root(), now()));
    assert_eq!(other, Err(KeylessError::Signature));
    let early = DateTime::from_timestamp(1_600_000_000, 0).expect("a time");
    let early = verify_message(MESSAGE, TEXT, (&root(), early));
    assert!(matches!(early, Err(KeylessError::Future(_))), "{early:?}");
}

/// Every text of a bundle, changed by one letter, breaks it.
#[test]
fn nothing_in_a_bundle_can_be_changed() {
    let entry = "/verificationMaterial/tlogEntries/0";
    let places = [
        ("/mediaType", None),
        ("/verificationMaterial/certificate/rawBytes", Some(400)),
        ("/messageSignature/signature", Some(40)),
        (&format!("{entry}/logIndex"), Some(0)),
        (&format!("{entry}/logId/keyId"), Some(9)),
        (&format!("{entry}/kindVersion/kind"), None),
        (&format!("{entry}/integratedTime"), Some(5)),
        (
            &format!("{entry}/inclusionPromise/signedEntryTimestamp"),
            Some(40),
        ),
        (&format!("{entry}/inclusionProof/logIndex"), Some(0)),
        (&format!("{entry}/inclusionProof/rootHash"), Some(9)),
        (&format!("{entry}/inclusionProof/treeSize"), Some(0)),
        (&format!("{entry}/inclusionProof/hashes/0"), Some(9)),
        (
            &format!("{entry}/inclusionProof/checkpoint/envelope"),
            Some(3),
        ),
        (&format!("{entry}/canonicalizedBody"), Some(80)),
    ];
    for (place, letter) in places {
        let mut bundle = json(MESSAGE);
        let found = bundle.pointer_mut(place).expect(place);
        let text = found.as_str().expect("text").to_owned();
        let changed = match letter {
            None => format!("{text}x"),
            Some(at) => {
                let other = match &text[at..=at] {
                    "1" => "2",
                    _ => "1",
                };
                format!("{}{other}{}", &text[..at], &text[at + 1..])
            }
        };
        *found = changed.into();
        message(&bundle).expect_err(place);
    }
    for place in ["inclusionPromise", "inclusionProof"] {
        let mut bundle = json(MESSAGE);
        let entry = bundle.pointer_mut(entry).and_then(Value::as_object_mut);
        entry.expect("an entry").remove(place);
        message(&bundle).expect_err(place);
    }
    let mut bundle = json(MESSAGE);
    let material = bundle["verificationMaterial"].as_object_mut();
    material.expect("an object").remove("certificate");
    message(&bundle).expect_err("no certificate");
}

/// A signature needs each part of the trust root, at its time.
#[test]
fn a_trust_root_says_whom_to_believe_and_when() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut json = json(ROOT);
        change(&mut json);
        TrustRoot::read(json.to_string().as_bytes())
    };
    for (part, place) in [
        ("tlogs", "publicKey"),
        ("ctlogs", "publicKey"),
        ("certificateAuthorities", ""),
    ] {
        let none = with(&|json| json[part] = Value::Array(Vec::new()));
        assert!(matches!(none, Err(TrustRootError::Lacks(_))), "{part}");
        let ended = with(&|json| {
            for one in json[part].as_array_mut().expect("a list") {
                let one = if place.is_empty() {
                    one
                } else {
                    &mut one[place]
                };
                one["validFor"]["end"] = "2021-12-31T00:00:00Z".into();
            }
        });
        let found = verify_message(MESSAGE, TEXT, (&ended.expect("a root"), now()));
        assert!(found.is_err(), "{part}");
    }
    // Another authority of the same name, and another log.
    let other = with(&|json| {
        let authorities = json["certificateAuthorities"].as_array_mut();
        authorities.expect("a list").truncate(1);
    });
    let found = verify_message(MESSAGE, TEXT, (&other.expect("a root"), now()));
    assert!(
        matches!(found, Err(KeylessError::Certificate(_))),
        "{found:?}"
    );
    for broken in [
        &b"{"[..],
        b"{}",
        b"[]",
        &[b' '; keyless::MAX_ROOT_BYTES + 1],
    ] {
        assert!(TrustRoot::read(broken).is_err());
    }
}

#[test]
fn identities_have_two_lines() {
    let issuer = "https://accounts.example";
    let identity = Identity::new(issuer, "ann@acme.example").expect("an identity");
    let text = " subject: ann@acme.example\n\nissuer:https://accounts.example\n";
    assert_eq!(Identity::parse(text), Ok(identity.clone()));
    assert_eq!(identity.fingerprint().len(), 64);
    let other = Identity::new(issuer, "eve@acme.example").expect("an identity");
    assert_ne!(identity.fingerprint(), other.fingerprint());
    for odd in [
        "",
        "issuer: https://accounts.example",
        "issuer: accounts.example\nsubject: ann",
        "issuer: https://a\nsubject: ann\nsubject: eve",
        "issuer: https://a\nsubject: ann eve",
        "issuer: https://a\nsubject: ann\nname: x",
        "-----BEGIN PUBLIC KEY-----",
    ] {
        assert!(Identity::parse(odd).is_err(), "{odd}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(at in 0_usize..10_000, byte: u8) {
        let (mut bundle, mut root_bytes) = (MESSAGE.to_vec(), ROOT.to_vec());
        let place = at % bundle.len();
        bundle[place] = byte;
        drop(verify_message(&bundle, TEXT, (&root(), now())));
        let place = at % root_bytes.len();
        root_bytes[place] = byte;
        drop(TrustRoot::read(&root_bytes));
    }

    #[test]
    fn no_certificate_makes_it_panic(at in 0_usize..2_000, byte: u8) {
        let mut bundle = json(MESSAGE);
        let raw = &mut bundle["verificationMaterial"]["certificate"]["rawBytes"];
        let mut der = STANDARD.decode(raw.as_str().expect("text")).expect("base64");
        let place = at % der.len();
        let same = der[place] == byte;
        der[place] = byte;
        *raw = STANDARD.encode(der).into();
        proptest::prop_assert_eq!(message(&bundle).is_ok(), same);
    }
}
