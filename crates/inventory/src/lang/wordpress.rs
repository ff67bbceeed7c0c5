//! WordPress: plugins and themes by the comment at the head of their main file, and
//! WordPress itself (developer.wordpress.org, "Header requirements").

use super::lock;
use crate::{
    Confidence, FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
    licenses,
};

/// Reads the heads of plugins and themes, and `wp-includes/version.php`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "wordpress",
    wants: &[
        Want::Tail("/wp-includes/version.php"),
        Want::File(is_plugin_or_theme),
    ],
    read: Reading::Parts { read },
    ..Analyser::BASE
};

/// WordPress itself reads no more of a file for its comment.
const HEAD: usize = 8 << 10;

/// Where plugins are, those that nobody can turn off apart from the others.
static PLUGINS: &[&str] = &["wp-content/plugins/", "wp-content/mu-plugins/"];

/// Files directly within a plugin's or theme's own folder, and plugins of one file.
fn is_plugin_or_theme(file: &FileEntry) -> bool {
    (file.path.ends_with(".php") && plugin(&file.path).is_some())
        || (file.path.ends_with("/style.css") && folder(&file.path, "wp-content/themes/").is_some())
}

/// Returns the plugin's name: of its folder, or of its only file.
fn plugin(path: &str) -> Option<&str> {
    PLUGINS.iter().find_map(|parent| {
        let start = path.find(parent)? + parent.len();
        let only = path[start..].strip_suffix(".php");
        let only = only.filter(|name| !name.contains('/'));
        only.or_else(|| folder(path, parent))
    })
}

/// Returns the name of the folder that the file is directly in, below `parent`.
fn folder<'p>(path: &'p str, parent: &str) -> Option<&'p str> {
    let start = path.find(parent)? + parent.len();
    let (folder, file) = path[start..].split_once('/')?;
    (!file.contains('/')).then_some(folder)
}

fn read(path: &str, body: &Body) -> Findings {
    let head = body.head();
    let text = String::from_utf8_lossy(&head[..head.len().min(HEAD)]);
    if path.ends_with("wp-includes/version.php") {
        return core(&text);
    }
    let (name, kind, title) = match plugin(path) {
        Some(name) => (name, Kind::Wordpress, "Plugin Name"),
        None => match folder(path, "wp-content/themes/") {
            Some(name) => (name, Kind::WordpressTheme, "Theme Name"),
            None => return Findings::default(),
        },
    };
    let version = field(&text, "Version").filter(|version| lock::is_sound(version));
    // Each plugin has one file with a head, and many others.
    let (Some(_), Some(version)) = (field(&text, title), version) else {
        return Findings::default();
    };
    let license = field(&text, "License").and_then(licenses::normalise);
    Findings::packages(vec![Package {
        licenses: license.into_iter().collect(),
        maintainer: field(&text, "Author").map(str::to_owned),
        ..Package::new(kind, name, version)
    }])
}

/// Returns the value of `Key: value` behind the marks of a comment.
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let value = text.lines().find_map(|line| {
        let line = line.trim_start_matches([' ', '\t', '/', '*', '#', '@']);
        line.strip_prefix(key)?.strip_prefix(':')
    })?;
    let value = value.trim_end_matches("*/").trim();
    (!value.is_empty()).then_some(value)
}

/// `$wp_version = '6.4.2';`
fn core(text: &str) -> Findings {
    let assignment = text.split_once("$wp_version = '");
    let version = assignment.and_then(|(_, rest)| rest.split('\'').next());
    let Some(version) = version.filter(|version| lock::is_sound(version)) else {
        return Findings::unread("no `$wp_version`");
    };
    Findings::packages(vec![Package {
        cpes: vec![format!(
            "cpe:2.3:a:wordpress:wordpress:{version}:*:*:*:*:*:*:*"
        )],
        confidence: Confidence::Medium,
        ..Package::new(Kind::Generic, "wordpress", version)
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    fn of(path: &str, text: &str) -> Vec<String> {
        listed(&read(path, &Body::of(text.as_bytes().to_vec())))
    }

    #[test]
    fn reads_heads() {
        let plugin = "<?php\n/**\n * Plugin Name: Akismet Anti-spam\n * Version: 5.3\n * License: GPLv2 or later\n */";
        let path = "var/www/html/wp-content/plugins/akismet/akismet.php";
        assert_eq!(of(path, plugin), ["pkg:wordpress-plugin/akismet@5.3"]);
        let hello = "<?php\n/*\nPlugin Name: Hello Dolly\nVersion: 1.7.2\n*/";
        let path = "srv/wp-content/plugins/hello.php";
        assert_eq!(of(path, hello), ["pkg:wordpress-plugin/hello@1.7.2"]);
        let path = "srv/wp-content/mu-plugins/a/b.php";
        assert_eq!(of(path, hello), ["pkg:wordpress-plugin/a@1.7.2"]);
        assert_eq!(readers(path), ["wordpress"]);
        let theme = "/*\nTheme Name: Twenty\nVersion: 1.0 */";
        let path = "srv/wp-content/themes/twenty/style.css";
        assert_eq!(of(path, theme), ["pkg:wordpress-theme/twenty@1.0"]);
        let core = "<?php\n$wp_version = '6.4.2';\n";
        assert_eq!(
            of("srv/wp-includes/version.php", core),
            ["pkg:generic/wordpress@6.4.2"]
        );
    }

    #[test]
    fn what_is_none() {
        let path = "srv/wp-content/plugins/a/b.php";
        for text in [
            "",
            "<?php",
            "Version: 1",
            "Plugin Name: a",
            "Plugin Name: a\nVersion: 1 2",
        ] {
            assert!(of(path, text).is_empty(), "{text}");
        }
        let far = format!("Plugin Name: a\n{}Version: 1", " ".repeat(HEAD));
        assert!(of(path, &far).is_empty());
        assert_eq!(readers(path), ["wordpress"]);
        assert!(readers("srv/wp-content/plugins/a/b/c.php").is_empty());
        assert!(readers("srv/wp-content/plugin/index.php").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(path in "(wp-content/|plugins/|a|é|/){0,6}", text in "(Plugin Name|Version|License)?[: */é]{0,5}") {
            of(&path, &text);
        }
    }
}
