//! Countersignatures of time: what the second version of sigstore's log and its authorities made
//! for the conformance tests, and what OpenSSL makes as the authority of an instance without logs.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use oci::{Descriptor, Digest, Manifest, ManifestKind, RawManifest, media_type};
use plimsoll_trust::{
    PublicKey,
    cosign::{self, SIGNATURE_ANNOTATION, SIMPLE_SIGNING, Trusted, VerifyError},
    keyless::{
        Identity, Kept, KeylessError, Signed, TrustRoot, TrustRootError, verify_message,
        verify_statement, verify_timestamp,
    },
};
use serde_json::{Value, json};

use crate::instance::Instance;

const TEXT: &[u8] = include_bytes!("../fixtures/keyless/a.txt");

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keyless");
    fs::read(folder.join(name)).expect(name)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

/// The time by which OpenSSL goes.
#[expect(clippy::disallowed_methods, reason = "OpenSSL asks no other clock")]
fn clock() -> DateTime<Utc> {
    Utc::now()
}

/// Verifies one of the conformance tests' bundles: over the text, or a statement about it.
fn verify(bundle: &str, root: &[u8]) -> Result<Signed, KeylessError> {
    let root = TrustRoot::read(root).expect("a root");
    let bundle = fixture(&format!("rekor2/{bundle}.json"));
    let read: Value = serde_json::from_slice(&bundle).expect("JSON");
    match read.get("dsseEnvelope") {
        Some(_) => verify_statement(&bundle, &Digest::of(TEXT), (&root, now())).map(|(it, _)| it),
        None => verify_message(&bundle, TEXT, (&root, now())),
    }
}

#[test]
fn the_second_version_of_the_log_and_its_authorities_are_understood() {
    for (bundle, root, index) in [
        ("happy-path", "root", 735),
        ("dsse-happy-path", "root-2026", 4_026_478),
        ("checkpoint-two-sigs-cosigned", "root", 735),
        ("checkpoint-origin-not-first", "root", 735),
        ("timestamp-without-embedded-cert", "root", 0),
        ("timestamp-with-expired-cert-chain", "root-own-tsa", 0),
    ] {
        let signed = verify(bundle, &fixture(&format!("rekor2/{root}.json")));
        let signed = signed.unwrap_or_else(|error| panic!("{bundle}: {error}"));
        let found = signed.index.expect("there is a log");
        assert!(index == 0 || found == index, "{bundle}: {found}");
        assert!(
            signed.identity.subject().ends_with("@refs/heads/main"),
            "{bundle}"
        );
        assert!(signed.at < now());
    }
}

#[test]
fn what_the_conformance_tests_refuse_is_refused_for_its_reason() {
    let reason = |bundle: &str, root: &str| {
        let error = verify(bundle, &fixture(&format!("rekor2/{root}.json")));
        error.expect_err(bundle).to_string()
    };
    let reasons: Vec<_> = [
        ("no-inclusion-proof", "root"),
        ("no-timestamp", "root"),
        ("timestamp-outside-tsa-cert-validity", "root-own-tsa"),
        ("timestamp-payload-mismatch", "root"),
        ("timestamp-untrusted-tsa-with-embedded-cert", "root"),
        ("timestamp-with-incorrect-time", "root"),
        ("dsse-mismatch-envelope", "root-2026"),
        ("dsse-mismatch-sig", "root-2026"),
        ("checkpoint-no-matching-signature", "root"),
    ]
    .map(|(bundle, root)| format!("{bundle}: {}", reason(bundle, root)))
    .into();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    no-inclusion-proof: the log's entry of the signature has no proof that it stands in the log
    no-timestamp: nobody says when the signature was made: neither the log nor a timestamp authority of the market's trust root
    timestamp-outside-tsa-cert-validity: the timestamp of the signature is by a certificate that nobody vouched for at its time
    timestamp-payload-mismatch: the timestamp of the signature is about another signature
    timestamp-untrusted-tsa-with-embedded-cert: the timestamp of the signature is by no authority that the market's trust root believes at its time
    timestamp-with-incorrect-time: the signer's certificate was not in force when the signature was made
    dsse-mismatch-envelope: the log's entry of the signature is of another signature
    dsse-mismatch-sig: the log's entry of the signature is of another signature
    checkpoint-no-matching-signature: the log's entry of the signature is proven with a head that its log did not sign
    ");
}

/// A bundle that says it is over something else says so of another signature.
#[test]
fn the_digest_that_a_bundle_names_is_looked_at() {
    let root = TrustRoot::read(&fixture("rekor2/root.json")).expect("a root");
    let bundle = fixture("rekor2/happy-path.json");
    let mut bundle: Value = serde_json::from_slice(&bundle).expect("JSON");
    let named = &mut bundle["messageSignature"]["messageDigest"]["digest"];
    *named = STANDARD.encode([0; 32]).into();
    let found = verify_message(bundle.to_string().as_bytes(), TEXT, (&root, now()));
    assert_eq!(found, Err(KeylessError::Signature));
}

/// An authority is believed for the time that the root says, and under its own key.
#[test]
fn an_authority_of_time_is_believed_as_the_root_says() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut root: Value = serde_json::from_slice(&fixture("rekor2/root.json")).expect("JSON");
        change(&mut root);
        verify("happy-path", root.to_string().as_bytes())
    };
    with(&|_| {}).expect("it holds");
    let none = with(&|root| root["timestampAuthorities"] = json!([]));
    assert!(matches!(none, Err(KeylessError::Timestamp(_))), "{none:?}");
    let ended = with(&|root| {
        root["timestampAuthorities"][0]["validFor"]["end"] = "2025-05-01T00:00:00Z".into();
    });
    assert!(
        matches!(ended, Err(KeylessError::Timestamp(_))),
        "{ended:?}"
    );
    // Without the certificate that signs, the one in the answer is looked at; it needs its chain.
    let in_answer = with(&|root| {
        let chain = &mut root["timestampAuthorities"][0]["certChain"]["certificates"];
        chain.as_array_mut().expect("a list").remove(0);
    });
    in_answer.expect("it holds");
    let other = with(&|root| {
        let chain = root["certificateAuthorities"][0]["certChain"].clone();
        root["timestampAuthorities"][0]["certChain"] = chain;
    });
    assert!(
        matches!(other, Err(KeylessError::Timestamp(_))),
        "{other:?}"
    );
    let log = with(&|root| {
        for log in root["tlogs"].as_array_mut().expect("a list") {
            log["baseUrl"] = "https://other.example".into();
        }
    });
    assert!(matches!(log, Err(KeylessError::Log(_))), "{log:?}");
}

/// The first version's entry as cosign 2 keeps it beside a signature.
#[test]
fn what_cosign_2_keeps_beside_a_signature_holds() {
    let root = TrustRoot::read(&fixture("trusted_root.json")).expect("sigstore's own");
    let bundle: Value = serde_json::from_slice(&fixture("message.json")).expect("JSON");
    let material = &bundle["verificationMaterial"];
    let entry = &material["tlogEntries"][0];
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let number = |value: &Value| text(value).parse::<u64>().expect("a number");
    let log_id = STANDARD.decode(text(&entry["logId"]["keyId"]));
    let kept = json!({
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": number(&entry["integratedTime"]),
            "logIndex": number(&entry["logIndex"]),
            "logID": hex(&log_id.expect("base64")),
        },
    });
    let certificate = text(&material["certificate"]["rawBytes"]);
    let certificate =
        format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
    let signature = STANDARD.decode(text(&bundle["messageSignature"]["signature"]));
    let signature = signature.expect("base64");
    let annotations = |kept: &Value| {
        BTreeMap::from([
            (
                "dev.sigstore.cosign/certificate".to_owned(),
                certificate.clone(),
            ),
            ("dev.sigstore.cosign/bundle".to_owned(), kept.to_string()),
        ])
    };
    let verify = |kept: &Value, text: &[u8]| {
        let annotations = annotations(kept);
        let kept = Kept::find(&annotations).expect("a certificate");
        kept.verify(text, &signature, (&root, now()))
    };
    let signed = verify(&kept, TEXT).expect("it holds");
    assert_eq!(signed.index, Some(number(&entry["logIndex"])));
    assert_eq!(verify(&kept, b"other"), Err(KeylessError::Signature));
    for (place, other) in [
        ("/Payload/integratedTime", json!(1_700_000_000)),
        ("/Payload/logIndex", json!(1)),
        ("/Payload/logID", json!("00")),
        ("/Payload/body", json!("e30=")),
        ("/SignedEntryTimestamp", json!("AAAA")),
    ] {
        let mut changed = kept.clone();
        *changed.pointer_mut(place).expect(place) = other;
        let found = verify(&changed, TEXT);
        assert!(
            matches!(found, Err(KeylessError::Log(_))),
            "{place}: {found:?}"
        );
    }
    let mut alone = annotations(&kept);
    alone.remove("dev.sigstore.cosign/bundle");
    let found = Kept::find(&alone).expect("a certificate");
    let found = found.verify(TEXT, &signature, (&root, now()));
    assert!(matches!(found, Err(KeylessError::Kind(_))), "{found:?}");
    alone.remove("dev.sigstore.cosign/certificate");
    assert!(Kept::find(&alone).is_none());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_root(json: &Value) -> TrustRoot {
    TrustRoot::read(json.to_string().as_bytes()).expect("a root")
}

#[test]
fn answers_that_openssl_makes_are_read() {
    let Some(instance) = Instance::new() else {
        return;
    };
    let named = read_root(&instance.root(&[&["time", "ca"]]));
    let open = read_root(&instance.root(&[&["ca"]]));
    let rsa = read_root(&instance.root(&[&["rsa", "ca"], &["ca"]]));
    let refused = |answer: &[u8], root: &TrustRoot| {
        let found = verify_timestamp(answer, b"signature", root);
        found.expect_err("it does not hold").to_string()
    };
    let plain = instance.stamp(b"signature", "time", "tsa", "");
    let seen = verify_timestamp(&plain, b"signature", &named).expect("it holds");
    let apart = (clock() - seen).num_seconds().abs();
    assert!(apart < 600, "{seen}");
    let other = verify_timestamp(&plain, b"other", &named);
    assert_eq!(
        other,
        Err(KeylessError::Timestamp("is about another signature"))
    );
    // The certificate is named by nobody, and does not come with the answer.
    refused(&plain, &open);
    let with = instance.stamp(b"signature", "time", "tsa", "-cert");
    verify_timestamp(&with, b"signature", &open).expect("it holds");

    let by_rsa = instance.stamp(b"signature", "rsa", "tsa", "");
    verify_timestamp(&by_rsa, b"signature", &rsa).expect("it holds");
    refused(&by_rsa, &named);
    let weak = instance.stamp(b"signature", "time", "tsa_old", "");
    assert!(refused(&weak, &named).contains("with which certificate"));
    let sloppy = read_root(&instance.root(&[&["both", "ca"]]));
    refused(&plain, &sloppy);
    for (at, _) in plain.iter().enumerate() {
        let mut changed = plain.clone();
        changed[at] ^= 1;
        // What surrounds the signed parts may differ; what they say may not.
        if let Ok(found) = verify_timestamp(&changed, b"signature", &named) {
            assert_eq!(found, seen, "byte {at} may be changed");
        }
        verify_timestamp(&plain[..at], b"signature", &named).expect_err("half of it");
    }
}

/// Without logs a certificate and an authority's word for the time are enough, in a bundle and
/// beside cosign 2's signature.
#[test]
fn an_instance_without_logs_is_enough_where_the_root_names_none() {
    let Some(instance) = Instance::new() else {
        return;
    };
    let json = instance.root(&[&["time", "ca"]]);
    let root = read_root(&json);
    let later = clock();
    let image = Digest::of(b"image");
    let payload = cosign::payload("market.example/acme/db", &image, None);
    let signature = instance.sign(&payload);
    let answer = STANDARD.encode(instance.stamp(&signature, "time", "tsa", ""));
    let certificate = instance.text("signer.pem");
    let der: String = certificate
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": { "rawBytes": der },
            "timestampVerificationData": { "rfc3161Timestamps": [{ "signedTimestamp": answer }] },
        },
        "messageSignature": { "signature": STANDARD.encode(&signature) },
    });
    let signed = verify_message(bundle.to_string().as_bytes(), &payload, (&root, later));
    let signed = signed.expect("it holds");
    assert_eq!(signed.index, None);
    let ann = Identity::new("https://accounts.example", "ann@acme.example").expect("an identity");
    assert_eq!(signed.identity, ann);
    let mut none = bundle.clone();
    none["verificationMaterial"]["timestampVerificationData"] = json!({});
    let none = verify_message(none.to_string().as_bytes(), &payload, (&root, later));
    assert_eq!(none, Err(KeylessError::Untimed));
    let early = DateTime::UNIX_EPOCH;
    let early = verify_message(bundle.to_string().as_bytes(), &payload, (&root, early));
    assert!(matches!(early, Err(KeylessError::Future(_))), "{early:?}");

    let answer = json!({ "SignedRFC3161Timestamp": answer }).to_string();
    let manifest = beside(
        &payload,
        [
            (SIGNATURE_ANNOTATION, STANDARD.encode(&signature)),
            ("dev.sigstore.cosign/certificate", certificate),
            ("dev.sigstore.cosign/chain", instance.text("ca.pem")),
            ("dev.sigstore.cosign/rfc3161timestamp", answer),
        ],
    );
    let verify = |identities: &[Identity], root, digest: &Digest| {
        let trusted = Trusted::<PublicKey> {
            keys: &[],
            identities,
            root,
        };
        cosign::verify(&manifest, &|_| Some(payload.clone()), digest, trusted, None)
    };
    let with = Some((&root, later));
    let verified = verify(std::slice::from_ref(&ann), with, &image).expect("it holds");
    assert_eq!(verified.key_id, ann.fingerprint());
    assert_eq!(
        verified.identity.map(|signed| signed.identity),
        Some(ann.clone())
    );
    let unknown = verify(&[], with, &image);
    assert!(
        matches!(unknown, Err(VerifyError::UnknownIdentity(_))),
        "{unknown:?}"
    );
    assert_eq!(verify(&[], None, &image), Err(VerifyError::NoTrustRoot));
    let other = verify(std::slice::from_ref(&ann), with, &Digest::of(b"other"));
    assert!(
        matches!(other, Err(VerifyError::OtherDigest { .. })),
        "{other:?}"
    );
    // Where the root names logs, entries are asked for.
    let mut logs: Value = serde_json::from_slice(&fixture("trusted_root.json")).expect("JSON");
    logs["certificateAuthorities"] = json["certificateAuthorities"].clone();
    logs["timestampAuthorities"] = json["timestampAuthorities"].clone();
    let logs = read_root(&logs);
    let unlogged = verify(std::slice::from_ref(&ann), Some((&logs, later)), &image);
    assert!(
        matches!(unlogged, Err(VerifyError::Keyless(_))),
        "{unlogged:?}"
    );
}

/// Makes what lies under the tag of an image's signatures.
fn beside<const N: usize>(payload: &[u8], annotations: [(&str, String); N]) -> RawManifest {
    let annotations = annotations.map(|(name, value)| (name.to_owned(), value));
    let layer = Descriptor {
        annotations: Some(BTreeMap::from(annotations)),
        ..Descriptor::new(SIMPLE_SIGNING, Digest::of(payload), payload.len() as u64)
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: None,
        config: Descriptor::new(media_type::OCI_CONFIG, Digest::of(b"{}"), 2),
        layers: vec![layer],
        subject: None,
        annotations: None,
    };
    let bytes = serde_json::to_vec(&manifest).expect("JSON");
    RawManifest {
        digest: Digest::of(&bytes),
        bytes,
        media_type: media_type::OCI_MANIFEST.to_owned(),
        kind: ManifestKind::Image(manifest),
    }
}

#[test]
fn a_root_without_logs_needs_an_authority_of_time() {
    let root: Value = serde_json::from_slice(&fixture("trusted_root.json")).expect("JSON");
    let mut bare = root.clone();
    (bare["tlogs"], bare["ctlogs"]) = (json!([]), json!([]));
    read_root(&bare);
    bare["timestampAuthorities"] = json!([]);
    let none = TrustRoot::read(bare.to_string().as_bytes());
    assert!(matches!(none, Err(TrustRootError::Lacks(_))), "{none:?}");
    let mut empty = root;
    empty["timestampAuthorities"][0]["certChain"]["certificates"] = json!([]);
    let empty = TrustRoot::read(empty.to_string().as_bytes());
    assert!(matches!(empty, Err(TrustRootError::Lacks(_))), "{empty:?}");
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(at in 0_usize..2_000, byte: u8) {
        let bundle: Value = serde_json::from_slice(&fixture("rekor2/happy-path.json"))
            .expect("JSON");
        let found = &bundle["verificationMaterial"]["timestampVerificationData"];
        let answer = found["rfc3161Timestamps"][0]["signedTimestamp"].as_str().expect("text");
        let mut answer = STANDARD.decode(answer).expect("base64");
        let place = at % answer.len();
        answer[place] = byte;
        let root = TrustRoot::read(&fixture("rekor2/root.json")).expect("a root");
        drop(verify_timestamp(&answer, b"signature", &root));
    }
}
