//! docker with its own engine: images, several platforms, managed plugins.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    engine::Engine,
    market::{Market, fail, skopeo, succeed},
    skip,
};

#[test]
fn docker_logs_in_pulls_and_pushes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(engine) = Engine::start(&dir.path().join("engine")) else {
        return;
    };
    let (market, _) = Market::with_release();
    let docker = |args: &[&str]| engine.docker(dir.path(), args);
    let host = market.server.host();
    let image = format!("{host}/acme/harbour:1.0");

    let nobody = fail(&mut docker(&["pull", &image]));
    assert!(nobody.contains("subscribe to acme/harbour"), "{nobody}");
    let wrong = fail(&mut docker(&[
        "login",
        "-u",
        "carl",
        "-p",
        "wrong-password-indeed",
        host,
    ]));
    assert!(wrong.contains("password"), "{wrong}");

    let token = market.subscribe();
    succeed(&mut docker(&["login", "-u", "carl", "-p", &token, host]));
    succeed(&mut docker(&["pull", &image]));
    // Docker keeps a refresh token instead of the password; ours can use it too.
    let config = dir.path().join("config");
    let kept = fs::read_to_string(config.join("config.json")).expect("docker's configuration");
    assert!(kept.contains("identitytoken") && !kept.contains(&token));
    let mut plimsoll = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    plimsoll
        .env("DOCKER_CONFIG", &config)
        .env("PLIMSOLL_CACHE_DIR", dir.path().join("cache"));
    succeed(plimsoll.args(["sbom", &image]));

    succeed(&mut docker(&[
        "login",
        "-u",
        "ann",
        "-p",
        market.desk.token(),
        host,
    ]));
    let target = format!("{host}/staging/acme/harbour:docker");
    succeed(&mut docker(&["tag", &image, &target]));
    succeed(&mut docker(&["push", &target]));
    succeed(&mut docker(&["rmi", &target, &image]));
    succeed(&mut docker(&["pull", &target]));
}

#[test]
fn docker_takes_its_platform_of_several() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(engine) = Engine::start(&dir.path().join("engine")) else {
        return;
    };
    let market = Market::start();
    let Some(image) = market.push_two_platforms("many") else {
        return;
    };
    let docker = |args: &[&str]| engine.docker(dir.path(), args);
    let (host, token) = (market.server.host(), market.desk.token());
    succeed(&mut docker(&["login", "-u", "ann", "-p", token, host]));
    for (platform, architecture) in [("linux/amd64", "amd64"), ("linux/arm64", "arm64")] {
        succeed(&mut docker(&["pull", "--platform", platform, &image]));
        let format = ["image", "inspect", "--format", "{{.Architecture}}", &image];
        assert_eq!(succeed(&mut docker(&format)).trim(), architecture);
    }
    let absent = fail(&mut docker(&["pull", "--platform", "linux/s390x", &image]));
    assert!(absent.contains("no match"), "{absent}");
}

/// A volume plugin without volumes: it answers every question with the least there is.
const PLUGIN: &str = r#"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(void) {
    struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/run/docker/plugins/none.sock" };
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(at.sun_path);
    if (bind(s, (struct sockaddr *)&at, sizeof at) || listen(s, 8)) return 1;
    for (;;) {
        char in[4096] = "", out[512];
        int c = accept(s, 0, 0);
        if (c < 0 || read(c, in, sizeof in - 1) < 0) return 1;
        const char *say = strstr(in, "Plugin.Activate") ? "{\"Implements\":[\"VolumeDriver\"]}" : "{\"Volumes\":[]}";
        int n = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(say), say);
        if (write(c, out, n) != n) return 1;
        close(c);
    }
}
"#;
const PLUGIN_CONFIG: &str = r#"{"description":"none","documentation":"https://example.com","entrypoint":["/plugin"],
"interface":{"types":["docker.volumedriver/1.0"],"socket":"none.sock"},"network":{"type":"none"},"linux":{"capabilities":[]}}"#;

/// Builds the plugin's folder, or says why it cannot be built.
pub(crate) fn plugin(dir: &Path) -> Option<PathBuf> {
    let (plugin, source) = (dir.join("plugin"), dir.join("plugin.c"));
    fs::create_dir_all(plugin.join("rootfs/run/docker/plugins")).expect("a folder");
    fs::write(plugin.join("config.json"), PLUGIN_CONFIG).expect("a file");
    fs::write(&source, PLUGIN).expect("a file");
    let mut build = Command::new("cc");
    build.args(["-static", "-Os", "-o"]);
    build.arg(plugin.join("rootfs/plugin")).arg(&source);
    let built = build.output().is_ok_and(|output| output.status.success());
    if !built {
        skip("no static C program can be built");
    }
    built.then_some(plugin)
}

#[test]
fn docker_pushes_and_installs_a_plugin() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(plugin) = plugin(dir.path()) else {
        return;
    };
    let Some(engine) = Engine::start(&dir.path().join("engine")) else {
        return;
    };
    let market = Market::start();
    let docker = |args: &[&str]| engine.docker(dir.path(), args);
    let (host, token) = (market.server.host(), market.desk.token());
    let name = format!("{host}/staging/acme/volumes:1");
    succeed(&mut docker(&[
        "plugin",
        "create",
        &name,
        &plugin.display().to_string(),
    ]));
    // The engine shows what came of its try with TLS, not what the server says without.
    fail(&mut docker(&["plugin", "push", &name]));
    succeed(&mut docker(&["login", "-u", "ann", "-p", token, host]));
    succeed(&mut docker(&["plugin", "push", &name]));
    succeed(&mut docker(&["plugin", "rm", &name]));
    let install = [
        "plugin",
        "install",
        "--grant-all-permissions",
        "--alias",
        "none",
    ];
    succeed(&mut docker(&[install.as_slice(), &[&name]].concat()));
    let enabled = ["plugin", "inspect", "--format", "{{.Enabled}}", "none"];
    assert_eq!(succeed(&mut docker(&enabled)).trim(), "true");
    succeed(&mut docker(&["plugin", "disable", "none"]));
    let raw = succeed(&mut skopeo(&[
        "inspect",
        "--raw",
        "--tls-verify=false",
        "--creds",
        &format!("ann:{token}"),
        &format!("docker://{name}"),
    ]));
    assert!(
        raw.contains("application/vnd.docker.plugin.v1+json"),
        "{raw}"
    );
}
