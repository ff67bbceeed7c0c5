//! The tools that others use, on what we write; each test is skipped where its tool is absent.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use plimsoll_trust::{PublicKey, SigningKey, cosign};

use crate::key;

/// Runs `tool` in `folder`; none when it is not installed.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn run(folder: &Path, tool: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(tool)
        .args(arguments)
        .current_dir(folder)
        .env("COSIGN_PASSWORD", "word")
        .output();
    if output.is_err() {
        eprintln!("skipped: {tool} is not installed");
    }
    output.ok()
}

fn assert_works(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

#[test]
fn openssl_reads_our_encrypted_key_and_checks_our_signature() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let file = key(1).to_encrypted_pem("word").expect("random bytes");
    fs::write(at.join("key.pem"), file).expect("written");
    fs::write(at.join("text"), "text").expect("written");
    fs::write(at.join("sig"), key(1).sign_der(b"text")).expect("written");
    let arguments = ["pkey", "-in", "key.pem", "-passin", "pass:word", "-pubout"];
    let Some(output) = run(at, "openssl", &arguments) else {
        return;
    };
    assert_works(&output);
    let public = String::from_utf8(output.stdout).expect("text");
    assert_eq!(PublicKey::from_pem(&public), Ok(key(1).public()));
    fs::write(at.join("pub.pem"), key(1).public().to_pem()).expect("written");
    let arguments = [
        "dgst",
        "-sha256",
        "-verify",
        "pub.pem",
        "-signature",
        "sig",
        "text",
    ];
    assert_works(&run(at, "openssl", &arguments).expect("installed"));
}

#[test]
fn cosign_uses_our_key_file_and_checks_our_signature() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let payload = cosign::payload("h.example/a", &oci::Digest::of(b""), None);
    let signature = cosign::sign(&key(1), payload).expect("signed");
    fs::write(at.join("payload"), &signature.payload).expect("written");
    fs::write(at.join("sig"), &signature.signature).expect("written");
    fs::write(at.join("pub.pem"), key(1).public().to_pem()).expect("written");
    let file = key(1).to_cosign_pem("word").expect("random bytes");
    fs::write(at.join("key.pem"), file).expect("written");
    let verify = [
        "verify-blob",
        "--key",
        "pub.pem",
        "--signature",
        "sig",
        "--insecure-ignore-tlog=true",
        "payload",
    ];
    let Some(output) = run(at, "cosign", &verify) else {
        return;
    };
    assert_works(&output);
    let sign = [
        "sign-blob",
        "--key",
        "key.pem",
        "--tlog-upload=false",
        "-y",
        "--output-signature",
        "theirs",
        "payload",
    ];
    assert_works(&run(at, "cosign", &sign).expect("installed"));
    let theirs = fs::read_to_string(at.join("theirs")).expect("written");
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, theirs.trim())
        .expect("base64");
    assert!(key(1).public().verify_der(&signature.payload, &der));
}

#[test]
fn a_key_made_by_cosign_signs_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(output) = run(folder.path(), "cosign", &["generate-key-pair"]) else {
        return;
    };
    assert_works(&output);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("cosign's file");
    let private = SigningKey::from_pem(&read("cosign.key"), Some("word")).expect("cosign's key");
    assert_eq!(
        PublicKey::from_pem(&read("cosign.pub")),
        Ok(private.public())
    );
}
