//! crane, oras and notation as newer Debian suites have them, and regctl where there is one.

use std::{fs, path::Path, process::Command};

use crate::{
    market::{Market, Silent, fail, skopeo, succeed},
    newer,
};

/// Makes a command of a client in which somebody is signed in.
pub(crate) fn client(program: &str, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(home);
    command.env("DOCKER_CONFIG", home).env("HOME", home);
    command.env("XDG_CONFIG_HOME", home.join("xdg"));
    command
}

/// Starts a marketplace with an image in staging; gives its name with the host.
pub(crate) fn staged() -> (Market, String) {
    let market = Market::start();
    market
        .desk
        .push(market.image("1").as_ref(), "1", &Silent)
        .expect("the push succeeds");
    let name = format!("{}/staging/acme/harbour", market.server.host());
    (market, name)
}

#[test]
fn crane_copies_lists_and_deletes() {
    let Some(program) = newer("PLIMSOLL_CRANE", "crane") else {
        return;
    };
    let (market, name) = staged();
    let home = market.signed_in("ann", market.desk.token());
    let crane = |args: &[&str]| client(&program, &home, args);
    let (image, copy) = (format!("{name}:1"), format!("{name}-copy"));
    let digest = succeed(&mut crane(&["digest", &image]));
    succeed(&mut crane(&["copy", &image, &format!("{copy}:1")]));
    succeed(&mut crane(&["validate", "--remote", &format!("{copy}:1")]));
    succeed(&mut crane(&["tag", &format!("{copy}:1"), "2"]));
    succeed(&mut crane(&["pull", "--format", "oci", &image, "pulled"]));
    succeed(&mut crane(&["push", "pulled", &format!("{copy}:3")]));
    let index = format!("{copy}:index");
    succeed(&mut crane(&["index", "append", "-m", &image, "-t", &index]));
    let tags = succeed(&mut crane(&["ls", &copy]));
    assert_eq!(tags.lines().collect::<Vec<_>>(), ["1", "2", "3", "index"]);
    assert_eq!(
        succeed(&mut crane(&["digest", &format!("{copy}:3")])),
        digest
    );
    let all = succeed(&mut crane(&["catalog", market.server.host()]));
    assert_eq!(all, "staging/acme/harbour\nstaging/acme/harbour-copy\n");
    let by_digest = format!("{copy}@{}", digest.trim());
    succeed(&mut crane(&["delete", &by_digest]));
    assert_eq!(succeed(&mut crane(&["ls", &copy])), "index\n");
    let released = format!("{}/acme/harbour:1", market.server.host());
    let refused = fail(&mut crane(&["copy", &image, &released]));
    // crane shows no more of the answer to HEAD.
    assert!(refused.contains("401 Unauthorized"), "{refused}");
}

#[test]
fn oras_attaches_discovers_and_copies() {
    let Some(program) = newer("PLIMSOLL_ORAS", "oras") else {
        return;
    };
    let (market, name) = staged();
    let home = market.signed_in("ann", market.desk.token());
    let oras = |args: &[&str]| client(&program, &home, args);
    fs::write(home.join("sbom.txt"), "all of it\n").expect("a file");
    let (image, kind) = (format!("{name}:1"), "application/vnd.example.sbom");
    let (plain, file) = ("--plain-http", "sbom.txt:text/plain");
    succeed(&mut oras(&[
        "attach",
        plain,
        "--artifact-type",
        kind,
        &image,
        file,
    ]));
    let copy = format!("{name}-copy:1");
    let both_plain = ["--from-plain-http", "--to-plain-http"];
    succeed(&mut oras(
        &[&["cp", "-r"], both_plain.as_slice(), &[&image, &copy]].concat(),
    ));
    for (image, wanted, found) in [
        (&image, kind, true),
        (&copy, kind, true),
        (&copy, "a/b", false),
    ] {
        let discover = ["discover", plain, "--artifact-type", wanted, image];
        let said = succeed(&mut oras(&discover));
        assert_eq!(said.contains(kind), found, "{said}");
    }
    let own = format!("{name}-files:1");
    succeed(&mut oras(&["push", plain, &own, file]));
    succeed(&mut oras(&["pull", plain, "-o", "out", &own]));
    assert_eq!(
        fs::read(home.join("out/sbom.txt")).expect("the file"),
        b"all of it\n"
    );
    let tags = succeed(&mut oras(&["repo", "tags", plain, &own[..own.len() - 2]]));
    assert_eq!(tags, "1\n");
    succeed(&mut oras(&["manifest", "delete", plain, "-f", &own]));
    fail(&mut oras(&["pull", plain, &own]));
}

#[test]
fn regctl_copies_attaches_and_deletes() {
    let Some(program) = newer("PLIMSOLL_REGCTL", "regctl") else {
        return;
    };
    let (market, name) = staged();
    let home = market.signed_in("ann", market.desk.token());
    let regctl = |args: &[&str]| client(&program, &home, args);
    let host = market.server.host();
    succeed(&mut regctl(&["registry", "set", "--tls=disabled", host]));
    let (image, copy) = (format!("{name}:1"), format!("{name}-copy"));
    let (first, second) = (format!("{copy}:1"), format!("{copy}:2"));
    let digest = succeed(&mut regctl(&["image", "digest", &image]));
    fs::write(home.join("sbom.txt"), "all of it\n").expect("a file");
    let kind = "application/vnd.example.sbom";
    let (of_kind, file) = (format!("--artifact-type={kind}"), "--file=sbom.txt");
    let subject = format!("--subject={image}");
    succeed(&mut regctl(&["artifact", "put", &of_kind, file, &subject]));
    succeed(&mut regctl(&[
        "image",
        "copy",
        "--referrers",
        &image,
        &first,
    ]));
    // Through a layout, whose blobs are there by then.
    succeed(&mut regctl(&["image", "copy", &image, "ocidir://copy:1"]));
    succeed(&mut regctl(&["image", "copy", "ocidir://copy:1", &second]));
    assert_eq!(succeed(&mut regctl(&["image", "digest", &second])), digest);
    for (wanted, found) in [
        (of_kind.as_str(), true),
        ("--filter-artifact-type=a/b", false),
    ] {
        let wanted = wanted.replace("--artifact", "--filter-artifact");
        let listed = succeed(&mut regctl(&["artifact", "list", &wanted, &first]));
        assert_eq!(listed.contains(kind), found, "{listed}");
    }
    let filter = format!("--filter-artifact-type={kind}");
    let got = succeed(&mut regctl(&[
        "artifact",
        "get",
        &filter,
        &format!("--subject={first}"),
    ]));
    assert_eq!(got, "all of it\n");
    succeed(&mut regctl(&[
        "index",
        "create",
        &format!("{copy}:index"),
        "--ref",
        &image,
    ]));
    succeed(&mut regctl(&["tag", "delete", &second]));
    let tags = succeed(&mut regctl(&["tag", "ls", &copy]));
    assert_eq!(tags.lines().collect::<Vec<_>>(), ["1", "index"]);
    let all = succeed(&mut regctl(&["repo", "ls", host]));
    assert_eq!(all, "staging/acme/harbour\nstaging/acme/harbour-copy\n");
    let by_digest = format!("{copy}@{}", digest.trim());
    succeed(&mut regctl(&["manifest", "delete", &by_digest]));
    fail(&mut regctl(&["manifest", "head", &first]));
    let released = format!("{host}/acme/harbour:1");
    fail(&mut regctl(&["image", "copy", &image, &released]));
}

#[test]
fn notation_signs_and_verifies() {
    let Some(program) = newer("PLIMSOLL_NOTATION", "notation") else {
        return;
    };
    let (market, name) = staged();
    let home = market.signed_in("ann", market.desk.token());
    let notation = |args: &[&str]| {
        let mut command = client(&program, &home, args);
        command.env("NOTATION_USERNAME", "ann");
        command.env("NOTATION_PASSWORD", market.desk.token());
        command
    };
    let digest = market.image("1").root().digest.clone();
    let image = format!("{name}@{digest}");
    let policy = r#"{"version":"1.0","trustPolicies":[{"name":"all","registryScopes":["*"],
        "signatureVerification":{"level":"strict"},"trustStores":["ca:harbour"],"trustedIdentities":["*"]}]}"#;
    fs::write(home.join("policy.json"), policy).expect("a file");
    succeed(&mut notation(&[
        "cert",
        "generate-test",
        "--default",
        "harbour",
    ]));
    succeed(&mut notation(&[
        "policy",
        "import",
        "--force",
        "policy.json",
    ]));
    let insecure = "--insecure-registry";
    fail(&mut notation(&["verify", insecure, &image]));
    succeed(&mut notation(&["sign", insecure, &image]));
    succeed(&mut notation(&["verify", insecure, &image]));
    let list = succeed(&mut notation(&["list", insecure, &image]));
    assert!(
        list.contains("application/vnd.cncf.notary.signature"),
        "{list}"
    );
}

/// Makes a key with a certificate for Notation, as its users do, and registers it, proven.
fn notation_key(market: &Market, home: &Path) {
    let openssl = |args: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(args).current_dir(home);
        succeed(&mut command)
    };
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:3072",
        "-nodes",
        "-days",
        "30",
        "-keyout",
        "acme.key",
        "-out",
        "acme.crt",
        "-subj",
        "/C=DE/ST=Hamburg/O=Acme/CN=acme",
        "-addext",
        "keyUsage=critical,digitalSignature",
        "-addext",
        "extendedKeyUsage=codeSigning",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ]);
    let keys = serde_json::json!({ "keys": [{
        "name": "acme", "keyPath": home.join("acme.key"), "certPath": home.join("acme.crt"),
    }]});
    fs::create_dir_all(home.join("xdg/notation")).expect("a folder");
    fs::write(home.join("xdg/notation/signingkeys.json"), keys.to_string()).expect("a file");
    let pem = fs::read_to_string(home.join("acme.crt")).expect("a certificate");
    register(market, home, ("notation", &pem), |text| {
        let pss = ["dgst", "-sha384", "-sigopt", "rsa_padding_mode:pss"];
        let sign = ["-sigopt", "rsa_pss_saltlen:digest", "-sign", "acme.key"];
        openssl(&[&pss[..], &sign, &["-out", "proof.bin", text]].concat());
        openssl(&["base64", "-in", "proof.bin"])
    });
}

/// Registers a key or certificate and proves it: `sign` gives the signature over a file.
pub(crate) fn register(
    market: &Market,
    home: &Path,
    (name, pem): (&str, &str),
    sign: impl FnOnce(&str) -> String,
) {
    let (user, path) = (&market.desk.user, "/api/v1/publishers/acme/keys");
    let new = serde_json::json!({ "name": name, "pem": pem });
    let added = user.post(path, &new).expect("registered");
    let text = added["challenge"].as_str().expect("a text");
    fs::write(home.join("proof.txt"), text).expect("a file");
    let proof = serde_json::json!({ "signature": sign("proof.txt") });
    let id = added["id"].as_str().expect("an id");
    let proven = user.post(&format!("{path}/{id}/proof"), &proof);
    assert_eq!(proven.expect("proven")["standing"], "in-force");
}

#[test]
fn notation_signs_for_us_and_verifies_us() {
    let Some(program) = newer("PLIMSOLL_NOTATION", "notation") else {
        return;
    };
    let (market, name) = staged();
    let home = market.signed_in("ann", market.desk.token());
    notation_key(&market, &home);
    let own = market.desk.token();
    let notation = |args: &[&str]| {
        let mut command = client(&program, &home, args);
        command.env("NOTATION_USERNAME", "ann");
        command.env("NOTATION_PASSWORD", own);
        command
    };
    let digest = market.image("1").root().digest.clone();
    // Only Notation's signature is left.
    let cosign = trust::cosign::signature_tag(&digest).expect("SHA-256");
    for format in ["jws", "cose"] {
        let reference = format!("{name}@{digest}");
        let sign = [
            "sign",
            "--insecure-registry",
            "--signature-format",
            format,
            "--key",
            "acme",
            &reference,
        ];
        succeed(&mut notation(&sign));
    }
    let creds = format!("ann:{own}");
    let beside = format!("docker://{name}:{cosign}");
    succeed(&mut skopeo(&[
        "delete",
        "--tls-verify=false",
        "--creds",
        &creds,
        &beside,
    ]));
    let id = market.submit("1");
    let page = market
        .desk
        .wait(&id, &["inspecting"], &Silent)
        .expect("inspected");
    let found = &page["submission"]["signature"];
    assert_eq!(found["verified"], true, "{found:#}");
    let reason = found["reason"].as_str().expect("text");
    assert!(
        reason.contains("signed with Notation (PS384) by `CN=acme,"),
        "{reason}"
    );
    market.decide(&id, "approve", "");
    market
        .desk
        .wait(&id, &["approved"], &Silent)
        .expect("released");

    let token = market.subscribe();
    notation_trusts(&program, &home, &market);
    notation_verifies(&program, &home, (&market, &token), &digest);
}

/// Has notation trust the market's certificate, as it is now, for the released product.
pub(crate) fn notation_trusts(program: &str, home: &Path, market: &Market) {
    let host = market.server.host().to_owned();
    let mut fetch = Command::new("curl");
    fetch.args(["--fail", "--silent", "--output", "operator.crt"]);
    fetch.arg(format!("http://{host}/.well-known/plimsoll/release.crt"));
    succeed(fetch.current_dir(home));
    let policy = format!(
        r#"{{"version":"1.0","trustPolicies":[{{"name":"market","registryScopes":["{host}/acme/harbour"],
        "signatureVerification":{{"level":"strict"}},"trustStores":["ca:plimsoll"],"trustedIdentities":["*"]}}]}}"#
    );
    fs::write(home.join("policy.json"), policy).expect("a file");
    let add = ["cert", "add", "--type", "ca", "--store", "plimsoll"];
    let add = [&add[..], &["operator.crt"]].concat();
    succeed(&mut client(program, home, &add));
    let import = ["policy", "import", "--force", "policy.json"];
    succeed(&mut client(program, home, &import));
}

/// Has notation verify what is released, as carl.
pub(crate) fn notation_verifies(
    program: &str,
    home: &Path,
    (market, token): (&Market, &str),
    digest: &oci::Digest,
) {
    let released = format!("{}/acme/harbour@{digest}", market.server.host());
    let mut verify = client(program, home, &["verify", "--insecure-registry", &released]);
    verify.env("NOTATION_USERNAME", "carl");
    let said = succeed(verify.env("NOTATION_PASSWORD", token));
    assert!(said.contains("Successfully verified"), "{said}");
}
