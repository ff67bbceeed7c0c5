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
    newer, openssl,
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
    register_key(program, market, home, "cosign");
}

/// Registers the key that is there, proven with cosign.
fn register_key(program: &str, market: &Market, home: &Path, name: &str) {
    let pem = std::fs::read_to_string(home.join("cosign.pub")).expect("a key");
    register(market, home, (name, &pem), |text| {
        let mut sign = Command::new(program);
        sign.args(["sign-blob", "--yes", "--key", "cosign.key"]);
        sign.args(["--tlog-upload=false", "--bundle", "proof.json"]);
        // As the publisher's page has it for cosign 3, whose own way fails with Ed25519.
        if knows(program, "sign-blob", "--use-signing-config") {
            sign.arg("--use-signing-config=false");
        }
        sign.arg(text).current_dir(home).env("COSIGN_PASSWORD", "");
        let said = succeed(sign.env("DOCKER_CONFIG", home).env("HOME", home));
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
    if knows(program, "sign", "--signing-config=") {
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

fn knows(program: &str, command: &str, option: &str) -> bool {
    let help = Command::new(program).args([command, "--help"]).output();
    String::from_utf8_lossy(&help.expect("its help").stdout).contains(option)
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

/// Keys of all kinds, made by OpenSSL, brought in and used by the stock cosigns: as tags, as
/// referrers, and as bundles.
#[test]
fn cosign_signs_for_us_with_keys_of_every_kind() {
    let kinds = [
        ("p384", "EC -pkeyopt ec_paramgen_curve:P-384", false),
        ("p521", "EC -pkeyopt ec_paramgen_curve:P-521", false),
        ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048", false),
        ("rsa4096", "RSA -pkeyopt rsa_keygen_bits:4096", true),
        ("ed25519", "ED25519", false),
        ("p384-beside", "EC -pkeyopt ec_paramgen_curve:P-384", true),
    ];
    let Some(imports) = newer("PLIMSOLL_COSIGN3", "cosign3") else {
        return;
    };
    for program in cosigns() {
        let (market, name) = staged();
        let own = market.desk.token();
        let home = market.signed_in("ann", own);
        for (kind, algorithm, as_referrer) in kinds {
            let image = market.image(kind);
            let digest = image.root().digest.clone();
            let pushed = market.desk.push(image.as_ref(), kind, &Silent);
            pushed.expect("the push succeeds");
            // Only cosign's own signature is left.
            let ours = trust::cosign::signature_tag(&digest).expect("SHA-256");
            let (creds, beside) = (format!("ann:{own}"), format!("docker://{name}:{ours}"));
            let delete = ["delete", "--tls-verify=false", "--creds", &creds, &beside];
            succeed(&mut skopeo(&delete));
            let make = format!("genpkey -out own.pem -algorithm {algorithm}");
            if openssl(&home, &make).is_none() {
                return;
            }
            // Debian's cosign 2 brings in no such key, and signs with what cosign 3 brought in.
            let mut import = Command::new(&imports);
            import.args(["import-key-pair", "--yes", "--key", "own.pem"]);
            import.args(["--output-key-prefix", "cosign"]);
            succeed(import.current_dir(&home).env("COSIGN_PASSWORD", ""));
            register_key(&program, &market, &home, kind);
            let reference = format!("{name}@{digest}");
            let mut sign = vec!["sign"];
            sign.extend(as_referrer.then_some("--registry-referrers-mode=oci-1-1"));
            sign.push(&reference);
            let mut sign = cosign_with_key(&program, &home, &sign);
            if kind == "ed25519" && knows(&program, "sign", "--use-signing-config") {
                // With services named, cosign 3 refuses what it signed itself with such a key.
                sign = Command::new(&program);
                sign.args(["sign", "--yes", "--key", "cosign.key", &reference]);
                sign.args(["--use-signing-config=false", "--tlog-upload=false"]);
                sign.current_dir(&home).env("COSIGN_PASSWORD", "");
                sign.env("DOCKER_CONFIG", &home).env("HOME", &home);
            }
            succeed(sign.env("COSIGN_EXPERIMENTAL", "1"));
            let id = market.submit(kind);
            let page = market.desk.wait(&id, &["inspecting"], &Silent);
            let found = page.expect("inspected")["submission"]["signature"].take();
            assert_eq!(found["verified"], true, "{program} {kind}: {found:#}");
            assert_eq!(found["key_name"], kind, "{program}: {found:#}");
            market.decide(&id, "approve", "");
            let released = market.desk.wait(&id, &["approved"], &Silent);
            released.expect("released");
        }
    }
}
