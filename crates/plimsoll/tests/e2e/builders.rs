//! buildah and umoci: images made by tools, pushed, and built on.

use std::{fs, process::Command};

use crate::{
    has,
    market::{Market, skopeo, succeed},
};

#[test]
fn umoci_makes_and_buildah_builds_on_it() {
    if !(has("umoci") && has("buildah") && has("skopeo")) {
        return;
    }
    let market = Market::start();
    let dir = market.dir.path();
    let (host, token) = (market.server.host(), market.desk.token());
    let umoci = |args: &[&str]| {
        let mut command = Command::new("umoci");
        command.current_dir(dir).args(args);
        succeed(&mut command)
    };
    fs::write(dir.join("motd"), "made by umoci\n").expect("a file");
    umoci(&["init", "--layout", "made"]);
    umoci(&["new", "--image", "made:1"]);
    umoci(&["insert", "--image", "made:1", "motd", "/etc/motd"]);
    let platform = ["--architecture", "amd64", "--os", "linux"];
    umoci(&[&["config", "--image", "made:1"], platform.as_slice()].concat());
    let base = format!("{host}/staging/acme/umoci:1");
    succeed(&mut skopeo(&[
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        &format!("ann:{token}"),
        &format!("oci:{}:1", dir.join("made").display()),
        &format!("docker://{base}"),
    ]));

    let recipe = format!("FROM {base}\nCOPY motd /etc/issue\n");
    fs::write(dir.join("Containerfile"), recipe).expect("a file");
    let buildah = |args: &[&str]| {
        let mut command = Command::new("buildah");
        for (option, folder) in [("--root", "root"), ("--runroot", "run")] {
            command.arg(option).arg(dir.join("buildah").join(folder));
        }
        command.args(["--storage-driver", "vfs"]).args(args);
        command.env("REGISTRY_AUTH_FILE", dir.join("auth.json"));
        command.env("HOME", dir).current_dir(dir);
        succeed(&mut command)
    };
    let built = format!("{host}/staging/acme/built:1");
    let insecure = "--tls-verify=false";
    buildah(&["login", insecure, "-u", "ann", "-p", token, host]);
    let chroot = ["--isolation", "chroot"];
    buildah(&[&["bud", insecure, "-t", &built], chroot.as_slice(), &["."]].concat());
    buildah(&["push", insecure, &built]);
    buildah(&["rmi", "--all", "--force"]);
    let container = buildah(&["from", insecure, &built]);
    let mounted = buildah(&["mount", container.trim()]);
    let issue = fs::read_to_string(format!("{}/etc/issue", mounted.trim()));
    assert_eq!(issue.expect("what was built"), "made by umoci\n");
}
