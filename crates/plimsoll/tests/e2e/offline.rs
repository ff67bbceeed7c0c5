//! The guide for consumers as it is written: a copy that is checked without a network, and the
//! verifier as Docker's plugin, run by Docker itself.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    has,
    market::{Market, fail, run, skopeo, succeed},
};

/// A consumer at a machine of their own, signed in, with the key that they were given.
struct Consumer {
    market: Market,
    home: PathBuf,
    image: String,
}

impl Consumer {
    fn new() -> Self {
        let (market, _) = Market::with_release();
        let home = market.signed_in("carl", &market.subscribe());
        fs::copy(market.public_key(), home.join("release.pub")).expect("the key is given");
        let image = format!("{}/acme/harbour:1.0", market.server.host());
        Self {
            market,
            home,
            image,
        }
    }

    fn here(&self, mut command: Command) -> Command {
        command.current_dir(&self.home).env("HOME", &self.home);
        command.env("DOCKER_CONFIG", &self.home);
        command.env_remove("XDG_STATE_HOME");
        command
    }

    fn verify(&self, args: &[&str]) -> Command {
        let mut verify = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        verify.arg("verify").args(args);
        self.here(verify)
    }

    fn copy(&self, from: &str, to: &str) {
        let from = format!("docker://{from}");
        let login = self.home.join("config.json").display().to_string();
        let plain = ["copy", "--src-tls-verify=false", "--authfile", &login];
        succeed(&mut self.here(skopeo(&[&plain[..], &[&from, to]].concat())));
    }
}

#[test]
fn a_copy_is_verified_while_the_market_is_gone() {
    if !has("skopeo") {
        return;
    }
    let mut carl = Consumer::new();
    let image = carl.image.clone();
    let name = image.trim_end_matches(":1.0").to_owned();
    let by = ["--key", "release.pub"];
    carl.copy(&image, "oci:copy:1.0");
    let said = succeed(&mut carl.verify(&[&["--digest", &image][..], &by].concat()));
    let (_, digest) = said.trim().split_once("@sha256:").expect("a digest");
    let beside = format!("sha256-{digest}.sig");
    carl.copy(&format!("{name}:{beside}"), &format!("oci:copy:{beside}"));
    let save = ["--save-proof", "copy/plimsoll-proof.json"];
    succeed(&mut carl.verify(&[&[image.as_str()][..], &by, &save].concat()));

    carl.market.server.kill().expect("it ends");
    fail(&mut carl.verify(&[&[image.as_str()][..], &by].concat()));
    let offline = |copy: &str, whose: &str| {
        let more = ["--identity", whose, "--max-age", "30"];
        run(&mut carl.verify(&[&[copy][..], &by, &more].concat()))
    };
    let good = offline("oci:copy:1.0", &name);
    let said = String::from_utf8_lossy(&[&good.stdout[..], &good.stderr].concat()).into_owned();
    assert_eq!(good.status.code(), Some(0), "{said}");
    for expected in [digest, &name, "as 1.0", "with 1 entry"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("warning"), "{said}");

    let other = format!("{}/acme/other", carl.market.server.host());
    assert_eq!(offline("oci:copy:1.0", &other).status.code(), Some(4));
    // The same image under a name that its publisher never gave it.
    let (from, to) = ("oci:copy:1.0", "oci:copy:2.0");
    succeed(&mut carl.here(skopeo(&["copy", from, to])));
    assert_eq!(offline("oci:copy:2.0", &name).status.code(), Some(5));
    let proof = carl.home.join("copy/plimsoll-proof.json");
    let text = fs::read_to_string(&proof).expect("a proof");
    let altered = text.replacen(r#""schema_version":1"#, r#""schema_version":2"#, 1);
    let altered = altered.replacen(r#""schema_version": 1"#, r#""schema_version": 2"#, 1);
    assert_ne!(altered, text);
    fs::write(&proof, altered).expect("written");
    assert!(!offline("oci:copy:1.0", &name).status.success());
    // Without the market's word a hold could have come since, and that is said; whoever asked how
    // old it is, or who else saw it, has no answer.
    fs::remove_file(proof).expect("removed");
    let unproven = offline("oci:copy:1.0", &name);
    let said = String::from_utf8_lossy(&unproven.stderr).into_owned();
    assert_eq!(unproven.status.code(), Some(4), "{said}");
    assert!(
        said.contains("there is no proof of it beside the image"),
        "{said}"
    );
    let bare = [&["oci:copy:1.0"][..], &by, &["--identity", &name]].concat();
    let bare = run(&mut carl.verify(&bare));
    let said = String::from_utf8_lossy(&bare.stderr).into_owned();
    assert!(bare.status.success() && said.contains("warning"), "{said}");
}

#[test]
fn docker_runs_the_verifier_as_its_plugin() {
    if !has("docker") {
        return;
    }
    let carl = Consumer::new();
    let plugins = carl.home.join("cli-plugins");
    fs::create_dir(&plugins).expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    symlink(program, plugins.join("docker-plimsoll")).expect("a link");
    let docker = |args: &[&str]| {
        let mut docker = Command::new("docker");
        docker.args(args);
        carl.here(docker)
    };
    let help = succeed(&mut docker(&["--help"]));
    assert!(help.contains("plimsoll*"), "{help}");
    let verify = ["plimsoll", "verify", &carl.image, "--key", "release.pub"];
    let said = succeed(&mut docker(&verify));
    assert!(
        said.starts_with("Verified ") && said.contains("as 1.0"),
        "{said}"
    );
    // Docker hands the exit code on.
    carl.market.manage("hold");
    let held = run(&mut docker(&verify));
    let said = String::from_utf8_lossy(&held.stderr);
    assert_eq!(held.status.code(), Some(5), "{said}");
    assert!(said.contains("it is on hold"), "{said}");
}
