//! TLS of the server's own, with curl and skopeo as clients.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::{
    doors::{Doors, until},
    market::{Market, serve_by},
    openssl, skip,
};

/// Makes a certificate for 127.0.0.1 that vouches for itself; nothing without openssl.
pub(crate) fn make(dir: &Path, name: &str) -> Option<()> {
    let config = "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=x\n[dn]\nCN=test\n\
                  [x]\nbasicConstraints=critical,CA:TRUE\nsubjectAltName=IP:127.0.0.1\n";
    fs::write(dir.join("cnf"), config).expect("a file");
    let arguments = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.crt -days 2 -config cnf"
    );
    openssl(dir, &arguments)
}

/// Puts a certificate where the server looks.
fn install(dir: &Path, name: &str) {
    for end in ["crt", "key"] {
        let beside = dir.join(format!("new.{end}"));
        fs::copy(dir.join(format!("{name}.{end}")), &beside).expect("a copy");
        fs::rename(beside, dir.join(format!("server.{end}"))).expect("a name");
    }
}

/// Starts a server with its first certificate; nothing where a tool is missing.
fn start() -> Option<(tempfile::TempDir, Doors)> {
    if Command::new("curl").arg("--version").output().is_err() {
        skip("curl is not installed");
        return None;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    make(dir.path(), "first")?;
    make(dir.path(), "second")?;
    install(dir.path(), "first");
    let path = |end: &str| {
        dir.path()
            .join(format!("server.{end}"))
            .display()
            .to_string()
    };
    let doors = Doors::open(&format!(
        "[server.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
        path("crt"),
        path("key")
    ));
    Some((dir, doors))
}

fn curl(doors: &Doors, dir: &Path, trusted: &str, more: &[&str]) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--output", "-"])
        .args(["--write-out", " %{http_version} %{http_code}"])
        .arg("--cacert")
        .arg(dir.join(format!("{trusted}.crt")))
        .args(more)
        .arg(format!("{}/healthz", doors.server.url()))
        .output()
        .expect("curl runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn clients_choose_http_2_or_1_over_tls() {
    let Some((dir, doors)) = start() else { return };
    assert!(
        doors.server.url().starts_with("https://127.0.0.1:"),
        "{}",
        doors.server.url()
    );
    for (wish, expected) in [("--http2", " 2 200"), ("--http1.1", " 1.1 200")] {
        let answer = said(&curl(&doors, dir.path(), "first", &[wish]));
        assert!(answer.ends_with(expected), "{answer}");
    }
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let limit = version.trim_start_matches("--tlsv");
        let answer = said(&curl(
            &doors,
            dir.path(),
            "first",
            &[version, "--tls-max", limit],
        ));
        assert!(answer.ends_with(" 2 200"), "{answer}");
    }
    let old = curl(
        &doors,
        dir.path(),
        "first",
        &["--tlsv1.0", "--tls-max", "1.1"],
    );
    assert!(!old.status.success(), "TLS 1.1 is refused");
    let host = doors.server.url().trim_start_matches("https://");
    let mut plain = crate::doors::connect(host);
    std::io::Write::write_all(&mut plain, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    let answer = crate::doors::rest(&mut plain);
    assert!(answer.contains("this port speaks https"), "{answer}");
}

#[test]
fn a_new_certificate_is_taken_over_and_a_broken_one_is_not() {
    let Some((dir, doors)) = start() else { return };
    let answers = |trusted: &str| {
        let output = curl(&doors, dir.path(), trusted, &[]);
        output.status.success().then_some(())
    };
    until("the first certificate", || answers("first"));
    fs::write(dir.path().join("server.crt"), "no certificate").expect("a file");
    doors.signal("-HUP");
    until("a complaint", || {
        doors
            .log()
            .contains("the new certificate cannot be used")
            .then_some(())
    });
    answers("first").expect("the old one stays");
    install(dir.path(), "second");
    doors.signal("-HUP");
    until("the second certificate", || answers("second"));
    assert_eq!(answers("first"), None);
    install(dir.path(), "first");
    until("the first one again, without a signal", || answers("first"));
}

/// Makes an authority and a certificate of its for 127.0.0.1; nothing without openssl.
fn make_private(dir: &Path) -> Option<()> {
    let config = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=test\n\
                  [ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
                  [own]\nsubjectAltName=IP:127.0.0.1\n";
    fs::write(dir.join("private"), config).expect("a file");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config private";
    openssl(
        dir,
        &format!("req -x509 {key} -extensions ca -keyout ca.key -out ca.crt -days 2"),
    )?;
    openssl(
        dir,
        &format!("req -new {key} -subj /CN=own -keyout own.key -out own.csr"),
    )?;
    openssl(
        dir,
        "x509 -req -in own.csr -CA ca.crt -CAkey ca.key -set_serial 7 -extfile private -extensions own -out own.crt -days 2",
    )
}

/// Key, image and log: all over TLS, all by the authority that was given.
#[test]
fn verify_believes_the_authority_that_it_is_given() {
    let (mut market, digest) = Market::with_release();
    let dir = market.dir.path().to_owned();
    if make_private(&dir).is_none() || make(&dir, "other").is_none() {
        return;
    }
    let token = market.subscribe();
    let at = market.server.host().to_owned();
    market.server.kill().expect("the server ends");
    let path = |name: &str| dir.join(name).display().to_string();
    let tls = [
        "--tls-certificate",
        &path("own.crt"),
        "--tls-key",
        &path("own.key"),
    ];
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    market.server = serve_by(program, market.server.data(), &at, &tls);
    let verify = |authority: &str| {
        let mut verify = Command::new(program);
        verify.args(["verify", "--trust-host", "--ca-file", &path(authority)]);
        verify.args(["--user", &format!("carl:{token}")]);
        verify.arg(format!("{at}/acme/harbour:1.0"));
        verify.env("HOME", &dir).env_remove("XDG_STATE_HOME");
        verify.output().expect("it runs")
    };
    let output = verify("ca.crt");
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains(digest.hex()) && text.contains("with 1 entry"),
        "{text}"
    );
    let output = verify("other.crt");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("cannot fetch https://"), "{text}");
}

#[test]
fn http_2_is_spoken_without_tls_too() {
    let doors = Doors::open("");
    let output = Command::new("curl")
        .args(["--silent", "--http2-prior-knowledge", "--output", "-"])
        .args(["--write-out", " %{http_version} %{http_code}"])
        .arg(format!("{}/v2/", doors.server.url()))
        .output();
    let Ok(output) = output else {
        return skip("curl is not installed");
    };
    let answer = said(&output);
    assert!(answer.ends_with(" 2 401"), "{answer}");
    assert!(answer.contains("UNAUTHORIZED"), "{answer}");
}

#[test]
fn skopeo_signs_in_over_tls() {
    let Some((dir, doors)) = start() else { return };
    if Command::new("skopeo").arg("--version").output().is_err() {
        return skip("skopeo is not installed");
    }
    let trusted = dir.path().join("trusted");
    fs::create_dir(&trusted).expect("a folder");
    fs::copy(dir.path().join("first.crt"), trusted.join("ca.crt")).expect("a copy");
    let host = doors.server.url().trim_start_matches("https://");
    let output = Command::new("skopeo")
        .args(["login", "--username", "operator", "--password"])
        .args([doors.operator_password(), "--cert-dir"])
        .arg(&trusted)
        .arg("--authfile")
        .arg(dir.path().join("auth.json"))
        .arg(host)
        .output()
        .expect("skopeo runs");
    assert!(output.status.success(), "{}", said(&output));
}
