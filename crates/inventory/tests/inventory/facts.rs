//! What packages brought, and what was put beside it.

use crate::support::{Layer, digest, merged, status};

fn key() -> String {
    let body = "aB3dE5gH7jK9".repeat(6);
    format!("-----BEGIN {} KEY-----\n{body}\n", "RSA PRIVATE")
}

/// Installs a package of these files, all of them keys.
fn package(layer: Layer, name: &str, paths: &[&str]) -> Layer {
    let list: String = paths.iter().map(|path| format!("/{path}\n")).collect();
    let list_path = format!("var/lib/dpkg/info/{name}:amd64.list");
    let layer = layer
        .file("var/lib/dpkg/status", status(&[name]))
        .file(&list_path, format!("/.\n{list}"));
    let add = |layer: Layer, path: &&str| layer.mode(path, 0o4755, key());
    paths.iter().fold(layer, add)
}

#[test]
fn what_a_package_brought_is_no_secret_and_no_leftover() {
    let paths = ["etc/app.d/keys", "usr/lib/app/id_rsa", "usr/lib/app/.env"];
    let linked = Layer::new().symlink("lib", "usr/lib");
    let inventory = merged([package(linked, "app", &paths)]);
    assert_eq!(inventory.facts.secrets, []);
    assert_eq!(inventory.facts.leftovers, []);
    // Nor after the package is gone, or where its list names files through a link.
    let gone = Layer::new()
        .file("var/lib/dpkg/status", status(&[]))
        .whiteout("var/lib/dpkg/info/app:amd64.list")
        .whiteout("etc/app.d");
    let merged_usr = Layer::new()
        .symlink("lib", "usr/lib")
        .file("var/lib/dpkg/info/app.list", "/lib/app/key.pem\n")
        .file("usr/lib/app/key.pem", key());
    let inventory = merged([package(Layer::new(), "app", &paths[..1]), gone, merged_usr]);
    assert_eq!(inventory.facts.secrets, []);
}

#[test]
fn what_people_put_beside_packages_is_looked_at() {
    let paths = ["etc/app.d/keys", "usr/lib/app/defaults"];
    let inventory = merged([
        package(Layer::new(), "app", &paths),
        Layer::new()
            .file("usr/src/app/.env", key())
            .file("usr/share/nginx/html/notes.conf", key())
            .file("usr/lib/app/config.yml", key())
            // In the place of the package's own.
            .file("etc/app.d/keys", key())
            .file("var/lib/apt/key.pem", key()),
    ]);
    let secrets = inventory.facts.secrets.iter();
    let found: Vec<_> = secrets.map(|it| (&*it.path, &it.layer)).collect();
    let top = digest(1);
    let expected = [
        "usr/src/app/.env",
        "usr/share/nginx/html/notes.conf",
        "usr/lib/app/config.yml",
        "etc/app.d/keys",
    ];
    assert_eq!(found, expected.map(|path| (path, &top)));
    let leftovers = inventory.facts.leftovers.iter();
    let names: Vec<_> = leftovers.map(|it| &*it.path).collect();
    assert_eq!(names, ["usr/src/app/.env"]);
}

/// Whoever builds an image may write lists of his own, but not into the databases unseen.
#[test]
fn lists_that_lie_elsewhere_hide_nothing() {
    let database = "P:app\nV:1\nF:srv\nR:keys\n\n";
    let conda = r#"{"name": "app", "version": "1", "files": ["bin/keys"]}"#;
    let hostile = Layer::new()
        .file("srv/dpkg/info/app.list", "/srv/keys\n/srv/id_rsa\n")
        .file("srv/dpkg/status.d/app.md5sums", "0  srv/keys\n")
        .file("srv/apk/db/installed", database)
        .file("srv/conda-meta/app.json", conda)
        .file("srv/keys", key())
        .file("srv/bin/keys", key())
        .mode("srv/id_rsa", 0o4755, "x");
    let inventory = merged([hostile]);
    let secrets = inventory.facts.secrets.iter();
    let found: Vec<_> = secrets.map(|it| &*it.path).collect();
    assert_eq!(found, ["srv/keys", "srv/bin/keys"]);
    assert_eq!(inventory.facts.leftovers.len(), 1);
    assert_eq!(inventory.facts.setuid[0].package, None);
    // A database that moved is one all the same.
    let moved = Layer::new()
        .symlink("lib/apk", "../srv/apk")
        .file("srv/apk/db/installed", database)
        .file("srv/keys", key());
    assert_eq!(merged([moved]).facts.secrets, []);
}

#[test]
fn who_brought_a_setuid_file_is_said() {
    let upper =
        Layer::new()
            .mode("opt/evil/su", 0o6755, "x")
            .mode("usr/bin/passwd", 0o4755, "another");
    let packages = package(Layer::new(), "login", &["usr/bin/su", "usr/bin/passwd"]);
    let inventory = merged([packages, upper]);
    let setuid = inventory.facts.setuid.iter();
    let found: Vec<_> = setuid
        .map(|it| (&*it.path, it.package.as_deref()))
        .collect();
    let expected = [
        ("opt/evil/su", None),
        ("usr/bin/passwd", None),
        ("usr/bin/su", Some("login")),
    ];
    assert_eq!(found, expected);
}
