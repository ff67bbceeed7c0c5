//! What is too weak to be believed, as OpenSSL makes it; skipped where it is not installed.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci::{Descriptor, Digest, media_type};
use plimsoll_trust::{
    SigningKey,
    notation::{Certificate, CertificateError, Certified, JWS, Trusted, certify, verify},
    tuf::{File, Key, Role, Signer},
};
use serde_json::{Value, json};

use crate::{
    key,
    publisher::{signer, targets},
    tuf::world::{GUN, World},
};

const CONFIG: &str = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=test\n\
    [leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n";

/// A folder to work in; none without OpenSSL.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn folder() -> Option<tempfile::TempDir> {
    let dir = tempfile::tempdir().expect("a folder");
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not installed");
        return None;
    }
    fs::write(dir.path().join("cnf"), CONFIG).expect("written");
    Some(dir)
}

pub(crate) fn openssl(at: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_ascii_whitespace())
        .current_dir(at)
        .output()
        .expect("installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {text}");
}

pub(crate) fn read(at: &Path, name: &str) -> Vec<u8> {
    fs::read(at.join(name)).expect(name)
}

/// Makes `NAME.key` of a kind.
fn make_key(at: &Path, name: &str, kind: &str) {
    let arguments = match kind.strip_prefix("rsa") {
        Some(bits) => format!("RSA -pkeyopt rsa_keygen_bits:{bits}"),
        None => format!("EC -pkeyopt ec_paramgen_curve:{kind}"),
    };
    openssl(
        at,
        &format!("genpkey -algorithm {arguments} -out {name}.key"),
    );
}

/// What certificates are signed with, and whether that is believed.
const SIGNED: [(&str, bool); 7] = [
    ("-sha256", true),
    ("-sha384", true),
    ("-sha256 -sigopt rsa_padding_mode:pss", true),
    ("-sha512 -sigopt rsa_padding_mode:pss", true),
    ("-sha1", false),
    ("-md5", false),
    ("-sha1 -sigopt rsa_padding_mode:pss", false),
];

#[test]
fn root_keys_have_certificates_that_are_signed_soundly() {
    let Some(dir) = folder() else { return };
    let at = dir.path();
    make_key(at, "ca", "rsa2048");
    openssl(
        at,
        "req -x509 -new -config cnf -key ca.key -out ca.pem -days 2",
    );
    let pem = key(1).to_encrypted_pem("word").expect("random bytes");
    fs::write(at.join("root.key"), pem).expect("written");
    let name = GUN.replace('/', "\\/");
    openssl(
        at,
        &format!(
            "req -new -config cnf -key root.key -passin pass:word -subj /CN={name} -out root.csr"
        ),
    );
    for (with, taken) in SIGNED {
        openssl(
            at,
            &format!(
                "x509 -req -in root.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 3000 {with} -out root.pem"
            ),
        );
        let mut world = World::new(false);
        world.holders.root = vec![Signer {
            key: Key::new("ecdsa-x509", read(at, "root.pem")),
            signing: key(1),
        }];
        let uploads = world.first();
        let published = world.publish(uploads);
        assert_eq!(published.is_ok(), taken, "{with}: {published:?}");
    }
}

/// Signs what a file says with a key of OpenSSL's, in the form that TUF has for it.
fn signed_by(at: &Path, file: &File, key: &Key, (method, options): (&str, &str)) -> File {
    let mut text: Value = serde_json::from_slice(&file.bytes).expect("JSON");
    fs::write(at.join("message"), text["signed"].to_string()).expect("written");
    openssl(
        at,
        &format!("dgst -sha256 {options} -sign one.key -out signature message"),
    );
    let mut signature = read(at, "signature");
    if method == "ecdsa"
        && let Ok(parsed) = p256::ecdsa::Signature::from_der(&signature)
    {
        signature = parsed.to_bytes().to_vec();
    }
    text["signatures"] = json!([{
        "keyid": key.id(), "method": method, "sig": STANDARD.encode(signature),
    }]);
    File::parse(text.to_string().into_bytes()).expect("metadata")
}

#[test]
fn weak_keys_sign_no_metadata() {
    let Some(dir) = folder() else { return };
    let at = dir.path();
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    for (curve, kind, with, taken) in [
        ("prime256v1", "ecdsa", ("ecdsa", ""), true),
        ("rsa2048", "rsa", ("rsapss", pss), true),
        ("rsa2048", "rsa", ("rsapkcs1v15", ""), true),
        ("rsa1024", "rsa", ("rsapss", pss), false),
        ("rsa1024", "rsa", ("rsapkcs1v15", ""), false),
        ("secp256k1", "ecdsa", ("ecdsa", ""), false),
        ("secp224r1", "ecdsa", ("ecdsa", ""), false),
    ] {
        make_key(at, "one", curve);
        openssl(at, "pkey -in one.key -pubout -outform DER -out one.der");
        let held = Key::new(kind, read(at, "one.der"));
        assert_eq!(held.fingerprint().is_some(), taken, "{curve}");
        let mut world = World::new(false);
        world.holders.targets = vec![Signer {
            key: held.clone(),
            signing: signer(2).signing,
        }];
        let file = targets(&Role::Targets, 1, (&["1"], &[]), &[]);
        let file = signed_by(at, &file, &held, with);
        let mut uploads: BTreeMap<_, _> = world.first();
        uploads.retain(|role, _| *role == Role::Root);
        uploads.insert(Role::Targets, file);
        let published = world.publish(uploads);
        assert_eq!(published.is_ok(), taken, "{curve} {with:?}: {published:?}");
    }
}

/// A signature of the market's own key, with another chain of certificates in it.
#[expect(clippy::disallowed_methods, reason = "OpenSSL certifies from now on")]
fn refused_with(at: &Path, chain: &[&str]) -> String {
    let own: SigningKey = key(7);
    let bytes = b"{}";
    let image = Descriptor::new(media_type::OCI_MANIFEST, Digest::of(bytes), 2);
    let now = chrono::Utc::now();
    let certificate = certify(&own, "market.example").expect("a name");
    let envelope = Certified::new(&own, &certificate).sign(&image, now);
    let envelope = envelope.expect("signed");
    let trusted = Trusted::Key(&own.public());
    verify((JWS, &envelope), &image, trusted, now).expect("it holds as it is");
    let mut text: Value = serde_json::from_slice(&envelope).expect("JSON");
    let ders = chain.iter().map(|name| STANDARD.encode(read(at, name)));
    text["header"]["x5c"] = ders.collect();
    let altered = text.to_string().into_bytes();
    let refused = verify((JWS, &altered), &image, trusted, now);
    refused.expect_err("it was altered").to_string()
}

#[test]
fn weak_certificates_sign_no_images() {
    let Some(dir) = folder() else { return };
    let at = dir.path();
    for kind in ["rsa1024", "secp256k1", "secp224r1"] {
        make_key(at, "one", kind);
        openssl(
            at,
            "req -x509 -new -config cnf -extensions leaf -key one.key -out one.pem -days 2",
        );
        openssl(at, "x509 -in one.pem -outform DER -out one.der");
        let pem = String::from_utf8(read(at, "one.pem")).expect("text");
        assert_eq!(
            Certificate::from_pem(&pem),
            Err(CertificateError::Key),
            "{kind}"
        );
        let refused = refused_with(at, &["one.der"]);
        assert!(
            refused.contains("too short, or of another kind"),
            "{kind}: {refused}"
        );
    }
    for (with, taken) in SIGNED {
        make_key(at, "one", "rsa2048");
        openssl(
            at,
            &format!(
                "req -x509 -new -config cnf -extensions leaf -key one.key -out one.pem -days 2 {with}"
            ),
        );
        openssl(at, "x509 -in one.pem -outform DER -out one.der");
        let refused = refused_with(at, &["one.der"]);
        let is_weak = refused.contains("an algorithm that is weak or not known here");
        // Notation's certificates are signed with PKCS#1 v1.5 (no tool makes others).
        assert_eq!(is_weak, !taken || with.contains("pss"), "{with}: {refused}");
    }
}
