//! What yarn locks: `yarn.lock` of version 1 (classic.yarnpkg.com) and of the later ones,
//! which is YAML with a `resolution` for each entry (yarnpkg.com, "Lockfile").

use super::{
    lock,
    text::{Line, lines, quoted},
};
use crate::{
    Package,
    analyser::{Analyser, Findings, Reading, Want},
};

/// Reads `yarn.lock`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "yarn",
    wants: &[Want::Name("yarn.lock")],
    read: Reading::Whole {
        most: lock::MOST,
        read,
    },
    ..Analyser::BASE
};

fn read(path: &str, bytes: &[u8]) -> Findings {
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    let text = String::from_utf8_lossy(bytes);
    let is_first = text.contains("# yarn lockfile v1");
    if !is_first && !text.contains("__metadata:") {
        return Findings::unread("neither a comment `yarn lockfile v1` nor `__metadata`");
    }
    let packages = if is_first { first(&text) } else { later(&text) };
    lock::findings(packages)
}

/// An entry begins with what is asked for, `a@^1, a@^1.2:`; its lines have no colons.
fn first(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut name = None;
    for line in text.lines() {
        if let Some(version) = line.strip_prefix("  version ") {
            let version = quoted(version).map_or(version, |(version, _)| version);
            packages.extend(name.map(|name| lock::of_npm(name, version.trim())));
            name = None;
        } else if !line.starts_with([' ', '#']) && !line.is_empty() {
            let asked = match quoted(line) {
                Some((asked, _)) => asked,
                None => line.split([',', ':']).next().unwrap_or(line),
            };
            // An alias is `alias@npm:name@^1`.
            name = asked_name(asked, line);
        }
    }
    packages
}

fn asked_name<'t>(asked: &'t str, line: &'t str) -> Option<&'t str> {
    let (name, range) = lock::at(asked)?;
    let range = match quoted(line) {
        Some(_) => range,
        // The split at the colon has cut it off.
        None => lock::at(line)?.1,
    };
    // A folder is the project's own; an archive may be anybody's.
    if range.starts_with("file:") && !range.contains(".tgz") {
        return None;
    }
    match range.strip_prefix("npm:").map(lock::at) {
        Some(Some((real, _))) => Some(real),
        _ => Some(name),
    }
}

/// What is resolved is `name@npm:1.0.0`, or for patched packages `name@patch:…`.
fn later(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut version = "";
    for line in lines(text) {
        match line {
            Line { indent: 0, .. } => version = "",
            Line {
                indent: 2,
                key: "version",
                value,
            } => version = value,
            Line {
                indent: 2,
                key: "resolution",
                value,
            } => {
                let resolved = lock::at(value).filter(|(_, from)| is_fetched(from));
                packages.extend(resolved.map(|(name, _)| lock::of_npm(name, version)));
            }
            _ => {}
        }
    }
    packages
}

/// Folders of the project itself are not fetched from anywhere.
fn is_fetched(from: &str) -> bool {
    let own = ["workspace:", "link:", "portal:", "file:"];
    !own.iter().any(|protocol| from.starts_with(protocol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_version_1() {
        let findings = read(
            "srv/yarn.lock",
            b"# yarn lockfile v1\n\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\":\n  version \"7.12.11\"\n  \
            resolved \"https://example.org/x\"\n  dependencies:\n    version \"^1\"\n\n\
            debug@4, debug@^4.1:\n  version \"4.3.1\"\n\n\
            alias@npm:real@^1:\n  version \"1.0.1\"\n\n\
            \"own@file:./own\":\n  version \"0.0.1\"\n\nown2@file:own2:\n  version \"0.0.1\"\n\n\
            \"a2@npm:@s/real@^2\":\n  version \"2.0.1\"\n",
        );
        let expected = [
            "pkg:npm/debug@4.3.1 Declared",
            "pkg:npm/real@1.0.1 Declared",
            "pkg:npm/%40babel/core@7.12.11 Declared",
            "pkg:npm/%40s/real@2.0.1 Declared",
        ];
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn reads_later_versions() {
        let findings = read(
            "yarn.lock",
            b"# This file is generated\n\n__metadata:\n  version: 8\n\n\
            \"@s/a@npm:^1.0.0, @s/a@npm:^1.1.0\":\n  version: 1.1.0\n  resolution: \"@s/a@npm:1.1.0\"\n  \
            dependencies:\n    version: \"npm:^3\"\n\n\
            \"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n\n\
            ? \"typescript@patch:x\"\n:\n  version: 4.9.5\n  resolution: \"typescript@patch:typescript@npm%3A4.9.5#~b\"\n",
        );
        let expected = [
            "pkg:npm/typescript@4.9.5 Declared",
            "pkg:npm/%40s/a@1.1.0 Declared",
        ];
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn what_is_no_lock() {
        for text in ["", "a", "a@1:\n  version \"1\"\n"] {
            let findings = read("yarn.lock", text.as_bytes());
            assert!(
                findings.found.is_empty() && findings.problems.len() == 1,
                "{text}"
            );
        }
        let within = read("srv/node_modules/a/yarn.lock", b"");
        assert!(within.problems.is_empty());
        assert_eq!(readers("srv/yarn.lock"), ["yarn"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(# yarn lockfile v1|__metadata:)\n([ @:,\"é\na]|version |resolution: ){0,60}") {
            read("yarn.lock", text.as_bytes());
        }
    }
}
