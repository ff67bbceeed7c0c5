//! cosign 2 and 3 as newer Debian suites have them: what we sign is verified, what they sign is
//! accepted.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    artifacts::{register, staged},
    market::{Market, Silent, fail, skopeo, succeed},
    newer,
};

/// Returns each cosign there is.
pub(crate) fn cosigns() -> Vec<String> {
    let known = [
        ("PLIMSOLL_COSIGN", "cosign"),
        ("PLIMSOLL_COSIGN3", "cosign3"),
    ];
    let each = known.into_iter();
    each.filter_map(|(variable, program)| newer(variable, program))
        .collect()
}

#[test]
fn cosign_verifies_what_plimsoll_signed() {
    let programs = cosigns();
    if programs.is_empty() {
        return;
    }
    let (market, digest) = Market::with_release();
    let home = market.signed_in("carl", &market.subscribe());
    let verify = |program: &str, key: &Path, reference: &str| {
        let mut command = Command::new(program);
        command
            .args(["verify", "--insecure-ignore-tlog=true", "--key"])
            .arg(key)
            .arg(reference);
        command.env("DOCKER_CONFIG", &home).env("HOME", &home);
        command
    };
    let reference = format!("{}/acme/harbour@{digest}", market.server.host());
    let other = market.dir.path().join("other.pub");
    std::fs::write(&other, market.desk.key.public().to_pem()).expect("the file is written");
    for program in &programs {
        let said = succeed(&mut verify(program, &market.public_key(), &reference));
        assert!(said.contains(digest.as_str()), "{said}");
        fail(&mut verify(program, &other, &reference));
    }
}

/// States something of the product, which the certification team accepts.
fn accepted_statement(market: &Market) {
    let path = "/api/v1/publishers/acme/products/harbour/vex";
    let said =
        serde_json::json!({ "vulnerability": "CVE-2022-0778", "status": "under_investigation" });
    let stated = market.desk.user.post(path, &said).expect("stated");
    let id = stated["id"].as_str().expect("an id");
    let accept = serde_json::json!({ "decision": "accept" });
    let decided = (market.cast.reviewer).post(&format!("/api/v1/vex/{id}/decision"), &accept);
    decided.expect("accepted");
}

/// What is attested with an open release, read by the stock verifiers and by ours.
#[test]
fn cosign_verifies_bills_of_materials_and_statements() {
    let programs = cosigns();
    if programs.is_empty() {
        return;
    }
    let market = Market::start();
    let openness = serde_json::json!({ "inside_open": true });
    let path = "/api/v1/publishers/acme/products/harbour/openness";
    market.desk.user.put(path, &openness).expect("opened");
    accepted_statement(&market);
    let digest = market.release("1.0");
    let home = market.signed_in("carl", &market.subscribe());
    let reference = format!("{}/acme/harbour@{digest}", market.server.host());
    for program in &programs {
        cosign_reads_attestations(program, &home, &market, &reference);
    }
    let mut verify = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    verify
        .args(["verify", "--signature-only", "--key"])
        .arg(market.public_key())
        .arg(&reference);
    verify.env("DOCKER_CONFIG", &home).env("HOME", &home);
    let said = succeed(&mut verify);
    for kind in [
        "CycloneDX SBOM",
        "SPDX SBOM",
        "VEX statements",
        "provenance",
    ] {
        assert!(said.contains(kind), "{kind}: {said}");
    }
}

fn cosign_reads_attestations(program: &str, home: &Path, market: &Market, reference: &str) {
    let root = empty_root(program, home);
    let verify = |kind: &str, key: &Path| {
        let mut command = Command::new(program);
        command.args(["verify-attestation", "--insecure-ignore-tlog=true"]);
        command.args(["--new-bundle-format", "--type", kind, "--key"]);
        command.arg(key).arg("--trusted-root").arg(&root);
        command.arg(reference);
        command.env("DOCKER_CONFIG", home).env("HOME", home);
        command
    };
    let words = [
        ("cyclonedx", "CycloneDX"),
        ("spdxjson", "SPDX-2"),
        ("openvex", "CVE-2022-0778"),
    ];
    for (kind, word) in words {
        let said = succeed(&mut verify(kind, &market.public_key()));
        let envelopes = serde_json::Deserializer::from_str(&said).into_iter();
        let payloads: String = envelopes
            .map(|envelope: serde_json::Result<Value>| {
                let envelope = envelope.expect("JSON");
                let payload = envelope["payload"].as_str().expect("text").to_owned();
                let payload = STANDARD.decode(payload).expect("base64");
                String::from_utf8(payload).expect("text")
            })
            .collect();
        assert!(payloads.contains(word), "{kind}: {payloads}");
    }
    let other = market.dir.path().join("other.pub");
    std::fs::write(&other, market.desk.key.public().to_pem()).expect("the file is written");
    fail(&mut verify("cyclonedx", &other));
}

/// Makes a root of trust that names nobody, so that cosign asks nobody else.
pub(crate) fn empty_root(program: &str, home: &Path) -> PathBuf {
    let root = home.join("root.json");
    let mut create = Command::new(program);
    create.args(["trusted-root", "create", "--out"]).arg(&root);
    succeed(&mut create);
    root
}

/// Makes a key pair as cosign's users do, and registers it, proven.
fn cosign_key(program: &str, market: &Market, home: &Path) {
    let mut make = Command::new(program);
    make.arg("generate-key-pair").current_dir(home);
    succeed(make.env("COSIGN_PASSWORD", ""));
    let pem = std::fs::read_to_string(home.join("cosign.pub")).expect("a key");
    register(market, home, ("cosign", &pem), |text| {
        let blob = ["sign-blob", "--bundle", "proof.json", text];
        let said = succeed(&mut cosign_with_key(program, home, &blob));
        let bundle = std::fs::read(home.join("proof.json")).unwrap_or_default();
        let bundle: Value = serde_json::from_slice(&bundle).unwrap_or_default();
        // cosign 3 has it in the bundle, cosign 2 says it.
        let signature = bundle["messageSignature"]["signature"].as_str();
        signature.unwrap_or(said.trim()).to_owned()
    });
}

/// Makes a command that signs as cosign's version does with a key and no service.
fn cosign_with_key(program: &str, home: &Path, args: &[&str]) -> Command {
    let mut sign = Command::new(program);
    let (what, rest) = args.split_first().expect("a command");
    sign.args([what, "--yes", "--key", "cosign.key"]);
    let help = Command::new(program).args(["sign", "--help"]).output();
    let help = String::from_utf8_lossy(&help.expect("its help").stdout).into_owned();
    if help.contains("--signing-config=") {
        let mut create = Command::new(program);
        create.args(["signing-config", "create", "--out", "services.json"]);
        succeed(create.current_dir(home));
        sign.args(["--signing-config", "services.json", "--trusted-root"]);
        sign.arg(empty_root(program, home));
    } else {
        sign.arg("--tlog-upload=false");
    }
    sign.args(rest).current_dir(home).env("COSIGN_PASSWORD", "");
    sign.env("DOCKER_CONFIG", home).env("HOME", home);
    sign
}

#[test]
fn cosign_signs_for_us() {
    for program in cosigns() {
        let (market, name) = staged();
        let own = market.desk.token();
        let home = market.signed_in("ann", own);
        cosign_key(&program, &market, &home);
        let digest = market.image("1").root().digest.clone();
        // Only cosign's own signature is left.
        let ours = trust::cosign::signature_tag(&digest).expect("SHA-256");
        let delete = ["delete", "--tls-verify=false", "--creds"];
        let (creds, beside) = (format!("ann:{own}"), format!("docker://{name}:{ours}"));
        succeed(&mut skopeo(&[&delete[..], &[&creds, &beside]].concat()));
        let reference = format!("{name}@{digest}");
        succeed(&mut cosign_with_key(&program, &home, &["sign", &reference]));
        let id = market.submit("1");
        let page = market.desk.wait(&id, &["inspecting"], &Silent);
        let page = page.expect("inspected");
        let found = &page["submission"]["signature"];
        assert_eq!(found["verified"], true, "{program}: {found:#}");
        market.decide(&id, "approve", "");
        let released = market.desk.wait(&id, &["approved"], &Silent);
        released.expect("released");
    }
}

/// cosign 2's other way: its signature refers to the image, and lies under no tag.
#[test]
fn cosign_2_signs_among_referrers_for_us() {
    let Some(program) = newer("PLIMSOLL_COSIGN", "cosign") else {
        return;
    };
    let (market, name) = staged();
    let own = market.desk.token();
    let home = market.signed_in("ann", own);
    cosign_key(&program, &market, &home);
    let digest = market.image("1").root().digest.clone();
    let ours = trust::cosign::signature_tag(&digest).expect("SHA-256");
    let creds = format!("ann:{own}");
    let beside = |command: &str| {
        let beside = format!("docker://{name}:{ours}");
        skopeo(&[command, "--tls-verify=false", "--creds", &creds, &beside])
    };
    succeed(&mut beside("delete"));
    let reference = format!("{name}@{digest}");
    let sign = ["sign", "--registry-referrers-mode=oci-1-1", &reference];
    let mut sign = cosign_with_key(&program, &home, &sign);
    succeed(sign.env("COSIGN_EXPERIMENTAL", "1"));
    fail(&mut beside("inspect"));
    let id = market.submit("1");
    let page = market.desk.wait(&id, &["inspecting"], &Silent);
    let page = page.expect("inspected");
    let found = &page["submission"]["signature"];
    assert_eq!(found["verified"], true, "{found:#}");
}
