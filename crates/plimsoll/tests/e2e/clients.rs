//! skopeo and podman as they come.

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use testkit::{Cast, User};

use crate::{
    has,
    market::{Market, fail, skopeo, skopeo_pull, succeed},
    newer,
};

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
    let without = fail(&mut skopeo_pull(&creds, &image, &target));
    assert!(without.contains("subscribe to acme/harbour"), "{without}");

    let creds = format!("carl:{}", market.subscribe());
    succeed(&mut skopeo_pull(&creds, &image, &target));
    let raw = succeed(&mut skopeo(&[
        "inspect",
        "--tls-verify=false",
        "--raw",
        "--creds",
        &creds,
        &image,
    ]));
    assert_eq!(oci::Digest::of(raw.as_bytes()), digest);

    let wrong = fail(&mut skopeo_pull(
        "carl:wrong-password-indeed",
        &image,
        &target,
    ));
    assert!(wrong.to_lowercase().contains("password"), "{wrong}");
}

#[test]
fn skopeo_pulls_a_preview_for_whom_the_publisher_named_and_for_nobody_else() {
    if !has("skopeo") {
        return;
    }
    let market = Market::start();
    let (host, out) = (market.server.host(), market.dir.path().join("out"));
    let eve = json!({ "name": "eve", "email": "eve@example.com", "password": Cast::password() });
    let nobody = User::nobody(market.server.url());
    nobody.post("/api/v1/accounts", &eve).expect("an account");
    let (_, page) = market.in_review("1.0");
    let named = "/api/v1/publishers/acme/products/harbour/previewers/carl";
    let put = market.cast.publisher.put(named, &Value::Null);
    put.expect("ann names carl");
    market.wait_for_preview();

    let image = format!("docker://{host}/preview/acme/harbour:1.0");
    let target = format!("dir:{}", out.display());
    let copy = |creds: &[&str]| {
        let mut args = vec!["copy", "--src-tls-verify=false"];
        args.extend(creds);
        skopeo(&[&args[..], &[image.as_str(), target.as_str()]].concat())
    };
    let carl = format!("carl:{}", market.consumer_token());
    succeed(&mut copy(&["--src-creds", &carl]));
    let manifest = std::fs::read(out.join("manifest.json")).expect("what was pulled");
    let digest = oci::Digest::of(&manifest).to_string();
    assert_eq!(page["submission"]["digest"], digest.as_str());

    let password = format!("eve:{}", Cast::password());
    let told = fail(&mut copy(&["--src-creds", &password]));
    assert!(
        told.contains("no repository preview/acme/harbour"),
        "{told}"
    );
    let told = fail(&mut copy(&[]));
    assert!(told.contains("sign in first"), "{told}");
    // Carl pulls what he was shown, not what lies in staging, and only while he is named.
    let staging = fail(&mut skopeo(&[
        "inspect",
        "--tls-verify=false",
        "--creds",
        &carl,
        &format!("docker://{host}/staging/acme/harbour:1.0"),
    ]));
    assert!(staging.contains("no repository"), "{staging}");
    let gone = market.cast.publisher.delete(named);
    gone.expect("ann takes carl off the list");
    fail(&mut copy(&["--src-creds", &carl]));
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

/// Makes a command of podman's with everything of its own below `home`.
fn podman(home: &Path, args: &[&str]) -> Command {
    std::fs::create_dir_all(home).expect("a folder");
    let mut command = Command::new("podman");
    command.arg("--root").arg(home.join("root"));
    command.arg("--runroot").arg(home.join("run"));
    command.args(["--storage-driver", "vfs", "--events-backend", "file"]);
    command.args(["--cgroup-manager", "cgroupfs"]).args(args);
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command
}

#[test]
fn podman_pushes_and_pulls() {
    if !has("podman") {
        return;
    }
    let (market, _) = Market::with_release();
    let home = market.dir.path().join("podman");
    let podman = |args: &[&str]| podman(&home, args);
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

/// Writes what the product's page gives for `policy.json` and `registries.d`, with `key` in the
/// place of /etc's, as a user's own files below `home`.
fn containers_policy(market: &Market, home: &Path, key: &Path) {
    let url = format!("{}/p/acme/harbour", market.server.url());
    let page = ureq::get(&url).call().expect("the page");
    let page = page.into_body().read_to_string().expect("text");
    let page = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<")]
        .iter()
        .fold(page, |page, (entity, sign)| page.replace(entity, sign));
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).expect(start);
        rest.split_once(end).expect(end).0.to_owned()
    };
    let dir = home.join(".config/containers");
    std::fs::create_dir_all(dir.join("registries.d")).expect("a folder");
    let lookaside = between("registries.d/plimsoll.yaml <<'END'\n", "\nEND");
    std::fs::write(dir.join("registries.d/plimsoll.yaml"), lookaside).expect("a file");
    let policy = between("{ \"default\"", "</code>");
    let policy = format!("{{ \"default\"{policy}")
        .replace("/etc/containers/release.pub", key.to_str().expect("a path"));
    std::fs::write(dir.join("policy.json"), policy).expect("a file");
}

#[test]
fn skopeo_takes_only_what_the_operator_signed() {
    // Podman reads the same files with the same library; bookworm's is built without this.
    let Some(skopeo) = newer("PLIMSOLL_SKOPEO", "Debian trixie's skopeo") else {
        return;
    };
    let (market, _) = Market::with_release();
    let (home, host) = (market.dir.path().join("enforced"), market.server.host());
    let carl = format!("carl:{}", market.subscribe());
    let ann = format!("ann:{}", market.desk.token());
    let (released, staged) = ("acme/harbour:1.0", "staging/acme/harbour:1.0");
    let copy = |creds: &str, name: &str| {
        let mut copy = Command::new(&skopeo);
        let config = home.join(".config/containers");
        copy.arg("--policy").arg(config.join("policy.json"));
        copy.arg("--registries.d").arg(config.join("registries.d"));
        copy.args(["copy", "--src-tls-verify=false", "--src-creds", creds]);
        copy.arg(format!("docker://{host}/{name}"));
        copy.arg(format!("dir:{}", home.join("out").display()));
        copy
    };
    containers_policy(&market, &home, &market.public_key());
    succeed(&mut copy(&carl, released));
    let refused = fail(&mut copy(&ann, staged));
    assert!(refused.contains("rejected by policy"), "{refused}");

    let other = market.dir.path().join("other.pub");
    let key = trust::SigningKey::from_scalar(&[9; 32]).expect("a key");
    std::fs::write(&other, key.public().to_pem()).expect("a file");
    containers_policy(&market, &home, &other);
    let refused = fail(&mut copy(&carl, released));
    assert!(refused.contains("signature"), "{refused}");
}

#[test]
fn skopeo_copies_all_platforms_mirrors_and_deletes() {
    if !has("skopeo") {
        return;
    }
    let market = Market::start();
    let Some(image) = market.push_two_platforms("many") else {
        return;
    };
    let creds = format!("ann:{}", market.desk.token());
    let remote = format!("docker://{image}");
    let copy = format!("{remote}-copy");
    succeed(&mut skopeo(&[
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--src-creds",
        &creds,
        "--dest-creds",
        &creds,
        &remote,
        &copy,
    ]));
    let raw = |image: &str| {
        let inspect = ["inspect", "--raw", "--tls-verify=false", "--creds", &creds];
        succeed(&mut skopeo(&[inspect.as_slice(), &[image]].concat()))
    };
    assert_eq!(raw(&copy), raw(&remote));
    let out = market.dir.path().join("mirror");
    succeed(&mut skopeo(&[
        "sync",
        "--all",
        "--src-tls-verify=false",
        "--src-creds",
        &creds,
        "--src",
        "docker",
        "--dest",
        "dir",
        image.rsplit_once(':').expect("a tag").0,
        &out.display().to_string(),
    ]));
    assert_eq!(std::fs::read_dir(&out).expect("the mirror").count(), 2);
    let delete = ["delete", "--tls-verify=false", "--creds", &creds, &copy];
    succeed(&mut skopeo(&delete));
    let gone = fail(&mut skopeo(&delete));
    assert!(gone.contains("may not exist"), "{gone}");
}
