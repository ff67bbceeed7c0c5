//! Robots and kept logins, with the clients that sign in with them.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    has,
    market::{Market, skopeo, succeed},
};

/// Runs the program under test on the market's folder; gives its JSON.
fn plimsoll(market: &Market, args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).args(["--format", "json", "--data"]);
    let printed = succeed(command.arg(market.server.data()));
    serde_json::from_str(&printed).expect("JSON")
}

/// Makes a robot with a token; gives the secret.
fn robot(market: &Market, name: &str, args: &[&str]) -> String {
    plimsoll(market, &[&["robot", "create", name], args].concat());
    let token = plimsoll(market, &["token", "create", "runner", "--account", name]);
    token["token"].as_str().expect("a secret").to_owned()
}

#[test]
fn robots_sign_in_with_every_client() {
    if !has("skopeo") {
        return;
    }
    let market = Market::start();
    drop(market.image("2.0"));
    let host = market.server.host();
    let ci = robot(&market, "acme+ci", &["--role", "editor"]);
    let own = robot(&market, "carl~cluster", &[]);
    let image = format!("docker://{host}/staging/acme/harbour:2.0");
    succeed(&mut skopeo(&[
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &format!("acme+ci:{ci}"),
        &format!("oci:{}:2.0", market.layout().display()),
        &image,
    ]));
    for (name, secret) in [("acme+ci", &ci), ("carl~cluster", &own)] {
        for program in ["skopeo", "podman", "buildah"] {
            if !has(program) {
                continue;
            }
            let file = market.dir.path().join("auth.json");
            succeed(
                Command::new(program)
                    .args(["login", "--tls-verify=false", "--authfile"])
                    .arg(&file)
                    .args(["-u", name, "-p", secret, host]),
            );
        }
        login(&market.dir.path().join(name), host, (name, secret));
    }
}

/// Signs Docker in; gives what it wrote down for the host.
fn login(dir: &Path, host: &str, (name, secret): (&str, &str)) -> Value {
    if !has("docker") {
        return Value::Null;
    }
    std::fs::create_dir_all(dir).expect("a folder");
    let mut child = Command::new("docker")
        .env("DOCKER_CONFIG", dir)
        .args(["login", host, "-u", name, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("docker starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(secret.as_bytes()).expect("docker reads");
    drop(stdin);
    let output = child.wait_with_output().expect("docker ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name}: {said}");
    let text = std::fs::read_to_string(dir.join("config.json")).expect("a configuration");
    let config: Value = serde_json::from_str(&text).expect("JSON");
    config["auths"][host].clone()
}
