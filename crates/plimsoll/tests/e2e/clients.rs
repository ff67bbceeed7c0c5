//! skopeo, podman and cosign as they come.

use std::{path::Path, process::Command};

use crate::{
    market::{Market, fail, succeed},
    skip,
};

fn skopeo(args: &[&str]) -> Command {
    let mut command = Command::new("skopeo");
    command.arg("--insecure-policy").args(args);
    command
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

#[test]
fn skopeo_pulls_with_a_subscription_and_is_told_why_without() {
    if !has("skopeo") {
        return;
    }
    let (market, digest) = Market::with_release();
    let (host, out) = (market.server.host(), market.dir.path().join("out"));
    let image = format!("docker://{host}/acme/harbour:1.0");
    let target = format!("dir:{}", out.display());

    let nobody = fail(&mut skopeo(&[
        "copy",
        "--src-tls-verify=false",
        &image,
        &target,
    ]));
    assert!(nobody.contains("subscribe to acme/harbour"), "{nobody}");

    let creds = format!("carl:{}", market.consumer_token());
    let without = fail(&mut skopeo(&[
        "copy",
        "--src-tls-verify=false",
        "--src-creds",
        &creds,
        &image,
        &target,
    ]));
    assert!(without.contains("subscribe to acme/harbour"), "{without}");

    let creds = format!("carl:{}", market.subscribe());
    succeed(&mut skopeo(&[
        "copy",
        "--src-tls-verify=false",
        "--src-creds",
        &creds,
        &image,
        &target,
    ]));
    let raw = succeed(&mut skopeo(&[
        "inspect",
        "--tls-verify=false",
        "--raw",
        "--creds",
        &creds,
        &image,
    ]));
    assert_eq!(oci::Digest::of(raw.as_bytes()), digest);

    let wrong = fail(&mut skopeo(&[
        "copy",
        "--src-tls-verify=false",
        "--src-creds",
        "carl:wrong-password-indeed",
        &image,
        &target,
    ]));
    assert!(wrong.to_lowercase().contains("password"), "{wrong}");
}

#[test]
fn skopeo_pushes_to_staging_in_both_formats() {
    if !has("skopeo") {
        return;
    }
    let market = Market::start();
    drop(market.image("2.0"));
    let host = market.server.host();
    let creds = format!("ann:{}", market.desk.token());
    let source = format!("oci:{}:2.0", market.layout().display());
    for (format, media_type) in [
        ("oci", oci::media_type::OCI_MANIFEST),
        ("v2s2", oci::media_type::DOCKER_MANIFEST),
    ] {
        let target = format!("docker://{host}/staging/acme/harbour:{format}");
        succeed(&mut skopeo(&[
            "copy",
            "--format",
            format,
            "--dest-tls-verify=false",
            "--dest-creds",
            &creds,
            &source,
            &target,
        ]));
        let raw = succeed(&mut skopeo(&[
            "inspect",
            "--tls-verify=false",
            "--raw",
            "--creds",
            &creds,
            &target,
        ]));
        assert!(raw.contains(media_type), "{raw}");
    }
    let tags = succeed(&mut skopeo(&[
        "list-tags",
        "--tls-verify=false",
        "--creds",
        &creds,
        &format!("docker://{host}/staging/acme/harbour"),
    ]));
    assert!(
        tags.contains("\"oci\"") && tags.contains("\"v2s2\""),
        "{tags}"
    );
    let others = fail(&mut skopeo(&[
        "inspect",
        "--tls-verify=false",
        "--creds",
        &format!("carl:{}", market.consumer_token()),
        &format!("docker://{host}/staging/acme/harbour:oci"),
    ]));
    assert!(
        others.contains("no repository staging/acme/harbour"),
        "{others}"
    );
    let released = fail(&mut skopeo(&[
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &creds,
        &source,
        &format!("docker://{host}/acme/harbour:oci"),
    ]));
    assert!(
        released.contains("denied") || released.contains("unauthorized"),
        "{released}"
    );
}

#[test]
fn podman_pushes_and_pulls() {
    if !has("podman") {
        return;
    }
    let (market, _) = Market::with_release();
    let home = market.dir.path().join("podman");
    std::fs::create_dir_all(&home).expect("a folder");
    let podman = |args: &[&str]| {
        let mut command = Command::new("podman");
        command.args([
            "--root",
            &format!("{}/root", home.display()),
            "--runroot",
            &format!("{}/run", home.display()),
        ]);
        command
            .args([
                "--storage-driver",
                "vfs",
                "--events-backend",
                "file",
                "--cgroup-manager",
                "cgroupfs",
            ])
            .args(args);
        command.env("HOME", &home).env("XDG_RUNTIME_DIR", &home);
        command
    };
    let (host, carl) = (market.server.host(), format!("carl:{}", market.subscribe()));
    let image = format!("{host}/acme/harbour:1.0");
    succeed(&mut podman(&[
        "pull",
        "--tls-verify=false",
        "--creds",
        &carl,
        &image,
    ]));
    let ann = format!("ann:{}", market.desk.token());
    let target = format!("{host}/staging/acme/harbour:podman");
    succeed(&mut podman(&[
        "push",
        "--tls-verify=false",
        "--creds",
        &ann,
        &image,
        &target,
    ]));
    succeed(&mut podman(&["rmi", "--force", &image]));
    succeed(&mut podman(&[
        "pull",
        "--tls-verify=false",
        "--creds",
        &ann,
        &target,
    ]));
}

/// The stock verifier, where a newer Debian suite could be reached.
#[test]
fn cosign_verifies_what_plimsoll_signed() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the task runner says where it put cosign"
    )]
    let program = std::env::var("PLIMSOLL_COSIGN").unwrap_or_else(|_| "cosign".to_owned());
    if !Path::new(&program).exists() && !has(&program) {
        return;
    }
    let (market, digest) = Market::with_release();
    let home = market.dir.path().join("docker");
    std::fs::create_dir_all(&home).expect("a folder");
    let auth = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("carl:{}", market.subscribe()),
    );
    let config = serde_json::json!({ "auths": { market.server.host(): { "auth": auth } } });
    std::fs::write(home.join("config.json"), config.to_string()).expect("the file is written");
    let verify = |key: &Path, reference: &str| {
        let mut command = Command::new(&program);
        command
            .args(["verify", "--insecure-ignore-tlog=true", "--key"])
            .arg(key)
            .arg(reference);
        command.env("DOCKER_CONFIG", &home).env("HOME", &home);
        command
    };
    let reference = format!("{}/acme/harbour@{digest}", market.server.host());
    let said = succeed(&mut verify(&market.public_key(), &reference));
    assert!(said.contains(digest.as_str()), "{said}");
    let other = market.dir.path().join("other.pub");
    std::fs::write(&other, market.desk.key.public().to_pem()).expect("the file is written");
    fail(&mut verify(&other, &reference));
}
