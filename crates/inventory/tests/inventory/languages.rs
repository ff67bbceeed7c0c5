//! What language package managers install and ask for, in one image.

use plimsoll_inventory::Claim;

use crate::support::{Layer, merged};

fn found(layers: impl IntoIterator<Item = Layer>) -> Vec<String> {
    let inventory = merged(layers);
    let components = inventory.components.iter();
    let one = components.map(|component| match component.claim {
        Claim::Installed => component.purl.clone(),
        claim => format!("{} {claim:?}", component.purl),
    });
    one.collect()
}

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
    "node_modules/a": {"version": "1.0.0"}, "node_modules/only-for-tests": {"version": "2.0.0"}}}"#;

#[test]
fn a_lock_file_counts_only_where_nothing_is_installed() {
    let locked = || Layer::new().file("srv/package-lock.json", LOCK);
    let declared = [
        "pkg:npm/a@1.0.0 Declared",
        "pkg:npm/only-for-tests@2.0.0 Declared",
    ];
    assert_eq!(found([locked()]), declared);
    let package = r#"{"name": "a", "version": "1.0.0"}"#;
    let installed = Layer::new().file("srv/node_modules/a/package.json", package);
    assert_eq!(found([locked(), installed]), ["pkg:npm/a@1.0.0"]);
    let elsewhere = Layer::new().file(
        "opt/node_modules/b/package.json",
        r#"{"name": "b", "version": "3.0.0"}"#,
    );
    assert_eq!(found([locked(), elsewhere]).len(), 3);
    // A member of a workspace is no tree of packages.
    let own = Layer::new().file(
        "srv/packages/own/package.json",
        r#"{"name": "own", "version": "1.0.0"}"#,
    );
    assert_eq!(found([locked(), own]).len(), 3);
}

#[test]
fn what_is_installed_speaks_for_what_is_asked_for() {
    let layer = Layer::new()
        .file("app/requirements.txt", "Requests==2.0\nflask==1.0\n")
        .file(
            "usr/lib/python3/site-packages/requests-2.1.dist-info/METADATA",
            "Name: requests\nVersion: 2.1\nLicense: Apache 2.0\n",
        );
    let expected = ["pkg:pypi/flask@1.0 Declared", "pkg:pypi/requests@2.1"];
    assert_eq!(found([layer]), expected);
}

#[test]
fn every_ecosystem_is_found() {
    let layer = Layer::new()
        .file(
            "opt/conda/conda-meta/a-1.json",
            r#"{"name": "a", "version": "1"}"#,
        )
        .file(
            "usr/lib/ruby/specifications/b.gemspec",
            "# stub: b 2 ruby lib\n",
        )
        .file(
            "srv/vendor/composer/installed.json",
            r#"[{"name": "c/c", "version": "3"}]"#,
        )
        .file(
            "srv/d.deps.json",
            r#"{"libraries": {"D/4": {"type": "package"}}}"#,
        )
        .file(
            "usr/lib/R/library/e/DESCRIPTION",
            "Package: e\nVersion: 5\nBuilt: R 4\n",
        )
        .file(
            "opt/ebin/stdlib.app",
            "{application, stdlib, [{vsn, \"6\"}]}.",
        )
        .file("opt/package.conf.d/f.conf", "name: f\nversion: 7\n")
        .file("nix/store/0c7c96gikmzv87i7lv3vq5s1cmfjd6zf-g-8/bin/g", "x")
        .file(
            "usr/lib/luarocks/rocks-5.4/h.rockspec",
            "package = \"h\"\nversion = \"9\"\n",
        )
        .file(
            "srv/wp-content/plugins/i/i.php",
            "Plugin Name: i\nVersion: 10\n",
        );
    let expected = [
        "pkg:nix/g@8",
        "pkg:conda/a@1",
        "pkg:gem/b@2",
        "pkg:composer/c/c@3",
        "pkg:nuget/D@4",
        "pkg:otp/stdlib@6",
        "pkg:cran/e@5",
        "pkg:hackage/f@7",
        "pkg:luarocks/h@9",
        "pkg:wordpress-plugin/i@10",
    ];
    let mut found = found([layer]);
    found.sort_unstable();
    let mut expected = expected.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_store_path_goes_with_its_files() {
    let path = "nix/store/0c7c96gikmzv87i7lv3vq5s1cmfjd6zf-g-8/bin/g";
    let layers = [Layer::new().file(path, "x"), Layer::new().whiteout("nix")];
    assert!(found(layers).is_empty());
}
