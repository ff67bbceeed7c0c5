//! What the tree is where layers are made in ways that are seldom seen, as runtimes unpack them.

use crate::support::{Layer, merged, names, status};

const STATUS: &str = "var/lib/dpkg/status";
const PACKAGE: &str = r#"{"name": "a", "version": "1.0.0"}"#;

fn debian() -> Layer {
    Layer::new().file(STATUS, status(&["a"]))
}

#[test]
fn a_whiteout_in_a_layers_own_folder_hides_nothing_where_a_link_led() {
    let base = || debian().symlink("d", "var/lib/dpkg").file("f/x", "");
    for upper in [
        Layer::new().dir("d").whiteout("d/status"),
        Layer::new().symlink("d", "f").whiteout("d/status"),
        Layer::new().dir("d").opaque("d"),
    ] {
        assert_eq!(names(&merged([base(), upper])), [("a", 0)]);
    }
    let upper = Layer::new().whiteout("d/status");
    assert!(
        names(&merged([base(), upper])).is_empty(),
        "through the link"
    );
}

#[test]
fn of_two_files_under_one_path_the_last_one_counts() {
    let path = "app/node_modules/a/package.json";
    let newer = PACKAGE.replace("1.0", "2.0");
    let twice = Layer::new().file(path, PACKAGE).file(path, newer);
    let inventory = merged([twice]);
    let versions: Vec<_> = inventory.components.iter().map(|it| &it.version).collect();
    assert_eq!(versions, ["2.0.0"]);
    let twice = Layer::new()
        .file(STATUS, status(&["a", "b"]))
        .file(STATUS, status(&["b"]));
    assert_eq!(names(&merged([twice])), [("b", 0)]);
    let broken = Layer::new().file(path, "{").file(path, PACKAGE);
    assert!(merged([broken]).problems.is_empty());
}

#[test]
fn what_takes_a_files_place_has_nothing_of_it() {
    let path = "app/node_modules/a/package.json";
    for gone in [
        Layer::new().file(path, PACKAGE).symlink(path, "nowhere"),
        Layer::new().file(path, PACKAGE).dir(path),
        Layer::new().file(path, PACKAGE).file(path, ""),
    ] {
        assert!(merged([gone]).components.is_empty());
    }
}

#[test]
fn a_hard_link_keeps_what_the_same_layer_hides_under_its_old_name() {
    let inventory = merged([
        Layer::new().file("app/node_modules/a/package.json", PACKAGE),
        Layer::new()
            .hardlink("srv/p/package.json", "app/node_modules/a/package.json")
            .whiteout("app/node_modules/a"),
    ]);
    assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
    let paths: Vec<_> = inventory.components.iter().map(|it| &it.path).collect();
    assert_eq!(paths, ["srv/p/package.json"]);
}

#[test]
fn a_hard_link_to_a_symbolic_link_is_another_such() {
    let inventory = merged([Layer::new()
        .file("real/dpkg/status", status(&["a"]))
        .symlink("s", "/real")
        .hardlink("var/lib", "s")]);
    assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
    assert_eq!(names(&inventory), [("a", 0)]);
}

#[test]
fn nothing_is_wasted_that_a_hard_link_shows() {
    let base = || {
        Layer::new()
            .file("big", "12345678")
            .hardlink("other", "big")
    };
    let wasted = |upper: Vec<Layer>| merged([base()].into_iter().chain(upper)).facts.wasted_bytes;
    assert_eq!(wasted(vec![Layer::new().whiteout("big")]), 0);
    let both = vec![Layer::new().whiteout("big"), Layer::new().whiteout("other")];
    assert_eq!(wasted(both), 8);
}

/// npm that is installed over the distribution's own one.
#[test]
fn what_is_written_over_a_distribution_packages_files_is_not_covered() {
    let path = "usr/lib/node_modules/npm/package.json";
    let npm = |version| format!(r#"{{"name": "npm", "version": "{version}"}}"#);
    let database = "P:npm\nV:9-r0\nF:usr/lib/node_modules/npm\nR:package.json\n\n";
    let base = || {
        Layer::new()
            .file("lib/apk/db/installed", database)
            .file(path, npm("9.0.0"))
    };
    let later = database.to_owned() + "P:curl\nV:8-r0\n\n";
    let over = Layer::new().file(path, npm("10.0.0"));
    let also = Layer::new().file("lib/apk/db/installed", later);
    let inventory = merged([base(), over, also]);
    assert_eq!(names(&inventory), [("curl", 2), ("npm", 0), ("npm", 1)]);
    let same = Layer::new().mode(path, 0o600, npm("9.0.0"));
    let inventory = merged([base(), same]);
    assert_eq!(names(&inventory), [("npm", 0)], "a copy with other rights");
    assert_eq!(inventory.covered.len(), 1);
}

/// Two chains of links that each lead round and round: what Linux would refuse to follow, or
/// take as long for.
#[test]
fn following_links_has_an_end() {
    let mut layer = Layer::new().dir("x");
    for chain in ["a", "b"] {
        for link in 0..38 {
            let name = if link == 0 {
                chain.to_owned()
            } else {
                format!("{chain}{link}")
            };
            let target = format!("{}{chain}{}", "x/../".repeat(18), link + 1);
            layer = layer.symlink(&name, &target);
        }
        layer = layer.dir(&format!("{chain}38"));
    }
    for file in 0..16_000 {
        let chain = if file % 2 == 0 { "a" } else { "b" };
        layer = layer.hardlink(&format!("{chain}/{file}"), "nothing");
    }
    let inventory = merged([layer]);
    let texts: Vec<_> = inventory.problems.iter().map(|it| &*it.text).collect();
    assert_eq!(texts.len(), 102, "each link to nothing is not told");
    assert_eq!(
        texts[100],
        "15900 more hard links to what is not in the image"
    );
    assert!(texts[101].contains("its links cost more"), "{}", texts[101]);
}

#[test]
fn paths_that_links_make_longer_than_any_system_takes_stay_as_written() {
    let long = vec!["d".repeat(200); 15].join("/");
    let inventory = merged([Layer::new()
        .file(&format!("{long}/package.json"), PACKAGE)
        .symlink("l", &format!("{long}/e"))
        .symlink(
            &format!("{long}/e"),
            &format!("/{long}/{}", "f".repeat(200)),
        )
        .file(
            &format!("l/{long}/package.json"),
            PACKAGE.replace("\"a\"", "\"b\""),
        )]);
    assert_eq!(names(&inventory).len(), 2);
}
